//! METRICS.md section 8, every number of it.

use domain::band::Band;
use domain::event::ChangeKind;
use domain::fact::{CauseRule, CommitFact, CommitLink, DeploymentFact};
use domain::metric::Reason;
use metrics::{Question, Window};
use warehouse::{Page, Warehouse};

use crate::support::{ask, at, blame, commit, definition, deployment, incident, metric, node_named, tree, window};

const HOUR: f64 = 3_600.0;

fn january() -> Window {
    window("2025-01-01T00:00:00Z", "2025-01-11T00:00:00Z")
}

fn code(
    id: &str,
    component: &str,
    version: &str,
    finished: &str,
    committed: &str,
    previous: Option<&str>,
) -> (DeploymentFact, Vec<CommitFact>) {
    let mut fact = deployment(id, component, "default", at(finished));
    fact.version = Some(version.to_owned());
    fact.link = CommitLink::Graph;
    fact.commits = 1;
    fact.brings_new_commit = true;
    fact.head_committed_at = Some(at(committed));
    fact.first_commit_at = fact.head_committed_at;
    fact.previous_counted_at = previous.map(at);
    fact.first_deployment = previous.is_none();
    let commits = vec![commit(&fact, &format!("{id}-head"), at(committed))];
    (fact, commits)
}

fn shop() -> Warehouse {
    let mut c1 = code("C1", "shop/cart", "1.0.0", "2025-01-01T12:00:00Z", "2025-01-01T08:00:00Z", None);
    let mut c2 =
        code("C2", "shop/cart", "1.1.0", "2025-01-03T12:00:00Z", "2025-01-03T06:00:00Z", Some("2025-01-01T12:00:00Z"));
    let mut c3 =
        code("C3", "shop/cart", "1.2.0", "2025-01-04T12:00:00Z", "2025-01-03T12:00:00Z", Some("2025-01-03T12:00:00Z"));
    let mut k1 = code("K1", "shop/catalogue", "2.0.0", "2025-01-02T12:00:00Z", "2025-01-02T10:00:00Z", None);
    let k2 = code(
        "K2",
        "shop/catalogue",
        "2.1.0",
        "2025-01-06T12:00:00Z",
        "2025-01-06T08:00:00Z",
        Some("2025-01-02T12:00:00Z"),
    );
    let p1 = code("P1", "shop/pay", "3.0.0", "2025-01-08T12:00:00Z", "2025-01-08T06:00:00Z", None);
    let mut config = deployment("K1'", "shop/catalogue", "default", at("2025-01-03T00:00:00Z"));
    config.version = Some("2.0.0".to_owned());
    config.kind = ChangeKind::Config;
    config.counted = false;

    let mut incidents = [
        incident("I1", "shop", at("2025-01-02T13:00:00Z"), Some(at("2025-01-02T15:00:00Z"))),
        incident("I2", "shop", at("2025-01-04T00:00:00Z"), Some(at("2025-01-04T01:00:00Z"))),
        incident("I3", "shop", at("2025-01-04T13:00:00Z"), None),
        incident("I4", "shop", at("2025-01-02T12:00:00Z"), Some(at("2025-01-02T12:30:00Z"))),
    ];
    for rule in CauseRule::ALL {
        blame(&mut incidents[0], &mut k1.0, rule);
        blame(&mut incidents[1], &mut c2.0, rule);
        blame(&mut incidents[2], &mut c3.0, rule);
        blame(&mut incidents[3], &mut c1.0, rule);
    }
    let warehouse = Warehouse::new().unwrap();
    warehouse.set_tree(tree(&[("commerce/e-commerce/shop@checkout", &["cart", "catalogue", "pay"])]));
    warehouse.apply(vec![c1, c2, c3, k1, (config, vec![]), k2, p1], incidents.to_vec(), vec![]).unwrap();
    warehouse
}

#[tokio::test]
async fn rex_gives_every_number_of_the_page() {
    let warehouse = shop();
    let value = async |node: &str, name: &str| metric(&*ask(&warehouse, node, "rex", january()).await, name).value;
    assert_eq!(value("component:cart", "lead_time").await, Some(34.0 * HOUR / 3.0));
    assert_eq!(value("component:catalogue", "lead_time").await, Some(3.0 * HOUR));
    assert_eq!(value("component:pay", "lead_time").await, Some(6.0 * HOUR));
    assert_eq!(value("component:cart", "deployment_frequency").await, Some(0.75));
    assert_eq!(value("component:catalogue", "deployment_frequency").await, Some(0.25));

    let pay = metric(&*ask(&warehouse, "component:pay", "rex", january()).await, "deployment_frequency");
    assert_eq!((pay.value, pay.reason, pay.n), (None, Some(Reason::SingleDeployment), 0));
    assert_eq!(pay.excluded, [(Reason::SingleDeployment, 1)].into());

    for node in ["product:shop", "domain:e-commerce", "platform:commerce", "group", "team:checkout"] {
        let shop = ask(&warehouse, node, "rex", january()).await;
        let lead = metric(&shop, "lead_time");
        assert_eq!((lead.value, lead.n, lead.coverage), (Some(24_400.0), 6, Some(1.0)), "{node}");
        assert_eq!(lead.band, Some(Band::Elite));
        let frequency = metric(&shop, "deployment_frequency");
        assert_eq!((frequency.value, frequency.n, frequency.coverage), (Some(0.5), 3, Some(0.5)));
        assert_eq!(frequency.excluded, [(Reason::FirstDeployment, 2), (Reason::SingleDeployment, 1)].into());
        assert_eq!(frequency.band, Some(Band::High));
        let failure = metric(&shop, "change_failure_rate");
        assert_eq!((failure.value, failure.n, failure.band), (Some(0.5), 6, Some(Band::Low)));
        let restore = metric(&shop, "time_to_restore");
        assert_eq!((restore.value, restore.n, restore.band), (Some(4_200.0), 3, Some(Band::High)));
        assert_eq!(restore.excluded, [(Reason::NotRecovered, 1)].into());
        assert_eq!(restore.coverage, Some(0.75));
        assert_eq!(shop.overall, Some(Band::Low));
    }
    let spread =
        metric(&*ask(&warehouse, "product:shop", "rex", january()).await, "deployment_frequency").spread.unwrap();
    assert_eq!((spread.children, spread.min, spread.p50, spread.max), (2, 0.25, 0.5, 0.75));
}

#[tokio::test]
async fn rex_starts_failure_and_restore_at_the_product() {
    let warehouse = shop();
    let cart = ask(&warehouse, "component:cart", "rex", january()).await;
    for name in ["change_failure_rate", "time_to_restore", "failed_deployment_recovery_time"] {
        let answer = metric(&cart, name);
        assert_eq!((answer.value, answer.reason), (None, Some(Reason::NotDefinedAtLevel)), "{name}");
        assert_eq!(answer.coverage, None);
    }
}

#[tokio::test]
async fn dora_gives_every_number_of_the_page() {
    let warehouse = shop();
    for node in ["product:shop", "group", "team:checkout"] {
        let shop = ask(&warehouse, node, "dora", january()).await;
        let frequency = metric(&shop, "deployment_frequency");
        assert_eq!((frequency.value, frequency.n, frequency.band), (Some(0.6), 6, Some(Band::High)));
        let lead = metric(&shop, "lead_time");
        assert_eq!((lead.value, lead.n, lead.band), (Some(18_000.0), 6, Some(Band::Elite)));
        assert_eq!(lead.marked, [(Reason::FirstDeployment, 3)].into());
        let stats = lead.stats.unwrap();
        assert_eq!((stats.min, stats.max, stats.p50), (2.0 * HOUR, 24.0 * HOUR, 5.0 * HOUR));
        assert_eq!(stats.mean, 46.0 * HOUR / 6.0);
        let failure = metric(&shop, "change_failure_rate");
        assert_eq!((failure.value, failure.n, failure.band), (Some(4.0 / 6.0), 6, Some(Band::Low)));
        let recovery = metric(&shop, "failed_deployment_recovery_time");
        assert_eq!((recovery.value, recovery.n, recovery.band), (Some(46_800.0), 3, Some(Band::High)));
        assert_eq!(recovery.excluded, [(Reason::NotRecovered, 1)].into());
        assert_eq!(shop.overall, Some(Band::High));
        assert_eq!(metric(&shop, "config_deployment_frequency").value, Some(0.1));
        assert_eq!(metric(&shop, "rework_rate").value, Some(0.0));
    }
    let cart = ask(&warehouse, "component:cart", "dora", january()).await;
    assert_eq!(metric(&cart, "change_failure_rate").value, Some(1.0));
    assert_eq!(metric(&cart, "time_to_restore").reason, Some(Reason::NoIncidents));
    assert_eq!(metric(&cart, "config_deployment_frequency").value, Some(0.0));
}

#[tokio::test]
async fn variants_of_rex_differ_in_frequency_alone() {
    let warehouse = shop();
    let interval = ask(&warehouse, "component:cart", "rex-interval", january()).await;
    assert_eq!(metric(&interval, "deployment_frequency").value, Some(1.0 / 1.5));
    let pooled = ask(&warehouse, "product:shop", "rex-pooled", january()).await;
    assert_eq!(metric(&pooled, "deployment_frequency").value, Some((0.5 + 1.0 + 0.25) / 3.0));
    assert_eq!(metric(&pooled, "lead_time").value, Some(24_400.0));
}

#[tokio::test]
async fn the_tree_gives_the_same_numbers_at_once() {
    let warehouse = shop();
    for id in ["rex", "dora", "four-keys", "fawkes", "examples", "rex-pooled"] {
        let nodes = warehouse.tree(&definition(id), january(), &[], None).await.unwrap();
        assert_eq!(nodes.len(), 11, "group, platform, domain, product, 3 components and instances, team");
        for values in nodes.iter() {
            let question = Question::new(values.node.clone(), definition(id), january());
            let answer = warehouse.answer(&question).await.unwrap();
            assert_eq!(answer.overall, values.overall, "{id} {}", values.node.to_ref());
            for (name, value) in values.metrics.iter() {
                let one = &answer.metrics[&name];
                assert_eq!(
                    (one.value, one.n, one.reason),
                    (value.value, value.n, value.reason),
                    "{id} {} {name}",
                    values.node.to_ref()
                );
            }
        }
    }
}

#[tokio::test]
async fn a_number_can_be_taken_apart() {
    let warehouse = shop();
    let question = Question::new(node_named(&warehouse, "product:shop"), definition("dora"), january());
    let recovery = "failed_deployment_recovery_time".parse().unwrap();
    let apart = warehouse.explain(&question, recovery, Page::default()).await.unwrap();
    assert_eq!((apart.population, apart.used), (4, 3));
    assert_eq!(apart.excluded, [(Reason::NotRecovered, 1)].into());
    let ids: Vec<_> = apart.rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["C2", "K1", "C1"]);
    assert_eq!(apart.rows[0]["value"], 46_800.0);
    assert_eq!(apart.rows[0]["at"], "2025-01-03T12:00:00Z");
    assert_eq!(apart.left_out[0].rows[0]["id"], "C3");
    let by_hand = warehouse.sql(&apart.value_sql).await.unwrap();
    let shown = datafusion::arrow::util::pretty::pretty_format_batches(&by_hand).unwrap().to_string();
    assert!(shown.contains("46800.0"), "{shown}");
}
