//! Stages of lead time and severities of incidents read slowly off the facts, against the SQL and the roll-up.

use std::collections::{BTreeMap, BTreeSet};

use domain::Timestamp;
use domain::catalogue::{ComponentId, Node};
use domain::definition::{Definition, LeadTime, LeadTimeOf, LeadTimeStart};
use domain::event::{ChangeKind, EventKind, GIT, Severity, entity_key};
use domain::fact::{CommitFact, CommitLink, CommitRole, DeploymentFact, IncidentFact, OtherFact};
use domain::metric::{Metric, Reason};
use domain::part::{CiStage, Part, Split, Stage};
use domain::time::{DAY, HOUR};

use metrics::{Question, Window};
use proptest::prelude::*;
use serde_json::{Value, json};
use warehouse::{Page, Warehouse};

use crate::support::{at, commit, definition, deployment, empty_warehouse, incident, node_named, tree};

const MINUTE: i64 = HOUR / 60;
const COMPONENTS: [&str; 3] = ["a/x", "a/y", "b/x"];
const REPOS: [&str; 2] = ["acme/a", "acme/b"];

fn start() -> Timestamp {
    at("2025-01-01T00:00:00Z")
}

/// Days 5 to 15 of the 20 in which things happen.
fn window() -> Window {
    Window { from: start().plus(5 * DAY), to: start().plus(15 * DAY) }
}

fn inside(at: Timestamp) -> bool {
    (window().from..window().to).contains(&at)
}

/// What is known of a pull request.
#[derive(Clone, Debug)]
struct Request {
    repo: &'static str,
    number: u8,
    opened: Timestamp,
    first_commit: Option<Timestamp>,
    first_review: Option<Timestamp>,
    merged: Option<Timestamp>,
    merge_sha: Option<String>,
}

fn request(number: u8, raw: [u8; 6]) -> Request {
    let opened = start().plus(i64::from(raw[0]) * 15 * DAY / 256);
    let later = |raw: u8| (!raw.is_multiple_of(4)).then(|| opened.plus((i64::from(raw % 60) - 6) * HOUR));
    Request {
        repo: REPOS[usize::from(raw[1] % 2)],
        number,
        opened,
        first_commit: raw[2].is_multiple_of(3).then(|| opened.plus((4 - i64::from(raw[2] / 3)) * HOUR)),
        first_review: later(raw[3]),
        merged: later(raw[4]),
        merge_sha: raw[5].is_multiple_of(2).then(|| format!("c{}", raw[5] / 2 % 6)),
    }
}

fn told(request: &Request) -> OtherFact {
    let mut values = json!({"repo": request.repo, "number": request.number.to_string(), "opened_at": request.opened});
    for (name, at) in [
        ("first_commit_at", request.first_commit),
        ("first_review_at", request.first_review),
        ("merged_at", request.merged),
    ] {
        if let Some(at) = at {
            values[name] = json!(at);
        }
    }
    if let Some(sha) = &request.merge_sha {
        values["merge_sha"] = json!(sha);
    }
    let Value::Object(values) = values else { unreachable!("written as an object") };
    OtherFact {
        key: entity_key(EventKind::PullRequest, GIT, &format!("{}#{}", request.repo, request.number)),
        product: None,
        component: None,
        at: request.opened,
        values,
    }
}

fn deployed(index: usize, raw: [u8; 8]) -> (DeploymentFact, Vec<CommitFact>) {
    let finished = start().plus(i64::from(raw[0]) * 20 * DAY / 256 / HOUR * HOUR);
    let instance = ["eu", "us"][usize::from(raw[2] % 2)];
    let mut fact = deployment(&format!("d{index}"), COMPONENTS[usize::from(raw[1] % 3)], instance, finished);
    fact.counted = !raw[3].is_multiple_of(7);
    fact.kind = if raw[3].is_multiple_of(5) { ChangeKind::Rollback } else { ChangeKind::Code };
    fact.link = if raw[4].is_multiple_of(6) { CommitLink::None } else { CommitLink::Graph };
    fact.version = [None, Some("1.0.0"), Some("latest")][usize::from(raw[4] % 3)].map(str::to_owned);
    fact.brings_new_commit = !raw[5].is_multiple_of(4);
    fact.repo = Some(REPOS[usize::from(raw[5] % 2)].to_owned());
    fact.sha = (!raw[6].is_multiple_of(5)).then(|| format!("c{}", raw[6] % 4));
    let commits = (0..raw[7] % 5).map(|n| {
        let mut row = commit(&fact, &format!("c{n}"), finished.plus(-i64::from(raw[6]) * i64::from(n + 1) * HOUR / 2));
        row.repo = fact.repo.as_deref().map(Into::into);
        row.first_arrival = raw[6] >> n & 1 == 0;
        row.role = [CommitRole::New, CommitRole::Squashed, CommitRole::Merge][usize::from(raw[5] >> n & 3) % 3];
        // Some name a pull request that nobody told of.
        let number = (raw[7] >> 3).wrapping_add(n / 2) % 8;
        row.pull_request = (number > 1).then(|| number.to_string());
        row
    });
    let commits = commits.collect();
    (fact, commits)
}

/// Rows used with their value, and how many are left out for which reason.
#[derive(Debug, Default, PartialEq)]
struct Rows {
    used: Vec<f64>,
    left: BTreeMap<Reason, u64>,
}

impl Rows {
    fn take(&mut self, row: Result<f64, Reason>) {
        match row {
            Ok(value) => self.used.push(value),
            Err(reason) => *self.left.entry(reason).or_default() += 1,
        }
    }
}

/// What is measured of a pull request that was deployed.
#[derive(Clone, Copy, Debug)]
enum Measured {
    Stage(Stage),
    FromOpening,
}

fn measure(what: Measured, request: &Request, began: Option<Timestamp>, finished: Timestamp) -> Result<f64, Reason> {
    let reviewed = request
        .first_review
        .filter(|review| request.merged.is_none_or(|merged| *review <= merged))
        .ok_or(Reason::NotReviewed);
    let merged = request.merged.ok_or(Reason::NotMerged);
    let (from, to, negative) = match what {
        Measured::Stage(Stage::Coding) => {
            (began.ok_or(Reason::NoFirstCommit)?, request.opened, Reason::CommitsRewritten)
        }
        Measured::Stage(Stage::Pickup) => (request.opened, reviewed?, Reason::NegativeDuration),
        Measured::Stage(Stage::Review) => {
            let merged = merged?;
            (reviewed?, merged, Reason::NegativeDuration)
        }
        Measured::Stage(Stage::MergeToDeploy) => (merged?, finished, Reason::DeployedBeforeMerge),
        Measured::FromOpening => (request.opened, finished, Reason::NegativeLeadTime),
    };
    let seconds = to.since(from) as f64 / 1e6;
    if seconds < 0.0 { Err(negative) } else { Ok(seconds) }
}

struct World {
    deployments: Vec<(DeploymentFact, Vec<CommitFact>)>,
    requests: Vec<Request>,
}

impl World {
    fn request(&self, repo: Option<&str>, number: Option<&str>) -> Option<&Request> {
        self.requests
            .iter()
            .find(|request| Some(request.repo) == repo && number == Some(request.number.to_string().as_str()))
    }

    fn read(&self, what: Measured, lead: LeadTime, below: &dyn Fn(&DeploymentFact) -> bool) -> Rows {
        let mut rows = Rows::default();
        for (fact, commits) in &self.deployments {
            let finished = fact.finished_at.unwrap();
            if !fact.counted || !inside(finished) || !below(fact) {
                continue;
            }
            let semver = !lead.semver_only || fact.version.as_deref().is_some_and(domain::version::is_semver);
            if lead.of == LeadTimeOf::DeployedCommit {
                rows.take(self.of_deployed(what, fact, commits, semver));
                continue;
            }
            let used: Vec<_> = commits.iter().filter(|row| row.role.used() && row.first_arrival).collect();
            if used.is_empty() {
                let unknown = fact.kind != ChangeKind::Rollback && fact.link == CommitLink::None;
                rows.take(Err(if unknown { Reason::NoCommitLink } else { Reason::NoNewCommits }));
            }
            let mut numbers = BTreeSet::new();
            for row in &used {
                match self.request(row.repo.as_deref(), row.pull_request.as_deref()) {
                    None => rows.take(Err(if semver { Reason::NoPullRequest } else { Reason::NotSemver })),
                    Some(request) => {
                        numbers.insert(request.number);
                    }
                }
            }
            for number in numbers {
                let request = self.request(fact.repo.as_deref(), Some(&number.to_string())).unwrap();
                let own = used.iter().filter(|row| {
                    row.pull_request.as_deref() == Some(number.to_string().as_str())
                        && Some(&*row.sha) != request.merge_sha.as_deref()
                });
                let began = request.first_commit.or(own.map(|row| row.committed_at).min());
                let row = measure(what, request, began, finished);
                rows.take(if semver { row } else { Err(Reason::NotSemver) });
            }
        }
        rows
    }

    fn of_deployed(
        &self,
        what: Measured,
        fact: &DeploymentFact,
        commits: &[CommitFact],
        semver: bool,
    ) -> Result<f64, Reason> {
        if fact.kind == ChangeKind::Rollback {
            return Err(Reason::NoNewCommits);
        }
        if fact.link == CommitLink::None {
            return Err(Reason::NoCommitLink);
        }
        if !fact.brings_new_commit {
            return Err(Reason::NoNewCommits);
        }
        if !semver {
            return Err(Reason::NotSemver);
        }
        let of_head = commits.iter().filter(|row| Some(&*row.sha) == fact.sha.as_deref());
        let number = of_head.filter_map(|row| row.pull_request.clone()).min();
        let request = self.request(fact.repo.as_deref(), number.as_deref()).ok_or(Reason::NoPullRequest)?;
        measure(what, request, request.first_commit, fact.finished_at.unwrap())
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len().checked_sub(1)? as f64 / 2.0;
    let (low, high) = (values[middle.floor() as usize], values[middle.ceil() as usize]);
    Some(low + (high - low) * middle.fract())
}

fn close(ours: Option<f64>, theirs: Option<f64>) -> bool {
    ours.zip(theirs).map_or(ours == theirs, |(ours, theirs)| (ours - theirs).abs() <= 1e-9 * theirs.abs())
}

/// `dora` by median over new commits, and the same over deployed commits.
fn definitions() -> [Definition; 2] {
    let dora = definition("dora");
    let lead_time = LeadTime { of: LeadTimeOf::DeployedCommit, semver_only: true, ..dora.lead_time };
    [dora.clone(), Definition { id: "deployed".to_owned(), lead_time, ..dora }]
}

async fn compare(world: &World) {
    let warehouse = empty_warehouse(world.deployments.len());
    warehouse.set_tree(tree(&[("p/d/a", &["x", "y"]), ("p/d/b", &["x"])]));
    warehouse.apply(world.deployments.clone(), vec![], world.requests.iter().map(told).collect()).unwrap();
    for node in ["group", "product:a", "component:b/x", "instance:a/x@eu"] {
        let (kind, name) = node.split_once(':').unwrap_or((node, ""));
        let below = |fact: &DeploymentFact| match kind {
            "group" => true,
            "product" => fact.lane.component.product() == name,
            "component" => fact.lane.component.as_str() == name,
            _ => format!("{}@{}", fact.lane.component, fact.lane.instance) == name,
        };
        for definition in definitions() {
            let asked = match node {
                // Where components run is known from the store, not from facts by hand.
                "instance:a/x@eu" => Node::Instance(ComponentId::new("a", "x"), "eu".to_owned()),
                node => node_named(&warehouse, node),
            };
            let mut question = Question::new(asked, definition.clone(), window());
            question.metrics = vec![Metric::LeadTime];
            question.split = Some(Split::Stage);
            let answer = warehouse.answer(&question).await.unwrap();
            let split = answer.metrics[&Metric::LeadTime].split.clone().unwrap();
            for (part, stage) in split.parts.iter().zip(Stage::ALL) {
                let rows = world.read(Measured::Stage(stage), definition.lead_time, &below);
                let place = format!("{node} {} {stage:?}", definition.id);
                assert_eq!((part.n, &part.excluded), (rows.used.len() as u64, &rows.left), "{place}");
                assert!(close(part.value, median(rows.used.clone())), "{place}: {:?}", part.value);
                assert_eq!(part.reason.is_none(), part.value.is_some(), "{place}");
                if node != "product:a" {
                    continue;
                }
                // The same taken apart: what is used and what is left out are all there is.
                let asked = Question { part: Some(Part::Stage(stage)), split: None, ..question.clone() };
                let explained = warehouse.explain(&asked, Metric::LeadTime, Page::default()).await.unwrap();
                let all = rows.used.len() as u64 + rows.left.values().sum::<u64>();
                assert_eq!((explained.population, explained.used, explained.excluded), (all, part.n, rows.left));
            }
            let longest = split
                .parts
                .iter()
                .filter_map(|part| part.value)
                .fold(None, |most: Option<f64>, value| Some(most.map_or(value, |most| most.max(value))));
            let named = split.parts.iter().find(|part| Some(part.part) == split.bottleneck);
            assert_eq!(named.and_then(|part| part.value), longest);
            for (start, what) in [
                (LeadTimeStart::PrOpened, Measured::FromOpening),
                (LeadTimeStart::Merged, Measured::Stage(Stage::MergeToDeploy)),
            ] {
                let mut asked = Question { split: None, ..question.clone() };
                asked.definition.lead_time.start = start;
                let told = warehouse.answer(&asked).await.unwrap().metrics[&Metric::LeadTime].clone();
                let rows = world.read(what, asked.definition.lead_time, &below);
                assert_eq!((told.n, &told.excluded), (rows.used.len() as u64, &rows.left), "{node} {start:?}");
                assert!(close(told.value, median(rows.used)), "{node} {start:?}: {:?}", told.value);
            }
        }
    }
}

fn trouble(index: usize, raw: [u8; 5]) -> IncidentFact {
    let opened = start().plus(i64::from(raw[0]) * 20 * DAY / 256);
    let later = |raw: u8| (!raw.is_multiple_of(3)).then(|| opened.plus((i64::from(raw / 4) - 2) * HOUR));
    let mut fact = incident(&format!("i{index}"), ["a", "b"][usize::from(raw[1] % 2)], opened, later(raw[2]));
    fact.severity = Severity::ALL[usize::from(raw[3]) % Severity::ALL.len()];
    (fact.detected_at, fact.acknowledged_at, fact.mitigated_at) = (later(raw[4]), later(raw[3]), later(raw[1]));
    fact.component = raw[4].is_multiple_of(2).then(|| ComponentId::new(&fact.product, "x"));
    fact
}

const OF_INCIDENTS: [Metric; 4] =
    [Metric::TimeToRestore, Metric::TimeToMitigate, Metric::TimeToAcknowledge, Metric::TimeToDetect];

/// Each severity is what the metric would be if there were no incidents of others, and together they are all.
async fn compare_severities(incidents: &[IncidentFact]) {
    let filled = |incidents: Vec<IncidentFact>| {
        let warehouse = Warehouse::new().unwrap();
        warehouse.set_tree(tree(&[("p/d/a", &["x"]), ("p/d/b", &["x"])]));
        warehouse.apply(vec![], incidents, vec![]).unwrap();
        warehouse
    };
    let whole = filled(incidents.to_vec());
    for (node, id) in [("group", "dora"), ("product:a", "rex"), ("component:a/x", "fawkes")] {
        let mut question = Question::new(node_named(&whole, node), definition(id), window());
        question.metrics = OF_INCIDENTS.to_vec();
        question.split = Some(Split::Severity);
        let answer = whole.answer(&question).await.unwrap();
        for (index, severity) in Severity::ALL.iter().enumerate() {
            let alone = filled(incidents.iter().filter(|fact| fact.severity == *severity).cloned().collect());
            let asked = Question { split: None, ..question.clone() };
            let alone = alone.answer(&asked).await.unwrap();
            for metric in OF_INCIDENTS {
                let part = &answer.metrics[&metric].split.as_ref().unwrap().parts[index];
                let alone = &alone.metrics[&metric];
                assert_eq!(part.part, Part::Severity(*severity));
                assert_eq!(
                    (part.value, part.n, &part.excluded, part.coverage, part.reason),
                    (alone.value, alone.n, &alone.excluded, alone.coverage, alone.reason),
                    "{node} {id} {metric} {severity:?}"
                );
            }
        }
        for metric in OF_INCIDENTS {
            let all = &answer.metrics[&metric];
            let parts = &all.split.as_ref().unwrap().parts;
            assert_eq!(parts.iter().map(|part| part.n).sum::<u64>(), all.n, "{node} {metric}");
            let left = |counts: &BTreeMap<Reason, u64>| counts.values().sum::<u64>();
            assert_eq!(parts.iter().map(|part| left(&part.excluded)).sum::<u64>(), left(&all.excluded));
        }
    }
}

/// A stage: what it is for, when it began and ended, how it went.
#[derive(Clone, Copy, Debug)]
struct Job {
    kind: CiStage,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    skipped: bool,
}

#[derive(Clone, Debug)]
struct Run {
    id: String,
    status: &'static str,
    sha: Option<&'static str>,
    ended: Timestamp,
    jobs: Vec<Job>,
}

fn job(ended: Timestamp, raw: [u8; 3]) -> Job {
    let minutes = |raw: u8| ended.plus((i64::from(raw % 32) - 32) * MINUTE);
    Job {
        kind: [CiStage::Build, CiStage::Test, CiStage::Other][usize::from(raw[0] % 3)],
        from: (!raw[0].is_multiple_of(16)).then(|| minutes(raw[1])),
        to: (!raw[0].is_multiple_of(17)).then(|| minutes(raw[1]).plus((i64::from(raw[2] % 20) - 1) * MINUTE)),
        skipped: raw[2].is_multiple_of(9),
    }
}

fn pipeline((index, (raw, jobs)): (usize, ([u8; 3], Vec<[u8; 3]>))) -> Run {
    let ended = start().plus(i64::from(raw[0]) * 20 * DAY / 256 / HOUR * HOUR);
    Run {
        id: format!("r{index}"),
        status: ["succeeded", "succeeded", "succeeded", "failed"][usize::from(raw[1] % 4)],
        sha: [Some("c1"), Some("c2"), None][usize::from(raw[2] % 3)],
        ended,
        jobs: jobs.into_iter().map(|raw| job(ended, raw)).collect(),
    }
}

fn ran(run: &Run) -> OtherFact {
    let jobs = run.jobs.iter().map(|job| {
        let status = if job.skipped { "skipped" } else { "succeeded" };
        json!({"name": "job", "kind": job.kind.text(), "started_at": job.from, "finished_at": job.to, "status": status})
    });
    let jobs: Vec<Value> = jobs.collect();
    let mut values = json!({"status": run.status, "finished_at": run.ended, "stages": jobs});
    if let Some(sha) = run.sha {
        values["sha"] = json!(sha);
    }
    let Value::Object(values) = values else { unreachable!("written as an object") };
    OtherFact {
        key: entity_key(EventKind::PipelineRun, "ci", &run.id),
        product: Some("a".to_owned()),
        component: Some(ComponentId::new("a", "x")),
        at: run.ended.plus(-HOUR),
        values,
    }
}

fn spent(run: &Run, kind: CiStage, deployed: Timestamp) -> Result<f64, Reason> {
    if run.status != "succeeded" {
        return Err(Reason::RunNotPassed);
    }
    match run.sha {
        None => return Err(Reason::RunWithoutCommit),
        Some("c1") if deployed >= run.ended => {}
        Some(_) => return Err(Reason::NotDeployed),
    }
    if run.jobs.is_empty() {
        return Err(Reason::StagesUnknown);
    }
    let of: Vec<&Job> = run.jobs.iter().filter(|job| job.kind == kind && !job.skipped).collect();
    if of.is_empty() {
        return Err(Reason::StageNotRun);
    }
    let spans: Option<Vec<_>> = of.iter().map(|job| job.from.zip(job.to)).collect();
    let spans = spans.ok_or(Reason::StageNotTimed)?;
    if spans.iter().any(|(from, to)| to < from) {
        return Err(Reason::NegativeDuration);
    }
    // Minute by minute.
    let minutes = (-60..60).map(|minute| run.ended.plus(minute * MINUTE));
    let busy = minutes.filter(|at| spans.iter().any(|(from, to)| from <= at && at < to)).count();
    Ok(busy as f64 * 60.0)
}

async fn compare_runs(runs: &[Run]) {
    let warehouse = Warehouse::new().unwrap();
    warehouse.set_tree(tree(&[("p/d/a", &["x"])]));
    let mut fact = deployment("d", "a/x", "eu", start().plus(12 * DAY));
    fact.sha = Some("c1".to_owned());
    warehouse.apply(vec![(fact, vec![])], vec![], runs.iter().map(ran).collect()).unwrap();
    let mut question = Question::new(node_named(&warehouse, "component:a/x"), definition("dora"), window());
    question.metrics = vec![Metric::TimeInCi];
    question.split = Some(Split::Stage);
    let answer = warehouse.answer(&question).await.unwrap();
    let told = &answer.metrics[&Metric::TimeInCi];
    let all = told.n + told.excluded.values().sum::<u64>();
    for (part, kind) in told.split.as_ref().unwrap().parts.iter().zip(CiStage::ALL) {
        let mut rows = Rows::default();
        for run in runs.iter().filter(|run| inside(run.ended)) {
            rows.take(spent(run, kind, start().plus(12 * DAY)));
        }
        assert_eq!((part.n, &part.excluded), (rows.used.len() as u64, &rows.left), "{kind:?}");
        assert!(close(part.value, median(rows.used)), "{kind:?}: {:?}", part.value);
        assert_eq!(part.n + part.excluded.values().sum::<u64>(), all, "every part has the runs of the metric");
    }
}

fn run(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future);
}

/// Tools give what was skipped the times at which it was passed over.
#[test]
fn a_skipped_stage_takes_no_time_from_another() {
    let ended = start().plus(5 * DAY);
    let stage = |from: i64, to: i64, skipped| {
        let [from, to] = [from, to].map(|minute| Some(ended.plus(minute * MINUTE)));
        Job { kind: CiStage::Build, from, to, skipped }
    };
    let jobs = vec![stage(-31, -18, true), stage(-30, -29, false), stage(-28, -20, false)];
    let passed = Run { id: "r".to_owned(), status: "succeeded", sha: Some("c1"), ended, jobs };
    assert_eq!(spent(&passed, CiStage::Build, start().plus(12 * DAY)), Ok(9.0 * 60.0));
    run(compare_runs(&[passed]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn stages_of_lead_time_are_as_the_page_says(
        deployments in proptest::collection::vec(any::<[u8; 8]>(), 0..40),
        requests in proptest::collection::vec(any::<[u8; 6]>(), 0..7),
    ) {
        let world = World {
            deployments: deployments.into_iter().enumerate().map(|(index, raw)| deployed(index, raw)).collect(),
            requests: requests.into_iter().zip(2u8..).map(|(raw, number)| request(number, raw)).collect(),
        };
        run(compare(&world));
    }

    #[test]
    fn stages_of_runs_are_as_the_page_says(
        runs in proptest::collection::vec((any::<[u8; 3]>(), proptest::collection::vec(any::<[u8; 3]>(), 0..6)), 0..30),
    ) {
        let runs: Vec<Run> = runs.into_iter().enumerate().map(pipeline).collect();
        run(compare_runs(&runs));
    }

    #[test]
    fn severities_add_up_and_are_judged_alone(incidents in proptest::collection::vec(any::<[u8; 5]>(), 0..40)) {
        let incidents: Vec<_> = incidents.into_iter().enumerate().map(|(index, raw)| trouble(index, raw)).collect();
        run(compare_severities(&incidents));
    }
}
