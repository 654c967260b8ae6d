//! What is remembered of the things on a page: enough to ask for their parts, and to see whether a list has moved.

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::github::issue;
use crate::json::text;

/// A list of a repository.
#[derive(Debug)]
pub(super) struct List {
    /// Its name in the journal.
    pub(super) resource: &'static str,
    /// Where the things are on a page that is an object.
    pub(super) within: Option<&'static str>,
    /// What is remembered of one.
    pub(super) item: fn(&Value) -> Option<Item>,
    /// Its things do not say when they changed: a page that is again what it once was is news.
    pub(super) timeless: bool,
    /// New things come at its end and nothing ever leaves it: then pages that were read stay as they were.
    pub(super) steady: bool,
}

/// What is remembered of one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Item {
    /// Unique in its list.
    pub(super) id: String,
    /// Differs when its content may.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) version: String,
    /// The time its list is in the order of, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<i64>,
    /// The commit it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sha: Option<String>,
    /// Who opened it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) author: Option<String>,
    /// Of a pull request whether it was merged, of a reference whether its tag is annotated, of an issue whether it is an
    /// incident, of a run whether a person started it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) marked: bool,
    /// Of a run which attempt it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) attempt: Option<u64>,
}

fn number(item: &Value, name: &str) -> Option<String> {
    item.get(name)?.as_u64().map(|number| number.to_string())
}

fn instant(item: &Value, name: &str) -> Option<i64> {
    Timestamp::parse(text(item.get(name))?).ok().map(Timestamp::micros)
}

fn word(item: &Value, pointer: &str) -> Option<String> {
    text(item.pointer(pointer)).map(str::to_owned)
}

pub(super) const TAGS: List = List {
    resource: "tags",
    within: None,
    item: |tag| {
        let sha = word(tag, "/commit/sha")?;
        Some(Item { id: word(tag, "/name")?, version: sha.clone(), sha: Some(sha), ..Item::default() })
    },
    timeless: true,
    steady: false,
};

/// References of tags: they tell which tags are annotated. They are no deliveries themselves.
pub(super) const TAG_REFS: List = List {
    resource: "tag_refs",
    within: None,
    item: |reference| {
        let sha = word(reference, "/object/sha")?;
        let marked = text(reference.pointer("/object/type")) == Some("tag");
        Some(Item { id: word(reference, "/ref")?, version: sha.clone(), sha: Some(sha), marked, ..Item::default() })
    },
    timeless: false,
    steady: false,
};

pub(super) const RELEASES: List = List {
    resource: "releases",
    within: None,
    item: |release| {
        let version = word(release, "/updated_at").or_else(|| word(release, "/published_at")).unwrap_or_default();
        Some(Item { id: number(release, "id")?, version, at: instant(release, "created_at"), ..Item::default() })
    },
    timeless: false,
    steady: false,
};

pub(super) const DEPLOYMENTS: List = List {
    resource: "deployments",
    within: None,
    item: |deployment| {
        let version = word(deployment, "/updated_at").unwrap_or_default();
        let (id, sha) = (number(deployment, "id")?, word(deployment, "/sha"));
        Some(Item { id, version, at: instant(deployment, "created_at"), sha, ..Item::default() })
    },
    timeless: false,
    steady: false,
};

/// By the time of their last change when only newer ones are asked for: one that was opened before may be merged since.
pub(super) const PULL_REQUESTS: List = List {
    resource: "pull_requests",
    within: None,
    item: |request| {
        let (id, version) = (number(request, "number")?, word(request, "/updated_at").unwrap_or_default());
        let marked = text(request.get("merged_at")).is_some();
        let author = word(request, "/user/login");
        Some(Item { id, version, at: instant(request, "updated_at"), author, marked, ..Item::default() })
    },
    timeless: false,
    steady: false,
};

/// In the order in which they were opened nothing moves.
pub(super) const ALL_PULL_REQUESTS: List = List { steady: true, ..PULL_REQUESTS };

pub(super) const RUNS: List = List {
    resource: "runs",
    within: Some("workflow_runs"),
    item: |run| {
        let version = word(run, "/updated_at").unwrap_or_default();
        let attempt = run.get("run_attempt").and_then(Value::as_u64);
        let marked = text(run.get("event")) == Some("workflow_dispatch");
        Some(Item {
            id: number(run, "id")?,
            version,
            at: instant(run, "created_at"),
            attempt,
            marked,
            ..Item::default()
        })
    },
    timeless: false,
    steady: false,
};

pub(super) const ISSUES: List = List {
    resource: "issues",
    within: None,
    item: |issue| {
        let version = word(issue, "/updated_at").unwrap_or_default();
        let marked = issue::is_incident(issue);
        Some(Item {
            id: number(issue, "number")?,
            version,
            at: instant(issue, "updated_at"),
            marked,
            ..Item::default()
        })
    },
    // An issue can be deleted or moved to another repository.
    timeless: false,
    steady: false,
};
