//! The whole sample: everything that happened, in the order in which it became known. Pure.

use domain::Timestamp;
use domain::catalogue::Catalogue;

use super::events::{Commit, Item};
use super::group::{self, Member};
use super::history::{Life, Numbers, Release};
use super::service_levels;

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
    pub(super) head: Commit,
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
        world.items.append(&mut service_levels::told(&member, seed, now));
        let (head, running) = (life.head.take(), life.running.pop());
        // Only what was told to the end may go on: nothing is repaired in the future, nothing hangs on an untold commit.
        if let (Some(head), Some(running), true) = (head, running, life.busy_until <= now && member.life.1 >= 1.0) {
            let numbers = life.numbers;
            world.alive.push(Alive { head, running, numbers, member });
        }
    }
    world.items.sort_by(|left, right| (left.at, &left.body).cmp(&(right.at, &right.body)));
    world
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::{BTreeMap, HashSet};

    use domain::event::{Checks, EventKind, parse};
    use serde_json::Value;
    use sources::Delivery;

    use super::*;
    use crate::demo::events::EVENTS;

    fn now() -> Timestamp {
        Timestamp::parse("2026-03-11T15:30:00Z").unwrap()
    }

    /// What an item says, read as its route is.
    pub(in crate::demo) fn read(item: &Item, now: Timestamp) -> Result<Vec<EventKind>, domain::Problem> {
        if item.route == EVENTS {
            let value: Value = serde_json::from_str(&item.body).unwrap();
            return parse(value, Checks { default_source: "demo", now }).map(|event| vec![event.key.kind]);
        }
        let source = sources::find(if item.hook.is_some() { "github" } else { "articles" }).unwrap();
        let route = source.routes.iter().find(|route| route.path == item.route).unwrap();
        let headers: Vec<_> =
            item.hook.iter().map(|event| ("x-github-event".to_owned(), (*event).to_owned())).collect();
        let delivery = Delivery {
            source: source.name,
            event: route.event,
            headers: &headers,
            body: item.body.as_bytes(),
            received_at: now,
        };
        let parsed = (source.parse)(&delivery)?;
        assert_eq!(parsed.ignored, None, "{}", item.body);
        Ok(parsed.events.into_iter().map(|event| event.unwrap().key.kind).collect())
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
            let taken = read(&item, now());
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
        assert_eq!(routes.len(), 7, "{routes:?}");
        use EventKind::{
            CanaryAnalysis, Change, Deployment, FlagChange, Incident, PipelineRun, PullRequest, SloSample, Tag,
        };
        let told = [Deployment, Change, Tag, PullRequest, PipelineRun, Incident, CanaryAnalysis, FlagChange, SloSample];
        for kind in told {
            assert!(kinds.get(&kind).is_some_and(|count| *count > 10), "{kind}: {kinds:?}");
        }
    }

    #[test]
    fn a_year_is_of_realistic_size() {
        let world = generate(1, now(), 1.0);
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for item in &world.items {
            let told = item.hook.unwrap_or(item.route);
            *kinds.entry(told).or_default() += 1;
        }
        assert!((10_000..=20_000).contains(&kinds["deployment_status"]), "{kinds:?}");
        assert!((30_000..=70_000).contains(&kinds["push"]), "{kinds:?}");
        assert!((60_000..=180_000).contains(&world.items.len()), "{}", world.items.len());
        assert!(world.alive.len() > 50);
    }
}
