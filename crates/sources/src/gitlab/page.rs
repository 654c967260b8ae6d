//! Pages of GitLab's REST API, as a backfill journals them. They tell what webhooks tell in another shape; each thing is put
//! where a webhook would have it and read by the same code, so that what both tell is the same, and merges.

use domain::event::{Checks, Event, EventKind};
use domain::{Code, Problem};
use serde_json::{Map, Value, json};

use super::hook::Hook;
use super::{deployment, issue, merge_request, pipeline, release};
use crate::json::{kind_of, missing, text, value, wrong};
use crate::poll::Page;
use crate::{Delivery, Parsed, push};

/// Header with the number of what the page is about.
pub(super) const NUMBER: &str = "leadline-number";
/// Header with the user name of who opened it.
pub(super) const AUTHOR: &str = "leadline-author";
/// Header with when it was last changed.
pub(super) const UPDATED_AT: &str = "leadline-updated-at";
/// Header with the numbers of issues that were incidents when they came last, and are none any more.
pub(super) const LOST: &str = "leadline-lost";
/// Header that tells a page from the same content at another time.
pub(super) const GENERATION: &str = "leadline-generation";

type Told = Result<Vec<Result<Event, Problem>>, Problem>;

/// A page and where it comes from.
struct PageOf<'a> {
    delivery: &'a Delivery<'a>,
    repo: &'a str,
}

pub(super) fn read(delivery: &Delivery<'_>) -> Result<Parsed, Problem> {
    let header = |name: &str| delivery.header(name).filter(|value| !value.is_empty());
    let need = |name: &str| header(name).ok_or_else(|| missing(name, "a page is kept with it."));
    let page = PageOf { delivery, repo: need(Page::REPOSITORY)? };
    let resource = need(Page::RESOURCE)?;
    let body = value(delivery.body)?;
    let read: fn(&PageOf<'_>, Map<String, Value>) -> Told = match resource {
        "merge_request_commits" => return page.commits_of_merge_request(&list(body, resource)?),
        "commits" => |page, item| Ok(vec![page.change(&item)]),
        "tags" => |page, item| page.tag(item),
        "releases" => |page, item| page.release(item),
        "deployments" => |page, item| page.told(item, deployment::of_page),
        "merge_requests" => |page, item| page.merge_request(item),
        "merge_request_notes" => |page, item| page.note(item),
        "pipeline" => |page, item| page.pipeline(item),
        "pipeline_jobs" => |page, item| page.told(item, pipeline::job_of_page),
        "issues" => |page, item| page.issue(item),
        "issue_state_events" => |page, item| page.state(item),
        other => {
            return Err(Problem::new(Code::UnknownValue, format!("`{other}` is no resource of GitLab that is read")));
        }
    };
    let items = if resource == "pipeline" { vec![body] } else { list(body, resource)? };
    let mut events = Vec::new();
    for item in items {
        let told = match item {
            Value::Object(item) => read(&page, item),
            other => Err(wrong(resource, "objects", &other)),
        };
        match told {
            Ok(told) => events.extend(told),
            Err(problem) => events.push(Err(problem)),
        }
    }
    let ignored = events.is_empty().then(|| "nothing on the page says anything about delivery".to_owned());
    Ok(Parsed { events, ignored })
}

fn list(body: Value, resource: &str) -> Result<Vec<Value>, Problem> {
    match body {
        Value::Array(items) => Ok(items),
        other => {
            let message = format!("a page of `{resource}` is a list, not {}", kind_of(&other));
            Err(Problem::new(Code::WrongType, message))
        }
    }
}

impl PageOf<'_> {
    fn checks(&self) -> Checks<'_> {
        Checks { default_source: self.delivery.source, now: self.delivery.received_at }
    }

    fn told(&self, item: Map<String, Value>, read: fn(&Hook<'_>) -> Result<Parsed, Problem>) -> Told {
        Ok(read(&Hook::of_page(self.delivery, self.repo, item))?.events)
    }

    /// Reads an item as the webhook that has it in `object_attributes`, with what it has beside.
    fn attributes(
        &self,
        mut item: Map<String, Value>,
        beside: &[&str],
        read: fn(&Hook<'_>) -> Result<Parsed, Problem>,
    ) -> Told {
        let mut body: Map<String, Value> =
            beside.iter().filter_map(|name| Some(((*name).to_owned(), item.get(*name)?.clone()))).collect();
        if let Some(url) = item.get("web_url").cloned() {
            item.insert("url".to_owned(), url);
        }
        body.insert("object_attributes".to_owned(), Value::Object(item));
        self.told(body, read)
    }

    fn merge_request(&self, mut item: Map<String, Value>) -> Told {
        let head = item.get("sha").cloned();
        item.insert("last_commit".to_owned(), json!({ "id": head }));
        self.attributes(item, &["author", "labels"], merge_request::of_page)
    }

    fn pipeline(&self, item: Map<String, Value>) -> Told {
        self.attributes(item, &["user"], pipeline::of_page)
    }

    fn issue(&self, mut item: Map<String, Value>) -> Told {
        let number = item.get("iid").map(Value::to_string).unwrap_or_default();
        let lost = self.delivery.header(LOST).is_some_and(|lost| lost.split(',').any(|lost| lost == number));
        let kind = item.get("issue_type").cloned().unwrap_or_default();
        item.insert("type".to_owned(), kind);
        if let Some(severity) = text(item.get("severity")).map(str::to_ascii_lowercase) {
            item.insert("severity".to_owned(), Value::from(severity));
        }
        if lost {
            // As the webhook that told of it would have said.
            item.insert("changes".to_owned(), json!({"type": {"previous": "Incident"}}));
        }
        self.attributes(item, &["labels", "changes"], issue::issue)
    }

    /// What the page is about, in place of what a webhook would have.
    fn about(&self, mut item: Map<String, Value>) -> Result<Map<String, Value>, Problem> {
        let number = self.delivery.header(NUMBER).and_then(|number| number.parse::<u64>().ok());
        let number = number.ok_or_else(|| missing(NUMBER, "it says what the page is about."))?;
        item.insert("number".to_owned(), Value::from(number.to_string()));
        item.insert("merge_request".to_owned(), json!({"iid": number, "author": self.delivery.header(AUTHOR)}));
        Ok(item)
    }

    fn note(&self, item: Map<String, Value>) -> Told {
        self.told(self.about(item)?, merge_request::note_of_page)
    }

    fn state(&self, item: Map<String, Value>) -> Told {
        self.told(self.about(item)?, issue::state_of_page)
    }

    fn release(&self, mut item: Map<String, Value>) -> Told {
        for (place, from) in [("tag", "/tag_name"), ("url", "/_links/self")] {
            let found = Value::Object(item.clone()).pointer(from).cloned().unwrap_or_default();
            item.insert(place.to_owned(), found);
        }
        self.told(item, release::release)
    }

    /// A commit in the shape a push has it in, with what a push does not tell: its parents and when it was written.
    fn change(&self, item: &Map<String, Value>) -> Result<Event, Problem> {
        let sha = text(item.get("id")).ok_or_else(|| missing("id", "it is the hash of a commit."))?;
        let told = json!({
            "timestamp": item.get("committed_date"),
            "author": {"name": item.get("author_name")},
            "message": item.get("message"),
        });
        let Value::Object(told) = told else { return Err(missing("id", "it is the hash of a commit.")) };
        push::change(self.repo, self.checks(), &told, sha, |event| {
            if let Some(at) = text(item.get("authored_date")) {
                event["authored_at"] = Value::from(at);
            }
            if let Some(parents) = item.get("parent_ids").and_then(Value::as_array) {
                event["parents"] = parents.iter().filter_map(|parent| text(Some(parent))).collect();
            }
        })
    }

    /// A tag may be moved and says nothing of when: it is what it was when the page came.
    fn tag(&self, item: Map<String, Value>) -> Told {
        let hook = Hook::of_page(self.delivery, self.repo, item);
        let event = hook
            .draft(EventKind::Tag)
            .set("repo", self.repo)
            .set("name", hook.need("/name", "it is the tag.")?)
            .set("sha", hook.need("/commit/id", "it is what the tag names.")?)
            // Only an annotated tag says when it was made.
            .maybe("tagged_at", hook.instant("/created_at")?.map(|at| at.to_string()))
            .at("updated_at", hook.received_at())
            .event()?;
        Ok(vec![Ok(event)])
    }

    /// Each of a merge request's own commits, and together what a squash of them brought. GitLab lists the newest first.
    fn commits_of_merge_request(&self, items: &[Value]) -> Result<Parsed, Problem> {
        let updated_at =
            self.delivery.header(UPDATED_AT).ok_or_else(|| missing(UPDATED_AT, "a page is kept with it."))?;
        let mut events = Vec::with_capacity(items.len() + 1);
        let mut commits = Vec::with_capacity(items.len());
        for item in items.iter().rev() {
            let Value::Object(item) = item else {
                events.push(Err(wrong("merge_request_commits", "objects", item)));
                continue;
            };
            let told = self.change(item);
            if let Ok(change) = &told {
                let own = ["sha", "authored_at", "committed_at"].into_iter();
                let own = own.filter_map(|name| Some((name.to_owned(), change.fields.get(name)?.clone())));
                commits.push(Value::Object(own.collect()));
            }
            events.push(told);
        }
        if commits.is_empty() {
            let ignored = events.is_empty().then(|| "the merge request has no commits of its own".to_owned());
            return Ok(Parsed { events, ignored });
        }
        let hook = Hook::of_page(self.delivery, self.repo, self.about(Map::new())?);
        events.push(merge_request::commits(&hook, commits, updated_at));
        Ok(Parsed { events, ignored: None })
    }
}
