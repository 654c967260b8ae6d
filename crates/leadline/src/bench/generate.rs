//! The history of a product: 24 months of commits, roll-outs, repairs and incidents, the same for the same seed.
//!
//! Each thing is given twice: as a native event, which is what Leadline reads, and as a plain row without any link,
//! which is what a query on raw tables has to start from (`bench/peers`).

use domain::Timestamp;
use domain::catalogue::{Catalogue, Component, Domain, Platform, Product, Team};
use domain::event::{Event, EventKind, GIT, entity_key};
use domain::time::{DAY, HOUR, SECOND};
use serde_json::{Map, Value};

use super::size::{ComponentPlan, ProductPlan};
use crate::random::Random;

/// The end of the history, 2026-01-01T00:00:00Z: benchmarks have no clock in their data.
pub(crate) const END: Timestamp = Timestamp::from_micros(1_767_225_600 * SECOND);
/// Its beginning, 24 months before: 2024-01-01T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_micros(1_704_067_200 * SECOND);

const MINUTE: i64 = HOUR / 60;
const SOURCE: &str = "bench";

/// How often a place is passed over by a version.
const SKIPPED: f64 = 0.05;
/// How often an attempt fails before it succeeds.
const FAILED: f64 = 0.04;
/// How often configuration alone follows.
const CONFIG: f64 = 0.12;
/// How often a version is tried elsewhere first.
const STAGED: f64 = 0.1;
/// How often a version is taken back.
const BACK: f64 = 0.05;
/// How often a hotfix follows.
const REPAIR: f64 = 0.04;
/// Commits a deployment.
const COMMITS: f64 = 2.0;

/// The rows of a product without any link.
#[derive(Debug, Default)]
pub(crate) struct Raw {
    pub(crate) deployments: Vec<RawDeployment>,
    pub(crate) commits: Vec<RawCommit>,
    pub(crate) incidents: Vec<RawIncident>,
}

/// A deployment as a pipeline would log it.
#[derive(Debug)]
pub(crate) struct RawDeployment {
    pub(crate) id: String,
    pub(crate) component: String,
    pub(crate) instance: String,
    pub(crate) environment: &'static str,
    pub(crate) status: &'static str,
    pub(crate) version: String,
    pub(crate) config_only: bool,
    pub(crate) rollback: bool,
    pub(crate) hotfix: bool,
    pub(crate) finished_at: Timestamp,
}

/// A commit as the repository has it; the last one of a version has its tag.
#[derive(Debug)]
pub(crate) struct RawCommit {
    pub(crate) component: String,
    pub(crate) sha: String,
    pub(crate) tag: Option<String>,
    pub(crate) committed_at: Timestamp,
}

/// An incident as a ticket.
#[derive(Debug)]
pub(crate) struct RawIncident {
    pub(crate) id: String,
    pub(crate) opened_at: Timestamp,
    pub(crate) started_at: Timestamp,
    pub(crate) detected_at: Timestamp,
    pub(crate) resolved_at: Option<Timestamp>,
}

/// A product's history.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) events: Vec<Event>,
    pub(crate) raw: Raw,
}

/// The catalogue that declares every product: five platforms of eight domains.
pub(crate) fn catalogue(plan: &[ProductPlan]) -> Catalogue {
    let mut platforms: Vec<Platform> = (0..5)
        .map(|platform| Platform {
            name: format!("platform-{platform}"),
            domains: (0..8)
                .map(|domain| Domain { name: format!("domain-{platform}{domain}"), ..Domain::default() })
                .collect(),
            ..Platform::default()
        })
        .collect();
    for (index, product) in plan.iter().enumerate() {
        let components = product.components.iter().map(|component| Component {
            name: component.name.clone(),
            repo: Some(repo(&component.name)),
            ..Component::default()
        });
        let declared = Product {
            name: product.name.clone(),
            team: Some(team(index)),
            components: components.collect(),
            ..Product::default()
        };
        if let Some(domain) = platforms.get_mut(index % 5).and_then(|platform| platform.domains.get_mut(index / 5 % 8))
        {
            domain.products.push(declared);
        }
    }
    let teams = (0..plan.len().min(TEAMS)).map(|index| Team { name: team(index), ..Team::default() });
    Catalogue { teams: teams.collect(), platforms, ..Catalogue::default() }
}

const TEAMS: usize = 120;

fn team(product: usize) -> String {
    format!("team-{:03}", product % TEAMS)
}

fn repo(component: &str) -> String {
    format!("acme/{component}")
}

/// The whole history of a product.
pub(crate) fn history(product: &ProductPlan, seed: u64) -> History {
    let mut history = History::default();
    let mut incidents = 0;
    for component in &product.components {
        let mut random = Random::new(seed, &component.name);
        let mut life = Life {
            product,
            component,
            repo: repo(&component.name),
            connected: !random.chance(0.1),
            random,
            history: &mut history,
            head: None,
            owed: 0.0,
            patch: 0,
            deployments: 0,
            incidents: &mut incidents,
            running: vec![Vec::new(); product.instances.len()],
        };
        life.live();
    }
    history
}

/// Versions of an instance that can be gone back to.
const KEPT: usize = 3;

/// A version that was released.
#[derive(Clone, Debug)]
struct Release {
    version: String,
    sha: String,
    committed_at: Timestamp,
}

/// What one attempt is.
struct Attempt<'r> {
    release: &'r Release,
    instance: usize,
    environment: &'static str,
    at: Timestamp,
    status: &'static str,
    config_only: bool,
    rollback: bool,
    hotfix: bool,
}

struct Life<'a> {
    product: &'a ProductPlan,
    component: &'a ComponentPlan,
    repo: String,
    /// Whether its repository is connected: of one in ten only the time of the last commit is known.
    connected: bool,
    random: Random,
    history: &'a mut History,
    head: Option<(String, Timestamp)>,
    /// Commits that are still to be made, so that there are two for each deployment.
    owed: f64,
    patch: u32,
    deployments: u64,
    incidents: &'a mut u64,
    /// Versions on each instance, the newest last.
    running: Vec<Vec<Release>>,
}

impl Life<'_> {
    fn live(&mut self) {
        let releases = (self.component.deployments as f64 / self.deployments_a_release()).round().max(1.0);
        let gap = END.since(START) as f64 / releases;
        for number in 0..releases as u64 {
            let at = (number as f64 + self.random.between(0.0, 0.4)) * gap;
            self.roll_out(START.plus(at as i64), (gap * 0.5) as i64);
        }
    }

    /// On average: the chances of [`Life::roll_out`] added up.
    fn deployments_a_release(&self) -> f64 {
        let places = self.product.instances.len() as f64;
        let reached = 1.0 + (places - 1.0) * (1.0 - SKIPPED);
        reached * (1.0 + FAILED + CONFIG) + STAGED + BACK + REPAIR * places
    }

    /// A new version on every place, and what follows within `span`.
    fn roll_out(&mut self, at: Timestamp, span: i64) {
        let release = self.release(at, self.deployments_a_release());
        if self.random.chance(STAGED) {
            self.deploy(&Attempt { environment: "staging", ..Attempt::new(&release, 0, at, "succeeded") });
        }
        let step = (span / (3 * self.product.instances.len() as i64 + 4)).clamp(1, 40 * MINUTE);
        let mut now = at;
        for instance in 0..self.product.instances.len() {
            if instance > 0 && self.random.chance(SKIPPED) {
                continue;
            }
            now = now.plus(1 + (step as f64 * self.random.between(0.2, 1.0)) as i64);
            if self.random.chance(FAILED) {
                self.deploy(&Attempt::new(&release, instance, now, "failed"));
                now = now.plus(1 + step / 5);
            }
            self.deploy(&Attempt::new(&release, instance, now, "succeeded"));
            self.runs(instance, &release);
            if self.random.chance(CONFIG) {
                let later = now.plus(1 + step / 4);
                self.deploy(&Attempt { config_only: true, ..Attempt::new(&release, instance, later, "succeeded") });
            }
        }
        let expected = self.product.trouble * self.deployments_a_release();
        let from = now;
        for _ in 0..self.random.times(expected) {
            self.trouble(from, step);
        }
        now = now.plus(1 + step);
        if self.random.chance(BACK) {
            self.go_back(now);
        }
        if self.random.chance(REPAIR) {
            self.repair(now.plus(1 + step / 2));
        }
    }

    fn runs(&mut self, instance: usize, release: &Release) {
        let versions = &mut self.running[instance];
        versions.push(release.clone());
        if versions.len() > KEPT {
            versions.remove(0);
        }
    }

    /// Makes the commits of a new version and its tag.
    fn release(&mut self, at: Timestamp, deployments: f64) -> Release {
        self.owed += COMMITS * deployments * self.random.between(0.5, 1.5);
        let count = (self.owed as u32).max(1);
        self.owed -= f64::from(count);
        let base = self.head.clone();
        let after = base.as_ref().map_or(at.plus(-30 * DAY), |(_, at)| *at);
        // Committed between the last version and this one, mostly in the last day before it.
        let room = at.since(after).max(2);
        let newest = at.plus(-((self.random.wait(14.0) * HOUR as f64) as i64).clamp(1, room - 1));
        let spread = (newest.since(after) / i64::from(count + 1)).min(8 * HOUR);
        self.patch += 1;
        let version = format!("1.{}.{}", self.patch / 20, self.patch % 20);
        // Some teams merge branches: then the version stands on a merge commit with the branch behind it.
        let merge = count > 2 && base.is_some() && self.random.chance(0.3);
        let mut parent = base.as_ref().map(|(sha, _)| sha.clone());
        let mut sha = String::new();
        for index in 0..count {
            let last = index + 1 == count;
            let committed_at = newest.plus(-spread * i64::from(count - index - 1));
            sha = self.random.sha();
            let mut parents: Vec<String> = parent.iter().cloned().collect();
            if last && merge {
                parents = base.iter().map(|(sha, _)| sha.clone()).chain(parents).collect();
            }
            let message = if self.random.chance(0.003)
                && let Some((reverted, _)) = &base
            {
                format!("Revert\n\nThis reverts commit {reverted}.")
            } else {
                format!("Change {} of {}", index + 1, self.component.name)
            };
            self.commit(&sha, &parents, committed_at, &message, last.then(|| version.clone()));
            parent = Some(sha.clone());
        }
        self.head = Some((sha.clone(), newest));
        Release { version, sha, committed_at: newest }
    }

    fn commit(&mut self, sha: &str, parents: &[String], at: Timestamp, message: &str, tag: Option<String>) {
        let time = Value::from(at.to_string());
        let fields = [
            ("repo", Value::from(self.repo.as_str())),
            ("sha", Value::from(sha)),
            ("parents", Value::from(parents.to_vec())),
            ("authored_at", time.clone()),
            ("committed_at", time),
            ("message", Value::from(message)),
        ];
        let key = entity_key(EventKind::Change, GIT, &format!("{}@{sha}", self.repo));
        if self.connected {
            self.history.events.push(Event { key, fields: object(fields) });
        }
        self.history.raw.commits.push(RawCommit {
            component: self.component.name.clone(),
            sha: sha.to_owned(),
            tag,
            committed_at: at,
        });
    }

    fn deploy(&mut self, attempt: &Attempt<'_>) {
        self.deployments += 1;
        let id = format!("{}-{}", self.component.name, self.deployments);
        let instance = &self.product.instances[attempt.instance];
        let started = attempt.at.plus(-((1.0 + self.random.wait(4.0)) * MINUTE as f64) as i64);
        let trigger = if self.random.chance(0.9) { "automated" } else { "manual" };
        let mut fields = object([
            ("id", Value::from(id.as_str())),
            ("product", Value::from(self.product.name.as_str())),
            ("component", Value::from(self.component.name.as_str())),
            ("instance", Value::from(instance.as_str())),
            ("environment", Value::from(attempt.environment)),
            ("status", Value::from(attempt.status)),
            ("started_at", Value::from(started.to_string())),
            ("finished_at", Value::from(attempt.at.to_string())),
            ("version", Value::from(attempt.release.version.as_str())),
            ("trigger", Value::from(trigger)),
            ("commit_at", Value::from(attempt.release.committed_at.to_string())),
        ]);
        if self.connected {
            fields.insert("sha".to_owned(), Value::from(attempt.release.sha.as_str()));
            fields.insert("repo".to_owned(), Value::from(self.repo.as_str()));
        }
        if attempt.hotfix {
            fields.insert("branch".to_owned(), Value::from("hotfix/now"));
        }
        self.history.events.push(Event { key: entity_key(EventKind::Deployment, SOURCE, &id), fields });
        self.history.raw.deployments.push(RawDeployment {
            id,
            component: self.component.name.clone(),
            instance: instance.clone(),
            environment: attempt.environment,
            status: attempt.status,
            version: attempt.release.version.clone(),
            config_only: attempt.config_only,
            rollback: attempt.rollback,
            hotfix: attempt.hotfix,
            finished_at: attempt.at,
        });
    }

    /// An incident after what was just rolled out.
    fn trouble(&mut self, after: Timestamp, step: i64) {
        let started = after.plus(1 + (self.random.wait(1.0) * step as f64) as i64);
        let minutes = |random: &mut Random, mean: f64| (random.wait(mean) * MINUTE as f64) as i64;
        let detected = started.plus(minutes(&mut self.random, 6.0));
        let opened = detected.plus(minutes(&mut self.random, 4.0));
        let acknowledged = opened.plus(minutes(&mut self.random, 9.0));
        let mitigated = acknowledged.plus(minutes(&mut self.random, 50.0));
        let resolved = mitigated.plus(minutes(&mut self.random, 120.0));
        if opened >= END {
            return;
        }
        let over = self.random.chance(0.94) && resolved < END;
        *self.incidents += 1;
        let id = format!("{}-INC-{}", self.product.name, *self.incidents);
        let severity = self.random.pick(&["critical", "high", "medium", "medium", "low"]).copied().unwrap_or("low");
        let mut fields = object([
            ("id", Value::from(id.as_str())),
            ("product", Value::from(self.product.name.as_str())),
            ("severity", Value::from(severity)),
            ("title", Value::from(format!("{} is slow", self.component.name))),
            ("started_at", Value::from(started.to_string())),
            ("detected_at", Value::from(detected.to_string())),
            ("opened_at", Value::from(opened.to_string())),
            ("acknowledged_at", Value::from(acknowledged.to_string())),
        ]);
        if self.random.chance(0.7) {
            fields.insert("component".to_owned(), Value::from(self.component.name.as_str()));
            if self.random.chance(0.5)
                && let Some(instance) = self.random.pick(&self.product.instances)
            {
                fields.insert("instance".to_owned(), Value::from(instance.as_str()));
            }
        }
        if over {
            fields.insert("mitigated_at".to_owned(), Value::from(mitigated.to_string()));
            fields.insert("resolved_at".to_owned(), Value::from(resolved.to_string()));
        }
        self.history.events.push(Event { key: entity_key(EventKind::Incident, SOURCE, &id), fields });
        self.history.raw.incidents.push(RawIncident {
            id,
            opened_at: opened,
            started_at: started,
            detected_at: detected,
            resolved_at: over.then_some(resolved),
        });
    }

    /// Back to the version before, on one place.
    fn go_back(&mut self, at: Timestamp) {
        let instance = self.random.whole(0, self.running.len() as u32 - 1) as usize;
        let versions = &mut self.running[instance];
        if versions.len() < 2 {
            return;
        }
        versions.pop();
        let Some(before) = versions.last().cloned() else { return };
        self.deploy(&Attempt { rollback: true, ..Attempt::new(&before, instance, at, "succeeded") });
    }

    /// A repair in a hurry, on every place.
    fn repair(&mut self, at: Timestamp) {
        let release = self.release(at, 0.0);
        for instance in 0..self.product.instances.len() {
            let at = at.plus(instance as i64 + 1);
            self.deploy(&Attempt { hotfix: true, ..Attempt::new(&release, instance, at, "succeeded") });
            self.runs(instance, &release);
        }
    }
}

impl<'r> Attempt<'r> {
    const fn new(release: &'r Release, instance: usize, at: Timestamp, status: &'static str) -> Self {
        Attempt {
            release,
            instance,
            environment: "production",
            at,
            status,
            config_only: false,
            rollback: false,
            hotfix: false,
        }
    }
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
