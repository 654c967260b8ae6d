//! `evidence`: what it says of a fact is what the fact says, what `deployments` and `incidents` show, and what an
//! explanation shows.

use std::collections::BTreeSet;

use domain::Timestamp;
use domain::catalogue::{Node, PlacedBy};
use domain::event::ChangeKind;
use domain::fact::{Blame, CauseRule, CommitLink, DeploymentFact, IncidentFact, SignalKind};
use domain::metric::Metric;
use domain::time::HOUR;
use metrics::Question;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use warehouse::{Batch, Page, Removed, Warehouse};

use crate::support::{at, blame, definition, deployment, incident, key, remedied, signal, tree, window};

fn start() -> Timestamp {
    at("2025-01-25T00:00:00Z")
}

fn one_deployment(n: usize, raw: [u8; 10]) -> DeploymentFact {
    let bit = |place: usize, mask: u8| raw[place] & mask != 0;
    let finished = start().plus(i64::from(raw[0]) * HOUR);
    let mut fact = deployment(&n.to_string(), ["shop/cart", "bank/api"][usize::from(raw[1] % 2)], "eu", finished);
    fact.kind = [ChangeKind::Code, ChangeKind::Hotfix, ChangeKind::Rollback][usize::from(raw[2] % 3)];
    fact.kind_why = format!("rule {}", raw[2]);
    fact.sha = bit(3, 1).then(|| format!("{n:040x}"));
    fact.sha_why = bit(3, 2).then(|| "by its tag".to_owned());
    fact.link = [CommitLink::Graph, CommitLink::None][usize::from(raw[4] % 2)];
    fact.range_why = ["", "since the last one"][usize::from(raw[4] / 2 % 2)].to_owned();
    fact.commits = u32::from(raw[4]);
    fact.range_incomplete = bit(5, 1).then(|| "history is cut".to_owned());
    fact.replaces = bit(5, 2).then(|| key("0"));
    fact.blames = bit(5, 4).then(|| Blame { deployment: key("1"), why: "it went back".to_owned() });
    for (place, kind) in SignalKind::ALL.iter().enumerate().skip(2) {
        if raw[6] >> (place - 2) & 1 == 1 {
            signal(&mut fact, *kind, i64::from(raw[7]) * 60);
        }
    }
    fact.incident_within = bit(8, 1).then_some(i64::from(raw[7]) * HOUR);
    fact.manual_failed = [None, Some(true), Some(false)][usize::from(raw[8] % 3)];
    if bit(9, 1) {
        remedied(&mut fact, "2", finished.plus(HOUR));
    }
    fact.fixes = (0..raw[9] / 2 % 3).map(|n| format!("i{n}")).collect();
    fact.status_assumed = bit(9, 64);
    (fact.placed_by, fact.placed_why) = placed(bit(9, 32));
    fact
}

/// By the catalogue's names, or by a rule that says which it is.
fn placed(by_rule: bool) -> (PlacedBy, Option<String>) {
    let by = if by_rule { PlacedBy::Rule } else { PlacedBy::Catalogue };
    (by, by_rule.then(|| "rule 1 of `rules.places`: `namespace:shop`".to_owned()))
}

const fn placed_word(by: PlacedBy) -> &'static str {
    if matches!(by, PlacedBy::Rule) { "rule" } else { "catalogue" }
}

/// An incident may have the id of a deployment of its source.
fn one_incident(n: usize, raw: [u8; 4], deployments: &mut [DeploymentFact]) -> IncidentFact {
    let opened = start().plus(i64::from(raw[0]) * HOUR);
    let mut fact = incident(&n.to_string(), ["shop", "bank"][usize::from(raw[1] % 2)], opened, None);
    (fact.placed_by, fact.placed_why) = placed(raw[1] & 2 != 0);
    for rule in CauseRule::ALL {
        if raw[2] >> rule.index() & 1 == 1
            && let Some(deployment) = deployments.get_mut(usize::from(raw[3] % 8))
        {
            blame(&mut fact, deployment, rule);
        }
    }
    fact
}

/// Fact, id, link, and what it says as JSON.
type Said = BTreeSet<(String, String, String, String)>;

/// The obvious reading of a fact: link, rule and what it points to.
fn reading(deployments: &[DeploymentFact], incidents: &[IncidentFact]) -> Said {
    let mut said = Said::new();
    for fact in deployments {
        let mut says = |link: &str, rule: Value| {
            said.insert(("deployment".to_owned(), fact.key.id.to_string(), link.to_owned(), rule.to_string()));
        };
        says("place", json!([placed_word(fact.placed_by), fact.lane.component.as_str(), fact.placed_why]));
        if fact.sha.is_some() || fact.sha_why.is_some() {
            says("commit", json!([null, fact.sha, fact.sha_why]));
        }
        if fact.link != CommitLink::None || !fact.range_why.is_empty() {
            let why = (!fact.range_why.is_empty()).then_some(&fact.range_why);
            says("commits", json!([fact.link.text(), fact.commits.to_string(), why]));
        }
        if let Some(why) = &fact.range_incomplete {
            says("commits_doubted", json!([null, null, why]));
        }
        says("kind", json!([null, fact.kind.text(), fact.kind_why]));
        if let Some(other) = &fact.replaces {
            says("replaces", json!(["ci", *other.id, null]));
        }
        if let Some(other) = &fact.blames {
            says("blames", json!(["ci", *other.deployment.id, other.why]));
        }
        for signal in &fact.signals {
            says("signal", json!([signal.kind.text(), signal.at.to_string(), signal.delay as f64 / 1e6]));
        }
        if let (Some(delay), Some(finished)) = (fact.incident_within, fact.finished_at) {
            says("signal", json!(["incident_within", finished.plus(delay).to_string(), delay as f64 / 1e6]));
        }
        if let Some(failed) = fact.manual_failed {
            says("verdict", json!(["manual", if failed { "failed" } else { "not failed" }, null]));
        }
        if let Some(remedy) = &fact.remediation {
            says("remediation", json!(["ci", *remedy.deployment.id, null]));
        }
        for incident in &fact.fixes {
            says("fixes", json!([null, incident, null]));
        }
        if fact.status_assumed {
            says("assumed", json!(["status", fact.status.text(), null]));
        }
    }
    for fact in incidents {
        let mut says = |link: &str, rule: Value| {
            said.insert(("incident".to_owned(), fact.key.id.to_string(), link.to_owned(), rule.to_string()));
        };
        says("place", json!([placed_word(fact.placed_by), fact.product, fact.placed_why]));
        for rule in CauseRule::ALL {
            if let Some(cause) = &fact.causes[rule.index()] {
                says("cause", json!([rule.text(), *cause.deployment.id, cause.delay as f64 / 1e6]));
            }
        }
    }
    said
}

async fn rows(warehouse: &Warehouse, sql: &str) -> Vec<Map<String, Value>> {
    let mut out = Vec::new();
    for batch in warehouse.sql(sql).await.unwrap() {
        let columns: Vec<String> = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
        for row in 0..batch.num_rows() {
            let cell = |at: usize| {
                let options = datafusion::arrow::util::display::FormatOptions::default().with_null("∅");
                let text = datafusion::arrow::util::display::ArrayFormatter::try_new(batch.column(at), &options)
                    .unwrap()
                    .value(row)
                    .to_string();
                if text == "∅" { Value::Null } else { Value::from(text) }
            };
            out.push(columns.iter().cloned().zip((0..columns.len()).map(cell)).collect());
        }
    }
    out
}

async fn said(warehouse: &Warehouse) -> Said {
    let sql = "SELECT fact, id, link, rule, value, told_at, delay_s, deployment_source, deployment_id, why, position, \
               product, component, instance FROM evidence ORDER BY fact, id, position";
    let mut known = BTreeSet::new();
    let all = rows(warehouse, sql).await;
    let said = all.iter().map(|row| {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        assert!(known.insert((text("fact"), text("id"), text("position"))), "a place twice: {row:?}");
        let number = |name: &str| json!(row[name].as_str().map(|text| text.parse::<f64>().unwrap()));
        let three = match text("link").as_str() {
            "signal" => json!([row["rule"], row["told_at"], number("delay_s")]),
            "cause" => json!([row["rule"], row["deployment_id"], number("delay_s")]),
            "replaces" | "blames" | "remediation" => {
                json!([row["deployment_source"], row["deployment_id"], row["why"]])
            }
            "verdict" => json!([row["rule"], row["value"], null]),
            _ => json!([row["rule"], row["value"], row["why"]]),
        };
        (text("fact"), text("id"), text("link"), three.to_string())
    });
    let said: Said = said.collect();
    said
}

async fn explained(warehouse: &Warehouse, deployments: &[DeploymentFact]) {
    // The explanation of a metric over all of them, against the evidence of the same rows.
    let question = Question {
        metrics: vec![Metric::ReworkRate],
        ..Question::new(Node::Group, definition("dora"), window("2025-01-01T00:00:00Z", "2025-03-01T00:00:00Z"))
    };
    let explanation = warehouse.explain(&question, Metric::ReworkRate, Page { limit: 1_000, offset: 0 }).await.unwrap();
    assert_eq!(explanation.population, deployments.len() as u64);
    let sql = "SELECT DISTINCT id FROM evidence WHERE fact = 'deployment' \
               AND (link = 'fixes' OR link = 'kind' AND value IN ('hotfix', 'rollback'))";
    let rework: BTreeSet<String> =
        rows(warehouse, sql).await.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(explanation.rows.len(), deployments.len());
    for row in &explanation.rows {
        assert_eq!(row["value"] == json!(1.0), rework.contains(row["id"].as_str().unwrap()), "{row:?}");
    }
    // And what the wide tables show beside each other.
    let wrong = [
        "SELECT d.id FROM deployments d JOIN evidence e ON e.source = d.source AND e.id = d.id AND e.fact = 'deployment' \
         AND e.link = 'kind' WHERE (e.why IS DISTINCT FROM d.kind_why) OR (e.at IS DISTINCT FROM d.finished_at) OR e.place <> d.place",
        "SELECT d.id FROM deployments d JOIN evidence e ON e.source = d.source AND e.id = d.id AND e.fact = 'deployment' \
         AND e.link = 'remediation' WHERE e.told_at <> d.remediated_at OR e.deployment_id <> d.remediation_id",
        "SELECT i.id FROM incidents i JOIN evidence e ON e.source = i.source AND e.id = i.id AND e.fact = 'incident' \
         AND e.rule = 'started_narrowest' WHERE (e.deployment_id IS DISTINCT FROM i.cause_id_started_narrowest) \
         OR (e.delay_s IS DISTINCT FROM i.cause_delay_s_started_narrowest)",
    ];
    for sql in wrong {
        assert_eq!(rows(warehouse, sql).await, vec![], "{sql}");
    }
}

async fn compare(deployments: &[[u8; 10]], incidents: &[[u8; 4]]) {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open(folder.path()).await.unwrap();
    warehouse.set_tree(tree(&[("p/d/shop", &["cart"]), ("p/d/bank", &["api"])]));
    let mut facts: Vec<_> = deployments.iter().enumerate().map(|(n, raw)| one_deployment(n, *raw)).collect();
    let pain: Vec<_> = incidents.iter().enumerate().map(|(n, raw)| one_incident(n, *raw, &mut facts)).collect();
    let batch = |facts: &[DeploymentFact], pain: &[IncidentFact], change| Batch {
        deployments: facts.iter().map(|fact| (fact.clone(), vec![])).collect(),
        incidents: pain.to_vec(),
        change,
        ..Batch::default()
    };
    warehouse.take(batch(&facts, &pain, 1)).unwrap();
    assert_eq!(said(&warehouse).await, reading(&facts, &pain));
    explained(&warehouse, &facts).await;
    warehouse.seal(at("2026-01-01T00:00:00Z")).await.unwrap();
    assert_eq!(said(&warehouse).await, reading(&facts, &pain));

    // The first deployment is told otherwise, the second is no more; incidents of the same ids are not concerned.
    let mut changed = facts.clone();
    let mut removed = Removed::default();
    if changed.len() > 1 {
        removed.deployments.push(changed.remove(1).key);
    }
    if let Some(first) = changed.first_mut() {
        first.kind_why = "another rule".to_owned();
        first.signals.clear();
    }
    let before = facts.iter().map(|fact| {
        let key = domain::EntityKey {
            kind: domain::event::EventKind::Deployment,
            source: fact.key.source.clone(),
            id: fact.key.id.clone(),
        };
        (key, fact.finished_at.map(domain::time::Month::of))
    });
    let batch = Batch { removed, before: before.collect(), ..batch(&changed[..changed.len().min(1)], &[], 2) };
    warehouse.take(batch).unwrap();
    assert_eq!(said(&warehouse).await, reading(&changed, &pain));
    warehouse.seal(at("2026-01-01T00:00:00Z")).await.unwrap();
    assert_eq!(said(&Warehouse::open(folder.path()).await.unwrap()).await, reading(&changed, &pain));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn rows_say_what_facts_and_explanations_say(
        deployments in proptest::collection::vec(any::<[u8; 10]>(), 0..8),
        incidents in proptest::collection::vec(any::<[u8; 4]>(), 0..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(compare(&deployments, &incidents));
    }
}

#[tokio::test]
async fn a_person_is_named_with_the_reason() {
    let warehouse = Warehouse::new().unwrap();
    let mut fact = deployment("1", "shop/cart", "eu", start());
    fact.manual_failed = Some(true);
    signal(&mut fact, SignalKind::Manual, 0);
    fact.signals[0].by = "ann: customers called".to_owned();
    warehouse.apply(vec![(fact, vec![])], vec![], vec![]).unwrap();
    let found = rows(&warehouse, "SELECT why FROM evidence WHERE link = 'verdict'").await;
    assert_eq!(found[0]["why"], json!("ann: customers called"));
}
