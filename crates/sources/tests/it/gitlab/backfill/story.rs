//! Some days of a project, told twice: as GitLab's webhooks told it while it happened, and as its API tells it after.

use domain::Timestamp;
use domain::time::HOUR;
use serde_json::{Value, json};

use super::lab::respond;
use crate::backfill::hub::Data;

pub(crate) const REPO: &str = "acme/shop/cart";

/// What happens in an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A commit on the default branch.
    Commit,
    /// A merge request of so many commits, merged by a merge commit.
    Merge(u8),
    /// A deployment, and how it goes.
    Deploy(&'static str),
    /// A tag, and whether it is annotated.
    Tag(bool),
    Release,
    /// A pipeline of one job that was tried so many times.
    Pipeline(u8),
    /// An incident, and whether it is over.
    Incident(bool),
    /// An issue that is none.
    Issue,
}

/// What the webhooks told, and what the API holds.
pub(crate) struct Story {
    pub(crate) webhooks: Vec<Value>,
    pub(crate) data: Data,
    hours: i64,
    number: u64,
    head: Option<String>,
}

fn path(rest: &str) -> String {
    format!("/projects/7{rest}")
}

pub(crate) fn sha(number: u64) -> String {
    format!("{:040x}", number + 0xabc0_0000)
}

impl Story {
    pub(crate) fn of(steps: &[Step]) -> Self {
        let mut story = Story { webhooks: Vec::new(), data: Data::default(), hours: 0, number: 0, head: None };
        story.data.vendor = Some(respond);
        let project = json!({"id": 7, "path_with_namespace": REPO, "default_branch": "main", "empty_repo": false});
        story.data.objects.insert("/projects/acme%2Fshop%2Fcart".to_owned(), project.clone());
        story.data.lists.insert("/groups/acme%2Fshop/projects".to_owned(), vec![project]);
        for list in ["/repository/tags", "/releases", "/deployments", "/merge_requests", "/pipelines", "/issues"] {
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
                Step::Merge(commits) => self.merge(commits),
                Step::Deploy(status) => self.deploy(status),
                Step::Tag(annotated) => self.tag(annotated),
                Step::Release => self.release(),
                Step::Pipeline(tries) => self.pipeline(tries),
                Step::Incident(over) => self.issue("Incident", over),
                Step::Issue => self.issue("Issue", true),
            }
        }
    }

    fn at(&self, minutes: i64) -> String {
        let start = Timestamp::parse("2025-01-01T00:00:00Z").unwrap();
        start.plus(self.hours * HOUR + minutes * HOUR / 60).to_string()
    }

    /// As webhooks write it, in one way or another.
    fn told(&self, minutes: i64) -> String {
        let at = self.at(minutes).replace('T', " ");
        if minutes % 2 == 0 { at.replace('Z', " UTC") } else { at.replace('Z', " +0000") }
    }

    fn list(&mut self, rest: &str) -> &mut Vec<Value> {
        self.data.lists.entry(path(rest)).or_default()
    }

    fn hook(&mut self, kind: &str, mut body: Value) {
        body["object_kind"] = json!(kind);
        body["project"] = json!({"path_with_namespace": REPO, "default_branch": "main", "web_url": format!("https://gitlab.example/{REPO}")});
        if body.get("user").is_none() {
            body["user"] = json!({"id": 51, "username": "ada"});
        }
        self.webhooks.push(body);
    }

    /// A commit in the API, and the same in a push.
    fn commit(&mut self, number: u64, minutes: i64, parents: &[String]) -> (Value, Value) {
        let (at, message) = (self.at(minutes), format!("Change {number}"));
        let commit = json!({"id": sha(number), "message": message, "author_name": "Ada", "authored_date": at, "committed_date": at, "parent_ids": parents});
        self.data.commits.insert(sha(number), commit.clone());
        (commit, json!({"id": sha(number), "timestamp": at, "message": message, "author": {"name": "Ada"}}))
    }

    fn push(&mut self, name: &str, before: Option<&str>, commits: Vec<Value>) {
        let (zero, last) = ("0".repeat(40), commits.last().unwrap()["id"].clone());
        let body = json!({"ref": name, "before": before.unwrap_or(&zero), "after": last, "checkout_sha": last,
            "total_commits_count": commits.len(), "commits": commits});
        self.hook("push", body);
    }

    fn stand_at(&mut self, head: String) {
        self.data.objects.insert(path("/repository/branches/main"), json!({"name": "main", "commit": {"id": head}}));
        self.head = Some(head);
    }

    fn commit_on_main(&mut self) {
        let parent = self.head.take();
        let number = self.number * 100;
        let (_, pushed) = self.commit(number, 0, &parent.iter().cloned().collect::<Vec<_>>());
        self.push("refs/heads/main", parent.as_deref(), vec![pushed]);
        self.stand_at(sha(number));
    }

    fn merge(&mut self, commits: u8) {
        let (base, number) = (self.head.clone().unwrap(), self.number);
        let mut parent = base.clone();
        let (mut own, mut pushed) = (Vec::new(), Vec::new());
        for place in 1..=u64::from(commits) {
            let (commit, push) = self.commit(number * 100 + place, i64::try_from(place).unwrap(), &[parent]);
            parent = sha(number * 100 + place);
            own.insert(0, commit);
            pushed.push(push);
        }
        self.push("refs/heads/feature", Some(&base), pushed.clone());
        let merge = sha(number * 100 + 50);
        let (_, landed) = self.commit(number * 100 + 50, 40, &[base.clone(), parent.clone()]);
        pushed.push(landed);
        self.push("refs/heads/main", Some(&base), pushed);
        let url = format!("https://gitlab.example/{REPO}/-/merge_requests/{number}");
        let request = json!({"iid": number, "author_id": 51, "state": "merged", "title": "A feature", "action": "merge", "url": url,
            "created_at": self.told(20), "updated_at": self.told(41), "source_branch": "feature", "target_branch": "main",
            "merge_commit_sha": merge, "last_commit": {"id": parent}});
        let author = json!({"id": 51, "username": "ada"});
        self.hook(
            "note",
            json!({"user": {"id": 52, "username": "bob"},
            "object_attributes": {"noteable_type": "MergeRequest", "author_id": 52, "created_at": self.told(30)},
            "merge_request": {"iid": number, "author_id": 51}}),
        );
        self.hook(
            "merge_request",
            json!({"user": author, "object_attributes": request, "labels": [{"title": "hotfix"}]}),
        );
        let request = json!({"id": number + 900, "iid": number, "author": author, "state": "merged", "title": "A feature", "web_url": url,
            "created_at": self.at(20), "updated_at": self.at(41), "merged_at": self.at(41), "closed_at": null, "labels": ["hotfix"],
            "source_branch": "feature", "target_branch": "main", "merge_commit_sha": merge, "sha": parent});
        self.list("/merge_requests").push(request);
        *self.list(&format!("/merge_requests/{number}/commits")) = own;
        let note = |system: bool, body: &str, name: &str, at: String| json!({"id": 1, "system": system, "body": body, "author": {"username": name}, "created_at": at});
        *self.list(&format!("/merge_requests/{number}/notes")) = vec![
            note(false, "Ready.", "ada", self.at(25)),
            note(true, "assigned to @bob", "eve", self.at(26)),
            note(false, "Why?", "bob", self.at(30)),
        ];
        self.stand_at(merge);
    }

    fn deploy(&mut self, status: &str) {
        let (number, head) = (self.number, self.head.clone().unwrap());
        let url = format!("https://gitlab.example/{REPO}/-/jobs/{number}");
        let last = if status == "running" { 3 } else { 9 };
        for (status, minutes) in [("running", 3), (status, last)] {
            self.hook("deployment", json!({"deployment_id": number, "status": status, "status_changed_at": self.told(minutes), "environment": "production",
                "environment_tier": "production", "short_sha": &head[..8], "ref": "main", "deployable_url": url,
                "commit_url": format!("https://gitlab.example/{REPO}/-/commit/{head}")}));
        }
        let over = !matches!(status, "running" | "blocked");
        let ended = over.then(|| self.at(9));
        let deployment = json!({"id": number, "iid": number, "ref": "main", "sha": head, "status": status, "created_at": self.at(0), "updated_at": self.at(last),
            "user": {"username": "ada"}, "environment": {"name": "production", "tier": "production"},
            "deployable": {"id": number, "name": "deploy", "tag": false, "started_at": self.at(3), "finished_at": ended, "web_url": url}});
        self.list("/deployments").push(deployment);
    }

    fn tag(&mut self, annotated: bool) {
        let (number, head) = (self.number, self.head.clone().unwrap());
        let name = format!("v1.{number}.0");
        let object = if annotated { sha(number * 100 + 99) } else { head.clone() };
        self.hook(
            "tag_push",
            json!({"ref": format!("refs/tags/{name}"), "before": "0".repeat(40), "after": object, "checkout_sha": head,
            "commits": [], "total_commits_count": 0}),
        );
        let made = annotated.then(|| self.at(2));
        self.list("/repository/tags")
            .push(json!({"name": name, "target": object, "created_at": made, "commit": {"id": head}}));
    }

    fn release(&mut self) {
        let (number, at) = (self.number, self.at(2));
        let (tag, url) = (format!("v2.{number}.0"), format!("https://gitlab.example/{REPO}/-/releases/v2.{number}.0"));
        self.hook("release", json!({"id": number, "action": "create", "tag": tag, "created_at": self.told(2), "released_at": self.told(2), "url": url}));
        self.list("/releases")
            .push(json!({"tag_name": tag, "created_at": at, "released_at": at, "_links": {"self": url}}));
    }

    fn pipeline(&mut self, tries: u8) {
        let (number, head) = (self.number, self.head.clone());
        let url = format!("https://gitlab.example/{REPO}/-/pipelines/{number}");
        let (mut builds, mut jobs) = (Vec::new(), Vec::new());
        for attempt in 1..=u64::from(tries) {
            let minutes = i64::try_from(attempt).unwrap() * 10;
            let status = if attempt == u64::from(tries) { "success" } else { "failed" };
            let (id, times) = (number * 10 + attempt, [minutes, minutes + 1, minutes + 4]);
            let job = |[queued, began, ended]: [String; 3]| json!({"id": id, "name": "test", "status": status, "created_at": queued, "started_at": began, "finished_at": ended});
            builds.push(job(times.map(|minutes| self.told(minutes))));
            let mut kept = job(times.map(|minutes| self.at(minutes)));
            kept["pipeline"] = json!({"id": number, "sha": head, "ref": "main"});
            jobs.push(kept);
            let alone = json!({"build_id": id, "build_name": "test", "build_status": status, "build_created_at": self.told(times[0]),
                "build_started_at": self.told(times[1]), "build_finished_at": self.told(times[2]), "pipeline_id": number, "sha": head, "ref": "main"});
            self.hook("build", alone);
            let run = json!({"id": number, "iid": 1, "name": "Build", "ref": "main", "sha": head, "source": "push", "status": status,
                "created_at": self.told(5), "finished_at": self.told(times[2]), "url": url});
            self.hook("pipeline", json!({"object_attributes": run, "builds": builds}));
        }
        let ended = i64::from(tries) * 10 + 4;
        let listed = json!({"id": number, "iid": 1, "status": "success", "ref": "main", "sha": head, "updated_at": self.at(ended), "created_at": self.at(5)});
        self.list("/pipelines").push(listed);
        let whole = json!({"id": number, "iid": 1, "name": "Build", "status": "success", "ref": "main", "sha": head, "source": "push",
            "created_at": self.at(5), "started_at": self.at(6), "finished_at": self.at(ended), "updated_at": self.at(ended),
            "user": {"username": "ada"}, "web_url": url});
        self.data.objects.insert(path(&format!("/pipelines/{number}")), whole);
        *self.list(&format!("/pipelines/{number}/jobs")) = jobs;
    }

    fn issue(&mut self, kind: &str, over: bool) {
        let number = self.number;
        let url = format!("https://gitlab.example/{REPO}/-/issues/{number}");
        let issue = |state: &str, action: &str, at: String, closed: Option<String>, created: String| {
            json!({"iid": number, "title": "Trouble", "type": kind, "severity": "high", "state": state, "action": action, "url": url,
                "created_at": created, "updated_at": at, "closed_at": closed})
        };
        let opened = issue("opened", "open", self.told(10), None, self.told(10));
        self.hook("issue", json!({"object_attributes": opened, "labels": [{"title": "db"}]}));
        if over {
            let closed = issue("closed", "close", self.told(50), Some(self.told(50)), self.told(10));
            self.hook("issue", json!({"object_attributes": closed, "labels": [{"title": "db"}]}));
        }
        let last = if over { 50 } else { 10 };
        let closed_at = over.then(|| self.at(50));
        let state = if over { "closed" } else { "opened" };
        let kept = json!({"id": number + 500, "iid": number, "title": "Trouble", "issue_type": kind.to_lowercase(), "severity": "HIGH", "state": state,
            "labels": ["db"], "created_at": self.at(10), "updated_at": self.at(last), "closed_at": closed_at, "web_url": url});
        self.list("/issues").push(kept);
        let events = if over { vec![json!({"state": "closed", "created_at": self.at(50)})] } else { Vec::new() };
        *self.list(&format!("/issues/{number}/resource_state_events")) = events;
    }
}
