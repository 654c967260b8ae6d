//! What follows from the events: evidence, never verdicts. A definition decides at query time what counts.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::catalogue::{ComponentId, PlacedBy};
use crate::event::{ChangeKind, Severity, Status, Trigger};
use crate::key::IncidentKey;
use crate::{DeploymentKey, EntityKey, OrderKey, Timestamp};

/// Failure signals are looked for this long after a deployment: 90 days, in microseconds. A definition's W is at
/// most that, which bounds what one late event can touch.
pub const SIGNAL_HORIZON: i64 = 90 * crate::time::DAY;

/// One place where versions follow each other: a component on an instance of an environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Lane {
    /// The component.
    pub component: ComponentId,
    /// The instance.
    pub instance: Arc<str>,
    /// The environment as named by the source.
    pub environment: Arc<str>,
}

/// How the commits of a deployment were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommitLink {
    /// By walking the commit graph from its commit.
    Graph,
    /// The event lists them.
    EventCommits,
    /// The event gives only the time of the last one.
    CommitAt,
    /// Not at all.
    #[default]
    None,
}

impl CommitLink {
    /// The word in JSON and SQL.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            CommitLink::Graph => "graph",
            CommitLink::EventCommits => "event_commits",
            CommitLink::CommitAt => "commit_at",
            CommitLink::None => "none",
        }
    }
}

/// A failure signal of METRICS.md section 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignalKind {
    /// An incident is attributed to it.
    Incident,
    /// Any incident of the product within W after it.
    IncidentWithin,
    /// A rollback to what ran before it.
    Rollback,
    /// A hotfix right after it.
    Hotfix,
    /// One of its commits was reverted by a later deployment.
    Revert,
    /// The attempt itself failed.
    DeployFailed,
    /// The source reported bad health.
    HealthCheck,
    /// It is itself a rollback or hotfix.
    IsRemediation,
    /// A person said so.
    Manual,
}

impl SignalKind {
    /// Every signal.
    pub const ALL: &'static [SignalKind] = &[
        SignalKind::Incident,
        SignalKind::IncidentWithin,
        SignalKind::Rollback,
        SignalKind::Hotfix,
        SignalKind::Revert,
        SignalKind::DeployFailed,
        SignalKind::HealthCheck,
        SignalKind::IsRemediation,
        SignalKind::Manual,
    ];

    /// The word in JSON and SQL.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            SignalKind::Incident => "incident",
            SignalKind::IncidentWithin => "incident_within",
            SignalKind::Rollback => "rollback",
            SignalKind::Hotfix => "hotfix",
            SignalKind::Revert => "revert",
            SignalKind::DeployFailed => "deploy_failed",
            SignalKind::HealthCheck => "health_check",
            SignalKind::IsRemediation => "is_remediation",
            SignalKind::Manual => "manual",
        }
    }
}

/// One failure signal with its evidence. Incidents have their own columns ([`Tally`]) and are not repeated here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Signal {
    /// Which.
    pub kind: SignalKind,
    /// When.
    pub at: Timestamp,
    /// Microseconds after the deployment finished.
    pub delay: i64,
    /// What gave it: a deployment, a commit, a person.
    pub by: String,
}

/// Which instant of an incident the cause is looked for at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseAt {
    /// When users felt it.
    StartedAt,
    /// When the ticket was made.
    OpenedAt,
}

/// Among which deployments the cause is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CauseScope {
    /// Those of the component and instance the incident names, else of the product.
    Narrowest,
    /// Those of the product.
    Product,
}

/// A way to attribute incidents to deployments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CauseRule {
    /// Which instant.
    pub at: CauseAt,
    /// Among which.
    pub scope: CauseScope,
}

impl CauseRule {
    /// All four, in the order in which facts keep them.
    pub const ALL: [CauseRule; 4] = [
        CauseRule { at: CauseAt::StartedAt, scope: CauseScope::Narrowest },
        CauseRule { at: CauseAt::StartedAt, scope: CauseScope::Product },
        CauseRule { at: CauseAt::OpenedAt, scope: CauseScope::Narrowest },
        CauseRule { at: CauseAt::OpenedAt, scope: CauseScope::Product },
    ];

    /// Its place in [`CauseRule::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        let at = match self.at {
            CauseAt::StartedAt => 0,
            CauseAt::OpenedAt => 2,
        };
        at + match self.scope {
            CauseScope::Narrowest => 0,
            CauseScope::Product => 1,
        }
    }

    /// Its name in columns: `started_narrowest`, …
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self.index() {
            0 => "started_narrowest",
            1 => "started_product",
            2 => "opened_narrowest",
            _ => "opened_product",
        }
    }
}

/// The deployment an incident is attributed to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cause {
    /// Which deployment.
    pub deployment: DeploymentKey,
    /// Its component.
    pub component: ComponentId,
    /// When it finished.
    pub finished_at: Timestamp,
    /// Microseconds from the end of the deployment to the incident; negative only for links a source or person made.
    pub delay: i64,
    /// The rule in words.
    pub why: String,
}

/// Incidents attributed to one deployment under one [`CauseRule`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many.
    pub count: u32,
    /// How many of them are not resolved.
    pub open: u32,
    /// Smallest delay, microseconds.
    pub first_delay: Option<i64>,
    /// Smallest delay among the resolved ones, microseconds.
    pub first_resolved_delay: Option<i64>,
    /// When the last of the resolved ones was resolved.
    pub resolved_at: Option<Timestamp>,
}

/// The deployment that a rollback or hotfix says was wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blame {
    /// Which deployment failed.
    pub deployment: DeploymentKey,
    /// The rule in words.
    pub why: String,
}

/// The deployment that ended a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remediation {
    /// Which deployment.
    pub deployment: DeploymentKey,
    /// When it finished.
    pub at: Timestamp,
    /// The rule in words.
    pub why: String,
}

/// Everything known of one deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentFact {
    /// Identity.
    pub key: DeploymentKey,
    /// Where it stands.
    pub lane: Lane,
    /// Why there.
    pub placed_by: PlacedBy,
    /// The rule that placed it, in words; none in facts made before there were such rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed_why: Option<String>,
    /// Whether the environment is production.
    pub production: bool,
    /// How it went.
    pub status: Status,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended; none while in progress.
    pub finished_at: Option<Timestamp>,
    /// Version or tag.
    pub version: Option<String>,
    /// Commit of the code, whole when it was found.
    pub sha: Option<String>,
    /// Commit of the configuration.
    pub config_sha: Option<String>,
    /// Repository of the code.
    pub repo: Option<String>,
    /// How the commit was found, in words.
    pub sha_why: Option<String>,
    /// Who started it.
    pub trigger: Trigger,
    /// Its kind.
    pub kind: ChangeKind,
    /// The rule that gave the kind, in words.
    pub kind_why: String,
    /// Production, succeeded, not config.
    pub counted: bool,
    /// The previous succeeded deployment of the lane, of any kind.
    pub replaces: Option<DeploymentKey>,
    /// When the previous counted deployment of the lane finished.
    pub previous_counted_at: Option<Timestamp>,
    /// How its commits were found.
    pub link: CommitLink,
    /// Commits that arrived with it and are used, its head included when that is all that is known.
    pub commits: u32,
    /// Whether its head arrived with it: false for rollbacks and re-deployments.
    pub brings_new_commit: bool,
    /// When its own commit was committed.
    pub head_committed_at: Option<Timestamp>,
    /// Time of the last commit as the event gave it.
    pub commit_at: Option<Timestamp>,
    /// Earliest commit that arrived with it.
    pub first_commit_at: Option<Timestamp>,
    /// Its range is unknown because nothing was deployed before.
    pub first_deployment: bool,
    /// Why its range is not believed.
    pub range_incomplete: Option<String>,
    /// How its commits were chosen, in words.
    pub range_why: String,
    /// For a rollback or hotfix, the deployment it says was wrong.
    pub blames: Option<Blame>,
    /// Failure signals, by kind and time.
    pub signals: Vec<Signal>,
    /// Attributed incidents by [`CauseRule::index`].
    pub incidents: [Tally; 4],
    /// Microseconds to the first incident of the product that was opened after it, up to [`SIGNAL_HORIZON`].
    pub incident_within: Option<i64>,
    /// A person's verdict, above all signals.
    pub manual_failed: Option<bool>,
    /// What ended its failure.
    pub remediation: Option<Remediation>,
    /// Incidents it says it fixes.
    pub fixes: Vec<String>,
    /// The status was assumed.
    pub status_assumed: bool,
    /// The environment was assumed.
    pub environment_assumed: bool,
    /// What it was made from when no tool reported it.
    pub assumed: Option<String>,
    /// Where to look at it.
    pub url: Option<String>,
    /// Labels as JSON.
    pub labels: serde_json::Map<String, serde_json::Value>,
}

impl DeploymentFact {
    /// Its place among finished deployments.
    #[must_use]
    pub fn order(&self) -> Option<OrderKey> {
        Some(OrderKey::new(self.finished_at?, self.key.clone()))
    }

    /// Whether it ends a failure of its component: a succeeded production rollback or hotfix.
    #[must_use]
    pub fn remedies(&self) -> bool {
        self.production
            && self.status == Status::Succeeded
            && matches!(self.kind, ChangeKind::Rollback | ChangeKind::Hotfix)
    }

    /// Whether any signal, incident or person says it failed.
    #[must_use]
    pub fn suspect(&self) -> bool {
        !self.signals.is_empty() || self.manual_failed.is_some() || self.incidents.iter().any(|tally| tally.count > 0)
    }
}

/// What role a commit has in a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommitRole {
    /// It arrived with the deployment and is used.
    New,
    /// The head commit, used because the range is unknown or not believed.
    Head,
    /// A commit of a squashed pull request, used in place of the squash.
    Squashed,
    /// A merge commit: it arrived and is left out.
    Merge,
    /// A squash commit: it arrived and its pull request's commits are used.
    Squash,
    /// It touches none of the component's paths: left out.
    OtherPaths,
}

impl CommitRole {
    /// The word in JSON and SQL.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            CommitRole::New => "new",
            CommitRole::Head => "head",
            CommitRole::Squashed => "squashed",
            CommitRole::Merge => "merge",
            CommitRole::Squash => "squash",
            CommitRole::OtherPaths => "other_paths",
        }
    }

    /// Whether lead times are taken from it.
    #[must_use]
    pub const fn used(self) -> bool {
        matches!(self, CommitRole::New | CommitRole::Head | CommitRole::Squashed)
    }
}

/// One commit that arrived with one deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitFact {
    /// The deployment.
    pub deployment: DeploymentKey,
    /// Repository, none when only the event knows it.
    pub repo: Option<Arc<str>>,
    /// Hash, or what stands for it when only the event knows it.
    pub sha: Arc<str>,
    /// When it was written.
    pub authored_at: Option<Timestamp>,
    /// When it was committed.
    pub committed_at: Timestamp,
    /// Whether this was its first arrival on any instance of the component.
    pub first_arrival: bool,
    /// Its role.
    pub role: CommitRole,
    /// Number of the pull request, in its repository, that brought it.
    #[serde(default)]
    pub pull_request: Option<String>,
}

/// Everything known of one incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentFact {
    /// Identity.
    pub key: IncidentKey,
    /// The product it hurts.
    pub product: String,
    /// The component it names.
    pub component: Option<ComponentId>,
    /// The instance it names.
    pub instance: Option<String>,
    /// How it was placed.
    pub placed_by: PlacedBy,
    /// The rule that placed it, in words; none in facts made before there were such rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placed_why: Option<String>,
    /// Severity.
    pub severity: Severity,
    /// Title.
    pub title: Option<String>,
    /// When the ticket was made.
    pub opened_at: Timestamp,
    /// When users felt it.
    pub started_at: Timestamp,
    /// When it was noticed.
    pub detected_at: Option<Timestamp>,
    /// When somebody took it.
    pub acknowledged_at: Option<Timestamp>,
    /// When users no longer felt it.
    pub mitigated_at: Option<Timestamp>,
    /// When it was resolved or closed.
    pub resolved_at: Option<Timestamp>,
    /// The deployment it is attributed to, by [`CauseRule::index`].
    pub causes: [Option<Cause>; 4],
    /// Where to look at it.
    pub url: Option<String>,
    /// Labels as JSON; none in facts made before incidents had any.
    #[serde(default)]
    pub labels: serde_json::Map<String, serde_json::Value>,
}

impl IncidentFact {
    /// The instant a rule looks at.
    #[must_use]
    pub const fn at(&self, at: CauseAt) -> Timestamp {
        match at {
            CauseAt::StartedAt => self.started_at,
            CauseAt::OpenedAt => self.opened_at,
        }
    }
}

/// A pull request, pipeline run, canary analysis, flag change or service-level sample in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherFact {
    /// Identity.
    pub key: EntityKey,
    /// The product it belongs to; none for a run that names neither component nor product.
    pub product: Option<String>,
    /// The component it names.
    pub component: Option<ComponentId>,
    /// When: the verdict, the change, the end of the sample, the start of the run, the opening of the pull request.
    pub at: Timestamp,
    /// What it says.
    pub values: serde_json::Map<String, serde_json::Value>,
}
