//! What is true of the warehouse whatever the numbers are.

use domain::catalogue::Node;
use domain::definition::shipped;
use domain::event::{ChangeKind, EventKind, Status, Trigger};
use domain::fact::{CommitLink, OtherFact};
use domain::metric::{Metric, Reason};
use metrics::{Bucket, Question};
use proptest::prelude::*;
use serde_json::json;
use warehouse::{Batch, Listing, Removed, Warehouse};

use crate::support::{ask, at, commit, definition, deployment, incident, metric, node_named, tree, window};

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[tokio::test]
async fn an_empty_warehouse_says_why_there_is_nothing() {
    let warehouse = Warehouse::new().unwrap();
    for definition in shipped() {
        let question = Question::new(Node::Group, definition, window("2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z"));
        let answer = warehouse.answer(&question).await.unwrap();
        assert_eq!(answer.metrics.len(), Metric::ALL.len());
        for (name, answer) in &answer.metrics {
            assert_eq!((answer.value, answer.n, answer.coverage), (None, 0, None), "{name}");
            assert!(answer.reason.is_some() && answer.reason_text.is_some(), "{name}");
        }
        assert_eq!(answer.overall, None);
    }
}

#[tokio::test]
async fn who_has_deployed_before_has_zero_and_who_never_did_has_nothing() {
    let warehouse = Warehouse::new().unwrap();
    warehouse.set_tree(tree(&[("p/d/shop", &["cart", "pay"])]));
    let old = deployment("old", "shop/cart", "eu", at("2024-06-01T00:00:00Z"));
    let later = deployment("later", "shop/pay", "eu", at("2025-03-01T00:00:00Z"));
    warehouse.apply(vec![(old, vec![]), (later, vec![])], vec![], vec![]).unwrap();
    let january = window("2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z");
    let of = async |node| metric(&*ask(&warehouse, node, "dora", january).await, "deployment_frequency");
    assert_eq!(of("component:cart").await.value, Some(0.0));
    assert_eq!(of("product:shop").await.value, Some(0.0));
    let pay = of("component:pay").await;
    assert_eq!((pay.value, pay.reason), (None, Some(Reason::NoDeployments)));
    assert_eq!(of("component:cart").await.coverage, None);
    let recovery =
        metric(&*ask(&warehouse, "component:cart", "dora", january).await, "failed_deployment_recovery_time");
    assert_eq!(recovery.reason, Some(Reason::NoDeployments));
}

#[tokio::test]
async fn a_product_that_moves_in_the_tree_takes_its_history_along() {
    let warehouse = Warehouse::new().unwrap();
    warehouse.set_tree(tree(&[("p1/d1/shop@a", &["cart"])]));
    let fact = deployment("1", "shop/cart", "eu", at("2025-01-02T00:00:00Z"));
    warehouse.apply(vec![(fact, vec![])], vec![], vec![]).unwrap();
    let january = window("2025-01-01T00:00:00Z", "2025-01-11T00:00:00Z");
    let of = async |node| metric(&*ask(&warehouse, node, "dora", january).await, "deployment_frequency").value;
    assert_eq!(of("platform:p1").await, Some(0.1));
    warehouse.set_tree(tree(&[("p2/d2/shop@b", &["cart"])]));
    assert_eq!(of("platform:p2").await, Some(0.1));
    assert_eq!(of("team:b").await, Some(0.1));
    assert_eq!(of("domain:d2").await, Some(0.1));
    assert_eq!(warehouse.rows().deployments, 1);
}

#[tokio::test]
async fn a_fact_told_again_replaces_itself_also_in_another_product() {
    let warehouse = Warehouse::new().unwrap();
    let fact = deployment("1", "shop/cart", "eu", at("2025-01-02T00:00:00Z"));
    let commits = vec![commit(&fact, "a", at("2025-01-01T00:00:00Z")), commit(&fact, "b", at("2025-01-01T00:00:00Z"))];
    let pain = incident("i", "shop", at("2025-01-02T00:00:00Z"), None);
    warehouse.apply(vec![(fact.clone(), commits.clone())], vec![pain.clone()], vec![]).unwrap();
    assert_eq!((warehouse.rows().deployments, warehouse.rows().commits, warehouse.rows().incidents), (1, 2, 1));
    let mut moved = fact;
    moved.lane.component = domain::catalogue::ComponentId::parse("other/cart").unwrap();
    warehouse.apply(vec![(moved, commits[..1].to_vec())], vec![pain], vec![]).unwrap();
    assert_eq!((warehouse.rows().deployments, warehouse.rows().commits, warehouse.rows().incidents), (1, 1, 1));
    let listed = warehouse.deployments(&Listing::of(Node::Group)).await.unwrap();
    assert_eq!(listed.rows[0]["product"], "other");
}

#[tokio::test]
async fn what_is_removed_is_gone_with_its_commits_and_may_come_back() {
    let warehouse = Warehouse::new().unwrap();
    let fact = deployment("1", "shop/cart", "eu", at("2025-01-02T00:00:00Z"));
    let other = deployment("2", "shop/cart", "eu", at("2025-01-03T00:00:00Z"));
    let commits = vec![commit(&fact, "a", at("2025-01-01T00:00:00Z"))];
    let pain = incident("i", "shop", at("2025-01-02T00:00:00Z"), None);
    let removed = || Removed { deployments: vec![fact.key.clone()], incidents: vec![pain.key.clone()] };
    let rows = || (warehouse.rows().deployments, warehouse.rows().commits, warehouse.rows().incidents);
    warehouse.take(Batch { removed: removed(), ..Batch::default() }).unwrap();
    warehouse.apply(vec![(fact.clone(), commits.clone())], vec![pain.clone()], vec![]).unwrap();
    assert_eq!(rows(), (1, 1, 1));
    warehouse.take(Batch { deployments: vec![(other, vec![])], removed: removed(), ..Batch::default() }).unwrap();
    assert_eq!(rows(), (1, 0, 0));
    warehouse.apply(vec![(fact.clone(), commits)], vec![pain.clone()], vec![]).unwrap();
    assert_eq!(rows(), (2, 1, 1));
}

#[tokio::test]
async fn series_and_comparison_follow_the_calendar_of_the_zone() {
    let warehouse = Warehouse::new().unwrap();
    warehouse.set_tree(tree(&[("p/d/shop", &["cart"])]));
    let times = ["2025-03-28T12:00:00Z", "2025-03-29T23:30:00Z", "2025-03-30T12:00:00Z", "2025-03-31T12:00:00Z"];
    let facts = times.iter().map(|time| (deployment(time, "shop/cart", "eu", at(time)), vec![]));
    warehouse.apply(facts.collect(), vec![], vec![]).unwrap();
    // Midnight to midnight in Paris, over the night that lacks an hour.
    let asked = window("2025-03-28T23:00:00Z", "2025-03-31T22:00:00Z");
    let question = Question {
        metrics: vec![Metric::DeploymentFrequency],
        bucket: Some(Bucket::Day),
        zone: "Europe/Paris".to_owned(),
        compare: Some(asked.previous()),
        ..Question::new(node_named(&warehouse, "product:shop"), definition("dora"), asked)
    };
    let answer = warehouse.answer(&question).await.unwrap();
    let frequency = metric(&answer, "deployment_frequency");
    let series = frequency.series.unwrap();
    let values: Vec<_> = series.iter().map(|point| (point.from.to_string(), point.value.unwrap())).collect();
    let wanted = [("2025-03-28T23:00:00Z", 0.0), ("2025-03-29T23:00:00Z", 2.0), ("2025-03-30T22:00:00Z", 1.0)];
    assert_eq!(values, wanted.map(|(from, value)| (from.to_owned(), value)));
    assert_eq!(frequency.value, Some(3.0 / (71.0 / 24.0)));
    let previous = frequency.previous.unwrap();
    assert_eq!((previous.value, previous.n), (Some(1.0 / (71.0 / 24.0)), 1));
    assert!((previous.change.unwrap() - 2.0).abs() < 1e-12);

    let days =
        domain::definition::Definition { frequency: domain::definition::Frequency::DeployDays, ..definition("dora") };
    let answer = warehouse.answer(&Question { definition: days, ..question }).await.unwrap();
    assert_eq!(metric(&answer, "deployment_frequency").value, Some(2.0 / (71.0 / 24.0)));
}

#[tokio::test]
async fn labels_filter_by_deployment_then_component_then_product() {
    let warehouse = Warehouse::new().unwrap();
    let mut cheap = deployment("1", "shop/cart", "eu", at("2025-01-02T00:00:00Z"));
    cheap.labels.insert("cost".to_owned(), "it's \"low\"".into());
    let other = deployment("2", "shop/cart", "eu", at("2025-01-03T00:00:00Z"));
    let hurt = |id: &str, hours: i64| {
        let opened = at("2025-01-04T00:00:00Z");
        incident(id, "shop", opened, Some(opened.plus(hours * domain::time::HOUR)))
    };
    let mut short = hurt("3", 1);
    short.labels.insert("cost".to_owned(), "it's \"low\"".into());
    warehouse.apply(vec![(cheap, vec![]), (other, vec![])], vec![short, hurt("4", 5)], vec![]).unwrap();
    let question = Question {
        labels: vec![("cost".to_owned(), "it's \"low\"".to_owned())],
        ..Question::new(Node::Group, definition("dora"), window("2025-01-01T00:00:00Z", "2025-01-11T00:00:00Z"))
    };
    let answer = warehouse.answer(&question).await.unwrap();
    assert_eq!(metric(&answer, "deployment_frequency").value, Some(0.1));
    assert_eq!(metric(&answer, "time_to_restore").value, Some(3_600.0));
}

#[tokio::test]
async fn weights_of_a_bucket_are_its_own_deployments() {
    let warehouse = Warehouse::new().unwrap();
    warehouse.set_tree(tree(&[("p/d/shop", &["cart", "pay"])]));
    let deployed = |id: &str, component: &str, time: &str, kind: ChangeKind| {
        let mut fact = deployment(id, component, "eu", at(time));
        fact.kind = kind;
        (fact, vec![])
    };
    // Day 1: cart 3 of which 3 rework, pay 1 without. Day 2: cart 1 rework, pay 3 without.
    let facts = vec![
        deployed("1", "shop/cart", "2025-01-01T01:00:00Z", ChangeKind::Hotfix),
        deployed("2", "shop/cart", "2025-01-01T02:00:00Z", ChangeKind::Hotfix),
        deployed("3", "shop/cart", "2025-01-01T03:00:00Z", ChangeKind::Hotfix),
        deployed("4", "shop/pay", "2025-01-01T04:00:00Z", ChangeKind::Code),
        deployed("5", "shop/cart", "2025-01-02T01:00:00Z", ChangeKind::Hotfix),
        deployed("6", "shop/pay", "2025-01-02T02:00:00Z", ChangeKind::Code),
        deployed("7", "shop/pay", "2025-01-02T03:00:00Z", ChangeKind::Code),
        deployed("8", "shop/pay", "2025-01-02T04:00:00Z", ChangeKind::Code),
    ];
    warehouse.apply(facts, vec![], vec![]).unwrap();
    let weighted =
        domain::definition::Definition { children: domain::definition::Children::Weighted, ..definition("rex") };
    let question = Question {
        metrics: vec![Metric::ReworkRate],
        bucket: Some(Bucket::Day),
        ..Question::new(
            node_named(&warehouse, "product:shop"),
            weighted,
            window("2025-01-01T00:00:00Z", "2025-01-04T00:00:00Z"),
        )
    };
    let found = metric(&warehouse.answer(&question).await.unwrap(), "rework_rate");
    assert_eq!(found.value, Some(0.5));
    let values: Vec<_> = found.series.unwrap().iter().map(|point| point.value).collect();
    assert_eq!(values, [Some(0.75), Some(0.25), None]);
}

#[tokio::test]
async fn lists_come_newest_first_in_pages_without_gaps() {
    let warehouse = Warehouse::new().unwrap();
    let mut facts: Vec<_> = (0..7)
        .map(|n| (deployment(&format!("d'{n}"), "shop/cart", "eu", at("2025-01-02T00:00:00Z").plus(n / 3)), vec![]))
        .collect();
    facts[0].0.finished_at = None;
    warehouse.apply(facts, vec![], vec![]).unwrap();
    let mut listing = Listing { limit: 2, ..Listing::of(Node::Group) };
    let mut ids = Vec::new();
    loop {
        let page = warehouse.deployments(&listing).await.unwrap();
        ids.extend(page.rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
        let Some(next) = page.next else { break };
        listing.cursor = Some(next);
    }
    assert_eq!(ids, ["d'6", "d'5", "d'4", "d'3", "d'2", "d'1", "d'0"]);
    listing.cursor = Some("zz".to_owned());
    assert!(warehouse.deployments(&listing).await.is_err());
}

#[tokio::test]
async fn the_sql_port_only_reads() {
    let warehouse = Warehouse::new().unwrap();
    for text in ["CREATE TABLE t (a INT)", "INSERT INTO deployments VALUES (1)", "COPY deployments TO 'x.csv'", "SELEC"]
    {
        assert!(warehouse.sql(text).await.is_err(), "{text}");
    }
    let columns = warehouse.sql("SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public'").await;
    let shown = datafusion::arrow::util::pretty::pretty_format_batches(&columns.unwrap()).unwrap().to_string();
    let documented: usize = warehouse::reference().iter().map(|table| table.columns.len()).sum();
    assert!(shown.contains(&format!("| {documented} ")), "{shown}");
}

#[tokio::test]
async fn statistics_can_be_asked_for_in_sql() {
    let warehouse = Warehouse::new().unwrap();
    let sql = |from: usize| {
        format!(
            "SELECT duration_stats(x) AS s FROM (SELECT CAST(value AS DOUBLE) * 0.1 AS x, value % 7 AS g FROM generate_series({from}, 1000)) AS t"
        )
    };
    let whole = warehouse.sql(&sql(1)).await.unwrap();
    let shown = datafusion::arrow::util::pretty::pretty_format_batches(&whole).unwrap().to_string();
    assert!(shown.contains("n: 1000, mean: 50.05, min: 0.1, max: 100.0, p50: 50.05"), "{shown}");
    let none = warehouse.sql(&sql(1001)).await.unwrap();
    let shown = datafusion::arrow::util::pretty::pretty_format_batches(&none).unwrap().to_string();
    assert!(shown.contains("n: 0, mean: , min: "), "{shown}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_name_is_never_read_as_sql(name in "[ -~\\\\'\";é\u{0}-\u{1f}]{1,20}") {
        let shown = run(async {
            let warehouse = Warehouse::new().unwrap();
            let batches = warehouse.sql(&format!("SELECT {} AS name", metrics::literal::text(&name))).await.unwrap();
            use datafusion::arrow::array::AsArray;
            let column = datafusion::arrow::compute::cast(batches[0].column(0), &datafusion::arrow::datatypes::DataType::Utf8).unwrap();
            column.as_string::<i32>().value(0).to_owned()
        });
        prop_assert_eq!(shown, name);
    }
}

fn told(kind: EventKind, id: &str, product: Option<&str>, time: &str, values: serde_json::Value) -> OtherFact {
    OtherFact {
        key: domain::event::entity_key(kind, "ci", id),
        product: product.map(str::to_owned),
        component: product.map(|product| domain::catalogue::ComponentId::new(product, "cart")),
        at: at(time),
        values: values.as_object().unwrap().clone(),
    }
}

#[tokio::test]
async fn runs_and_analyses_are_counted_when_they_have_an_outcome() {
    let warehouse = Warehouse::new().unwrap();
    warehouse.set_tree(tree(&[("p/d/shop", &["cart"])]));
    let run = |id: &str, product, status: &str| {
        let finished = json!({"status": status, "finished_at": "2025-01-01T00:10:00Z"});
        told(EventKind::PipelineRun, id, product, "2024-12-31T23:50:00Z", finished)
    };
    let analysis = |id: &str, passed| {
        told(EventKind::CanaryAnalysis, id, Some("shop"), "2025-01-02T00:00:00Z", json!({"passed": passed}))
    };
    let others = vec![
        run("1", Some("shop"), "succeeded"),
        run("2", Some("shop"), "failed"),
        run("3", Some("shop"), "cancelled"),
        run("4", Some("shop"), "in_progress"),
        run("5", None, "succeeded"),
        analysis("1", true),
        analysis("2", false),
        told(EventKind::FlagChange, "1", Some("shop"), "2025-01-02T00:00:00Z", json!({})),
    ];
    warehouse.apply(vec![], vec![], others).unwrap();
    let january = window("2025-01-01T00:00:00Z", "2025-01-11T00:00:00Z");
    for id in ["dora", "rex"] {
        let shop = ask(&warehouse, "product:shop", id, january).await;
        assert_eq!(metric(&shop, "pipeline_success_rate").value, Some(0.5), "{id}");
        assert_eq!(metric(&shop, "canary_success_rate").value, Some(0.5), "{id}");
    }
    let group = ask(&warehouse, "group", "dora", january).await;
    assert_eq!(metric(&group, "pipeline_success_rate").n, 3, "what belongs to no product belongs to the group");
}

#[tokio::test]
async fn attempts_have_their_own_ratios_and_batches_their_size() {
    let warehouse = Warehouse::new().unwrap();
    warehouse.set_tree(tree(&[("p/d/shop", &["cart"])]));
    let mut facts: Vec<_> =
        (0..6).map(|n| deployment(&format!("{n}"), "shop/cart", "eu", at("2025-01-02T00:00:00Z").plus(n))).collect();
    facts[0].trigger = Trigger::Automated;
    facts[1].trigger = Trigger::Manual;
    (facts[1].status, facts[1].counted) = (Status::Failed, false);
    facts[2].kind = ChangeKind::Rollback;
    (facts[3].link, facts[3].commits) = (CommitLink::Graph, 4);
    (facts[4].link, facts[4].commits, facts[4].first_deployment) = (CommitLink::Graph, 1, true);
    (facts[5].link, facts[5].commits) = (CommitLink::CommitAt, 1);
    warehouse.apply(facts.into_iter().map(|fact| (fact, vec![])).collect(), vec![], vec![]).unwrap();
    let january = window("2025-01-01T00:00:00Z", "2025-01-11T00:00:00Z");
    let shop = ask(&warehouse, "product:shop", "dora", january).await;
    assert_eq!(metric(&shop, "rollback_rate").value, Some(1.0 / 6.0));
    assert_eq!(metric(&shop, "deployment_success_rate").value, Some(5.0 / 6.0));
    let automated = metric(&shop, "automated_deployment_rate");
    assert_eq!((automated.value, automated.excluded), (Some(0.5), [(Reason::TriggerUnknown, 4)].into()));
    let batch = metric(&shop, "batch_size");
    assert_eq!((batch.value, batch.n), (Some(2.0), 2), "four commits, and the rollback's none");
    let left = [(Reason::NoCommitLink, 1), (Reason::FirstDeployment, 1), (Reason::RangeIncomplete, 1)];
    assert_eq!(batch.excluded, left.into());
}
