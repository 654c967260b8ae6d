//! How many webhooks one core parses: `cargo bench -p sources`. Goals: 20,000 a second by code, 3,000 by programs.
//!
//! The bodies are those of the repository's own tests: a mix of GitHub's events and of the articles' requests, and every
//! fixture of every mapped tool that is read, not refused.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use std::fs;
use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use domain::Timestamp;
use serde_json::{Value, json};
use sources::{Delivery, SOURCES, Source, Tool, find};

/// One delivery, as it would come.
struct Sent {
    source: &'static Source,
    event: &'static str,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Sent {
    fn parse(&self) -> usize {
        let delivery = Delivery {
            source: self.source.name,
            event: self.event,
            headers: &self.headers,
            body: &self.body,
            received_at: Timestamp::from_micros(1_793_491_200_000_000),
        };
        (self.source.parse)(black_box(&delivery)).unwrap().events.len()
    }
}

fn github(event: &str, mut body: Value) -> Sent {
    body["repository"] =
        json!({"id": 7, "full_name": "acme/cart", "default_branch": "main", "pushed_at": 1_735_900_000});
    body["sender"] = json!({"login": "ada", "type": "User"});
    let headers = vec![("x-github-event".to_owned(), event.to_owned())];
    Sent { source: find("github").unwrap(), event: "webhook", headers, body: body.to_string().into_bytes() }
}

/// What code reads.
fn native() -> Vec<Sent> {
    let sha = "1f2e3d4c5b6a79880123456789abcdef01234567";
    let at = "2025-01-01T10:00:00Z";
    let commits: Vec<Value> = (0..5)
        .map(|number| {
            json!({"id": format!("{number}").repeat(40), "timestamp": at, "message": "A change", "added": ["a/b"],
            "author": {"name": "Ada", "email": "ada@example.com"}})
        })
        .collect();
    let deployment = json!({"id": 9, "sha": sha, "ref": "main", "task": "deploy", "environment": "production",
        "created_at": at, "creator": {"login": "ada", "type": "User"}});
    let run = json!({"id": 7, "run_attempt": 1, "name": "Deploy", "head_sha": sha, "head_branch": "main", "status": "completed",
        "conclusion": "success", "created_at": at, "run_started_at": at, "updated_at": at, "event": "push"});
    let articles = |event: &'static str, body: Value| Sent {
        source: find("articles").unwrap(),
        event,
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
    };
    vec![
        github(
            "push",
            json!({"ref": "refs/heads/main", "before": "0".repeat(40), "after": "4".repeat(40), "commits": commits,
            "head_commit": commits[4]}),
        ),
        github("deployment", json!({"deployment": deployment})),
        github(
            "deployment_status",
            json!({"deployment": deployment,
            "deployment_status": {"id": 1, "state": "success", "created_at": at, "environment": "production"}}),
        ),
        github("workflow_run", json!({"workflow_run": run})),
        articles(
            "deployments",
            json!({"service": "acme/cart", "environment": "production", "commit_sha": "abc1234",
            "deployed_at": at, "status": "failed"}),
        ),
        articles("incident", json!({"incident_id": "7", "service": "cart", "severity": "P1", "detected_at": at})),
    ]
}

/// What programs read.
fn mapped() -> Vec<Sent> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("mapped");
    let mut sent = Vec::new();
    for source in SOURCES.iter() {
        let Ok(fixtures) = fs::read_dir(folder.join(source.name).join("fixtures")) else { continue };
        for fixture in fixtures {
            let text = fs::read_to_string(fixture.unwrap().path()).unwrap();
            let fixture: Value = serde_json::from_str(&text).unwrap();
            if fixture.get("problem").is_some() {
                continue;
            }
            let headers = fixture["headers"].as_object().into_iter().flatten();
            let headers = headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
            sent.push(Sent { source, event: "webhook", headers, body: fixture["body"].to_string().into_bytes() });
        }
    }
    sent
}

fn parsing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("webhooks");
    for (name, sent) in [("native", native()), ("mapped", mapped())] {
        group.throughput(Throughput::Elements(sent.len() as u64));
        group.bench_function(name, |bencher| bencher.iter(|| sent.iter().map(Sent::parse).sum::<usize>()));
    }
    group.finish();
}

/// How long a program that never ends holds somebody up.
fn stopping(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stopped");
    group.sample_size(10);
    for (name, program) in [
        ("endless", "def f: f; f"),
        ("closures", "def f(g): f(g | .); f(.)"),
        ("list", "[range(1000000000)]"),
        ("text", "\"x\" | until(false; . + .)"),
        ("outputs", "last(def f: 1, (f | .); f)"),
    ] {
        let tool = Tool { name: "bench".to_owned(), program: Some(program.to_owned()), ..Tool::default() };
        let source = tool.source().unwrap();
        let received_at = Timestamp::from_micros(1_793_491_200_000_000);
        let delivery = Delivery { source: "bench", event: "webhook", headers: &[], body: b"{}", received_at };
        group.bench_function(name, |bencher| bencher.iter(|| (source.parse)(&delivery).unwrap_err()));
    }
    group.finish();
}

criterion_group!(benches, parsing, stopping);
criterion_main!(benches);
