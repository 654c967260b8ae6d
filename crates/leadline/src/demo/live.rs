//! New events as time goes on: mostly work on branches and its checks, sometimes a version and its deployment, now and
//! then an incident and its end. Seldom enough that an hour of it does not bend the year.

use domain::Timestamp;
use domain::time::HOUR;

use super::events::{self, Commit, Deploy, Flaws, Item, Kind, Trouble};
use super::github;
use super::group::Feed;
use super::history::MINUTE;
use super::world::Alive;
use crate::random::Random;

/// A group that goes on.
pub(super) struct Live {
    alive: Vec<Alive>,
    random: Random,
    /// Incidents that are not over, by the place of their component.
    open: Vec<(usize, Trouble)>,
}

impl Live {
    /// Of components that are still worked on; those of the articles' routes rest.
    pub(super) fn new(mut alive: Vec<Alive>, seed: u64) -> Self {
        alive.retain(|alive| matches!(alive.member.feed, Feed::Native | Feed::GitHub));
        Live { alive, random: Random::new(seed, "live"), open: Vec::new() }
    }

    /// What happened just now.
    pub(super) fn tick(&mut self, now: Timestamp) -> Vec<Item> {
        if self.random.chance(0.02)
            && let Some((place, trouble)) = self.open.pop()
            && let Some(alive) = self.alive.get(place)
        {
            let over = Trouble { mitigated: Some(now.plus(-MINUTE)), resolved: Some(now), ..trouble };
            return events::incident(&alive.member, &over).into_iter().next_back().into_iter().collect();
        }
        let Some(last) = u32::try_from(self.alive.len()).ok().and_then(|length| length.checked_sub(1)) else {
            return Vec::new();
        };
        let place = self.random.whole(0, last) as usize;
        let Some(alive) = self.alive.get_mut(place) else { return Vec::new() };
        if self.random.chance(0.92) {
            return work(alive, &mut self.random, now);
        }
        if self.random.chance(0.1) && alive.numbers.deployment > 1 {
            let trouble = begin(alive, &mut self.random, now);
            let told = events::incident(&alive.member, &trouble);
            self.open.push((place, trouble));
            return told;
        }
        deploy(alive, &mut self.random, now)
    }
}

/// A commit on a branch, and the checks of it.
fn work(alive: &mut Alive, random: &mut Random, now: Timestamp) -> Vec<Item> {
    let member = &alive.member;
    let ended = now.plus(-(random.between(1.0, 50.0) as i64) * 1_000_000);
    let commit = Commit {
        sha: random.sha(),
        parents: vec![alive.head.sha.clone()],
        at: ended.plus(-15 * MINUTE),
        message: "Try it another way".to_owned(),
    };
    let name = format!("work-{}", commit.sha.get(..8).unwrap_or_default());
    let mut items = if member.feed == Feed::Native {
        events::commits(member, None, std::slice::from_ref(&commit))
    } else {
        let branch = format!("feature/{name}");
        github::push(member, &branch, Some(&alive.head.sha), std::slice::from_ref(&commit)).into_iter().collect()
    };
    items.extend(events::pipeline(member, &name, &commit.sha, ended, 1, random.chance(0.9)));
    items
}

fn begin(alive: &mut Alive, random: &mut Random, now: Timestamp) -> Trouble {
    alive.numbers.request += 1;
    let member = &alive.member;
    Trouble {
        number: alive.numbers.request,
        severity: random.pick(&["high", "medium", "low"]).copied().unwrap_or("low"),
        title: format!("{} answers with errors", member.name),
        started: now.plus(-3 * MINUTE),
        detected: now.plus(-2 * MINUTE),
        acknowledged: now.plus(-MINUTE),
        mitigated: None,
        resolved: None,
        narrow: true,
    }
}

fn deploy(alive: &mut Alive, random: &mut Random, now: Timestamp) -> Vec<Item> {
    let member = &alive.member;
    let waited = (random.wait(6.0) * HOUR as f64) as i64 + 20 * MINUTE;
    let commit = Commit {
        sha: random.sha(),
        parents: vec![alive.head.sha.clone()],
        at: now.plus(-waited),
        message: "Make it a little better".to_owned(),
    };
    let (major, minor, patch) = alive.numbers.version;
    alive.numbers.version = (major, minor, patch + 1);
    alive.numbers.deployment += 1;
    let version = format!("{major}.{minor}.{}", patch + 1);
    let mut items = events::commits(member, Some(&alive.head.sha), std::slice::from_ref(&commit));
    items.extend(events::tag(member, &version, &commit, now.plus(-10 * MINUTE)));
    for instance in member.instances {
        let deploy = Deploy {
            id: format!("{}-live-{}@{instance}", member.name, now.micros() / 1_000_000),
            instance,
            environment: "production",
            at: now,
            succeeded: true,
            version: version.clone(),
            sha: commit.sha.clone(),
            commit_at: commit.at,
            kind: Kind::Code,
            by_hand: false,
            fixes: None,
        };
        items.extend(events::deployment(member, &deploy, Flaws::default()));
    }
    alive.running.version = version;
    alive.running.head = commit.clone();
    alive.head = commit;
    items
}

#[cfg(test)]
mod tests {
    use domain::event::EventKind;

    use super::super::world::generate;
    use super::super::world::tests::read;
    use super::*;

    #[test]
    fn life_goes_on_with_events_that_can_be_taken() {
        let mut now = Timestamp::parse("2026-03-11T15:30:00Z").unwrap();
        let mut live = Live::new(generate(1, now, 0.2).alive, 1);
        let (mut told, mut deployed) = (0, 0);
        for _ in 0..200 {
            now = now.plus(5_000_000);
            let kinds: Vec<EventKind> = live.tick(now).iter().flat_map(|item| read(item, now).unwrap()).collect();
            told += kinds.len();
            deployed += usize::from(kinds.contains(&EventKind::Deployment));
        }
        assert!(told > 300, "{told}");
        assert!((4..60).contains(&deployed), "{deployed} of 200 ticks");
    }
}
