//! Definitions people write themselves: one that comes with Leadline, and what differs from it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Children, Definition, Failure, Frequency, LeadTime, LeadTimeOf, LeadTimeStart, Population, Recovery,
    RecoveryHeadline, RestoreFrom, RestoreTo, Rollup, Statistic, shipped,
};
use crate::fact::{CauseAt, CauseScope, SignalKind};
use crate::time::DAY;
use crate::{Code, Problem, band};

/// A definition as a catalogue carries it. What is left out is as in the one it is like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Declared {
    /// Its name in addresses and answers.
    pub id: String,
    /// Counts up when it changes: an id and a version always mean the same.
    pub version: u32,
    /// Id of the definition that comes with Leadline and is the start of this one.
    pub like: String,
    /// What it is, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Which deployments count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub population: Option<Population>,
    /// How frequency is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency: Option<Frequency>,
    /// How lead time is taken.
    pub lead_time: DeclaredLeadTime,
    /// What makes a deployment fail.
    pub failure: DeclaredFailure,
    /// How recovery is taken.
    pub recovery: DeclaredRecovery,
    /// How values go up the tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollup: Option<Rollup>,
    /// How much each child counts in a mean of children.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub children: Option<Children>,
    /// Labels rows must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<BTreeMap<String, String>>,
    /// Band table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bands: Option<String>,
}

impl Default for Declared {
    fn default() -> Self {
        Declared {
            id: String::new(),
            version: 1,
            like: "dora".to_owned(),
            title: None,
            population: None,
            frequency: None,
            lead_time: DeclaredLeadTime::default(),
            failure: DeclaredFailure::default(),
            recovery: DeclaredRecovery::default(),
            rollup: None,
            children: None,
            filter: None,
            bands: None,
        }
    }
}

/// Declares a part: each field may be left out, and then is as in the part it is laid over.
macro_rules! parts {
    ($($(#[doc = $doc:literal])* $name:ident over $whole:ident { $($field:ident: $type:ty,)* })*) => {
        $($(#[doc = $doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $(
                #[doc = concat!("As `", stringify!($field), "` of [`", stringify!($whole), "`].")]
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )*
        }

        impl $name {
            fn over(&self, mut whole: $whole) -> $whole {
                $(if let Some(value) = &self.$field { whole.$field = value.clone().into(); })*
                whole
            }
        })*
    };
}

parts! {
    /// What differs in how lead time is taken.
    DeclaredLeadTime over LeadTime {
        of: LeadTimeOf, start: LeadTimeStart, semver_only: bool, statistic: Statistic,
    }
    /// What differs in what makes a deployment fail.
    DeclaredFailure over Failure {
        signals: Vec<SignalKind>, window_s: i64, incident_at: CauseAt, incident_scope: CauseScope,
        closed_incidents_only: bool, incident_max_age_s: i64,
    }
    /// What differs in how recovery is taken.
    DeclaredRecovery over Recovery {
        headline: RecoveryHeadline, from: RestoreFrom, to: RestoreTo, statistic: Statistic,
    }
}

/// Signals are known up to 90 days after a deployment.
const LONGEST_S: i64 = 90 * DAY / 1_000_000;

impl Declared {
    /// The whole definition.
    ///
    /// # Errors
    /// `definition_invalid` with the key and what it takes.
    pub fn definition(&self) -> Result<Definition, Problem> {
        let known = shipped();
        let Some(base) = known.iter().find(|definition| definition.id == self.like) else {
            let ids: Vec<&str> = known.iter().map(|definition| definition.id.as_str()).collect();
            return Err(self.bad("like", &format!("is `{}`; it takes {}", clip(&self.like), ids.join(", "))));
        };
        let base = base.clone();
        let whole = Definition {
            id: self.id.clone(),
            version: self.version,
            title: self.title.clone().unwrap_or_else(|| format!("As `{}`, changed here.", self.like)),
            population: self.population.unwrap_or(base.population),
            frequency: self.frequency.unwrap_or(base.frequency),
            lead_time: self.lead_time.over(base.lead_time),
            failure: self.failure.over(base.failure),
            recovery: self.recovery.over(base.recovery),
            rollup: self.rollup.unwrap_or(base.rollup),
            children: self.children.unwrap_or(base.children),
            filter: self.filter.clone().unwrap_or(base.filter),
            bands: self.bands.clone().unwrap_or(base.bands),
        };
        self.check_name(&known)?;
        self.check(&whole)?;
        Ok(whole)
    }

    fn bad(&self, key: &str, rule: &str) -> Problem {
        Problem::new(Code::DefinitionInvalid, format!("definition `{}`: `{key}` {rule}", clip(&self.id)))
    }

    fn check_name(&self, known: &[Definition]) -> Result<(), Problem> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        if !(1..=64).contains(&self.id.len()) || !self.id.bytes().all(allowed) {
            return Err(self.bad("id", "takes 1 to 64 small letters, digits, hyphens and underscores"));
        }
        if known.iter().any(|definition| definition.id == self.id) {
            return Err(self.bad("id", "is the name of a definition that comes with Leadline; choose another"));
        }
        if self.version == 0 {
            return Err(self.bad("version", "is 0; it counts from 1"));
        }
        Ok(())
    }

    /// Parts that would give numbers that mean nothing.
    fn check(&self, whole: &Definition) -> Result<(), Problem> {
        if whole.title.trim().is_empty() || whole.title.len() > 512 {
            return Err(self.bad("title", "takes a sentence of up to 512 bytes"));
        }
        for (key, seconds) in [
            ("failure.window_s", Some(whole.failure.window_s)),
            ("failure.incident_max_age_s", whole.failure.incident_max_age_s),
        ] {
            if let Some(seconds) = seconds.filter(|seconds| !(1..=LONGEST_S).contains(seconds)) {
                return Err(self.bad(key, &format!("is {seconds}; it takes 1 to {LONGEST_S} seconds (90 days)")));
            }
        }
        let signals: BTreeSet<String> = whole.failure.signals.iter().map(|signal| format!("{signal:?}")).collect();
        if signals.len() < whole.failure.signals.len() {
            return Err(self.bad("failure.signals", "has a signal twice"));
        }
        let between =
            matches!(whole.frequency, Frequency::MeanRate | Frequency::MeanInterval | Frequency::MeanRatePooled);
        if between && whole.population != Population::Counted {
            return Err(self.bad(
                "frequency",
                "measures from the previous counted deployment, so `population` has to be `counted`; or take `per_day` or `deploy_days`",
            ));
        }
        if whole.lead_time.of == LeadTimeOf::CommitAt && whole.lead_time.start != LeadTimeStart::Commit {
            let rule = format!(
                "is `{}`, which `lead_time.of = \"commit_at\"` cannot tell; take `new_commits` or `deployed_commit`",
                whole.lead_time.start.text()
            );
            return Err(self.bad("lead_time.start", &rule));
        }
        if whole.children == Children::Weighted && whole.rollup == Rollup::Pooled {
            return Err(self.bad(
                "children",
                "is `weighted`, and `rollup = \"pooled\"` takes no mean of children; take `mean_of_children`",
            ));
        }
        if band::table(&whole.bands).is_none() {
            let known: Vec<&str> = band::tables().iter().map(|table| table.id).collect();
            return Err(self.bad("bands", &format!("is `{}`; it takes {}", clip(&whole.bands), known.join(", "))));
        }
        Ok(())
    }
}

/// The whole of every declared definition, with each id once.
///
/// # Errors
/// As [`Declared::definition`].
pub fn whole(declared: &[Declared]) -> Result<Vec<Definition>, Problem> {
    let mut ids = BTreeSet::new();
    if let Some(twice) = declared.iter().find(|one| !ids.insert(one.id.as_str())) {
        return Err(twice.bad("id", "is there twice"));
    }
    declared.iter().map(Declared::definition).collect()
}

/// Sees to it that an id and a version always mean the same: a number may be asked for again long after.
///
/// # Errors
/// `definition_invalid` when one of `next` was something else under its version in `before`, with the version it takes.
pub fn check_versions<'a>(
    next: &[Declared],
    before: impl IntoIterator<Item = &'a Declared> + Clone,
) -> Result<(), Problem> {
    for one in next {
        let earlier: Vec<&Declared> = before.clone().into_iter().filter(|other| other.id == one.id).collect();
        if earlier.iter().any(|other| other.version == one.version && !same(other, one)) {
            let free = earlier.iter().map(|other| other.version).max().unwrap_or_default().saturating_add(1);
            let rule = format!(
                "is {}, and under that version it meant something else; whoever kept a number of it must be able to tell. Write `version = {free}`",
                one.version
            );
            return Err(one.bad("version", &rule));
        }
    }
    Ok(())
}

/// Whether both give the same numbers; a title does not matter.
fn same(one: &Declared, other: &Declared) -> bool {
    let untitled =
        |declared: &Declared| declared.definition().ok().map(|whole| Definition { title: String::new(), ..whole });
    untitled(one) == untitled(other)
}

fn clip(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Declared {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn a_copy_is_the_same_but_for_its_name() {
        for base in shipped() {
            let copy = read(&format!("id = \"ours\"\nlike = \"{}\"", base.id)).definition().unwrap();
            assert_eq!(Definition { id: base.id.clone(), title: base.title.clone(), ..copy }, base);
        }
    }

    #[test]
    fn what_is_written_differs_and_nothing_else() {
        let ours = read(
            r#"
            id = "ours"
            version = 3
            like = "rex"
            title = "Ours."
            frequency = "deploy_days"
            children = "weighted"
            filter = { tier = "gold" }
            [lead_time]
            start = "first_commit"
            [failure]
            signals = ["incident", "rollback"]
            incident_max_age_s = 86400
            "#,
        );
        let rex = shipped().into_iter().find(|definition| definition.id == "rex").unwrap();
        let wanted = Definition {
            id: "ours".to_owned(),
            version: 3,
            title: "Ours.".to_owned(),
            frequency: Frequency::DeployDays,
            children: Children::Weighted,
            filter: [("tier".to_owned(), "gold".to_owned())].into(),
            lead_time: LeadTime { start: LeadTimeStart::FirstCommit, ..rex.lead_time },
            failure: Failure {
                signals: vec![SignalKind::Incident, SignalKind::Rollback],
                incident_max_age_s: Some(86_400),
                ..rex.failure.clone()
            },
            ..rex
        };
        assert_eq!(ours.definition().unwrap(), wanted);
        // As it is kept and shown again.
        let text = serde_json::to_string(&ours).unwrap();
        assert_eq!(serde_json::from_str::<Declared>(&text).unwrap(), ours);
        assert!(!text.contains("null"), "{text}");
    }

    #[test]
    fn what_cannot_be_used_says_which_key_and_what_it_takes() {
        for (text, said) in [
            ("id = \"Ours\"", "`id` takes 1 to 64 small letters"),
            ("id = \"rex\"", "comes with Leadline"),
            ("id = \"a\"\nversion = 0", "counts from 1"),
            ("id = \"a\"\nlike = \"doras\"", "`like` is `doras`; it takes dora, rex"),
            ("id = \"a\"\nbands = \"best\"", "`bands` is `best`; it takes dora-2019"),
            ("id = \"a\"\nfailure = { window_s = 0 }", "`failure.window_s` is 0; it takes 1 to 7776000"),
            ("id = \"a\"\nfailure = { signals = [\"hotfix\", \"hotfix\"] }", "twice"),
            ("id = \"a\"\npopulation = \"attempts\"\nfrequency = \"mean_rate\"", "`population` has to be `counted`"),
            (
                "id = \"a\"\nlike = \"examples\"\nlead_time = { start = \"first_commit\" }",
                "`lead_time.of = \"commit_at\"`",
            ),
            ("id = \"a\"\nlike = \"examples\"\nlead_time = { start = \"merged\" }", "is `merged`, which"),
            ("id = \"a\"\nchildren = \"weighted\"", "take `mean_of_children`"),
        ] {
            let problem = read(text).definition().unwrap_err();
            assert_eq!(problem.code, Code::DefinitionInvalid);
            assert!(problem.message.contains(said), "{}", problem.message);
        }
        for (text, said) in [
            ("frequency = \"weekly\"", "`deploy_days`"),
            ("lead_time = { begin = \"merged\" }", "unknown field `begin`"),
            ("version = \"two\"", "u32"),
        ] {
            let error = toml::from_str::<Declared>(text).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
        let twice = [read("id = \"a\""), read("id = \"a\"")];
        assert!(whole(&twice).unwrap_err().message.contains("there twice"));
    }

    #[test]
    fn a_version_never_means_two_things() {
        let (first, days) = (read("id = \"a\""), read("id = \"a\"\nfrequency = \"deploy_days\""));
        let problem = check_versions(std::slice::from_ref(&days), [&first]).unwrap_err();
        assert!(problem.message.contains("Write `version = 2`"), "{}", problem.message);
        let second = Declared { version: 2, ..days };
        assert_eq!(check_versions(std::slice::from_ref(&second), [&first]), Ok(()));
        // Back to what the first version was, and another title.
        let again = Declared { title: Some("Again.".to_owned()), ..first.clone() };
        assert_eq!(check_versions(&[again], [&first, &second]), Ok(()));
        let third = Declared { rollup: Some(Rollup::MeanOfChildren), ..second.clone() };
        assert!(check_versions(&[third], [&first, &second]).unwrap_err().message.contains("`version = 3`"));
    }
}
