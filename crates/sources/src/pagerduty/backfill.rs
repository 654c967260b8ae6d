//! PagerDuty's past through its REST API.
//!
//! Incidents can be asked for by when they were made and not by when they changed, so the log entries of the same time
//! are read too: they tell of every incident to which something happened, however old it is, and when it was
//! acknowledged, which an incident that is resolved has forgotten. The API answers for at most six months and 10,000
//! rows at once: time is cut into windows of a month, and those with more rows are halved.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::Timestamp;
use domain::time::{DAY, SECOND};
use serde_json::Value;
use url::Url;

use super::page::{INCIDENTS, LOG_ENTRIES, SERVICES};
use crate::json::text;
use crate::poll::{
    Backfill, Host, Outcome, Part, PollError, Progress, Reader, Refusal, Settings, Vendor, authorization, check_address,
};

pub(super) const BACKFILL: Backfill = Backfill {
    api_url: "https://api.pagerduty.com",
    permissions: "a REST API key, read-only is enough; `repositories` may name the ids of services, `owners` those of teams",
    options: &[],
    every: Duration::from_secs(900),
    overlap: Duration::from_secs(600),
    check,
    run,
};

const VENDOR: Vendor = Vendor {
    name: "PagerDuty",
    said: |body| {
        let errors = body.pointer("/error/errors").and_then(Value::as_array).into_iter().flatten();
        let errors: Vec<&str> = errors.filter_map(Value::as_str).collect();
        let message = text(body.pointer("/error/message")).or_else(|| text(body.get("error")))?;
        Some(if errors.is_empty() { message.to_owned() } else { format!("{message}: {}", errors.join(", ")) })
    },
    credentials: "Integrations, API Access Keys, and set one as `token`, `token_file` or `token_env` of the source",
};

/// Most rows on a page.
const LIMIT: u64 = 100;
/// Further than this PagerDuty does not count.
const ROWS: u64 = 10_000;
/// What is asked for at once, in microseconds; PagerDuty takes up to six months.
const WINDOW: i64 = 30 * DAY;
/// A list that still moves after so many passes moves faster than it can be read; the next run reads on.
const PASSES: usize = 8;

fn check(settings: &Settings) -> Result<(), String> {
    check_address(&settings.api_url, "https://api.pagerduty.com or https://api.eu.pagerduty.com")?;
    let plain = |id: &&String| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if let Some(id) = settings.repositories.iter().chain(&settings.owners).find(|id| !plain(id)) {
        return Err(format!(
            "`{}` is no id of PagerDuty; `repositories` takes ids of services such as PF9KMXH, `owners` those of teams",
            id.escape_debug()
        ));
    }
    headers(settings).map(|_| ())
}

fn headers(settings: &Settings) -> Result<Vec<(&'static str, String)>, String> {
    let key = authorization(&settings.credentials, "Token token=")?;
    if key.starts_with("Basic ") {
        return Err("PagerDuty is asked with a token".to_owned());
    }
    Ok(vec![("authorization", key), ("accept", "application/vnd.pagerduty+json;version=2".to_owned())])
}

fn run(settings: &Settings, host: &mut dyn Host) -> Outcome {
    match headers(settings) {
        Ok(headers) => Reader::run(settings, host, VENDOR, headers, everything),
        Err(why) => (Progress::default(), Err(PollError::Failed(why))),
    }
}

/// Windows from the oldest to the newest; what happened while they were read comes in a last one.
fn everything(reader: &mut Reader<'_>) -> Result<(), PollError> {
    let Some(begin) = reader.part("the account", INCIDENTS, begin)?.flatten() else { return Ok(()) };
    let mut from = begin;
    for _ in 0..PASSES {
        let until = reader.host.now();
        while from < until {
            let to = from.plus(WINDOW).min(until);
            let incidents = reader.part("the account", INCIDENTS, |reader| list(reader, INCIDENTS, from, to))?;
            let entries = reader.part("the account", LOG_ENTRIES, |reader| list(reader, LOG_ENTRIES, from, to))?;
            from = to;
            // What failed is read again when this run goes on.
            if incidents.is_none() || entries.is_none() {
                return Ok(());
            }
            reader.part("the account", LOG_ENTRIES, |reader| reader.reach("window", &to.micros().to_string()))?;
        }
        // A moment's reading needs no second look: the next poll overlaps it.
        if reader.host.now().since(until) < 60 * SECOND {
            break;
        }
    }
    Ok(())
}

/// Where to begin: where this run was interrupted, at what was asked for, or with the first incident there is.
fn begin(reader: &mut Reader<'_>) -> Part<Option<Timestamp>> {
    let place = reader.place("window")?;
    if let Some(place) = place.and_then(|place| place.parse().ok()) {
        return Ok(Some(Timestamp::from_micros(place)));
    }
    if let Some(since) = reader.settings.since {
        return Ok(Some(since));
    }
    let more = [("date_range", "all"), ("sort_by", "created_at:asc"), ("limit", "1")];
    let url = address(reader, INCIDENTS, &more)?;
    let first = reader.get(&url, "the first incident")?.value;
    let at = text(first.pointer("/incidents/0/created_at")).and_then(|at| Timestamp::parse(at).ok());
    Ok(at)
}

/// Reads a list of a window to its end. Where it is longer than PagerDuty counts, its halves are read. A list that is
/// not whole, because pages moved or came twice, is read again until nothing new comes.
fn list(reader: &mut Reader<'_>, resource: &'static str, from: Timestamp, to: Timestamp) -> Part<()> {
    let what = resource.replace('_', " ");
    let query = window(reader, resource, from, to);
    let mut found: BTreeSet<String> = BTreeSet::new();
    for _ in 0..PASSES {
        let (mut offset, mut pages, mut news, mut total) = (0, 0, false, None);
        loop {
            let at = offset.to_string();
            let parts: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let url = address(reader, resource, &[parts, vec![("offset", &at)]].concat())?;
            let got = reader.get(&url, &what)?;
            let items = got.value.get(resource).and_then(Value::as_array);
            let Some(items) = items else {
                return Err(Refusal::this(None, format!("a page of {what} is no list; is `api_url` right?")));
            };
            total = got.value.get("total").and_then(Value::as_u64).or(total);
            let (count, more) = (items.len(), got.value.get("more").and_then(Value::as_bool) == Some(true));
            let beyond = more && offset + 2 * LIMIT > ROWS;
            if beyond || total.is_some_and(|total| total > ROWS) {
                return halves(reader, resource, from, to);
            }
            for item in items {
                news |= text(item.get("id")).is_some_and(|id| found.insert(id.to_owned()));
            }
            let context = context(reader.settings);
            reader.keep(resource, "account", context, got.body, count)?;
            pages += 1;
            offset += LIMIT;
            if !more {
                break;
            }
        }
        let all = total.is_some_and(|total| found.len() as u64 >= total);
        if all || !news || (pages <= 1 && total.is_none()) {
            return Ok(());
        }
    }
    Ok(())
}

/// What is asked about a window.
fn window(reader: &mut Reader<'_>, resource: &str, from: Timestamp, to: Timestamp) -> Vec<(&'static str, String)> {
    let mut query = vec![
        ("since", second(from, 0)),
        ("until", second(to, SECOND - 1)),
        ("limit", LIMIT.to_string()),
        ("total", "true".to_owned()),
    ];
    if resource == INCIDENTS {
        query.push(("sort_by", "created_at:asc".to_owned()));
    } else {
        // Old entries matter for what happened, recent ones also for what else changed, such as a priority.
        let old = to < reader.host.now().plus(-DAY);
        query.push(("include[]", "incidents".to_owned()));
        query.push(("is_overview", old.to_string()));
    }
    query
}

/// Reads the two halves of a window that has more rows than PagerDuty counts.
fn halves(reader: &mut Reader<'_>, resource: &'static str, from: Timestamp, to: Timestamp) -> Part<()> {
    if to.since(from) <= 2 * SECOND {
        let why = format!(
            "PagerDuty has more than {ROWS} {} in two seconds, which it does not show",
            resource.replace('_', " ")
        );
        return Err(Refusal::this(None, why));
    }
    let middle = from.plus(to.since(from) / 2);
    list(reader, resource, from, middle)?;
    list(reader, resource, middle, to)
}

/// In whole seconds, as PagerDuty counts; `more` microseconds later, so that a part of a second is not left out.
fn second(at: Timestamp, more: i64) -> String {
    Timestamp::from_micros((at.micros() + more).div_euclid(SECOND) * SECOND).to_string()
}

fn context(settings: &Settings) -> Vec<(&'static str, String)> {
    if settings.repositories.is_empty() { Vec::new() } else { vec![(SERVICES, settings.repositories.join(","))] }
}

fn address(reader: &Reader<'_>, resource: &str, more: &[(&str, &str)]) -> Part<String> {
    let settings = reader.settings;
    let url = Url::parse(&format!("{}/{resource}", settings.api_url));
    let mut url = url.map_err(|error| Refusal::everything(format!("api_url is not an address: {error}")))?;
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("time_zone", "UTC");
        if resource == INCIDENTS {
            query.extend_pairs(settings.repositories.iter().map(|id| ("service_ids[]", id)));
        }
        query.extend_pairs(settings.owners.iter().map(|id| ("team_ids[]", id)));
        query.extend_pairs(more);
    }
    Ok(url.into())
}
