//! A year in the life of a component: merges and deployments, day by day.

use domain::Timestamp;
use domain::time::{DAY, HOUR};

use super::calendar::{activity, midnight, office_hour};
use super::events::{self, Commit, Item, Request};
use super::github;
use super::group::{Feed, Member, Style};
use super::pace;
use super::trouble;
use crate::random::Random;

pub(super) const MINUTE: i64 = HOUR / 60;
/// Length of the history.
const YEAR_DAYS: i64 = 365;

/// A version that was deployed, and what it was of.
#[derive(Clone, Debug)]
pub(super) struct Release {
    pub(super) version: String,
    pub(super) head: Commit,
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
    /// Pull requests and incidents.
    pub(super) request: u32,
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
            numbers: Numbers { version: (1, 0, 0), deployment: 0, request: 0 },
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
        // These routes know no pull requests.
        let without = matches!(self.member.feed, Feed::CiJob | Feed::Service | Feed::Argo);
        let merging = if without { Merging::Trunk } else { merging };
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
    pub(super) fn tell(&mut self, items: impl IntoIterator<Item = Item>) {
        let now = self.now;
        self.items.extend(items.into_iter().filter(|item| item.at <= now));
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
                let before = base.clone();
                let parents = base.iter().cloned().chain(own).collect();
                let head = Commit {
                    sha: self.random.sha(),
                    parents,
                    at: at.plus(ahead),
                    message: format!("{message} (#{number})"),
                };
                let branch = format!("feature/{number}");
                if self.member.feed != Feed::Native {
                    self.tell(github::push(self.member, &branch, base.as_deref(), &commits));
                }
                let request = Request {
                    number,
                    opened: at.plus(-review),
                    merged: at,
                    merge_sha: &head.sha,
                    commits: &commits,
                    title: message.to_owned(),
                    branch,
                };
                self.tell(events::pull_request(self.member, &request));
                let mut landed = if merging == Merging::Merge { commits } else { Vec::new() };
                landed.push(head.clone());
                self.tell_commits(before.as_deref(), &landed);
                Some(head)
            }
        };
        self.head = head.or(self.head.take());
    }

    /// Tells of commits by the route of the component.
    pub(super) fn tell_commits(&mut self, before: Option<&str>, commits: &[Commit]) {
        self.tell(events::commits(self.member, before, commits));
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
