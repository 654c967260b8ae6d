//! From a commit to its users: versions, staging, production, configuration.

use domain::Timestamp;
use domain::time::HOUR;

use super::events::{self, Commit, Deploy, Flaws, Kind};
use super::group::{Feed, Style};
use super::history::{Life, MINUTE, Release};
use super::{pace, trouble};

impl Life<'_> {
    /// Brings what is merged to its users, unless a repair is under way.
    pub(super) fn deploy(&mut self, at: Timestamp, pace: &pace::Pace) {
        let Some(head) = self.head.clone().filter(|_| at > self.busy_until) else { return };
        if self.member.style == Style::Gaming {
            self.burst(at);
            return;
        }
        if self.running.last().is_some_and(|running| running.head.sha == head.sha) {
            if self.random.chance(0.3) {
                self.configure(at);
            }
            return;
        }
        let release = self.release(&head);
        self.build(&release, at);
        if self.has_pipeline() && self.random.chance(0.5) {
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
            self.tell_commits(before.as_ref().map(|head| head.sha.as_str()), std::slice::from_ref(&commit));
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
        Release { version, head: head.clone(), id: format!("{}-{}", self.member.name, self.numbers.deployment) }
    }

    fn has_pipeline(&self) -> bool {
        matches!(self.member.feed, Feed::Native | Feed::GitHub | Feed::Workflow)
    }

    fn build(&mut self, release: &Release, at: Timestamp) {
        if !self.has_pipeline() {
            return;
        }
        let built = at.plus(-55 * MINUTE);
        if self.member.style != Style::BadData {
            self.tell(events::tag(self.member, &release.version, &release.head, built));
        }
        // Tests that fail and then pass unchanged are as common here as elsewhere.
        let (version, sha) = (&release.version, &release.head.sha);
        let again = self.random.chance(0.08);
        if again {
            self.tell(events::pipeline(self.member, version, sha, built.plus(-15 * MINUTE), 1, false));
        }
        self.tell(events::pipeline(self.member, version, sha, built, if again { 2 } else { 1 }, true));
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
            self.tell([events::canary(self.member, &release.id, at.plus(-10 * MINUTE), passed)]);
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
            sha: release.head.sha.clone(),
            commit_at: release.head.at,
            kind,
            by_hand: self.random.chance(by_hand),
            fixes: None,
        }
    }

    fn put(&mut self, deploy: &Deploy<'_>) {
        let bad = self.member.style == Style::BadData;
        let flaws = Flaws { no_sha: bad && self.random.chance(0.2), naive: bad && self.random.chance(0.04) };
        self.tell(events::deployment(self.member, deploy, flaws));
    }
}
