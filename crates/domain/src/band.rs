//! Band tables of METRICS.md section 6, as data: half-open, in order, month = 30 days.

use serde::Serialize;

use crate::metric::Metric;

/// A performance band.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// Best.
    Elite,
    /// Good.
    High,
    /// Middling.
    Medium,
    /// Worst.
    Low,
}

impl Band {
    /// The word in JSON.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Band::Elite => "elite",
            Band::High => "high",
            Band::Medium => "medium",
            Band::Low => "low",
        }
    }
}

/// How a value is compared with a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Comparison {
    /// Greater.
    #[serde(rename = ">")]
    Above,
    /// Greater or equal.
    #[serde(rename = ">=")]
    AtLeast,
    /// Less.
    #[serde(rename = "<")]
    Below,
    /// Less or equal.
    #[serde(rename = "<=")]
    AtMost,
}

/// One step of a table: the first step whose comparison holds gives the band.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Step {
    /// How.
    pub is: Comparison,
    /// The limit, in the metric's unit.
    pub limit: f64,
    /// The band.
    pub band: Band,
}

/// The bands of one metric: steps in order, `low` when none holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ladder {
    /// The steps.
    pub steps: Vec<Step>,
    /// Whether it counts in the overall band; a table that is not a ladder does not.
    pub in_overall: bool,
}

/// Band table: for each headline metric a ladder.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BandTable {
    /// Its id.
    pub id: &'static str,
    /// Where it comes from.
    pub title: &'static str,
    /// Of `deployment_frequency`.
    pub deployment_frequency: Ladder,
    /// Of `lead_time`.
    pub lead_time: Ladder,
    /// Of `change_failure_rate`.
    pub change_failure_rate: Ladder,
    /// Of `failed_deployment_recovery_time` and `time_to_restore`.
    pub recovery: Ladder,
}

const HOUR: f64 = 3_600.0;
const DAY: f64 = 86_400.0;
const BANDS: [Band; 3] = [Band::Elite, Band::High, Band::Medium];

fn ladder(steps: &[(Comparison, f64, Band)]) -> Ladder {
    Ladder {
        steps: steps.iter().map(|(is, limit, band)| Step { is: *is, limit: *limit, band: *band }).collect(),
        in_overall: true,
    }
}

/// Elite, high and medium by three limits of one comparison.
fn three(is: Comparison, limits: [f64; 3]) -> Ladder {
    ladder(&[(is, limits[0], BANDS[0]), (is, limits[1], BANDS[1]), (is, limits[2], BANDS[2])])
}

fn frequency(first: Comparison, limits: [f64; 3]) -> Ladder {
    use Comparison::AtLeast;
    ladder(&[(first, limits[0], Band::Elite), (AtLeast, limits[1], Band::High), (AtLeast, limits[2], Band::Medium)])
}

/// Under an hour, under a day, then low: two published levels were one.
fn two_levels() -> Ladder {
    ladder(&[(Comparison::Below, HOUR, Band::Elite), (Comparison::Below, DAY, Band::High)])
}

/// Every band table.
#[must_use]
pub fn tables() -> Vec<BandTable> {
    use Comparison::{Above, AtLeast, AtMost, Below};
    let month = 30.0 * DAY;
    vec![
        BandTable {
            id: "dora-2019",
            title: "Accelerate State of DevOps 2019",
            deployment_frequency: frequency(Above, [1.0, 1.0 / 7.0, 1.0 / 30.0]),
            lead_time: three(Below, [DAY, 7.0 * DAY, month]),
            change_failure_rate: ladder(&[(AtMost, 0.15, Band::Elite)]),
            recovery: two_levels(),
        },
        BandTable {
            id: "dora-2021",
            title: "Accelerate State of DevOps 2021",
            deployment_frequency: frequency(Above, [1.0, 1.0 / 30.0, 1.0 / 180.0]),
            lead_time: three(Below, [HOUR, 7.0 * DAY, 6.0 * month]),
            change_failure_rate: ladder(&[(AtMost, 0.15, Band::Elite), (AtMost, 0.30, Band::High)]),
            recovery: three(Below, [HOUR, DAY, 7.0 * DAY]),
        },
        BandTable {
            id: "dora-2023",
            title: "Accelerate State of DevOps 2023",
            deployment_frequency: frequency(AtLeast, [5.0 / 7.0, 1.0 / 7.0, 1.0 / 30.0]),
            lead_time: three(Below, [DAY, 7.0 * DAY, month]),
            change_failure_rate: three(AtMost, [0.05, 0.10, 0.15]),
            recovery: three(Below, [HOUR, DAY, 7.0 * DAY]),
        },
        BandTable {
            id: "dora-2024",
            title: "Accelerate State of DevOps 2024; the failure rate by its nearest published level, which is not a ladder",
            deployment_frequency: frequency(Above, [1.0, 1.0 / 7.0, 1.0 / 30.0]),
            lead_time: three(Below, [DAY, 7.0 * DAY, month]),
            change_failure_rate: Ladder {
                in_overall: false,
                ..ladder(&[(Below, 0.075, Band::Elite), (Below, 0.15, Band::Medium), (Below, 0.30, Band::High)])
            },
            recovery: two_levels(),
        },
        BandTable {
            id: "fawkes",
            title: "Fawkes Dojo, module 14",
            deployment_frequency: frequency(AtLeast, [5.0, 1.0, 0.1]),
            lead_time: three(Below, [HOUR, DAY, 7.0 * DAY]),
            change_failure_rate: three(AtMost, [0.15, 0.30, 0.45]),
            recovery: three(Below, [HOUR, DAY, 7.0 * DAY]),
        },
        BandTable {
            id: "examples",
            title: "DORA Metrics Examples",
            deployment_frequency: frequency(AtLeast, [1.0, 1.0 / 7.0, 1.0 / 30.0]),
            lead_time: three(Below, [HOUR, 7.0 * DAY, 180.0 * DAY]),
            change_failure_rate: three(AtMost, [0.15, 0.30, 0.45]),
            recovery: three(Below, [HOUR, DAY, 7.0 * DAY]),
        },
    ]
}

/// A table by its id.
#[must_use]
pub fn table(id: &str) -> Option<BandTable> {
    tables().into_iter().find(|table| table.id == id)
}

impl BandTable {
    /// The ladder of a metric, when the table has one.
    #[must_use]
    pub fn ladder(&self, metric: Metric) -> Option<&Ladder> {
        match metric {
            Metric::DeploymentFrequency => Some(&self.deployment_frequency),
            Metric::LeadTime => Some(&self.lead_time),
            Metric::ChangeFailureRate => Some(&self.change_failure_rate),
            Metric::FailedDeploymentRecoveryTime | Metric::TimeToRestore => Some(&self.recovery),
            _ => None,
        }
    }

    /// The band of a value.
    #[must_use]
    pub fn band(&self, metric: Metric, value: f64) -> Option<Band> {
        let ladder = self.ladder(metric)?;
        let holds = |step: &&Step| match step.is {
            Comparison::Above => value > step.limit,
            Comparison::AtLeast => value >= step.limit,
            Comparison::Below => value < step.limit,
            Comparison::AtMost => value <= step.limit,
        };
        Some(ladder.steps.iter().find(holds).map_or(Band::Low, |step| step.band))
    }

    /// The worst band among those that exist and count.
    #[must_use]
    pub fn overall(&self, bands: impl IntoIterator<Item = (Metric, Band)>) -> Option<Band> {
        let counts = |(metric, _): &(Metric, Band)| self.ladder(*metric).is_some_and(|ladder| ladder.in_overall);
        bands.into_iter().filter(counts).map(|(_, band)| band).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_half_open() {
        let of = |id: &str, metric, value| table(id).unwrap().band(metric, value).unwrap();
        use Metric::{ChangeFailureRate, DeploymentFrequency, LeadTime, TimeToRestore};
        assert_eq!(of("dora-2024", DeploymentFrequency, 1.0), Band::High);
        assert_eq!(of("dora-2023", DeploymentFrequency, 5.0 / 7.0), Band::Elite);
        assert_eq!(of("dora-2023", LeadTime, 86_400.0), Band::High);
        assert_eq!(of("dora-2019", ChangeFailureRate, 0.151), Band::Low);
        assert_eq!(of("dora-2024", ChangeFailureRate, 0.10), Band::Medium);
        assert_eq!(of("dora-2024", ChangeFailureRate, 0.20), Band::High);
        assert_eq!(of("dora-2024", TimeToRestore, 86_400.0), Band::Low);
        assert_eq!(of("examples", ChangeFailureRate, 0.15), Band::Elite);
    }

    #[test]
    fn overall_is_the_worst_that_counts() {
        let dojo = table("fawkes").unwrap();
        let bands = [
            (Metric::DeploymentFrequency, Band::High),
            (Metric::LeadTime, Band::High),
            (Metric::ChangeFailureRate, Band::Elite),
            (Metric::TimeToRestore, Band::Elite),
        ];
        assert_eq!(dojo.overall(bands), Some(Band::High));
        assert_eq!(table("dora-2024").unwrap().overall([(Metric::ChangeFailureRate, Band::Low)]), None);
    }
}
