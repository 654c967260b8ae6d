//! A GitLab of this machine: what it holds is answered in pages, in order, to whoever has the token.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::backfill::hub::{Asked, Data, Response};

pub(crate) const TOKEN: &str = "glpat-0123456789abcdefghij";

fn no(status: u16, message: &str) -> Response {
    (status, Vec::new(), json!({ "message": message }).to_string())
}

pub(crate) fn respond(data: &Data, asked: &Asked) -> Response {
    let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
    let query: BTreeMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    if asked.post || asked.headers.get("private-token").map(String::as_str) != Some(TOKEN) {
        return no(401, "401 Unauthorized");
    }
    let items = if path.ends_with("/repository/commits") {
        match history(data, query.get("ref_name").unwrap_or(&""), query.get("since").copied()) {
            Some(items) => items,
            None => return no(404, "404 Commit Not Found"),
        }
    } else if let Some(items) = data.lists.get(path) {
        ordered(items.clone(), &query)
    } else {
        return match data.objects.get(path) {
            Some(object) => (200, limits(), object.to_string()),
            None => no(404, "404 Not Found"),
        };
    };
    let number: usize = query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1);
    let shown: Vec<Value> = items.iter().skip((number - 1) * data.page).take(data.page).cloned().collect();
    let mut headers = limits();
    if items.len() > number * data.page {
        let host = asked.headers.get("host").map(String::as_str).unwrap_or_default();
        let rest: Vec<String> =
            query.iter().filter(|(name, _)| **name != "page").map(|(name, value)| format!("{name}={value}")).collect();
        let address = |page: usize| format!("<http://{host}{path}?{}&page={page}>", rest.join("&"));
        headers.push(("link", format!("{}; rel=\"first\", {}; rel=\"next\"", address(1), address(number + 1))));
    }
    (200, headers, Value::Array(shown).to_string())
}

fn limits() -> Vec<(&'static str, String)> {
    [("ratelimit-limit", "2000"), ("ratelimit-remaining", "1999"), ("ratelimit-reset", "1793500000")]
        .map(|(name, value)| (name, value.to_owned()))
        .into()
}

fn ordered(mut items: Vec<Value>, query: &BTreeMap<&str, &str>) -> Vec<Value> {
    if let Some(after) = query.get("updated_after") {
        // GitLab takes the two together only.
        assert_eq!(query.get("order_by"), Some(&"updated_at"));
        items.retain(|item| item["updated_at"].as_str() >= Some(after));
    }
    if let Some(name) = query.get("order_by") {
        let key = |item: &Value| (item[name].as_u64(), item[name].as_str().map(str::to_owned));
        items.sort_by_key(key);
        if query.get("sort") == Some(&"desc") {
            items.reverse();
        }
    }
    items
}

/// The commit and all before it, newest first; none when it is not there.
fn history(data: &Data, head: &str, since: Option<&str>) -> Option<Vec<Value>> {
    data.commits.get(head)?;
    let (mut seen, mut next) = (BTreeSet::new(), vec![head.to_owned()]);
    let mut found = Vec::new();
    while let Some(sha) = next.pop() {
        let Some(commit) = data.commits.get(&sha).filter(|_| seen.insert(sha.clone())) else { continue };
        let parents = commit["parent_ids"].as_array().into_iter().flatten();
        next.extend(parents.filter_map(|parent| parent.as_str().map(str::to_owned)));
        found.push(commit.clone());
    }
    let date = |commit: &Value| commit["committed_date"].as_str().unwrap_or_default().to_owned();
    found.retain(|commit| since.is_none_or(|since| date(commit).as_str() >= since));
    found.sort_by_key(|commit| std::cmp::Reverse((date(commit), commit["id"].to_string())));
    Some(found)
}
