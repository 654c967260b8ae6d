//! Parts that a metric can be taken apart into: stages of a time, severities of incidents.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::event::Severity;
use crate::metric::Metric;
use crate::time::{DAY, HOUR};
use crate::{Code, Problem};

/// A stage of lead time, as pull requests tell of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// From the first commit to the opening of the pull request.
    Coding,
    /// From its opening to the first review.
    Pickup,
    /// From the first review to the merge.
    Review,
    /// From the merge to the end of the deployment.
    MergeToDeploy,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Stage; 4] = [Stage::Coding, Stage::Pickup, Stage::Review, Stage::MergeToDeploy];
}

/// What a stage of a pipeline run is for, whatever its tool calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CiStage {
    /// Making a program of the code.
    Build,
    /// Trying it.
    Test,
    /// Looking for weaknesses.
    Scan,
    /// Making and keeping what is deployed.
    Artifact,
    /// Bringing it somewhere.
    Deploy,
    /// Trying it where it was brought.
    Validation,
    /// What no rule knows.
    Other,
}

impl CiStage {
    /// Every one, in the order of a run.
    pub const ALL: [CiStage; 7] = [
        CiStage::Build,
        CiStage::Test,
        CiStage::Scan,
        CiStage::Artifact,
        CiStage::Deploy,
        CiStage::Validation,
        CiStage::Other,
    ];

    /// The word in JSON and SQL.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            CiStage::Build => "build",
            CiStage::Test => "test",
            CiStage::Scan => "scan",
            CiStage::Artifact => "artifact",
            CiStage::Deploy => "deploy",
            CiStage::Validation => "validation",
            CiStage::Other => "other",
        }
    }
}

/// A time up to the end of the window in which bad events are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Last {
    /// Five minutes.
    #[serde(rename = "5m")]
    FiveMinutes,
    /// An hour.
    #[serde(rename = "1h")]
    Hour,
    /// Six hours.
    #[serde(rename = "6h")]
    SixHours,
    /// Three days.
    #[serde(rename = "3d")]
    ThreeDays,
}

impl Last {
    /// Every one, the shortest first.
    pub const ALL: [Last; 4] = [Last::FiveMinutes, Last::Hour, Last::SixHours, Last::ThreeDays];

    /// Its length in microseconds.
    #[must_use]
    pub const fn micros(self) -> i64 {
        match self {
            Last::FiveMinutes => 5 * HOUR / 60,
            Last::Hour => HOUR,
            Last::SixHours => 6 * HOUR,
            Last::ThreeDays => 3 * DAY,
        }
    }
}

/// By what a metric is taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Stages of a time.
    Stage,
    /// Severities of incidents.
    Severity,
    /// Times up to the end of the window.
    Last,
}

impl Split {
    /// Every way.
    pub const ALL: [Split; 3] = [Split::Stage, Split::Severity, Split::Last];

    /// The word in addresses.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Split::Stage => "stage",
            Split::Severity => "severity",
            Split::Last => "last",
        }
    }

    /// From the word.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Split::ALL.into_iter().find(|split| split.text() == text)
    }

    /// The parts of a metric, in the order in which they are shown; none when it is not taken apart so.
    #[must_use]
    pub fn parts(self, metric: Metric) -> Vec<Part> {
        match (self, metric) {
            (Split::Stage, Metric::LeadTime) => Stage::ALL.map(Part::Stage).to_vec(),
            (Split::Stage, Metric::TimeInCi) => CiStage::ALL.map(Part::Ci).to_vec(),
            (Split::Last, Metric::BurnRate) => Last::ALL.map(Part::Last).to_vec(),
            (
                Split::Severity,
                Metric::TimeToRestore | Metric::TimeToMitigate | Metric::TimeToAcknowledge | Metric::TimeToDetect,
            ) => Severity::ALL.iter().copied().map(Part::Severity).collect(),
            _ => Vec::new(),
        }
    }
}

/// One part of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// A stage of lead time.
    Stage(Stage),
    /// Stages of pipeline runs of one kind.
    Ci(CiStage),
    /// Incidents of one severity.
    Severity(Severity),
    /// Only the last part of the window.
    Last(Last),
}

impl Part {
    /// The word in JSON and addresses.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Part::Stage(Stage::Coding) => "coding",
            Part::Stage(Stage::Pickup) => "pickup",
            Part::Stage(Stage::Review) => "review",
            Part::Stage(Stage::MergeToDeploy) => "merge_to_deploy",
            Part::Ci(stage) => stage.text(),
            Part::Severity(severity) => severity.text(),
            Part::Last(Last::FiveMinutes) => "5m",
            Part::Last(Last::Hour) => "1h",
            Part::Last(Last::SixHours) => "6h",
            Part::Last(Last::ThreeDays) => "3d",
        }
    }

    /// What it is, in a few words.
    #[must_use]
    pub const fn doc(self) -> &'static str {
        match self {
            Part::Stage(Stage::Coding) => "From the first commit of a pull request to its opening.",
            Part::Stage(Stage::Pickup) => "From the opening of a pull request to its first review.",
            Part::Stage(Stage::Review) => "From the first review of a pull request to its merge.",
            Part::Stage(Stage::MergeToDeploy) => "From the merge of a pull request to the end of its deployment.",
            Part::Ci(CiStage::Build) => "Stages that build.",
            Part::Ci(CiStage::Test) => "Stages that test.",
            Part::Ci(CiStage::Scan) => "Stages that look for weaknesses.",
            Part::Ci(CiStage::Artifact) => "Stages that make or publish what is deployed.",
            Part::Ci(CiStage::Deploy) => "Stages that deploy.",
            Part::Ci(CiStage::Validation) => "Stages that try what was deployed.",
            Part::Ci(CiStage::Other) => "Stages that no rule knows; they keep their own names in `pipeline_stages`.",
            Part::Severity(Severity::Critical) => "Critical incidents.",
            Part::Severity(Severity::High) => "Incidents of high severity.",
            Part::Severity(Severity::Medium) => "Incidents of medium severity.",
            Part::Severity(Severity::Low) => "Incidents of low severity.",
            Part::Severity(Severity::Unknown) => "Incidents whose severity nobody told.",
            Part::Last(Last::FiveMinutes) => "The last five minutes of the window.",
            Part::Last(Last::Hour) => "The last hour of the window.",
            Part::Last(Last::SixHours) => "The last six hours of the window.",
            Part::Last(Last::ThreeDays) => "The last three days of the window.",
        }
    }

    /// A part of a metric by its word.
    ///
    /// # Errors
    /// `invalid_parameter` with the parts the metric has.
    pub fn read(metric: Metric, text: &str) -> Result<Self, Problem> {
        let parts: Vec<Part> = Split::ALL.into_iter().flat_map(|split| split.parts(metric)).collect();
        parts.iter().copied().find(|part| part.text() == text).ok_or_else(|| {
            let names: Vec<&str> = parts.iter().map(|part| part.text()).collect();
            let takes =
                if names.is_empty() { "has no parts".to_owned() } else { format!("takes {}", names.join(", ")) };
            Problem::new(Code::InvalidParameter, format!("`part` of {metric} {takes}"))
        })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_read_as_they_are_written_and_no_metric_has_a_word_twice() {
        for metric in Metric::ALL {
            let parts: Vec<Part> = Split::ALL.into_iter().flat_map(|split| split.parts(*metric)).collect();
            for part in &parts {
                assert_eq!(Part::read(*metric, part.text()), Ok(*part));
                assert_eq!(parts.iter().filter(|other| other.text() == part.text()).count(), 1);
                assert!(part.doc().ends_with('.'));
            }
        }
        let problem = Part::read(Metric::LeadTime, "high").unwrap_err();
        assert_eq!(problem.message, "`part` of lead_time takes coding, pickup, review, merge_to_deploy");
        assert!(Part::read(Metric::ReworkRate, "coding").unwrap_err().message.ends_with("has no parts"));
    }
}
