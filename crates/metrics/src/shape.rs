//! What kind of thing a metric is: which rows it is made of, how a group of rows becomes a value, where in the tree it
//! begins.

use domain::catalogue::Level;
use domain::definition::{Definition, Frequency, Rollup, Statistic};
use domain::metric::{Metric, Reason, Unit};

/// Which rows a metric is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Deployments, or commits that arrived with them.
    Deployments,
    /// Incidents.
    Incidents,
    /// Pipeline runs.
    Pipelines,
    /// Canary analyses.
    Canaries,
    /// Samples of service levels, put together by service level.
    ServiceLevels,
}

/// What is kept of rows besides their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// Nothing.
    Count,
    /// The sum of values that are 0 or 1.
    Sum,
    /// Every value.
    Values,
    /// The days on which rows stand, in the zone asked for, as day numbers.
    Days,
}

impl Carried {
    /// Whether each value is kept, not only their number or sum.
    #[must_use]
    pub const fn keeps_values(self) -> bool {
        matches!(self, Carried::Values | Carried::Days)
    }
}

/// How a group of rows becomes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Formula {
    /// Rows divided by days.
    PerDay,
    /// Days with a row divided by days.
    DeployDays,
    /// Mean of the values.
    Mean,
    /// Median of the values.
    Median,
    /// A day divided by the mean of the values, which are seconds.
    InverseMean,
    /// Sum divided by rows.
    Ratio,
    /// The least of the values.
    Least,
    /// The greatest of the values.
    Greatest,
}

/// Which rows.
#[must_use]
pub const fn family(metric: Metric) -> Family {
    match metric {
        Metric::TimeToRestore | Metric::TimeToMitigate | Metric::TimeToAcknowledge | Metric::TimeToDetect => {
            Family::Incidents
        }
        Metric::PipelineSuccessRate | Metric::FlakyRunRate | Metric::TimeInCi => Family::Pipelines,
        Metric::CanarySuccessRate => Family::Canaries,
        Metric::ErrorBudgetRemaining | Metric::BurnRate => Family::ServiceLevels,
        _ => Family::Deployments,
    }
}

/// How a group of rows becomes a value under a definition (METRICS.md sections 4 and 5).
#[must_use]
pub fn formula(metric: Metric, definition: &Definition) -> Formula {
    let of = |statistic| match statistic {
        Statistic::Mean => Formula::Mean,
        Statistic::Median => Formula::Median,
    };
    match metric {
        Metric::DeploymentFrequency => match definition.frequency {
            Frequency::PerDay => Formula::PerDay,
            Frequency::DeployDays => Formula::DeployDays,
            Frequency::MeanRate | Frequency::MeanRatePooled => Formula::Mean,
            Frequency::MeanInterval => Formula::InverseMean,
        },
        Metric::ConfigDeploymentFrequency => Formula::PerDay,
        Metric::LeadTime | Metric::TimeInCi | Metric::RolloutSpread => of(definition.lead_time.statistic),
        Metric::FailedDeploymentRecoveryTime
        | Metric::TimeToRestore
        | Metric::TimeToMitigate
        | Metric::TimeToAcknowledge
        | Metric::TimeToDetect => of(definition.recovery.statistic),
        Metric::BatchSize => Formula::Mean,
        // The service level that is worst off speaks for its node: another that is well does not mend it.
        Metric::ErrorBudgetRemaining => Formula::Least,
        Metric::BurnRate => Formula::Greatest,
        Metric::ChangeFailureRate
        | Metric::ReworkRate
        | Metric::RollbackRate
        | Metric::DeploymentSuccessRate
        | Metric::AutomatedDeploymentRate
        | Metric::CanarySuccessRate
        | Metric::PipelineSuccessRate
        | Metric::FlakyRunRate => Formula::Ratio,
    }
}

impl Formula {
    /// What must be kept of rows for it.
    #[must_use]
    pub const fn carried(self) -> Carried {
        match self {
            Formula::PerDay => Carried::Count,
            Formula::DeployDays => Carried::Days,
            Formula::Mean | Formula::Median | Formula::InverseMean | Formula::Least | Formula::Greatest => {
                Carried::Values
            }
            Formula::Ratio => Carried::Sum,
        }
    }

    /// Whether a node that deployed before and not in the window has 0 rather than nothing.
    #[must_use]
    pub const fn zero_when_idle(self) -> bool {
        matches!(self, Formula::PerDay | Formula::DeployDays)
    }
}

/// Whether answers carry statistics of the values: durations and the batch size.
#[must_use]
pub fn has_stats(metric: Metric) -> bool {
    metric.unit() == Unit::Seconds || metric == Metric::BatchSize
}

/// Whether a row is made of all that happened in the window, so that those of its buckets do not add up to it.
#[must_use]
pub const fn of_whole_window(metric: Metric) -> bool {
    matches!(family(metric), Family::ServiceLevels)
}

/// Whether a metric says how deployments failed or how incidents were dealt with: under `mean_of_children` these start
/// at product level, because incidents are reported by product.
const fn about_failure(metric: Metric) -> bool {
    matches!(metric, Metric::ChangeFailureRate | Metric::FailedDeploymentRecoveryTime)
        || matches!(family(metric), Family::Incidents)
}

/// The lowest level that has a value.
#[must_use]
pub const fn floor(metric: Metric, definition: &Definition) -> Level {
    match metric {
        Metric::RolloutSpread => Level::Component,
        _ if about_failure(metric) => definition.rollup.incident_floor(),
        _ => Level::Instance,
    }
}

/// The highest level whose value is taken from its rows; above it stands the mean of the children. None for `pooled`:
/// every level is taken from its rows.
#[must_use]
pub fn base(metric: Metric, definition: &Definition) -> Option<Level> {
    if definition.rollup == Rollup::Pooled {
        return None;
    }
    let by_product = about_failure(metric)
        || family(metric) != Family::Deployments
        || (metric == Metric::DeploymentFrequency && definition.frequency == Frequency::MeanRatePooled);
    Some(if by_product { Level::Product } else { Level::Component })
}

/// Whether the value of a level is taken from its rows.
#[must_use]
pub fn from_rows(metric: Metric, definition: &Definition, level: Level) -> bool {
    base(metric, definition).is_none_or(|base| level != Level::Team && level >= base)
}

/// The reason of an empty population.
#[must_use]
pub const fn empty(metric: Metric) -> Reason {
    match family(metric) {
        Family::Deployments => Reason::NoDeployments,
        Family::Incidents => Reason::NoIncidents,
        Family::Pipelines => Reason::NoPipelineData,
        Family::Canaries => Reason::NoCanaryData,
        Family::ServiceLevels => Reason::NoSloData,
    }
}
