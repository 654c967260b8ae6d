//! Jira's past through its search, and what changed since.
//!
//! Issues are searched in the order of their last change, with their changes. While pages are read an issue that changes
//! moves to the end and all after it move up, so a search of several pages is made again until nothing new comes. Times
//! are asked for in milliseconds since 1970: written as dates they would be read in the time zone of whoever asks.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::Timestamp;
use serde_json::Value;
use url::Url;

use super::rules::{LABELS, PROJECTS, TYPES};
use crate::fields;
use crate::json::text;
use crate::poll::{
    Backfill, Host, Outcome, Part, PollError, Progress, Reader, Refusal, Settings, Vendor, authorization, check_address,
};

pub(super) const BACKFILL: Backfill = Backfill {
    api_url: "",
    permissions: "a user that may browse the projects: in the cloud its address as `user` with an API token as `password`, \
                  on a server a personal access token as `token`",
    options: &[
        ("issue_types", "types of issues that are incidents, by name or id, after commas"),
        ("labels", "labels that make an issue an incident, after commas; `incident, outage` unless said otherwise"),
        ("projects", "keys of projects all of whose issues are incidents, after commas"),
        ("jql", "a query that narrows what is read, or says it where `repositories` names no projects"),
        ("api", "`cloud` or `server`; by the address unless said"),
        ("fields", fields::DOC),
    ],
    every: Duration::from_secs(900),
    overlap: Duration::from_secs(600),
    check,
    run,
};

const VENDOR: Vendor = Vendor {
    name: "Jira",
    said: |body| {
        let messages = body.get("errorMessages").and_then(Value::as_array).into_iter().flatten();
        let errors = body.get("errors").and_then(Value::as_object).into_iter().flatten().map(|(_, said)| said);
        let said: Vec<&str> = messages.chain(errors).chain(body.get("message")).filter_map(Value::as_str).collect();
        (!said.is_empty()).then(|| said.join("; "))
    },
    credentials: "`user` and `password` (an API token of https://id.atlassian.com) of the source, or on a server its `token`",
};

/// The list on a page.
pub(super) const ISSUES: &str = "issues";
/// Most issues on a page.
const LIMIT: &str = "100";
/// A search that still moves after so many passes moves faster than it can be read; the next run reads on.
const PASSES: usize = 8;
/// What the parser reads.
const COLUMNS: &str = "summary,issuetype,project,status,priority,labels,components,versions,fixVersions,created,updated,\
                       resolutiondate,statuscategorychangedate";

fn option<'a>(settings: &'a Settings, name: &str) -> &'a str {
    settings.options.get(name).map_or("", |value| value.trim())
}

fn check(settings: &Settings) -> Result<(), String> {
    check_address(&settings.api_url, "https://YOUR-SITE.atlassian.net or https://jira.example.org")?;
    if !settings.owners.is_empty() {
        return Err("Jira has no owners; name keys of projects as `repositories`".to_owned());
    }
    if let Some(key) = projects(settings).into_iter().find(|key| !is_key(key)) {
        return Err(format!("`{}` is no key of a project, such as OPS", key.escape_debug()));
    }
    if option(settings, "jql").to_ascii_lowercase().contains("order by") {
        return Err("jql: it may not order; Leadline reads in the order of the last change".to_owned());
    }
    if projects(settings).is_empty() && option(settings, "jql").is_empty() {
        return Err("nothing says what to read; set `repositories` to keys of projects, or the option `jql`".to_owned());
    }
    if !matches!(option(settings, "api"), "" | "cloud" | "server") {
        return Err("api: it takes `cloud` or `server`".to_owned());
    }
    fields::read(option(settings, "fields"))?;
    authorization(&settings.credentials, "Bearer ").map(|_| ())
}

/// Those to read: the projects that were named, else those that hold nothing but incidents.
fn projects(settings: &Settings) -> Vec<&str> {
    if !settings.repositories.is_empty() {
        return settings.repositories.iter().map(String::as_str).collect();
    }
    let all = option(settings, "projects").split(',').map(str::trim).filter(|key| !key.is_empty());
    if option(settings, "jql").is_empty() { all.collect() } else { Vec::new() }
}

fn is_key(key: &str) -> bool {
    (1..=100).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn run(settings: &Settings, host: &mut dyn Host) -> Outcome {
    let headers = |authorization| vec![("authorization", authorization), ("accept", "application/json".to_owned())];
    match authorization(&settings.credentials, "Bearer ") {
        Ok(authorization) => Reader::run(settings, host, VENDOR, headers(authorization), everything),
        Err(why) => (Progress::default(), Err(PollError::Failed(why))),
    }
}

fn everything(reader: &mut Reader<'_>) -> Result<(), PollError> {
    let of = projects(reader.settings).join(",");
    let of = if of.is_empty() { "the search".to_owned() } else { of };
    reader.part(&of, ISSUES, |reader| {
        let mut found = BTreeSet::new();
        for pass in 0..PASSES {
            let before = found.len();
            let pages = search(reader, &of, pass == 0, &mut found)?;
            if pages <= 1 || (pass > 0 && found.len() == before) {
                break;
            }
        }
        Ok(())
    })?;
    Ok(())
}

/// One pass over the search; how many pages it had.
fn search(reader: &mut Reader<'_>, of: &str, first: bool, found: &mut BTreeSet<(String, String)>) -> Part<usize> {
    let known = if first { reader.place(ISSUES)?.and_then(|place| place.parse().ok()) } else { None };
    let since = known.map(Timestamp::from_micros).or(reader.settings.since);
    let what = format!("issues of {of}");
    // Those of before an interruption count as one: what they lost by moving, a second pass finds.
    let mut pages = usize::from(known.is_some());
    let (mut next, mut trail) = (Next::First, BTreeSet::new());
    loop {
        let url = address(reader.settings, since, &next)?;
        if !trail.insert(url.clone()) {
            return Err(Refusal::this(None, format!("the pages of {what} go round in a circle; try again later")));
        }
        let got = reader.get(&url, &what)?;
        let Some(issues) = got.value.get(ISSUES).and_then(Value::as_array) else {
            return Err(Refusal::this(None, format!("a page of {what} is no list; are `api_url` and `api` right?")));
        };
        let word = |issue: &Value, pointer: &str| text(issue.pointer(pointer)).unwrap_or_default().to_owned();
        found.extend(issues.iter().map(|issue| (word(issue, "/key"), word(issue, "/fields/updated"))));
        let changed = |issue: &Value| Timestamp::parse(&word(issue, "/fields/updated")).ok();
        let (count, last) = (issues.len(), issues.iter().filter_map(changed).max());
        next = next.after(&got.value, count);
        reader.keep(ISSUES, of, context(reader.settings), got.body, count)?;
        pages += 1;
        if let (true, Some(last)) = (first, last) {
            reader.reach(ISSUES, &last.micros().to_string())?;
        }
        if next == Next::None {
            return Ok(pages);
        }
    }
}

/// Which page comes next: the cloud names it, servers count.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Next {
    First,
    Token(String),
    At(u64),
    None,
}

impl Next {
    /// After a page with so many issues.
    fn after(&self, page: &Value, count: usize) -> Next {
        if let Some(total) = page.get("total").and_then(Value::as_u64) {
            let at = match self {
                Next::At(at) => *at,
                _ => 0,
            };
            let at = at + count as u64;
            return if count == 0 || at >= total { Next::None } else { Next::At(at) };
        }
        let last = page.get("isLast").and_then(Value::as_bool) == Some(true);
        match text(page.get("nextPageToken")).filter(|_| !last) {
            Some(token) => Next::Token(token.to_owned()),
            None => Next::None,
        }
    }
}

/// Which changed at an instant or later.
fn query(settings: &Settings, since: Option<Timestamp>) -> String {
    let projects: Vec<String> = projects(settings).iter().map(|key| format!("\"{key}\"")).collect();
    let narrow = option(settings, "jql");
    let terms = [
        (!projects.is_empty()).then(|| format!("project in ({})", projects.join(", "))),
        (!narrow.is_empty()).then(|| format!("({narrow})")),
        since.map(|since| format!("updated >= {}", since.micros().div_euclid(1_000))),
    ];
    let terms: Vec<String> = terms.into_iter().flatten().collect();
    format!("{} ORDER BY updated ASC, key ASC", terms.join(" AND "))
}

fn address(settings: &Settings, since: Option<Timestamp>, next: &Next) -> Part<String> {
    let api = &settings.api_url;
    let cloud = match option(settings, "api") {
        "" => api.contains(".atlassian.net") || api.contains("//api.atlassian.com/"),
        api => api == "cloud",
    };
    let mut columns = COLUMNS.to_owned();
    let own = fields::read(option(settings, "fields")).map_err(Refusal::everything)?;
    own.iter().for_each(|(_, own)| columns.extend([",", own]));
    let mut parts = vec![
        ("jql", query(settings, since)),
        ("fields", columns),
        ("expand", "changelog".to_owned()),
        ("maxResults", LIMIT.to_owned()),
    ];
    match next {
        Next::Token(token) => parts.push(("nextPageToken", token.clone())),
        Next::At(at) => parts.push(("startAt", at.to_string())),
        Next::First | Next::None => {}
    }
    let path = if cloud { "/rest/api/3/search/jql" } else { "/rest/api/2/search" };
    let url = Url::parse_with_params(&format!("{api}{path}"), parts);
    url.map(String::from).map_err(|error| Refusal::everything(format!("api_url is not an address: {error}")))
}

fn context(settings: &Settings) -> Vec<(&'static str, String)> {
    let options =
        [(TYPES, "issue_types"), (LABELS, "labels"), (PROJECTS, "projects"), (fields::OPTION, "fields")].into_iter();
    let given = options.map(|(header, name)| (header, option(settings, name).to_owned()));
    given.filter(|(_, value)| !value.is_empty()).collect()
}
