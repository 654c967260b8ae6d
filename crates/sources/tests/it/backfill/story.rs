//! A year of a repository, told twice: as GitHub's webhooks told it while it happened, and as its API tells it after.

use domain::Timestamp;
use domain::time::HOUR;
use serde_json::{Value, json};

use super::hub::Data;

pub(crate) const REPO: &str = "acme/cart";

/// What happens in an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A commit on the default branch.
    Commit,
    /// A pull request of some commits, squashed.
    Squash(u8),
    /// A deployment, and how it goes.
    Deploy(&'static str),
    /// A deployment by a workflow, and whether a person started it.
    Workflow(bool),
    Tag,
    Release,
    /// A run with so many attempts.
    Run(u8),
    /// An incident, and whether it is over.
    Incident(bool),
    /// An issue that is none.
    Issue,
}

/// What the webhooks told, and what the API holds.
#[derive(Default)]
pub(crate) struct Story {
    pub(crate) webhooks: Vec<(&'static str, Value)>,
    pub(crate) data: Data,
    hours: i64,
    number: u64,
    head: Option<String>,
}

fn path(rest: &str) -> String {
    format!("/repos/{REPO}{rest}")
}

pub(crate) fn sha(number: u64) -> String {
    format!("{:040x}", number + 0xabc0_0000)
}

impl Story {
    pub(crate) fn of(steps: &[Step]) -> Self {
        let mut story = Story::default();
        story.data.objects.insert(path(""), json!({"full_name": REPO, "default_branch": "main", "fork": false}));
        for list in
            ["/tags", "/git/matching-refs/tags/", "/releases", "/deployments", "/pulls", "/actions/runs", "/issues"]
        {
            story.data.lists.insert(path(list), Vec::new());
        }
        story.tell(&[Step::Commit]);
        story.tell(steps);
        story
    }

    pub(crate) fn tell(&mut self, steps: &[Step]) {
        for step in steps {
            self.hours += 1;
            self.number += 1;
            match *step {
                Step::Commit => self.commit_on_main(),
                Step::Squash(commits) => self.squash(commits),
                Step::Deploy(state) => self.deploy(state, None),
                Step::Workflow(by_hand) => {
                    let event = if by_hand { "workflow_dispatch" } else { "push" };
                    self.run(1, event);
                    self.deploy("success", Some(event));
                }
                Step::Tag => self.tag(),
                Step::Release => self.release(),
                Step::Run(attempts) => self.run(attempts, "push"),
                Step::Incident(over) => self.issue("incident", over),
                Step::Issue => self.issue("wish", true),
            }
        }
    }

    fn at(&self, minutes: i64) -> String {
        let start = Timestamp::parse("2025-01-01T00:00:00Z").unwrap();
        let at = start.plus(self.hours * HOUR + minutes * HOUR / 60).to_string();
        format!("{}Z", at.split('.').next().unwrap().trim_end_matches('Z'))
    }

    fn list(&mut self, rest: &str) -> &mut Vec<Value> {
        self.data.lists.entry(path(rest)).or_default()
    }

    fn hook(&mut self, event: &'static str, mut body: Value) {
        let pushed_at = Timestamp::parse(&self.at(5)).unwrap().micros() / 1_000_000;
        body["repository"] = json!({"full_name": REPO, "default_branch": "main", "pushed_at": pushed_at});
        self.webhooks.push((event, body));
    }

    /// A commit in the API, and the same in a push.
    fn commit(&mut self, number: u64, minutes: i64, parent: Option<&str>) -> (Value, Value) {
        let (at, message) = (self.at(minutes), format!("Change {number}"));
        let who = json!({"name": "Ada", "email": "ada@example.org", "date": at});
        let parents: Vec<Value> = parent.iter().map(|parent| json!({ "sha": parent })).collect();
        let commit = json!({"sha": sha(number), "commit": {"message": message, "author": who, "committer": who}, "parents": parents});
        self.data.commits.insert(sha(number), commit.clone());
        let pushed = json!({"id": sha(number), "timestamp": at, "message": message, "author": {"name": "Ada"}});
        (commit, pushed)
    }

    fn push(&mut self, branch: &str, before: Option<&str>, commits: Vec<Value>) {
        let zero = "0".repeat(40);
        let body = json!({"ref": branch, "before": before.unwrap_or(&zero), "after": commits.last().unwrap()["id"],
            "head_commit": commits.last(), "commits": commits});
        self.hook("push", body);
    }

    fn commit_on_main(&mut self) {
        let parent = self.head.take();
        let number = self.number * 100;
        let (_, pushed) = self.commit(number, 0, parent.as_deref());
        self.push("refs/heads/main", parent.as_deref(), vec![pushed]);
        self.stand_at(sha(number));
    }

    fn stand_at(&mut self, head: String) {
        self.data.objects.insert(path("/git/ref/heads/main"), json!({"object": {"sha": head, "type": "commit"}}));
        self.head = Some(head);
    }

    fn squash(&mut self, commits: u8) {
        let (base, number) = (self.head.clone(), self.number);
        let mut parent = base.clone();
        let (mut own, mut pushed) = (Vec::new(), Vec::new());
        for place in 1..=u64::from(commits) {
            let (commit, push) = self.commit(number * 100 + place, i64::try_from(place).unwrap(), parent.as_deref());
            parent = Some(sha(number * 100 + place));
            own.push(commit);
            pushed.push(push);
        }
        self.push("refs/heads/feature", base.as_deref(), pushed);
        let (_, landed) = self.commit(number * 100 + 50, 40, base.as_deref());
        self.push("refs/heads/main", base.as_deref(), vec![landed]);
        let request = json!({"number": number, "state": "closed", "title": "A feature", "created_at": self.at(20), "updated_at": self.at(41),
            "merged_at": self.at(40), "closed_at": self.at(40), "merge_commit_sha": sha(number * 100 + 50), "labels": [],
            "user": {"login": "ada", "type": "User"}, "head": {"ref": "feature", "sha": parent}, "base": {"ref": "main"},
            "html_url": format!("https://github.com/{REPO}/pull/{number}")});
        let review = json!({"id": number, "state": "APPROVED", "submitted_at": self.at(30), "user": {"login": "bob", "type": "User"}});
        self.hook("pull_request_review", json!({"action": "submitted", "pull_request": request, "review": review}));
        self.hook("pull_request", json!({"action": "closed", "pull_request": request}));
        self.list("/pulls").push(request);
        *self.list(&format!("/pulls/{number}/commits")) = own;
        *self.list(&format!("/pulls/{number}/reviews")) = vec![review];
        self.stand_at(sha(number * 100 + 50));
    }

    fn deploy(&mut self, state: &str, workflow: Option<&str>) {
        let (number, head) = (self.number, self.head.clone());
        let creator = match workflow {
            Some(_) => json!({"login": "github-actions[bot]", "type": "Bot"}),
            None => json!({"login": "ada", "type": "User"}),
        };
        let link = match workflow {
            Some(_) => format!("https://github.com/{REPO}/actions/runs/{number}/job/1"),
            None => format!("https://ci.example.org/{number}"),
        };
        let run = workflow.map(|event| json!({ "event": event }));
        let deployment = json!({"id": number, "sha": head, "ref": "main", "task": "deploy", "environment": "production",
            "created_at": self.at(0), "updated_at": self.at(9), "creator": creator, "payload": {}});
        self.hook("deployment", json!({"action": "created", "deployment": deployment, "workflow_run": run}));
        let mut statuses = Vec::new();
        for (minutes, state) in [(3, "in_progress"), (9, state)] {
            let status = json!({"id": number * 10, "state": state, "created_at": self.at(minutes), "environment": "production",
                "description": "by hand", "log_url": link});
            self.hook(
                "deployment_status",
                json!({"deployment_status": status, "deployment": deployment, "workflow_run": run}),
            );
            statuses.insert(0, status);
        }
        self.list("/deployments").insert(0, deployment);
        *self.list(&format!("/deployments/{number}/statuses")) = statuses;
    }

    fn tag(&mut self) {
        let (number, head) = (self.number, self.head.clone().unwrap());
        let name = format!("v1.{number}.0");
        let commit = self.data.commits[&head].clone();
        let pushed = json!({"id": head, "timestamp": commit["commit"]["committer"]["date"], "message": commit["commit"]["message"], "author": {"name": "Ada"}});
        self.hook("push", json!({"ref": format!("refs/tags/{name}"), "before": "0".repeat(40), "after": head, "commits": [], "head_commit": pushed}));
        let object = sha(number * 100 + 99);
        self.data.objects.insert(
            path(&format!("/git/tags/{object}")),
            json!({"tag": name, "sha": object,
            "tagger": {"date": self.at(2)}, "object": {"type": "commit", "sha": head}}),
        );
        self.list("/git/matching-refs/tags/")
            .push(json!({"ref": format!("refs/tags/{name}"), "object": {"type": "tag", "sha": object}}));
        self.list("/tags").insert(0, json!({"name": name, "commit": {"sha": head}}));
    }

    fn release(&mut self) {
        let number = self.number;
        let release = json!({"id": number, "tag_name": format!("v2.{number}.0"), "draft": false, "prerelease": false, "created_at": self.at(0),
            "published_at": self.at(1), "updated_at": self.at(1), "author": {"login": "ada"}, "html_url": "https://github.com/acme/cart/releases"});
        self.hook("release", json!({"action": "published", "release": release}));
        self.list("/releases").insert(0, release);
    }

    fn run(&mut self, attempts: u8, event: &str) {
        let (number, head) = (self.number, self.head.clone());
        let mut last = Value::Null;
        for attempt in 1..=attempts {
            let conclusion = if attempt == attempts { "success" } else { "failure" };
            let minutes = i64::from(attempt) * 10;
            last = json!({"id": number, "run_attempt": attempt, "name": "Build", "event": event, "status": "completed", "conclusion": conclusion,
                "head_sha": head, "head_branch": "main", "created_at": self.at(0), "run_started_at": self.at(minutes), "updated_at": self.at(minutes + 5),
                "actor": {"login": "ada"}, "html_url": "https://github.com/acme/cart/actions"});
            self.hook("workflow_run", json!({"action": "completed", "workflow_run": last}));
            if attempt < attempts {
                self.data.objects.insert(path(&format!("/actions/runs/{number}/attempts/{attempt}")), last.clone());
            }
        }
        self.list("/actions/runs").insert(0, last);
    }

    fn issue(&mut self, label: &str, over: bool) {
        let number = self.number;
        let issue = |state: &str, updated_at: String, closed_at: Option<String>| {
            json!({"number": number, "title": "Trouble", "state": state, "labels": [{ "name": label }], "updated_at": updated_at,
                "closed_at": closed_at, "created_at": Value::Null, "html_url": "https://github.com/acme/cart/issues"})
        };
        let mut opened = issue("open", self.at(10), None);
        opened["created_at"] = json!(self.at(10));
        self.hook("issues", json!({"action": "opened", "issue": opened}));
        let mut last = opened;
        if over {
            last = issue("closed", self.at(50), Some(self.at(50)));
            last["created_at"] = json!(self.at(10));
            last["state_reason"] = json!("completed");
            self.hook("issues", json!({"action": "closed", "issue": last}));
        }
        self.list("/issues").push(last);
    }
}
