//! A definition in words: the sentence that stands beside a number and says what it is.

use domain::definition::{
    Children, Definition, Frequency, LeadTimeOf, LeadTimeStart, Population, RestoreFrom, RestoreTo, Rollup, Statistic,
};
use domain::fact::{CauseAt, CauseScope, SignalKind};
use domain::metric::Metric;
use domain::part::{CiStage, Part, Stage};

use crate::shape::{Family, base, family};

/// What a metric means under a definition, in one or two sentences.
#[must_use]
pub fn sentence(metric: Metric, definition: &Definition) -> String {
    let counted = population(definition.population);
    let body = match metric {
        Metric::DeploymentFrequency => frequency(definition, counted),
        Metric::LeadTime => lead_time(definition, counted),
        Metric::ChangeFailureRate => {
            format!("Among {counted} that finished in the window, the share of those that failed: {}.", failed(definition))
        }
        Metric::FailedDeploymentRecoveryTime => format!(
            "{} of the time from the end of a failed deployment ({}) to its recovery: the resolution of its incidents when all are resolved, else the end of the rollback, hotfix or named fix that followed.",
            statistic(definition.recovery.statistic),
            failed(definition)
        ),
        Metric::ReworkRate => {
            format!("Among {counted} that finished in the window, the share of rollbacks, hotfixes and named fixes.")
        }
        Metric::TimeToRestore => restore(definition),
        Metric::TimeToMitigate => step(definition, "users no longer felt it"),
        Metric::TimeToAcknowledge => step(definition, "somebody took it"),
        Metric::TimeToDetect => step(definition, "it was noticed"),
        Metric::RollbackRate => "The share of rollbacks among production attempts, succeeded or failed, without configuration-only ones.".to_owned(),
        Metric::DeploymentSuccessRate => "The share of attempts that succeeded among production attempts that succeeded or failed, without configuration-only ones.".to_owned(),
        Metric::AutomatedDeploymentRate => "The share of attempts a machine started among production attempts whose starter is known.".to_owned(),
        Metric::BatchSize => "Mean number of commits that arrived with a counted deployment, where all commits since the one before are known.".to_owned(),
        Metric::ConfigDeploymentFrequency => "Succeeded production deployments of nothing but configuration in the window, divided by its days.".to_owned(),
        Metric::CanarySuccessRate => "The share of canary analyses that passed among those with a verdict.".to_owned(),
        Metric::PipelineSuccessRate => "The share of pipeline runs that succeeded among those that succeeded or failed.".to_owned(),
        Metric::FlakyRunRate => "Among commits a pipeline ran for, the share of those whose run failed and then succeeded without a change; a commit counts by the last of its runs, and runs of the 30 days before the window are looked at.".to_owned(),
        Metric::TimeInCi => format!(
            "{} of the time from the start to the end of pipeline runs that succeeded and whose commit was deployed afterwards ({counted}).",
            statistic(definition.lead_time.statistic)
        ),
        Metric::ErrorBudgetRemaining => "One minus the bad events of the window over those that the objective of a service level allows for as many events: below 0 more were bad than allowed. Of several service levels the one with least left.".to_owned(),
        Metric::BurnRate => "Share of bad events in the window over the share that the objective of a service level allows: at 1 the budget lasts just as long as the window. Of several service levels the one that burns fastest.".to_owned(),
        Metric::RolloutSpread => format!(
            "{} of the time from the first to the last instance reached by the same code of a component, in counted deployments of the window and the 90 days before it.",
            statistic(definition.lead_time.statistic)
        ),
    };
    format!("{body} {}{}", rollup(metric, definition), filter(definition))
}

/// The labels rows must have, in words.
fn filter(definition: &Definition) -> String {
    let labels: Vec<String> = definition.filter.iter().map(|(key, value)| format!("{key}={value}")).collect();
    if labels.is_empty() { String::new() } else { format!(" Only rows labelled {} count.", labels.join(" and ")) }
}

const fn population(population: Population) -> &'static str {
    match population {
        Population::Counted => "succeeded production deployments that are not configuration only",
        Population::Attempts => "production attempts, succeeded or failed, that are not configuration only",
        Population::EveryProduction => "production deployments of any outcome and kind",
    }
}

const fn statistic(statistic: Statistic) -> &'static str {
    match statistic {
        Statistic::Mean => "Mean",
        Statistic::Median => "Median",
    }
}

fn frequency(definition: &Definition, counted: &str) -> String {
    match definition.frequency {
        Frequency::PerDay => format!("Number of {counted} that finished in the window, divided by its days."),
        Frequency::DeployDays => format!("Days with one of the {counted}, divided by the days of the window."),
        Frequency::MeanRate | Frequency::MeanRatePooled => format!(
            "Mean of one over the time since the previous counted deployment of the same instance, a day, over {counted} that finished in the window."
        ),
        Frequency::MeanInterval => format!(
            "One over the mean time since the previous counted deployment of the same instance, a day, over {counted} that finished in the window."
        ),
    }
}

fn lead_time(definition: &Definition, counted: &str) -> String {
    let lead = definition.lead_time;
    let request = match lead.start {
        LeadTimeStart::PrOpened => Some("opening"),
        LeadTimeStart::Merged => Some("merge"),
        LeadTimeStart::Commit | LeadTimeStart::FirstCommit => None,
    };
    if let Some(start) = request.filter(|_| lead.of != LeadTimeOf::CommitAt) {
        return format!(
            "{} of the time from the {start} of {}",
            statistic(lead.statistic),
            requests(definition, counted)
        );
    }
    let of = match lead.of {
        LeadTimeOf::NewCommits if lead.start == LeadTimeStart::FirstCommit => {
            "from the earliest commit a deployment was the first to bring to any instance of its component to that deployment"
        }
        LeadTimeOf::DeployedCommit if lead.start == LeadTimeStart::FirstCommit => {
            "from the earliest commit that arrived with a deployment to that deployment, of each that brings its commit to an instance"
        }
        LeadTimeOf::NewCommits => {
            "from each new commit to the first deployment that brought it to any instance of its component"
        }
        LeadTimeOf::DeployedCommit => "from the deployed commit to each deployment that brought it to an instance",
        LeadTimeOf::CommitAt => "from the commit time the event gave to the deployment",
    };
    let semver = if lead.semver_only { " with a SemVer version" } else { "" };
    format!("{} of the time {of}, over {counted}{semver} that finished in the window.", statistic(lead.statistic))
}

/// Pull requests as the definition takes them, and what becomes of commits that came with none.
fn requests(definition: &Definition, counted: &str) -> String {
    let lead = definition.lead_time;
    let of = match lead.of {
        LeadTimeOf::NewCommits => {
            "each pull request to the first deployment that brought its commits to any instance of its component"
        }
        LeadTimeOf::DeployedCommit | LeadTimeOf::CommitAt => {
            "the pull request of the deployed commit to each deployment that brought it to an instance"
        }
    };
    let semver = if lead.semver_only { " with a SemVer version" } else { "" };
    format!(
        "{of}, over {counted}{semver} that finished in the window. Commits that came with no known pull request are left out."
    )
}

/// What a part of a metric means under a definition, in a few sentences.
#[must_use]
pub fn part_sentence(metric: Metric, part: Part, definition: &Definition) -> String {
    let body = match part {
        Part::Stage(stage) => {
            let what = match stage {
                Stage::Coding => "from the first commit of a pull request to its opening",
                Stage::Pickup => "from the opening of a pull request to its first review",
                Stage::Review => "from the first review of a pull request to its merge",
                Stage::MergeToDeploy => "from the merge of a pull request to the end of the deployment",
            };
            format!(
                "{} of the time {what}. The pull requests are those of lead time: from {}",
                statistic(definition.lead_time.statistic),
                requests(definition, population(definition.population))
            )
        }
        Part::Ci(stage) => {
            let what = match stage {
                CiStage::Other => "that no rule knows".to_owned(),
                stage => format!("whose name says that they are for `{}`", stage.text()),
            };
            format!(
                "{} of the time that stages {what} took in a pipeline run; what ran beside another of its kind counts once. The runs are those that succeeded and whose commit was deployed afterwards ({}).",
                statistic(definition.lead_time.statistic),
                population(definition.population)
            )
        }
        Part::Last(_) => {
            return format!("{} Only samples of this part count: {}", sentence(metric, definition), part.doc());
        }
        Part::Severity(severity) => {
            return format!("{} Only incidents of severity {} count.", sentence(metric, definition), severity.text());
        }
    };
    format!("{body} {}{}", rollup(metric, definition), filter(definition))
}

fn failed(definition: &Definition) -> String {
    let failure = &definition.failure;
    let window = duration(failure.window_s);
    let signals: Vec<String> = failure
        .signals
        .iter()
        .map(|signal| match signal {
            SignalKind::Incident => incident(definition),
            SignalKind::IncidentWithin => format!("any incident of its product was opened within {window}"),
            SignalKind::Rollback => format!("it was rolled back within {window}"),
            SignalKind::Hotfix => format!("a hotfix followed within {window}"),
            SignalKind::Revert => format!("one of its commits was reverted within {window}"),
            SignalKind::DeployFailed => "the attempt itself failed".to_owned(),
            SignalKind::HealthCheck => format!("bad health was reported within {window}"),
            SignalKind::IsRemediation => "it is itself a rollback or hotfix".to_owned(),
            SignalKind::Manual => "a person said so (a person who said no stands above every signal)".to_owned(),
        })
        .collect();
    if signals.is_empty() { "never".to_owned() } else { signals.join(", or ") }
}

fn incident(definition: &Definition) -> String {
    let failure = &definition.failure;
    let which = if failure.closed_incidents_only { "a resolved incident" } else { "an incident" };
    let at = match failure.incident_at {
        CauseAt::StartedAt => "started",
        CauseAt::OpenedAt => "was opened",
    };
    let scope = match failure.incident_scope {
        CauseScope::Narrowest => "of what the incident names",
        CauseScope::Product => "of the product",
    };
    let age = failure.incident_max_age_s.map_or_else(String::new, |age| format!(" within {}", duration(age)));
    format!("it was the latest counted deployment {scope} when {which} {at}{age}")
}

fn restore(definition: &Definition) -> String {
    let recovery = definition.recovery;
    let from = match recovery.from {
        RestoreFrom::StartedAt => "when users felt an incident",
        RestoreFrom::DetectedAt => "when an incident was noticed (else when users felt it)",
    };
    let to = match recovery.to {
        RestoreTo::ResolvedAt => "when it was resolved",
        RestoreTo::MitigatedAt => "when users no longer felt it (where unknown, when it was resolved)",
    };
    format!(
        "{} of the time from {from} to {to}, over incidents that started in the window.",
        statistic(recovery.statistic)
    )
}

fn step(definition: &Definition, until: &str) -> String {
    format!(
        "{} of the time from when users felt an incident until {until}, over incidents that started in the window.",
        statistic(definition.recovery.statistic)
    )
}

fn rollup(metric: Metric, definition: &Definition) -> String {
    let text = climb(metric, definition);
    if definition.children == Children::Weighted && base(metric, definition).is_some() {
        return text.replace(
            "the mean of the children that have a value",
            "the mean of the children that have a value, each as often as it deployed",
        );
    }
    text.to_owned()
}

fn climb(metric: Metric, definition: &Definition) -> &'static str {
    match (definition.rollup, base(metric, definition)) {
        (Rollup::Pooled, _) | (_, None) => match family(metric) {
            Family::Incidents => {
                "Every level of the tree is taken from all incidents below it; one counts for a component only when it names it."
            }
            _ => "Every level of the tree is taken from all rows below it.",
        },
        (Rollup::MeanOfChildren, Some(domain::catalogue::Level::Product)) => {
            "A product is taken from all its rows; above it stands the mean of the children that have a value."
        }
        (Rollup::MeanOfChildren, Some(_)) => {
            "A component is taken from all its rows; above it stands the mean of the children that have a value."
        }
    }
}

/// Whole days, hours, minutes, else seconds.
fn duration(seconds: i64) -> String {
    for (size, name) in [(86_400, "d"), (3_600, "h"), (60, "min")] {
        if seconds >= size && seconds % size == 0 {
            return format!("{} {name}", seconds / size);
        }
    }
    format!("{seconds} s")
}

#[cfg(test)]
mod tests {
    use domain::definition::shipped;
    use domain::part::Split;

    use super::*;

    #[test]
    fn every_metric_has_a_sentence_under_every_definition() {
        for definition in shipped() {
            for metric in Metric::ALL {
                let text = sentence(*metric, &definition);
                assert!(text.ends_with('.') && !text.contains("  "), "{text}");
                for part in Split::ALL.into_iter().flat_map(|split| split.parts(*metric)) {
                    let text = part_sentence(*metric, part, &definition);
                    assert!(text.ends_with('.') && !text.contains("  "), "{text}");
                }
            }
        }
    }
}
