//! Typed views of merged entities: what the correlation rules read.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Entity;
use crate::{DeploymentKey, EntityKey, Timestamp};

macro_rules! words {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $variant:ident $text:literal,)* } default $default:ident) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$inner])* $variant,)* }

        impl $name {
            /// Every one.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];
            /// The word in JSON and SQL.
            #[must_use]
            pub const fn text(self) -> &'static str { match self { $($name::$variant => $text,)* } }
            /// From the word; anything else is the default.
            #[must_use]
            pub fn read(text: Option<&str>) -> Self {
                match text { $(Some($text) => $name::$variant,)* _ => $name::$default }
            }
        }
    };
}

words! {
    /// State of a deployment.
    Status {
        /// Not finished.
        #[default]
        InProgress "in_progress",
        /// It is there.
        Succeeded "succeeded",
        /// It did not work.
        Failed "failed",
        /// Somebody or something stopped it.
        Cancelled "cancelled",
    } default InProgress
}

words! {
    /// What kind of change a deployment is; METRICS.md section 1 gives the rules.
    ChangeKind {
        /// Back to a version that ran before.
        Rollback "rollback",
        /// A repair in a hurry.
        Hotfix "hotfix",
        /// Same code, other configuration.
        Config "config",
        /// New code.
        Code "code",
        /// None can be told.
        #[default]
        Unknown "unknown",
    } default Unknown
}

words! {
    /// Who started a deployment.
    Trigger {
        /// A machine.
        Automated "automated",
        /// A person.
        Manual "manual",
        /// Not told.
        #[default]
        Unknown "unknown",
    } default Unknown
}

words! {
    /// How bad an incident is.
    Severity {
        /// SEV1, P1.
        Critical "critical",
        /// SEV2, P2.
        High "high",
        /// SEV3, P3.
        Medium "medium",
        /// SEV4, P4.
        Low "low",
        /// Not told.
        #[default]
        Unknown "unknown",
    } default Unknown
}

words! {
    /// Health a source reported after a deployment.
    Health {
        /// Well.
        #[default]
        Healthy "healthy",
        /// Works, badly.
        Degraded "degraded",
        /// Does not work.
        Failed "failed",
    } default Healthy
}

/// A commit with its times, as a deployment or pull request lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitAt {
    /// Its hash.
    pub sha: Arc<str>,
    /// When it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authored_at: Option<Timestamp>,
    /// When it was committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_at: Option<Timestamp>,
}

/// A stage of a pipeline run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Its name in the tool.
    pub name: String,
    /// When it began to wait for its turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_at: Option<Timestamp>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// How it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

/// A deployment as its sources tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Identity.
    pub key: DeploymentKey,
    /// Component as named by the source.
    pub component: String,
    /// Product as named by the source.
    pub product: Option<String>,
    /// Instance, `default` when the source names none.
    pub instance: String,
    /// Environment as named by the source.
    pub environment: String,
    /// How it went.
    pub status: Status,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended; none while in progress.
    pub finished_at: Option<Timestamp>,
    /// Version or tag.
    pub version: Option<String>,
    /// Commit of the code.
    pub sha: Option<String>,
    /// Commit of code or configuration, not known which.
    pub revision: Option<String>,
    /// Commit of the configuration.
    pub config_sha: Option<String>,
    /// Hash of the configuration.
    pub config_hash: Option<String>,
    /// Repository of the code.
    pub repo: Option<String>,
    /// Branch.
    pub branch: Option<String>,
    /// Images.
    pub images: Vec<String>,
    /// What the tool calls it, see [`Entity::marks`].
    pub marks: Vec<String>,
    /// Kind, when the source says.
    pub change_kind: Option<ChangeKind>,
    /// Who started it.
    pub trigger: Trigger,
    /// Time of the last commit, when the source says.
    pub commit_at: Option<Timestamp>,
    /// Commits it brings, when the source says.
    pub commits: Vec<CommitAt>,
    /// Incidents it fixes.
    pub fixes: Vec<String>,
    /// The deployment it replaces, when the source says.
    pub replaces: Option<String>,
    /// Health reported afterwards.
    pub health: Option<(Health, Timestamp)>,
    /// Whether the status was assumed.
    pub status_assumed: bool,
    /// Whether the environment was assumed.
    pub environment_assumed: bool,
    /// What it was made from when no tool reported it.
    pub assumed: Option<String>,
    /// Where to look at it.
    pub url: Option<String>,
    /// Labels.
    pub labels: serde_json::Map<String, Value>,
}

/// An incident as its sources tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Identity.
    pub key: DeploymentKey,
    /// Product as named by the source.
    pub product: Option<String>,
    /// Component as named by the source.
    pub component: Option<String>,
    /// Instance as named by the source.
    pub instance: Option<String>,
    /// What the tool calls it, see [`Entity::marks`].
    pub marks: Vec<String>,
    /// Severity.
    pub severity: Severity,
    /// Title.
    pub title: Option<String>,
    /// When the ticket was made.
    pub opened_at: Timestamp,
    /// When users felt it; `opened_at` when unknown.
    pub started_at: Timestamp,
    /// When it was noticed.
    pub detected_at: Option<Timestamp>,
    /// When somebody took it.
    pub acknowledged_at: Option<Timestamp>,
    /// When users no longer felt it.
    pub mitigated_at: Option<Timestamp>,
    /// When it was resolved, else closed.
    pub resolved_at: Option<Timestamp>,
    /// Id of the deployment that caused it, when the source says.
    pub deployment_id: Option<String>,
    /// Where to look at it.
    pub url: Option<String>,
    /// Labels as JSON.
    pub labels: serde_json::Map<String, Value>,
}

/// A commit as its sources tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Repository.
    pub repo: String,
    /// Full hash.
    pub sha: String,
    /// When it was committed.
    pub committed_at: Timestamp,
    /// When it was written.
    pub authored_at: Option<Timestamp>,
    /// Parents, none when unknown.
    pub parents: Option<Vec<String>>,
    /// Whether the parents are guessed from a push, which tells a line and no merges.
    pub parents_assumed: bool,
    /// Message.
    pub message: String,
    /// Files touched, none when unknown.
    pub paths: Option<Vec<String>>,
    /// Number of the pull request that brought it, when its source says so.
    pub pull_request: Option<String>,
}

/// A tag as its sources tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Repository.
    pub repo: String,
    /// Name.
    pub name: String,
    /// Commit.
    pub sha: String,
}

/// A pull request as its sources tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// Repository.
    pub repo: String,
    /// Number.
    pub number: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was merged.
    pub merged_at: Option<Timestamp>,
    /// The commit of its merge.
    pub merge_sha: Option<String>,
    /// Its own commits.
    pub commits: Vec<CommitAt>,
    /// The last of its own commits.
    pub head_sha: Option<String>,
    /// How many commits of its own it has.
    pub commit_count: Option<u64>,
    /// Labels.
    pub labels: Vec<String>,
    /// Branch it comes from.
    pub branch: Option<String>,
    /// Title.
    pub title: Option<String>,
}

/// A person's correction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// What is corrected.
    pub id: String,
    /// Why.
    pub reason: String,
    /// Who.
    pub actor: String,
    /// When.
    pub at: Timestamp,
    /// Cause of an incident: `Some(None)` for none at all.
    pub cause: Option<Option<DeploymentKey>>,
    /// Verdict on a deployment.
    pub failed: Option<bool>,
    /// Kind of a deployment.
    pub change_kind: Option<ChangeKind>,
}

pub(super) fn own(entity: &Entity, name: &str) -> Option<String> {
    entity.text(name).map(str::to_owned)
}

pub(super) fn list<T: serde::de::DeserializeOwned>(entity: &Entity, name: &str) -> Vec<T> {
    let items = entity.get(name).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(|item| serde_json::from_value(item.clone()).ok()).collect()
}

/// The instance of a deployment that names none.
pub(super) const DEFAULT_INSTANCE: &str = "default";

impl Deployment {
    /// Reads a merged entity; none when it was never a whole deployment.
    #[must_use]
    pub fn read(key: &EntityKey, entity: &Entity) -> Option<Self> {
        let status = Status::read(Some(entity.text("status")?));
        let health = entity.text("health").map(|health| Health::read(Some(health)));
        let finished_at = entity.instant("finished_at").filter(|_| status != Status::InProgress);
        Some(Deployment {
            key: DeploymentKey { source: key.source.clone(), id: key.id.clone() },
            component: own(entity, "component")?,
            product: own(entity, "product"),
            instance: own(entity, "instance").unwrap_or_else(|| DEFAULT_INSTANCE.to_owned()),
            environment: own(entity, "environment")?,
            status,
            started_at: entity.instant("started_at"),
            finished_at,
            version: own(entity, "version"),
            sha: own(entity, "sha"),
            revision: own(entity, "revision").map(|revision| revision.to_ascii_lowercase()),
            config_sha: own(entity, "config_sha"),
            config_hash: own(entity, "config_hash"),
            repo: own(entity, "repo"),
            branch: own(entity, "branch"),
            images: entity.names("images"),
            marks: entity.marks(),
            change_kind: entity
                .text("change_kind")
                .map(|kind| ChangeKind::read(Some(kind)))
                .filter(|kind| *kind != ChangeKind::Unknown),
            trigger: Trigger::read(entity.text("trigger")),
            commit_at: entity.instant("commit_at"),
            commits: list(entity, "commits"),
            fixes: entity.names("fixes"),
            replaces: own(entity, "replaces"),
            health: health.and_then(|health| Some((health, entity.instant("health_at").or(finished_at)?))),
            status_assumed: entity.flag("status_assumed").unwrap_or_default(),
            environment_assumed: entity.flag("environment_assumed").unwrap_or_default(),
            assumed: own(entity, "assumed"),
            url: own(entity, "url"),
            labels: entity.get("labels").and_then(Value::as_object).cloned().unwrap_or_default(),
        })
    }
}

impl Incident {
    /// Reads a merged entity; none when it was never a whole incident, or was withdrawn.
    #[must_use]
    pub fn read(key: &EntityKey, entity: &Entity) -> Option<Self> {
        let opened_at = entity.instant("opened_at")?;
        if entity.flag("withdrawn") == Some(true) {
            return None;
        }
        let reopened_at = entity.instant("reopened_at").unwrap_or(Timestamp::MIN);
        let ended = |name: &str| entity.instant(name).filter(|at| *at >= reopened_at);
        Some(Incident {
            key: DeploymentKey { source: key.source.clone(), id: key.id.clone() },
            product: own(entity, "product"),
            component: own(entity, "component"),
            instance: own(entity, "instance"),
            marks: entity.marks(),
            severity: Severity::read(entity.text("severity")),
            title: own(entity, "title"),
            opened_at,
            started_at: entity.instant("started_at").unwrap_or(opened_at),
            detected_at: entity.instant("detected_at"),
            acknowledged_at: entity.instant("acknowledged_at"),
            mitigated_at: ended("mitigated_at"),
            resolved_at: ended("resolved_at").or_else(|| ended("closed_at")),
            deployment_id: own(entity, "deployment_id"),
            url: own(entity, "url"),
            labels: entity.get("labels").and_then(Value::as_object).cloned().unwrap_or_default(),
        })
    }
}

impl Change {
    /// Reads a merged entity; none when it was never a whole change.
    #[must_use]
    pub fn read(entity: &Entity) -> Option<Self> {
        let parents = ["parents", "parents_assumed"].into_iter().find(|name| entity.get(name).is_some());
        Some(Change {
            repo: own(entity, "repo")?,
            sha: own(entity, "sha")?,
            committed_at: entity.instant("committed_at")?,
            authored_at: entity.instant("authored_at"),
            parents_assumed: parents == Some("parents_assumed"),
            parents: parents.map(|name| entity.names(name).iter().map(|sha| sha.to_ascii_lowercase()).collect()),
            message: own(entity, "message").unwrap_or_default(),
            paths: entity.get("paths").map(|_| entity.names("paths")),
            pull_request: own(entity, "pull_request"),
        })
    }
}

impl Tag {
    /// Reads a merged entity; none when it was never a whole tag.
    #[must_use]
    pub fn read(entity: &Entity) -> Option<Self> {
        Some(Tag { repo: own(entity, "repo")?, name: own(entity, "name")?, sha: own(entity, "sha")? })
    }
}

impl PullRequest {
    /// Reads a merged entity; none when it was never a whole pull request.
    #[must_use]
    pub fn read(entity: &Entity) -> Option<Self> {
        let labels = entity.get("labels").and_then(Value::as_object);
        Some(PullRequest {
            repo: own(entity, "repo")?,
            number: own(entity, "number")?,
            opened_at: entity.instant("opened_at")?,
            merged_at: entity.instant("merged_at"),
            merge_sha: own(entity, "merge_sha").map(|sha| sha.to_ascii_lowercase()),
            commits: list(entity, "commits"),
            head_sha: own(entity, "head_sha").map(|sha| sha.to_ascii_lowercase()),
            commit_count: entity.get("commit_count").and_then(Value::as_u64),
            labels: labels.into_iter().flat_map(|labels| labels.keys().cloned()).collect(),
            branch: own(entity, "branch"),
            title: own(entity, "title"),
        })
    }
}

impl PullRequest {
    /// What it says that has a place in a fact: its commits are told by the deployments they arrive with.
    #[must_use]
    pub fn values(entity: &Entity) -> serde_json::Map<String, Value> {
        let mut values = entity.values();
        let told = entity.instant("first_commit_at");
        let first = told.or_else(|| {
            let commits = list::<CommitAt>(entity, "commits").into_iter();
            commits.filter_map(|commit| commit.authored_at.or(commit.committed_at)).min()
        });
        values.retain(|name, _| name != "commits");
        if let Some(first) = first {
            values.insert("first_commit_at".to_owned(), Value::from(first.to_string()));
        }
        values
    }
}

impl Override {
    /// Reads a merged entity; none when it was withdrawn.
    #[must_use]
    pub fn read(entity: &Entity) -> Option<Self> {
        if entity.flag("withdrawn") == Some(true) {
            return None;
        }
        let cause = entity.text("cause").map(|cause| {
            cause.split_once('/').map(|(source, id)| DeploymentKey::new(source, id)).filter(|_| cause != "none")
        });
        Some(Override {
            id: own(entity, "id")?,
            reason: own(entity, "reason")?,
            actor: own(entity, "actor")?,
            at: entity.instant("updated_at")?,
            cause,
            failed: entity.flag("failed"),
            change_kind: entity
                .text("change_kind")
                .map(|kind| ChangeKind::read(Some(kind)))
                .filter(|kind| *kind != ChangeKind::Unknown),
        })
    }
}
