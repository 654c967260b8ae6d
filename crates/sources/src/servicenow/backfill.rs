//! ServiceNow's past through its Table API, and what changed since.
//!
//! Records are read in the order of their last change. Page numbers would move when a record changes meanwhile, so each
//! question begins at the second the one before ended in, which asks for the records of that second once more; where one
//! second has more records than a page, it is read by `sys_id`.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::place::{Place, naive};
use super::{RESULT, SITE};
use crate::fields;
use crate::json::text;
use crate::poll::{
    Backfill, Host, Outcome, Part, PollError, Progress, Reader, Refusal, Settings, Vendor, authorization, check_address,
};

pub(super) const BACKFILL: Backfill = Backfill {
    api_url: "",
    permissions: "a user with `web_service_access_only` that may read the table (role `itil` or `sn_incident_read`), with a \
                  password, or an OAuth token",
    options: &[
        ("table", "the table, `incident` unless said otherwise; one that extends it does too"),
        ("query", "an encoded query that narrows what is read, such as `priority<=2^category=software`"),
        ("fields", fields::DOC),
    ],
    every: Duration::from_secs(900),
    overlap: Duration::from_secs(300),
    check,
    run,
};

const VENDOR: Vendor = Vendor {
    name: "ServiceNow",
    said: |body| {
        let said = ["message", "detail"].into_iter().filter_map(|name| text(body.pointer(&format!("/error/{name}"))));
        let said: Vec<&str> = said.collect();
        (!said.is_empty()).then(|| said.join(": "))
    },
    credentials: "`user` and `password` of the source, or its `token`",
};

/// Most records on a page.
const LIMIT: usize = 500;
/// How often a list of several pages is read at most: until nothing comes that had not come before.
const PASSES: usize = 8;
/// So many records in a row may be there that the user may not see.
const HIDDEN: usize = 1_000_000;
/// How often an answer may be none to what was asked.
const MISFITS: usize = 6;
/// What the parser reads.
const COLUMNS: &str = "sys_id,number,sys_class_name,short_description,state,incident_state,active,priority,severity,\
                       opened_at,sys_created_on,resolved_at,closed_at,reopened_time,reopen_count,sys_updated_on,\
                       sys_mod_count,cmdb_ci,business_service,service_offering,assignment_group,cause";

fn option<'a>(settings: &'a Settings, name: &str) -> &'a str {
    settings.options.get(name).map_or("", |value| value.trim())
}

fn table(settings: &Settings) -> &str {
    Some(option(settings, "table")).filter(|table| !table.is_empty()).unwrap_or("incident")
}

fn check(settings: &Settings) -> Result<(), String> {
    check_address(&settings.api_url, "https://INSTANCE.service-now.com")?;
    if !settings.repositories.is_empty() || !settings.owners.is_empty() {
        return Err("ServiceNow has no repositories and owners; narrow what is read with the option `query`".to_owned());
    }
    if !table(settings).bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
        return Err(format!("table: `{}` is no table", table(settings).escape_debug()));
    }
    let query = option(settings, "query");
    if ["^NQ", "ORDERBY", "GROUPBY"].iter().any(|word| query.contains(word)) {
        return Err("query: it may neither order (ORDERBY), group (GROUPBY) nor begin anew (^NQ)".to_owned());
    }
    fields::read(option(settings, "fields"))?;
    authorization(&settings.credentials, "Bearer ").map(|_| ())
}

fn run(settings: &Settings, host: &mut dyn Host) -> Outcome {
    let headers = |authorization| vec![("authorization", authorization), ("accept", "application/json".to_owned())];
    match authorization(&settings.credentials, "Bearer ") {
        Ok(authorization) => Reader::run(settings, host, VENDOR, headers(authorization), everything),
        Err(why) => (Progress::default(), Err(PollError::Failed(why))),
    }
}

fn everything(reader: &mut Reader<'_>) -> Result<(), PollError> {
    let table = table(reader.settings).to_owned();
    reader.part(&table, &table, |reader| {
        let mut found = BTreeSet::new();
        for pass in 0..PASSES {
            let before = found.len();
            let pages = read(reader, &table, pass == 0, &mut found)?;
            if pages <= 1 || (pass > 0 && found.len() == before) {
                break;
            }
        }
        Ok(())
    })?;
    Ok(())
}

/// One pass over the table; how many pages it had.
fn read(reader: &mut Reader<'_>, table: &str, first: bool, found: &mut BTreeSet<[String; 3]>) -> Part<usize> {
    let begin = reader.settings.since.map_or(Place::Begin, |since| Place::From(naive(since)));
    let known = if first { reader.place(table)? } else { None };
    // The pages of before an interruption count as one.
    let mut pages = usize::from(known.is_some());
    let mut place = known.map_or(begin, Place::From);
    let (mut offset, mut misfits) = (0, 0);
    let what = format!("the table {table}");
    loop {
        let got = reader.get(&address(reader, table, &place, offset)?, &what)?;
        let Some(items) = got.value.get(RESULT).and_then(Value::as_array) else {
            return Err(Refusal::this(None, format!("a page of {what} is no list; is `api_url` right?")));
        };
        let mut rows: Vec<[String; 3]> = items.iter().filter_map(row).collect();
        if rows.len() < items.len() || !rows.iter().all(|[changed, id, _]| place.has(changed, id)) {
            misfits += 1;
            if misfits >= MISFITS {
                let why = format!(
                    "ServiceNow answers for {what} with records that were not asked for, again and again; may the user \
                     read `sys_id` and `sys_updated_on`, and is the user's time zone GMT?"
                );
                return Err(Refusal::this(None, why));
            }
            continue;
        }
        let more = items.len() >= LIMIT || got.next;
        let count = items.len();
        reader.keep("records", table, context(reader.settings), got.body, count)?;
        pages += 1;
        rows.sort();
        let last = rows.last().map(|[changed, id, _]| (changed.clone(), id.clone()));
        found.extend(rows);
        let next = match (more, last) {
            (false, _) => place.done(),
            // Records that the user may not see are left out of a page after it was counted.
            (true, None) if offset < HIDDEN => {
                offset += LIMIT;
                continue;
            }
            (true, last) => place.after(last),
        };
        let Some(next) = next else { return Ok(pages) };
        if let (true, Place::From(second)) = (first, &next) {
            reader.reach(table, second)?;
        }
        (place, offset) = (next, 0);
    }
}

/// When a record changed, its id, and how often it had changed.
fn row(item: &Value) -> Option<[String; 3]> {
    let field = |name: &str| {
        let field = item.get(name)?;
        text(Some(field)).or_else(|| text(field.get("value"))).map(str::to_owned)
    };
    Some([field("sys_updated_on")?, field("sys_id")?, field("sys_mod_count").unwrap_or_default()])
}

fn context(settings: &Settings) -> Vec<(&'static str, String)> {
    let mut context = vec![(SITE, settings.api_url.clone())];
    let given = option(settings, "fields");
    if !given.is_empty() {
        context.push((fields::OPTION, given.to_owned()));
    }
    context
}

fn address(reader: &Reader<'_>, table: &str, place: &Place, offset: usize) -> Part<String> {
    let settings = reader.settings;
    let mut columns = COLUMNS.to_owned();
    let own = fields::read(option(settings, "fields")).map_err(Refusal::everything)?;
    own.iter().for_each(|(_, own)| columns.extend([",", own]));
    let mut query = vec![
        ("sysparm_query", place.query(option(settings, "query"))),
        ("sysparm_display_value", "all".to_owned()),
        ("sysparm_exclude_reference_link", "true".to_owned()),
        ("sysparm_fields", columns),
        ("sysparm_limit", LIMIT.to_string()),
    ];
    if offset > 0 {
        query.push(("sysparm_offset", offset.to_string()));
    }
    let url = Url::parse_with_params(&format!("{}/api/now/table/{table}", settings.api_url), query);
    url.map(String::from).map_err(|error| Refusal::everything(format!("api_url is not an address: {error}")))
}
