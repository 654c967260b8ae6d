//! Definitions: named ways to turn evidence into numbers. Data, not code (METRICS.md section 5).

mod declared;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalogue::Level;
use crate::fact::{CauseAt, CauseRule, CauseScope, SignalKind};
use crate::time::DAY;

pub use declared::{Declared, DeclaredFailure, DeclaredLeadTime, DeclaredRecovery, check_versions, whole};

/// A way to define every metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Its name in addresses and answers.
    pub id: String,
    /// Counts up when it changes.
    pub version: u32,
    /// What it is, in a sentence.
    pub title: String,
    /// Which deployments count.
    pub population: Population,
    /// How frequency is taken.
    pub frequency: Frequency,
    /// How lead time is taken.
    pub lead_time: LeadTime,
    /// What makes a deployment fail.
    pub failure: Failure,
    /// How recovery is taken.
    pub recovery: Recovery,
    /// How values go up the tree.
    pub rollup: Rollup,
    /// How much each child counts in a mean of children.
    #[serde(default)]
    pub children: Children,
    /// Only rows with all of these labels: of the deployment, else of its component, else of its product. Incidents, pipeline
    /// runs and canary analyses have those of component and product alone.
    #[serde(default)]
    pub filter: BTreeMap<String, String>,
    /// Band table.
    pub bands: String,
}

/// Which deployments count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Population {
    /// Production, succeeded, not configuration only.
    Counted,
    /// Production, succeeded or failed, not configuration only.
    Attempts,
    /// Every production deployment that ended, of any status and kind.
    EveryProduction,
}

/// How frequency is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frequency {
    /// Deployments divided by the days of the window.
    PerDay,
    /// Days with a deployment divided by the days of the window.
    DeployDays,
    /// Mean of one over the interval to the previous deployment of the instance.
    MeanRate,
    /// One over the mean interval.
    MeanInterval,
    /// As `mean_rate`, but a product's mean is over all its deployments, not over its components.
    MeanRatePooled,
}

/// How lead time is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeadTime {
    /// Which commits.
    pub of: LeadTimeOf,
    /// Where it begins.
    #[serde(default)]
    pub start: LeadTimeStart,
    /// Only deployments whose version is SemVer.
    #[serde(default)]
    pub semver_only: bool,
    /// Which statistic is the value.
    pub statistic: Statistic,
}

/// Which commits a lead time is taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeadTimeOf {
    /// Each new commit, at its first arrival on any instance of the component.
    NewCommits,
    /// The deployed commit, at each deployment that brings it.
    DeployedCommit,
    /// The time of the last commit as the event gave it.
    CommitAt,
}

/// Where a lead time begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeadTimeStart {
    /// With the commit it is taken of.
    #[default]
    Commit,
    /// With the earliest new commit of the deployment: one lead time a deployment.
    FirstCommit,
    /// With the opening of the pull request that brought the commit: one lead time a pull request.
    PrOpened,
    /// With the merge of that pull request: one lead time a pull request.
    Merged,
}

impl LeadTimeStart {
    /// The word in definitions.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            LeadTimeStart::Commit => "commit",
            LeadTimeStart::FirstCommit => "first_commit",
            LeadTimeStart::PrOpened => "pr_opened",
            LeadTimeStart::Merged => "merged",
        }
    }
}

/// Which statistic is the value of a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// Arithmetic mean.
    Mean,
    /// Median: percentile 50 by linear interpolation.
    Median,
}

/// What makes a deployment fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Signals that count.
    pub signals: Vec<SignalKind>,
    /// A signal counts up to this many seconds after the deployment.
    pub window_s: i64,
    /// Instant of an incident at which the cause is looked for.
    pub incident_at: CauseAt,
    /// Among which deployments the cause is looked for.
    pub incident_scope: CauseScope,
    /// Only incidents that were resolved or closed.
    #[serde(default)]
    pub closed_incidents_only: bool,
    /// An incident counts up to this many seconds after its cause; without limit when none.
    #[serde(default)]
    pub incident_max_age_s: Option<i64>,
}

impl Failure {
    /// The way incidents are attributed.
    #[must_use]
    pub const fn cause(&self) -> CauseRule {
        CauseRule { at: self.incident_at, scope: self.incident_scope }
    }

    /// Whether a signal counts.
    #[must_use]
    pub fn counts(&self, signal: SignalKind) -> bool {
        self.signals.contains(&signal)
    }
}

/// How recovery is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    /// The metric this definition means by recovery.
    pub headline: RecoveryHeadline,
    /// Where an incident's time to restore begins.
    pub from: RestoreFrom,
    /// Where it ends.
    pub to: RestoreTo,
    /// Which statistic is the value.
    pub statistic: Statistic,
}

/// The metric a definition means by recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryHeadline {
    /// From the failed deployment to its recovery.
    FailedDeploymentRecoveryTime,
    /// From the start of an incident to its end.
    TimeToRestore,
}

/// Where an incident's time to restore begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestoreFrom {
    /// When users felt it.
    StartedAt,
    /// When it was noticed, else when users felt it.
    DetectedAt,
}

/// Where an incident's time to restore ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestoreTo {
    /// When it was resolved.
    ResolvedAt,
    /// When users no longer felt it, where unknown when it was resolved.
    MitigatedAt,
}

/// How values go up the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rollup {
    /// From the leaf rows of the whole subtree.
    Pooled,
    /// Mean of the children that have a value; failure rate and restore start at product level.
    MeanOfChildren,
}

/// How much each child counts in a mean of children.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Children {
    /// As much as any other.
    #[default]
    Equal,
    /// By its deployments of the population in the window.
    Weighted,
}

impl Rollup {
    /// The lowest level at which a metric about incidents has a value.
    #[must_use]
    pub const fn incident_floor(self) -> Level {
        match self {
            Rollup::Pooled => Level::Instance,
            Rollup::MeanOfChildren => Level::Product,
        }
    }
}

const WEEK_S: i64 = 7 * DAY / 1_000_000;
const DAY_S: i64 = DAY / 1_000_000;

/// The definitions that come with Leadline.
#[must_use]
pub fn shipped() -> Vec<Definition> {
    let dora = Definition {
        id: "dora".to_owned(),
        version: 1,
        title: "DORA's five metrics as dora.dev describes them since 2024: medians over all changes and failures."
            .to_owned(),
        population: Population::Counted,
        frequency: Frequency::PerDay,
        lead_time: LeadTime {
            of: LeadTimeOf::NewCommits,
            start: LeadTimeStart::Commit,
            semver_only: false,
            statistic: Statistic::Median,
        },
        failure: Failure {
            signals: vec![
                SignalKind::Incident,
                SignalKind::Rollback,
                SignalKind::Hotfix,
                SignalKind::Revert,
                SignalKind::Manual,
            ],
            window_s: WEEK_S,
            incident_at: CauseAt::StartedAt,
            incident_scope: CauseScope::Narrowest,
            closed_incidents_only: false,
            incident_max_age_s: None,
        },
        recovery: Recovery {
            headline: RecoveryHeadline::FailedDeploymentRecoveryTime,
            from: RestoreFrom::StartedAt,
            to: RestoreTo::ResolvedAt,
            statistic: Statistic::Median,
        },
        rollup: Rollup::Pooled,
        children: Children::Equal,
        filter: BTreeMap::new(),
        bands: "dora-2024".to_owned(),
    };
    let rex = Definition {
        id: "rex".to_owned(),
        title:
            "A large group's definitions: means of the level below, last commit of SemVer tags, incidents by product."
                .to_owned(),
        frequency: Frequency::MeanRate,
        lead_time: LeadTime {
            of: LeadTimeOf::DeployedCommit,
            semver_only: true,
            statistic: Statistic::Mean,
            ..dora.lead_time
        },
        failure: Failure {
            signals: vec![SignalKind::Incident],
            window_s: WEEK_S,
            incident_at: CauseAt::OpenedAt,
            incident_scope: CauseScope::Product,
            closed_incidents_only: true,
            incident_max_age_s: None,
        },
        recovery: Recovery {
            headline: RecoveryHeadline::TimeToRestore,
            from: RestoreFrom::StartedAt,
            to: RestoreTo::ResolvedAt,
            statistic: Statistic::Mean,
        },
        rollup: Rollup::MeanOfChildren,
        bands: "dora-2023".to_owned(),
        ..dora.clone()
    };
    let variant = |id: &str, title: &str, frequency| Definition {
        id: id.to_owned(),
        title: title.to_owned(),
        frequency,
        ..rex.clone()
    };
    let examples = Definition {
        id: "examples".to_owned(),
        title:
            "The examples article's service: every production deployment, means, rollbacks and hotfixes as failures."
                .to_owned(),
        population: Population::EveryProduction,
        lead_time: LeadTime { of: LeadTimeOf::CommitAt, statistic: Statistic::Mean, ..dora.lead_time },
        failure: Failure {
            signals: vec![SignalKind::IsRemediation, SignalKind::Incident],
            window_s: DAY_S,
            incident_at: CauseAt::StartedAt,
            incident_scope: CauseScope::Product,
            closed_incidents_only: false,
            incident_max_age_s: None,
        },
        recovery: Recovery {
            headline: RecoveryHeadline::TimeToRestore,
            from: RestoreFrom::DetectedAt,
            to: RestoreTo::ResolvedAt,
            statistic: Statistic::Mean,
        },
        bands: "examples".to_owned(),
        ..dora.clone()
    };
    let four_keys = Definition {
        id: "four-keys".to_owned(),
        title: "The Four Keys project's four metrics: medians, incidents as the only sign of failure, time to restore."
            .to_owned(),
        failure: Failure { signals: vec![SignalKind::Incident], ..dora.failure.clone() },
        recovery: Recovery { headline: RecoveryHeadline::TimeToRestore, ..dora.recovery },
        bands: "dora-2019".to_owned(),
        ..dora.clone()
    };
    let fawkes = Definition {
        id: "fawkes".to_owned(),
        title: "The dojo article's queries: attempts, the deployed commit, any incident of the product within a day."
            .to_owned(),
        population: Population::Attempts,
        lead_time: LeadTime { of: LeadTimeOf::DeployedCommit, statistic: Statistic::Mean, ..dora.lead_time },
        failure: Failure {
            signals: vec![
                SignalKind::IncidentWithin,
                SignalKind::Rollback,
                SignalKind::DeployFailed,
                SignalKind::HealthCheck,
            ],
            window_s: DAY_S,
            ..dora.failure.clone()
        },
        recovery: Recovery {
            headline: RecoveryHeadline::TimeToRestore,
            from: RestoreFrom::DetectedAt,
            to: RestoreTo::MitigatedAt,
            statistic: Statistic::Mean,
        },
        bands: "fawkes".to_owned(),
        ..dora.clone()
    };
    let rex_interval =
        variant("rex-interval", "As `rex`, with frequency as one over the mean interval.", Frequency::MeanInterval);
    let rex_pooled = variant(
        "rex-pooled",
        "As `rex`, with a product's frequency over all its deployments.",
        Frequency::MeanRatePooled,
    );
    vec![dora, rex, rex_interval, rex_pooled, four_keys, fawkes, examples]
}
