//! Pages of GitHub's REST API, as a backfill journals them: objects of nearly the same shape as webhooks hold, so each
//! is put where a webhook would have it and read by the same code. What both tell is the same, and merges.

use domain::event::{Checks, Event, EventKind};
use domain::{Code, Problem};
use serde_json::{Map, Value, json};

use super::hook::Hook;
use super::{deployment, issue, pull_request, release, workflow};
use crate::json::{kind_of, missing, text, value, wrong};
use crate::poll::Page;
use crate::push;
use crate::{Delivery, Parsed};

/// Header with the number or id of what the page is about.
pub(super) const NUMBER: &str = "leadline-number";
/// Header with the login of who opened it.
pub(super) const AUTHOR: &str = "leadline-author";
/// Header with when it was last changed.
pub(super) const UPDATED_AT: &str = "leadline-updated-at";

/// Header with the numbers of issues that were incidents when their page came last, and are none any more.
pub(super) const LOST: &str = "leadline-lost";
/// Header with what started a deployment, where its workflow tells.
pub(super) const TRIGGER: &str = "leadline-trigger";
/// Header that tells a page from the same content at another time.
pub(super) const GENERATION: &str = "leadline-generation";

/// Reads one item of a page.
type Read<'a> = fn(&PageOf<'a>, Map<String, Value>) -> Result<Vec<Result<Event, Problem>>, Problem>;

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
    if resource == "pull_request_commits" {
        return page.commits_of_pull_request(&list(body, resource)?);
    }
    let (items, read): (_, Read<'_>) = match resource {
        "commits" => (list(body, resource)?, PageOf::commit),
        "tags" => (list(body, resource)?, PageOf::tag),
        "tag_object" => (vec![body], PageOf::tag_object),
        "releases" => (list(body, resource)?, PageOf::release),
        "deployments" => (list(body, resource)?, PageOf::deployment),
        "deployment_statuses" => (list(body, resource)?, PageOf::deployment_status),
        "pull_requests" => (list(body, resource)?, PageOf::pull_request),
        "pull_request_reviews" => (list(body, resource)?, PageOf::review),
        "runs" => (list(within(body, "workflow_runs"), resource)?, PageOf::run),
        "run_attempt" => (vec![body], PageOf::run),
        "issues" => (list(body, resource)?, PageOf::issue),
        other => {
            return Err(Problem::new(Code::UnknownValue, format!("`{other}` is no resource of GitHub that is read")));
        }
    };
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

fn within(mut body: Value, name: &str) -> Value {
    body.get_mut(name).map_or(Value::Null, Value::take)
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

    /// Reads an item as the webhook that has it in `place`.
    fn hook(
        &self,
        place: &str,
        item: Map<String, Value>,
        more: Map<String, Value>,
        read: fn(&Hook<'_>) -> Result<Parsed, Problem>,
    ) -> Result<Vec<Result<Event, Problem>>, Problem> {
        let mut body = more;
        body.insert(place.to_owned(), Value::Object(item));
        Ok(read(&Hook::of_page(self.delivery, self.repo, body))?.events)
    }

    /// What the page is about, in place of the object a webhook would have.
    fn about(&self, place: &str, fields: Value) -> Map<String, Value> {
        [(place.to_owned(), fields)].into_iter().collect()
    }

    fn deployment(&self, item: Map<String, Value>) -> Result<Vec<Result<Event, Problem>>, Problem> {
        self.hook("deployment", item, Map::new(), deployment::created)
    }

    fn deployment_status(&self, item: Map<String, Value>) -> Result<Vec<Result<Event, Problem>>, Problem> {
        let trigger = self.delivery.header(TRIGGER);
        let of = self.about("deployment", json!({"id": self.delivery.header(NUMBER), "trigger": trigger}));
        self.hook("deployment_status", item, of, deployment::status_alone)
    }

    fn release(&self, item: Map<String, Value>) -> Result<Vec<Result<Event, Problem>>, Problem> {
        self.hook("release", item, Map::new(), release::release)
    }

    fn run(&self, item: Map<String, Value>) -> Result<Vec<Result<Event, Problem>>, Problem> {
        self.hook("workflow_run", item, Map::new(), workflow::run)
    }

    fn issue(&self, item: Map<String, Value>) -> Result<Vec<Result<Event, Problem>>, Problem> {
        let number = item.get("number").map(Value::to_string).unwrap_or_default();
        let lost = self.delivery.header(LOST).is_some_and(|lost| lost.split(',').any(|lost| lost == number));
        // As the webhook that told of it would have said.
        let told = if lost { json!({"action": "unlabeled", "label": {"name": "incident"}}) } else { json!({}) };
        self.hook("issue", item, told.as_object().cloned().unwrap_or_default(), issue::issue)
    }

    fn pull_request(&self, item: Map<String, Value>) -> Result<Vec<Result<Event, Problem>>, Problem> {
        self.hook("pull_request", item, Map::new(), pull_request::changed)
    }

    fn review(&self, item: Map<String, Value>) -> Result<Vec<Result<Event, Problem>>, Problem> {
        let number = self.number()?;
        // When it was opened is not known here, and not told: see `pull_request::review_alone`.
        let opened_at = item.get("submitted_at").cloned();
        let author = json!({"login": self.delivery.header(AUTHOR)});
        let of = self.about("pull_request", json!({"number": number, "created_at": opened_at, "user": author}));
        self.hook("review", item, of, pull_request::review_alone)
    }

    fn number(&self) -> Result<u64, Problem> {
        let number = self.delivery.header(NUMBER).and_then(|number| number.parse().ok());
        number.ok_or_else(|| missing(NUMBER, "it says what the page is about."))
    }

    fn commit(&self, item: Map<String, Value>) -> Result<Vec<Result<Event, Problem>>, Problem> {
        Ok(vec![self.change(&item)])
    }

    /// A commit in the shape a push has it in, with what a push does not tell: its parents and when it was written.
    fn change(&self, item: &Map<String, Value>) -> Result<Event, Problem> {
        let sha = text(item.get("sha")).ok_or_else(|| missing("sha", "it is the hash of a commit."))?;
        let commit = item.get("commit").cloned().unwrap_or_default();
        let told = json!({
            "timestamp": commit.pointer("/committer/date"),
            "author": commit.get("author"),
            "message": commit.get("message"),
        });
        let Value::Object(told) = told else { return Err(wrong("commit", "an object", &commit)) };
        push::change(self.repo, self.checks(), &told, sha, |event| {
            if let Some(at) = text(commit.pointer("/author/date")) {
                event["authored_at"] = Value::from(at);
            }
            if let Some(parents) = item.get("parents").and_then(Value::as_array) {
                event["parents"] = parents.iter().filter_map(|parent| text(parent.get("sha"))).collect();
            }
        })
    }

    /// A tag may be moved and says nothing of when: it is what it was when the page came.
    fn tag(&self, item: Map<String, Value>) -> Result<Vec<Result<Event, Problem>>, Problem> {
        let hook = Hook::of_page(self.delivery, self.repo, item);
        let event = hook
            .draft(EventKind::Tag)
            .set("repo", self.repo)
            .set("name", hook.need("/name", "it is the tag.")?)
            .set("sha", hook.need("/commit/sha", "it is what the tag names.")?)
            .at("updated_at", hook.received_at())
            .event()?;
        Ok(vec![Ok(event)])
    }

    /// An annotated tag: when it was made. It says nothing of what the name stands for now.
    fn tag_object(&self, item: Map<String, Value>) -> Result<Vec<Result<Event, Problem>>, Problem> {
        let hook = Hook::of_page(self.delivery, self.repo, item);
        if hook.text("/object/type") != Some("commit") {
            return Ok(Vec::new());
        }
        let at = hook.need_instant("/tagger/date", "it says when the tag was made.")?;
        let event = hook
            .draft(EventKind::Tag)
            .set("repo", self.repo)
            .set("name", hook.need("/tag", "it is the tag.")?)
            .set("sha", hook.need("/object/sha", "it is what the tag names.")?)
            .at("tagged_at", at)
            .at("updated_at", at)
            .event()?;
        Ok(vec![Ok(event)])
    }

    /// Each of a pull request's own commits, and together what a squash of them brought.
    fn commits_of_pull_request(&self, items: &[Value]) -> Result<Parsed, Problem> {
        let number = self.number()?;
        let updated_at =
            self.delivery.header(UPDATED_AT).ok_or_else(|| missing(UPDATED_AT, "a page is kept with it."))?;
        let mut events = Vec::with_capacity(items.len() + 1);
        let mut commits = Vec::with_capacity(items.len());
        for item in items {
            let Value::Object(item) = item else {
                events.push(Err(wrong("pull_request_commits", "objects", item)));
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
            let ignored = events.is_empty().then(|| "the pull request has no commits of its own".to_owned());
            return Ok(Parsed { events, ignored });
        }
        let body = self.about("pull_request", json!({ "number": number }));
        let hook = Hook::of_page(self.delivery, self.repo, body);
        events.push(pull_request::commits(&hook, commits, updated_at));
        Ok(Parsed { events, ignored: None })
    }
}
