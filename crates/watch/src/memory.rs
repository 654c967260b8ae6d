//! What is remembered of one workload from one look to the next.

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use sources::kubernetes::Standing;

/// So many revisions are remembered to tell when one comes again.
const REVISIONS: usize = 32;

/// One workload, as it was when it was looked at last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Memory {
    pub(crate) revision: String,
    pub(crate) images: Vec<String>,
    /// Images of the revision before.
    pub(crate) before: Option<Vec<String>>,
    /// When the revision was first seen, unless it was over by then.
    pub(crate) since: Option<Timestamp>,
    /// When its end was first seen.
    pub(crate) ended_at: Option<Timestamp>,
    /// Whether it was over before anybody looked.
    pub(crate) found: bool,
    /// Revisions that came, latest last, with how often.
    pub(crate) turns: Vec<(String, u32)>,
    /// What was delivered last.
    pub(crate) told: Option<String>,
}

impl Memory {
    /// Takes in how the workload stands now; `first` at the first look ever at its cluster. Says whether anything but
    /// what is delivered changed.
    pub(crate) fn look(&mut self, standing: &Standing, now: Timestamp, first: bool) -> bool {
        let mut changed = false;
        if self.revision != standing.revision {
            let known = !self.revision.is_empty();
            self.before = known.then(|| std::mem::take(&mut self.images));
            self.revision.clone_from(&standing.revision);
            self.images.clone_from(&standing.images);
            self.since = (!first && !standing.ended).then_some(now);
            self.found = first && standing.ended;
            self.ended_at = None;
            self.count();
            changed = true;
        }
        if standing.ended && self.ended_at.is_none() {
            self.ended_at = Some(now);
            changed = true;
        }
        changed
    }

    /// Whether there is anything new to tell. What has ended is not in progress again.
    pub(crate) fn is_new(&self, standing: &Standing) -> bool {
        self.told.as_ref() != Some(&standing.digest) && (standing.ended || self.ended_at.is_none())
    }

    /// How often the present revision has come.
    pub(crate) fn turn(&self) -> u32 {
        self.turns.last().map_or(1, |(_, times)| *times)
    }

    fn count(&mut self) {
        let at = self.turns.iter().position(|(revision, _)| *revision == self.revision);
        let times = at.map_or(0, |at| self.turns.remove(at).1);
        self.turns.push((self.revision.clone(), times + 1));
        if self.turns.len() > REVISIONS {
            self.turns.remove(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(revision: &str, image: &str, ended: bool) -> Standing {
        let digest = format!("{revision} {image} {ended}");
        Standing { uid: "u".to_owned(), revision: revision.to_owned(), images: vec![image.to_owned()], ended, digest }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros(second * domain::time::SECOND)
    }

    #[test]
    fn a_rollout_that_is_watched() {
        let mut memory = Memory::default();
        assert!(memory.look(&standing("a", "x:1", true), at(1), true));
        assert_eq!((memory.found, memory.since, &memory.before), (true, None, &None));
        let began = standing("b", "x:2", false);
        assert!(memory.look(&began, at(2), false) && memory.is_new(&began));
        assert_eq!((memory.since, memory.found), (Some(at(2)), false));
        assert_eq!(memory.before, Some(vec!["x:1".to_owned()]));
        memory.told = Some(began.digest.clone());
        assert!(!memory.look(&began, at(3), false) && !memory.is_new(&began));
        let ended = standing("b", "x:2", true);
        assert!(memory.look(&ended, at(4), false) && memory.is_new(&ended));
        memory.told = Some(ended.digest.clone());
        // A pod that is moved takes nothing back, and the end stays where it was.
        assert!(!memory.look(&began, at(5), false) && !memory.is_new(&began));
        assert_eq!(memory.ended_at, Some(at(4)));
    }

    #[test]
    fn a_revision_that_comes_again_is_counted() {
        let mut memory = Memory::default();
        for (second, revision) in ["a", "b", "a"].into_iter().enumerate() {
            memory.look(&standing(revision, "x:1", true), at(second as i64), false);
        }
        assert_eq!(memory.turn(), 2);
        for second in 0..40 {
            memory.look(&standing(&format!("r{second}"), "x:1", true), at(second), false);
        }
        assert_eq!((memory.turns.len(), memory.turn()), (REVISIONS, 1));
    }

    #[test]
    fn one_that_was_over_when_it_was_seen_has_no_beginning() {
        let mut memory = Memory::default();
        memory.look(&standing("a", "x:1", true), at(1), false);
        assert_eq!((memory.since, memory.found, memory.ended_at), (None, false, Some(at(1))));
    }

    #[test]
    fn what_an_older_version_remembered_can_be_read() {
        let memory: Memory = serde_json::from_str(r#"{"revision": "a", "gone": 1}"#).unwrap();
        assert_eq!(memory, Memory { revision: "a".to_owned(), ..Memory::default() });
    }
}
