//! A year in the life of a component: merges and deployments, day by day.

use domain::Timestamp;
use domain::time::{DAY, HOUR};

use super::calendar::{activity, midnight, office_hour};
use super::events::{self, Commit, Deploy, Flaws, Item, Kind, Request};
use super::group::{Feed, Member, Style};
use super::pace;
use super::random::Random;
use super::trouble;

pub(super) const MINUTE: i64 = HOUR / 60;
/// Length of the history.
const YEAR_DAYS: i64 = 365;

/// A version that was deployed, and what it was of.
#[derive(Clone, Debug)]
pub(super) struct Release {
    pub(super) version: String,
    pub(super) sha: String,
    pub(super) commit_at: Timestamp,
    pub(super) id: String,
}

/// A component as it goes through the year.
pub(super) struct Life<'a> {
    pub(super) member: &'a Member,
    pub(super) random: Random,
    pub(super) now: Timestamp,
    pub(super) items: Vec<Item>,
    /// The newest commit.
    pub(super) head: Option<Commit>,
    /// What runs in production, and what ran before.
    pub(super) running: Vec<Release>,
    /// While a failure is being repaired nothing else is deployed.
    pub(super) busy_until: Timestamp,
    pub(super) numbers: Numbers,
}

/// What is counted up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    pub(super) version: (u32, u32, u32),
    pub(super) deployment: u32,
    pub(super) request: u32,
    pub(super) incident: u32,
}

/// How changes get onto the main branch.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Merging {
    Squash,
    Merge,
    Trunk,
}

impl<'a> Life<'a> {
    pub(super) fn new(member: &'a Member, seed: u64, now: Timestamp) -> Self {
        Life {
            member,
            random: Random::new(seed, member.name),
            now,
            items: Vec::new(),
            head: None,
            running: Vec::new(),
            busy_until: Timestamp::MIN,
            numbers: Numbers { version: (1, 0, 0), deployment: 0, request: 0, incident: 0 },
        }
    }

    /// Lives the year; `scale` is how busy it is.
    pub(super) fn live(&mut self, scale: f64) {
        let first = midnight(self.now).plus(-(YEAR_DAYS - 1) * DAY);
        let merging = match self.random.whole(0, 3) {
            0 => Merging::Merge,
            1 => Merging::Trunk,
            _ => Merging::Squash,
        };
        // A push tells of a chain of commits, not of the shape of a merge.
        let merging = if self.member.feed == Feed::Native { merging } else { Merging::Trunk };
        for day in 0..YEAR_DAYS {
            let (today, year) = (first.plus(day * DAY), day as f64 / YEAR_DAYS as f64);
            let (begins, ends) = self.member.life;
            if !(begins..ends).contains(&year) {
                continue;
            }
            let busy = activity(today, self.member.frozen_in_sales) * scale;
            let pace = pace::of(self.member.style, year);
            let mut plan: Vec<(Timestamp, bool)> = Vec::new();
            for (expected, deploys) in [(pace.merges, false), (pace.deployments, true)] {
                for _ in 0..self.random.times(expected * busy) {
                    plan.push((office_hour(today, &mut self.random), deploys));
                }
            }
            plan.sort_unstable();
            for (at, deploys) in plan {
                if deploys {
                    self.deploy(at, &pace);
                } else {
                    self.merge(at, &pace, merging);
                }
            }
            if self.random.chance(0.002 * scale) {
                trouble::from_nowhere(self, today, &pace);
            }
        }
    }

    /// Nothing is known of the future.
    pub(super) fn tell(&mut self, item: Item) {
        if item.at <= self.now {
            self.items.push(item);
        }
    }

    fn merge(&mut self, at: Timestamp, pace: &pace::Pace, merging: Merging) {
        // The repair comes first, also in the history of the branch.
        if at <= self.busy_until {
            return;
        }
        let count = self.random.whole(1, pace.commits);
        let review = (self.random.wait(pace.review_h) * HOUR as f64) as i64 + 10 * MINUTE;
        // Some build machines of the domain with bad data have a clock that is ahead.
        let ahead = if self.member.style == Style::BadData && self.random.chance(0.08) { 2 * HOUR } else { 0 };
        let message = MESSAGES[self.random.whole(0, MESSAGES.len() as u32 - 1) as usize];
        let base = self.head.as_ref().map(|head| head.sha.clone());
        let mut commits: Vec<Commit> = Vec::new();
        for index in 0..count {
            let written = if merging == Merging::Trunk {
                i64::from(count - index - 1) * 25 * MINUTE
            } else {
                review + i64::from(count - index) * 35 * MINUTE
            };
            let parents = commits.last().map(|commit| commit.sha.clone()).or_else(|| base.clone());
            commits.push(Commit {
                sha: self.random.sha(),
                parents: parents.into_iter().collect(),
                at: at.plus(ahead - written),
                message: message.to_owned(),
            });
        }
        self.numbers.request += 1;
        let number = self.numbers.request;
        let head = match merging {
            Merging::Trunk => {
                self.tell_commits(base.as_deref(), &commits);
                commits.last().cloned()
            }
            Merging::Squash | Merging::Merge => {
                let own = commits.last().map(|commit| commit.sha.clone()).filter(|_| merging == Merging::Merge);
                let parents = base.into_iter().chain(own).collect();
                let head = Commit {
                    sha: self.random.sha(),
                    parents,
                    at: at.plus(ahead),
                    message: format!("{message} (#{number})"),
                };
                if merging == Merging::Merge {
                    self.tell_commits(None, &commits);
                }
                self.tell(events::change(self.member, &head));
                let request = Request {
                    number,
                    opened: at.plus(-review),
                    merged: at,
                    merge_sha: &head.sha,
                    commits: &commits,
                    title: message.to_owned(),
                    branch: format!("feature/{number}"),
                };
                self.tell(events::pull_request(self.member, &request));
                Some(head)
            }
        };
        self.head = head.or(self.head.take());
    }

    /// Tells of commits by the route of the component.
    pub(super) fn tell_commits(&mut self, before: Option<&str>, commits: &[Commit]) {
        match self.member.feed {
            Feed::Native => {
                for commit in commits {
                    self.tell(events::change(self.member, commit));
                }
            }
            // This route's deployments carry the time of their commit.
            Feed::Service => {}
            Feed::CiJob | Feed::Argo => {
                if let Some(item) = events::push(self.member, before, commits) {
                    self.tell(item);
                }
            }
        }
    }

    fn deploy(&mut self, at: Timestamp, pace: &pace::Pace) {
        let Some(head) = self.head.clone().filter(|_| at > self.busy_until) else { return };
        if self.member.style == Style::Gaming {
            self.burst(at);
            return;
        }
        if self.running.last().is_some_and(|running| running.sha == head.sha) {
            if self.random.chance(0.3) {
                self.configure(at);
            }
            return;
        }
        let release = self.release(&head);
        self.build(&release, at);
        if self.member.feed == Feed::Native && self.random.chance(0.5) {
            let to_staging = self.attempt(&release, at.plus(-40 * MINUTE), Kind::Code);
            self.put(&Deploy { environment: "staging", id: format!("{}-staging", release.id), ..to_staging });
        }
        if self.random.chance(0.03) {
            let failed = self.attempt(&release, at, Kind::Code);
            self.put(&Deploy { succeeded: false, id: format!("{}-first-try", release.id), ..failed });
            self.roll_out(release, at.plus(45 * MINUTE), Kind::Code, None);
        } else {
            self.roll_out(release, at, Kind::Code, None);
        }
        if self.random.chance(pace.failure) {
            trouble::after_deployment(self, at.plus(45 * MINUTE), pace);
        }
    }

    /// Tiny versions one after the other, and the same version once more: what a target for frequency alone brings.
    fn burst(&mut self, at: Timestamp) {
        for step in 0..self.random.whole(2, 4) {
            let at = at.plus(i64::from(step) * 7 * MINUTE);
            let before = self.head.take();
            let commit = Commit {
                sha: self.random.sha(),
                parents: before.iter().map(|head| head.sha.clone()).collect(),
                at: at.plus(-5 * MINUTE),
                message: "Bump the version".to_owned(),
            };
            self.tell_commits(None, std::slice::from_ref(&commit));
            let release = self.release(&commit);
            self.head = Some(commit);
            self.roll_out(release, at, Kind::Code, None);
        }
        if self.random.chance(0.5) {
            self.configure(at.plus(40 * MINUTE));
        }
        if self.random.chance(0.03) {
            let pace = pace::of(self.member.style, 1.0);
            trouble::after_deployment(self, at.plus(HOUR), &pace);
        }
    }

    /// The next version, of a commit.
    pub(super) fn release(&mut self, head: &Commit) -> Release {
        let (major, minor, patch) = self.numbers.version;
        self.numbers.version = if self.random.chance(0.6) { (major, minor, patch + 1) } else { (major, minor + 1, 0) };
        let (major, minor, patch) = self.numbers.version;
        self.numbers.deployment += 1;
        let version = match self.member.style {
            // Build numbers are no versions.
            Style::BadData if self.member.name.len().is_multiple_of(2) => {
                format!("build-{}", 4_000 + self.numbers.deployment)
            }
            _ => format!("{major}.{minor}.{patch}"),
        };
        Release {
            version,
            sha: head.sha.clone(),
            commit_at: head.at,
            id: format!("{}-{}", self.member.name, self.numbers.deployment),
        }
    }

    fn build(&mut self, release: &Release, at: Timestamp) {
        if self.member.feed != Feed::Native {
            return;
        }
        let built = at.plus(-55 * MINUTE);
        if self.member.style != Style::BadData {
            self.tell(events::tag(self.member, &release.version, &release.sha, built));
        }
        // Tests that fail and then pass unchanged are as common here as elsewhere.
        if self.random.chance(0.08) {
            self.tell(events::pipeline(
                self.member,
                &release.version,
                &release.sha,
                built.plus(-15 * MINUTE),
                1,
                false,
            ));
        }
        self.tell(events::pipeline(self.member, &release.version, &release.sha, built, 2, true));
    }

    fn configure(&mut self, at: Timestamp) {
        let Some(running) = self.running.last().cloned() else { return };
        self.numbers.deployment += 1;
        let again = Release { id: format!("{}-{}", self.member.name, self.numbers.deployment), ..running };
        for instance in self.member.instances {
            let deploy = self.attempt(&again, at, Kind::Config);
            self.put(&Deploy { id: format!("{}@{instance}", again.id), instance, ..deploy });
        }
    }

    /// To every instance, one after the other.
    pub(super) fn roll_out(&mut self, release: Release, at: Timestamp, kind: Kind, fixes: Option<String>) {
        let members = self.member.instances;
        let between = if members.len() > 2 { 50 * MINUTE } else { 15 * MINUTE };
        for (index, instance) in members.iter().enumerate() {
            let deploy = self.attempt(&release, at.plus(index as i64 * between), kind);
            let id = if members.len() > 1 { format!("{}@{instance}", release.id) } else { release.id.clone() };
            self.put(&Deploy { id, instance, fixes: fixes.clone(), ..deploy });
        }
        if self.member.style == Style::Elite && kind == Kind::Code {
            let passed = self.random.chance(0.95);
            self.tell(events::canary(self.member, &release.id, at.plus(-10 * MINUTE), passed));
        }
        self.running.push(release);
    }

    fn attempt(&mut self, release: &Release, at: Timestamp, kind: Kind) -> Deploy<'static> {
        let by_hand = match self.member.style {
            Style::Elite | Style::Good => 0.05,
            Style::Slow => 0.7,
            _ => 0.3,
        };
        Deploy {
            id: release.id.clone(),
            instance: "default",
            environment: "production",
            at,
            succeeded: true,
            version: release.version.clone(),
            sha: release.sha.clone(),
            commit_at: release.commit_at,
            kind,
            by_hand: self.random.chance(by_hand),
            fixes: None,
        }
    }

    fn put(&mut self, deploy: &Deploy<'_>) {
        let bad = self.member.style == Style::BadData;
        let flaws = Flaws { no_sha: bad && self.random.chance(0.2), naive: bad && self.random.chance(0.04) };
        if let Some(item) = events::deployment(self.member, deploy, flaws) {
            self.tell(item);
        }
    }
}

const MESSAGES: &[&str] = &[
    "Show delivery dates in the basket",
    "Retry when the partner is slow",
    "Keep prices in one place",
    "Make the search forgiving",
    "Load pictures later",
    "Write fewer rows",
    "Ask for the address once",
    "Round as the tax office does",
    "Update dependencies",
    "Log what the customer saw",
    "Remove the old report",
    "Speed up the night job",
    "Say why a card is refused",
];
