//! A site of Jira: what happens to its issues is told by webhooks while it happens, and by its search after.

use domain::Timestamp;
use serde_json::{Value, json};

use crate::vendor::{Asked, Reply, SECRET};

#[derive(Default)]
pub(crate) struct Site {
    pub(crate) issues: Vec<Value>,
    pub(crate) webhooks: Vec<Value>,
    /// Most issues on a page, whatever is asked for.
    pub(crate) page: usize,
    /// Answers begin at another issue each time.
    pub(crate) restless: usize,
    /// It says when the category of a status changed, as the cloud does.
    pub(crate) cloud: bool,
    /// What the tokens of the cloud stand for.
    pub(crate) tokens: Vec<usize>,
}

/// As Jira writes instants, an hour ahead of UTC.
pub(crate) fn local(at: Timestamp) -> String {
    let text = at.plus(3_600 * 1_000_000).to_string();
    let (whole, part) = text.trim_end_matches('Z').split_once('.').unwrap_or((text.trim_end_matches('Z'), ""));
    format!("{whole}.{part:0<3}+0100")
}

impl Site {
    fn issue(&mut self, key: &str) -> &mut Value {
        self.issues.iter_mut().find(|issue| issue["key"] == key).unwrap()
    }

    /// Something of an issue changes.
    fn tell(&mut self, key: &str, event: &str, at: Timestamp, items: Value) {
        let issue = self.issue(key);
        issue["fields"]["updated"] = json!(local(at));
        let mut sent = issue.clone();
        sent.as_object_mut().unwrap().remove("changelog");
        let history = json!({"id": "1", "created": local(at), "items": items});
        issue["changelog"]["histories"].as_array_mut().unwrap().insert(0, history);
        self.webhooks.push(json!({"timestamp": at.micros() / 1_000, "webhookEvent": event, "issue": sent,
            "changelog": {"id": "1", "items": items}}));
    }

    pub(crate) fn create(&mut self, key: &str, kind: &str, at: Timestamp) {
        let project = key.split('-').next().unwrap();
        let mut issue = json!({"id": format!("1{}", self.issues.len()), "key": key, "changelog": {"histories": []},
            "self": format!("https://acme.atlassian.net/rest/api/3/issue/{}", self.issues.len()),
            "fields": {"summary": format!("Trouble {key}"), "issuetype": {"id": "7", "name": kind}, "labels": [],
                "project": {"key": project}, "priority": {"id": "3", "name": "Mittel"}, "components": [],
                "versions": [], "fixVersions": [], "resolutiondate": null, "created": local(at),
                "status": {"name": "Offen", "statusCategory": {"key": "new"}}}});
        if self.cloud {
            issue["fields"]["statuscategorychangedate"] = json!(local(at.plus(2_000)));
        }
        self.issues.push(issue);
        self.tell(key, "jira:issue_created", at, json!([]));
    }

    /// To a status of this category; one that is done has a resolution where the workflow sets one.
    pub(crate) fn move_to(&mut self, key: &str, category: &str, resolution: bool, at: Timestamp) {
        let cloud = self.cloud;
        let fields = &mut self.issue(key)["fields"];
        let before = fields["status"]["statusCategory"]["key"].clone();
        fields["status"] = json!({"name": format!("In {category}"), "statusCategory": {"key": category}});
        if cloud && before != category {
            fields["statuscategorychangedate"] = json!(local(at));
        }
        fields["resolutiondate"] = if resolution { json!(local(at)) } else { Value::Null };
        let items = json!([{"field": "status", "fromString": "before", "toString": "after"}]);
        self.tell(key, "jira:issue_updated", at, items);
    }

    pub(crate) fn prioritise(&mut self, key: &str, priority: &str, at: Timestamp) {
        self.issue(key)["fields"]["priority"] = json!({"id": "10001", "name": priority});
        self.tell(key, "jira:issue_updated", at, json!([{"field": "priority", "toString": priority}]));
    }

    pub(crate) fn retype(&mut self, key: &str, kind: &str, at: Timestamp) {
        let before = self.issue(key)["fields"]["issuetype"]["name"].clone();
        self.issue(key)["fields"]["issuetype"] = json!({"id": "8", "name": kind});
        self.tell(
            key,
            "jira:issue_updated",
            at,
            json!([{"field": "issuetype", "fromString": before, "toString": kind}]),
        );
    }

    pub(crate) fn transfer(&mut self, key: &str, to: &str, at: Timestamp) {
        let issue = self.issue(key);
        issue["key"] = json!(to);
        issue["fields"]["project"]["key"] = json!(to.split('-').next());
        self.tell(to, "jira:issue_updated", at, json!([{"field": "Key", "fromString": key, "toString": to}]));
    }

    pub(crate) fn answer(&mut self, asked: &Asked) -> Reply {
        let no =
            |status, message: &str| (status, Vec::new(), json!({"errorMessages": [message], "errors": {}}).to_string());
        // ada@acme.org:SECRET
        let basic = "Basic YWRhQGFjbWUub3JnOnMzY3IzdC0wMTIzNDU2Nzg5";
        let bearer = format!("Bearer {SECRET}");
        if !asked.headers.get("authorization").is_some_and(|given| given == basic || *given == bearer) {
            return no(401, "Client must be authenticated to access this resource.");
        }
        let tokens = match &*asked.path {
            "/rest/api/3/search/jql" => true,
            "/rest/api/2/search" => false,
            _ => return no(404, "dead link"),
        };
        assert_eq!(asked.get("expand"), Some("changelog"));
        let jql = asked.get("jql").unwrap();
        let Some(narrow) = jql.strip_suffix(" ORDER BY updated ASC, key ASC") else { return no(400, "order") };
        let mut rows: Vec<Value> = self.issues.iter().filter(|issue| fits(issue, narrow)).cloned().collect();
        rows.sort_by_key(|issue| (updated(issue), issue["key"].to_string()));
        if self.restless > 0 && !rows.is_empty() {
            self.restless -= 1;
            let turn = (5 * self.restless) % rows.len();
            rows.rotate_left(turn);
        }
        let columns: Vec<&str> = asked.get("fields").unwrap().split(',').collect();
        for row in &mut rows {
            row["fields"].as_object_mut().unwrap().retain(|name, _| columns.contains(&name.as_str()));
        }
        let limit = asked.number("maxResults").unwrap().min(self.page);
        let start = match asked.get("nextPageToken") {
            Some(token) => {
                match token.strip_prefix("t").and_then(|number| self.tokens.get(number.parse::<usize>().ok()?)) {
                    Some(start) => *start,
                    None => return no(400, "The token is not valid."),
                }
            }
            None => asked.number("startAt").unwrap_or(0),
        };
        let shown: Vec<Value> = rows.iter().skip(start).take(limit).cloned().collect();
        let mut body = json!({ "issues": shown });
        if !tokens {
            body["startAt"] = json!(start);
            body["maxResults"] = json!(limit);
            body["total"] = json!(rows.len());
        } else if rows.len() > start + limit {
            self.tokens.push(start + limit);
            body["nextPageToken"] = json!(format!("t{}", self.tokens.len() - 1));
            body["isLast"] = json!(false);
        } else {
            body["isLast"] = json!(true);
        }
        (200, Vec::new(), body.to_string())
    }
}

fn updated(issue: &Value) -> Timestamp {
    Timestamp::parse(issue["fields"]["updated"].as_str().unwrap()).unwrap()
}

fn fits(issue: &Value, jql: &str) -> bool {
    jql.split(" AND ").all(|term| {
        if let Some(list) = term.strip_prefix("project in (") {
            let key = issue["fields"]["project"]["key"].as_str().unwrap();
            list.trim_end_matches(')').split(", ").any(|known| known.trim_matches('"') == key)
        } else if let Some(bound) = term.strip_prefix("updated >= ") {
            updated(issue).micros() / 1_000 >= bound.parse::<i64>().unwrap()
        } else {
            assert_eq!(term, "(component = cart)");
            false
        }
    })
}
