//! The metrics of METRICS.md section 4: their names, units and direction.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Code, Problem};

/// Unit of a metric's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Unit {
    /// Times a day.
    #[serde(rename = "1/day")]
    PerDay,
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
    /// Between 0 and 1.
    #[serde(rename = "ratio")]
    Ratio,
    /// A number of things.
    #[serde(rename = "1")]
    Count,
}

impl Unit {
    /// The text in JSON.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Unit::PerDay => "1/day",
            Unit::Seconds => "s",
            Unit::Ratio => "ratio",
            Unit::Count => "1",
        }
    }
}

macro_rules! metrics {
    ($($name:ident $text:literal $title:literal $unit:ident $better:literal $doc:literal;)*) => {
        /// A metric.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Metric { $(#[doc = $doc] $name,)* }

        impl Metric {
            /// Every metric whose data exists so far, the five DORA metrics first.
            pub const ALL: &'static [Metric] = &[$(Metric::$name,)*];
            /// Its id.
            #[must_use]
            pub const fn text(self) -> &'static str { match self { $(Metric::$name => $text,)* } }
            /// Its name for people.
            #[must_use]
            pub const fn title(self) -> &'static str { match self { $(Metric::$name => $title,)* } }
            /// Its unit.
            #[must_use]
            pub const fn unit(self) -> Unit { match self { $(Metric::$name => Unit::$unit,)* } }
            /// Whether more or less of it is better: `higher`, `lower` or `neither`.
            #[must_use]
            pub const fn better(self) -> &'static str { match self { $(Metric::$name => $better,)* } }
            /// What it is, in a sentence.
            #[must_use]
            pub const fn doc(self) -> &'static str { match self { $(Metric::$name => $doc,)* } }
        }
    };
}

metrics! {
    DeploymentFrequency "deployment_frequency" "Deployment frequency" PerDay "higher" "How often users get something new.";
    LeadTime "lead_time" "Change lead time" Seconds "lower" "From commit to running in production.";
    ChangeFailureRate "change_failure_rate" "Change failure rate" Ratio "lower" "Failed deployments among those counted.";
    FailedDeploymentRecoveryTime "failed_deployment_recovery_time" "Failed deployment recovery time" Seconds "lower" "From a failed deployment to its recovery.";
    ReworkRate "rework_rate" "Rework rate" Ratio "lower" "Rollbacks, hotfixes and named fixes among the deployments counted.";
    TimeToRestore "time_to_restore" "Time to restore service" Seconds "lower" "From the start of an incident to its resolution.";
    TimeToMitigate "time_to_mitigate" "Time to mitigate" Seconds "lower" "From the start of an incident until users no longer felt it.";
    TimeToAcknowledge "time_to_acknowledge" "Time to acknowledge" Seconds "lower" "From the start of an incident until somebody took it.";
    TimeToDetect "time_to_detect" "Time to detect" Seconds "lower" "From the start of an incident until it was noticed.";
    RollbackRate "rollback_rate" "Rollback rate" Ratio "lower" "Rollbacks among production attempts.";
    DeploymentSuccessRate "deployment_success_rate" "Deployment success rate" Ratio "higher" "Attempts that succeeded among those that succeeded or failed.";
    AutomatedDeploymentRate "automated_deployment_rate" "Automated deployment rate" Ratio "higher" "Attempts a machine started among those whose starter is known.";
    BatchSize "batch_size" "Batch size" Count "lower" "Commits per counted deployment.";
    ConfigDeploymentFrequency "config_deployment_frequency" "Configuration deployment frequency" PerDay "neither" "How often only configuration was deployed.";
    CanarySuccessRate "canary_success_rate" "Canary success rate" Ratio "higher" "Canary analyses that passed among those finished.";
    PipelineSuccessRate "pipeline_success_rate" "Pipeline success rate" Ratio "higher" "Pipeline runs that succeeded among those finished.";
    FlakyRunRate "flaky_run_rate" "Flaky run rate" Ratio "lower" "Commits whose pipeline failed and then passed unchanged, among those it ran for.";
    TimeInCi "time_in_ci" "Time in CI" Seconds "lower" "From the start to the end of a pipeline run that led to a deployment.";
    ErrorBudgetRemaining "error_budget_remaining" "Error budget remaining" Ratio "higher" "What is left of the bad events an objective allows.";
    BurnRate "burn_rate" "Burn rate" Count "lower" "How many times faster than allowed bad events come.";
    RolloutSpread "rollout_spread" "Rollout spread" Seconds "lower" "From the first to the last instance reached by one version.";
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl FromStr for Metric {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        Metric::ALL.iter().copied().find(|metric| metric.text() == text).ok_or_else(|| {
            let names: Vec<_> = Metric::ALL.iter().map(|metric| metric.text()).collect();
            Problem::new(
                Code::InvalidParameter,
                format!(
                    "`{}` is not a metric; the metrics are {}",
                    text.chars().take(64).collect::<String>(),
                    names.join(", ")
                ),
            )
        })
    }
}

macro_rules! reasons {
    ($($name:ident $text:literal $doc:literal;)*) => {
        /// Why there is no value, or why a row is left out.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Reason { $(#[doc = $doc] $name,)* }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Reason] = &[$(Reason::$name,)*];
            /// The word in JSON and SQL.
            #[must_use]
            pub const fn text(self) -> &'static str { match self { $(Reason::$name => $text,)* } }
            /// From the word.
            #[must_use]
            pub fn read(text: &str) -> Option<Self> { match text { $($text => Some(Reason::$name),)* _ => None } }
            /// What it means and what to do, for people.
            #[must_use]
            pub const fn doc(self) -> &'static str { match self { $(Reason::$name => $doc,)* } }
        }
    };
}

reasons! {
    NoDeployments "no_deployments" "Nothing was deployed here that this definition counts. Check that a source reports production deployments for this node.";
    NoIncidents "no_incidents" "No incident was reported here in this window.";
    NoFailures "no_failures" "No deployment failed here in this window, so nothing had to recover.";
    SingleDeployment "single_deployment" "One deployment so far: a frequency between deployments needs two.";
    FirstDeployment "first_deployment" "The first deployment of its instance has nothing before it to measure from.";
    RangeIncomplete "range_incomplete" "The commits since the previous deployment are not all known. Connect the repository or import its history.";
    NoCommitLink "no_commit_link" "The deployment names no commit that is known. Send `sha` and `repo`, or `commit_at`, or connect the repository.";
    NotSemver "not_semver" "The version does not follow SemVer, which this definition asks for.";
    ZeroInterval "zero_interval" "Two deployments finished at the same instant.";
    NoNewCommits "no_new_commits" "The deployment brought no commit that was not already there: a rollback, a re-deployment, or merges only.";
    NoPullRequest "no_pull_request" "No pull request is known that brought this commit. Send pull requests with `merge_sha` and their commits, or connect the tool they live in; a commit pushed directly has none.";
    NoFirstCommit "no_first_commit" "The first commit of the pull request is not known. Send `first_commit_at` or its `commits`, or the pushes of its branch.";
    CommitsRewritten "commits_rewritten" "Its first commit is later than its opening: the branch was rewritten, or the pull request was opened on an empty one.";
    NotReviewed "not_reviewed" "Nobody reviewed it before it was merged, or its reviews are not sent.";
    NotMerged "not_merged" "The pull request is not known to be merged.";
    DeployedBeforeMerge "deployed_before_merge" "It was deployed before its pull request was merged: from its branch, or two clocks disagree.";
    NegativeLeadTime "negative_lead_time" "The commit is later than the deployment: two clocks disagree.";
    NegativeDuration "negative_duration" "The end is earlier than the start: two clocks disagree.";
    NoClosedIncidents "no_closed_incidents" "No incident was resolved in this window.";
    NotRecovered "not_recovered" "Not resolved so far, and no rollback or hotfix followed.";
    NotRecorded "not_recorded" "The source did not record this step of the incident.";
    TriggerUnknown "trigger_unknown" "The source does not say whether a person or a machine started it.";
    NoPipelineData "no_pipeline_data" "No pipeline run is known here. Connect the CI tool.";
    RunWithoutCommit "run_without_commit" "The run names no commit. Have the CI tool send it as `sha`.";
    NotDeployed "not_deployed" "Its commit was not deployed: a run of a branch, or of what was replaced before it went out.";
    RunNotPassed "run_not_passed" "The run did not succeed: what was deployed was built by another.";
    StagesUnknown "stages_unknown" "The run tells of no stages. Send `stages`, or have the CI tool send its jobs.";
    StageNotRun "stage_not_run" "The run had no such stage. Rules of the catalogue say what a stage is by its name.";
    StageNotTimed "stage_not_timed" "The run does not say when such a stage began and ended.";
    OneInstance "one_instance" "It runs on one instance, or has reached one so far: a spread needs two.";
    NoCanaryData "no_canary_data" "No canary analysis is known here. Connect the rollout tool.";
    NoSloData "no_slo_data" "No sample of a service level is known here. Send `slo_sample` events.";
    NoObjective "no_objective" "The catalogue does not say what this service level is to reach. Write it under `[[slos]]` with its `name` and `objective`.";
    NoEvents "no_events" "Its samples hold no events: nothing was asked of it.";
    GoodAboveTotal "good_above_total" "Its samples tell of more good events than of all: the sender counts them wrongly.";
    NotDefinedAtLevel "not_defined_at_level" "This definition gives no value at this level of the tree.";
}
