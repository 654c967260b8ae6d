//! The whole sample: everything that happened, in the order in which it became known. Pure.

use domain::Timestamp;
use domain::catalogue::Catalogue;

use super::events::Item;
use super::group::{self, Member};
use super::history::{Life, Numbers, Release};

/// A group with its history.
pub(super) struct World {
    pub(super) catalogue: Catalogue,
    /// By time.
    pub(super) items: Vec<Item>,
    /// Components that go on.
    pub(super) alive: Vec<Alive>,
}

/// Where a component stands now.
pub(super) struct Alive {
    pub(super) member: Member,
    pub(super) head: String,
    pub(super) running: Release,
    pub(super) numbers: Numbers,
}

/// The same seed, instant and scale give the same group.
pub(super) fn generate(seed: u64, now: Timestamp, scale: f64) -> World {
    let mut world = World { catalogue: group::catalogue(), items: Vec::new(), alive: Vec::new() };
    for member in group::members() {
        let mut life = Life::new(&member, seed, now);
        life.live(scale);
        world.items.append(&mut life.items);
        let (head, running) = (life.head.take(), life.running.pop());
        // Only what was told to the end may go on: nothing is repaired in the future, nothing hangs on an untold commit.
        if let (Some(head), Some(running), true) = (head, running, life.busy_until <= now && member.life.1 >= 1.0) {
            let numbers = life.numbers;
            world.alive.push(Alive { head: head.sha, running, numbers, member });
        }
    }
    world.items.sort_by(|left, right| (left.at, &left.body).cmp(&(right.at, &right.body)));
    world
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use domain::event::{Checks, EventKind, parse};
    use serde_json::Value;
    use sources::Delivery;

    use super::*;
    use crate::demo::events::EVENTS;

    fn now() -> Timestamp {
        Timestamp::parse("2026-03-11T15:30:00Z").unwrap()
    }

    #[test]
    fn the_same_seed_gives_the_same_history() {
        let items = |seed| generate(seed, now(), 0.05).items;
        assert_eq!(items(1), items(1));
        assert_ne!(items(1), items(2));
    }

    #[test]
    fn everything_can_be_taken_but_what_is_wrong_on_purpose() {
        let mut kinds: BTreeMap<EventKind, usize> = BTreeMap::new();
        let (mut bad, mut routes) = (0, HashSet::new());
        for item in generate(1, now(), 0.2).items {
            assert!(item.at <= now());
            routes.insert(item.route);
            let taken = if item.route == EVENTS {
                let value: Value = serde_json::from_str(&item.body).unwrap();
                parse(value, Checks { default_source: "demo", now: now() }).map(|event| vec![event.key.kind])
            } else {
                let source = sources::find("articles").unwrap();
                let route = source.routes.iter().find(|route| route.path == item.route).unwrap();
                let delivery = Delivery {
                    source: "articles",
                    event: route.event,
                    headers: &[],
                    body: item.body.as_bytes(),
                    received_at: now(),
                };
                (source.parse)(&delivery)
                    .map(|parsed| parsed.events.into_iter().map(|event| event.unwrap().key.kind).collect())
            };
            match taken {
                Ok(found) if !item.bad => found.into_iter().for_each(|kind| *kinds.entry(kind).or_default() += 1),
                Err(problem) if item.bad => {
                    assert_eq!(problem.code, domain::Code::TimestampWithoutOffset);
                    bad += 1;
                }
                Ok(_) => panic!("it is wrong on purpose, and was taken: {}", item.body),
                Err(problem) => panic!("{problem}: {}", item.body),
            }
        }
        assert!(bad > 0);
        assert_eq!(routes.len(), 6, "{routes:?}");
        use EventKind::{CanaryAnalysis, Change, Deployment, Incident, PipelineRun, PullRequest, Tag};
        for kind in [Deployment, Change, Tag, PullRequest, PipelineRun, Incident, CanaryAnalysis] {
            assert!(kinds.get(&kind).is_some_and(|count| *count > 10), "{kind}: {kinds:?}");
        }
    }

    #[test]
    fn a_year_is_of_realistic_size() {
        let world = generate(1, now(), 1.0);
        let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
        for item in &world.items {
            let kind = if item.route == EVENTS {
                serde_json::from_str::<Value>(&item.body).unwrap()["type"].as_str().unwrap().to_owned()
            } else {
                item.route.to_owned()
            };
            *kinds.entry(kind).or_default() += 1;
        }
        assert!((15_000..=25_000).contains(&kinds["deployment"]), "{kinds:?}");
        assert!((40_000..=70_000).contains(&kinds["change"]), "{kinds:?}");
        assert!(world.alive.len() > 50);
    }
}
