//! Values of every node, and of every period, against a slow and obvious reading of METRICS.md: all rows below a node are
//! looked at anew for each node.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::Timestamp;
use domain::catalogue::{Catalogue, ComponentId, Level, Node, ProductHint, Tree};
use domain::definition::{Children, Definition, Frequency, shipped};
use domain::metric::{Metric, Reason};
use domain::time::DAY;
use metrics::query::{Subject, besides, minds_the_past};
use metrics::rollup::{Climb, Plan, Presence, by_rows, series};
use metrics::shape::{Formula, base, floor, formula, has_stats};
use metrics::statistics::{mean, percentile, sort, weighted_mean};
use metrics::tally::{Bunch, Fate};
use metrics::{Forest, Layout, Question, Spot, Stats, Tally, Window};
use proptest::prelude::*;

/// Product, component and instance by number, as far as a row names them.
type Where = (u8, Option<(u8, Option<u8>)>);

#[derive(Clone, Debug)]
struct Row {
    stands: Where,
    period: usize,
    fate: Fate,
    value: f64,
}

#[derive(Clone, Debug)]
struct Case {
    rows: Vec<Row>,
    /// Places with the day of their first deployment.
    firsts: Vec<(Where, i64)>,
    /// Deployments in the window, by place and period.
    deployed: Vec<(Where, usize)>,
}

const PERIODS: usize = 3;

fn stands() -> impl Strategy<Value = Where> {
    (0..4_u8, prop::option::weighted(0.9, (0..2_u8, prop::option::weighted(0.8, 0..2_u8))))
}

fn case() -> impl Strategy<Value = Case> {
    let fate = prop_oneof![
        4 => Just(Fate::Used),
        1 => Just(Fate::Marked(Reason::RangeIncomplete)),
        1 => Just(Fate::Left(Reason::NoCommitLink)),
        1 => Just(Fate::Left(Reason::NotRecovered)),
        1 => Just(Fate::Another),
    ];
    let row = (stands(), 0..PERIODS, fate, 0..5_u8).prop_map(|(stands, period, fate, value)| Row {
        stands,
        period,
        fate,
        value: f64::from(value + 1) * 0.3,
    });
    (
        prop::collection::vec(row, 0..40),
        prop::collection::vec((stands(), 0..40_i64), 0..6),
        prop::collection::vec((stands(), 0..PERIODS), 0..10),
    )
        .prop_map(|(rows, firsts, deployed)| Case { rows, firsts, deployed })
}

fn names((product, component): Where) -> [Option<String>; 3] {
    let name = format!("p{product}");
    let component_name = component.map(|(component, _)| format!("{name}/c{component}"));
    let instance = component.and_then(|(_, instance)| instance).map(|instance| format!("i{instance}"));
    [Some(name), component_name, instance]
}

fn lent(names: &[Option<String>; 3]) -> [Option<&str>; 3] {
    [names[0].as_deref(), names[1].as_deref(), names[2].as_deref()]
}

/// Two platforms, a domain over both, a team of products of both; one product nobody placed.
fn tree() -> Tree {
    let hint = |platform: &str, domain: &str, team: Option<&str>| ProductHint {
        platform: Some(platform.to_owned()),
        domain: Some(domain.to_owned()),
        team: team.map(str::to_owned),
    };
    let hints = BTreeMap::from([
        ("p0".to_owned(), hint("a", "x", Some("t"))),
        ("p1".to_owned(), hint("a", "y", None)),
        ("p2".to_owned(), hint("b", "x", Some("t"))),
    ]);
    Tree::build(&Catalogue::default(), &hints, [], ["p0", "p1", "p2"])
}

/// The nodes a row belongs to.
fn above(tree: &Tree, stands: Where) -> Vec<Node> {
    let [product, component, instance] = names(stands);
    let product = product.unwrap();
    let mut nodes = vec![Node::Group, Node::Product(product.clone())];
    let placed = tree.products().get(&product);
    let of = |name: fn(&domain::catalogue::ProductNode) -> &String| {
        placed.map_or_else(|| "unassigned".to_owned(), |node| name(node).clone())
    };
    nodes.push(Node::Platform(of(|node| &node.platform)));
    nodes.push(Node::Domain(of(|node| &node.domain)));
    nodes.extend(placed.and_then(|node| node.team.clone()).map(Node::Team));
    if let Some(component) = component.and_then(|name| ComponentId::parse(&name)) {
        nodes.push(Node::Component(component.clone()));
        nodes.extend(instance.map(|instance| Node::Instance(component, instance)));
    }
    nodes
}

/// A window or one of its periods, read slowly.
struct Slow<'a> {
    tree: &'a Tree,
    case: &'a Case,
    metric: Metric,
    definition: &'a Definition,
    period: Option<usize>,
    days: f64,
    to: Timestamp,
}

impl Slow<'_> {
    fn below(&self, node: &Node, level: Level) -> BTreeSet<Node> {
        let all = self.case.rows.iter().map(|row| row.stands);
        let all = all.chain(self.case.firsts.iter().map(|first| first.0)).chain(self.case.deployed.iter().map(|d| d.0));
        let mut found = BTreeSet::new();
        for stands in all {
            let nodes = above(self.tree, stands);
            if nodes.contains(node) {
                found.extend(nodes.into_iter().filter(|other| other.to_ref().level() == level));
            }
        }
        found
    }

    /// The children of a domain under one platform are not those of the domain over all.
    fn value_under(&self, node: &Node, platform: Option<&Node>) -> Option<f64> {
        let level = node.to_ref().level();
        if level != Level::Team && level > floor(self.metric, self.definition) {
            return None;
        }
        let from_rows = base(self.metric, self.definition).is_none_or(|base| level != Level::Team && level >= base);
        let mine = |stands: Where| {
            let nodes = above(self.tree, stands);
            nodes.contains(node) && platform.is_none_or(|platform| nodes.contains(platform))
        };
        if from_rows {
            return self.of_rows(&mine);
        }
        let next = match level {
            Level::Group => Level::Platform,
            Level::Platform => Level::Domain,
            Level::Domain | Level::Team => Level::Product,
            Level::Product => Level::Component,
            Level::Component | Level::Instance => Level::Instance,
        };
        let mut children = Vec::new();
        for child in self.below(node, next) {
            if let Some(platform) = platform
                && !self.below(platform, next).contains(&child)
            {
                continue;
            }
            let under = if level == Level::Platform { Some(node) } else { None };
            let value = self.value_under(&child, under);
            let weight = self.case.deployed.iter().filter(|(stands, period)| {
                let nodes = above(self.tree, *stands);
                nodes.contains(&child) && nodes.contains(node) && self.period.is_none_or(|wanted| wanted == *period)
            });
            children.extend(value.map(|value| (value, weight.count() as u64)));
        }
        match self.definition.children {
            Children::Equal => {
                let mut values: Vec<f64> = children.iter().map(|child| child.0).collect();
                sort(&mut values);
                mean(&values)
            }
            Children::Weighted => weighted_mean(&children),
        }
    }

    fn used(&self, mine: &impl Fn(Where) -> bool) -> Vec<f64> {
        let rows = self.case.rows.iter().filter(|row| self.period.is_none_or(|period| period == row.period));
        let used = rows.filter(|row| matches!(row.fate, Fate::Used | Fate::Marked(_)) && mine(row.stands));
        let mut values: Vec<f64> = used.map(|row| row.value).collect();
        sort(&mut values);
        values
    }

    fn of_rows(&self, mine: &impl Fn(Where) -> bool) -> Option<f64> {
        let values = self.used(mine);
        let ever = self.case.firsts.iter().any(|(stands, day)| mine(*stands) && day * DAY < self.to.micros());
        let deployed = !values.is_empty() || ever;
        match formula(self.metric, self.definition) {
            Formula::PerDay => deployed.then(|| values.len() as f64 / self.days),
            Formula::DeployDays => {
                let days: BTreeSet<u64> = values.iter().map(|day| day.to_bits()).collect();
                deployed.then(|| days.len() as f64 / self.days)
            }
            Formula::Mean => mean(&values),
            Formula::Median => percentile(&values, 50),
            Formula::InverseMean => mean(&values).map(|mean| 86_400.0 / mean),
            Formula::Least => values.first().copied(),
            Formula::Greatest => values.last().copied(),
            Formula::Ratio => (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64),
        }
    }
}

fn close(one: Option<f64>, other: Option<f64>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => (one - other).abs() <= 1e-12 * one.abs().max(1.0),
        (one, other) => one == other,
    }
}

/// Every definition that comes with Leadline, and what none of them sets.
fn definitions() -> Vec<Definition> {
    let mut all = shipped();
    for definition in shipped().into_iter().filter(|definition| definition.id == "rex") {
        all.push(Definition { children: Children::Weighted, ..definition });
    }
    for definition in shipped().into_iter().filter(|definition| definition.id == "dora") {
        all.push(Definition { frequency: Frequency::DeployDays, ..definition });
    }
    all
}

/// Metrics of a definition that are computed in ways of their own.
fn unlike(definition: &Definition) -> Vec<Metric> {
    let question = Question::new(
        Node::Group,
        definition.clone(),
        Window { from: Timestamp::from_micros(0), to: Timestamp::from_micros(1) },
    );
    let mut ways = Vec::new();
    let mut found = Vec::new();
    for metric in Metric::ALL {
        let way = (
            formula(*metric, definition),
            base(*metric, definition),
            floor(*metric, definition),
            (has_stats(*metric), minds_the_past(&question, *metric), besides(&question, *metric)),
        );
        if !ways.contains(&way) {
            ways.push(way);
            found.push(*metric);
        }
    }
    found
}

/// Rows by stand and period.
type Bunches<'a> = BTreeMap<(usize, usize), Vec<&'a Row>>;

fn bunched(mut tally: Tally, bunches: &Bunches<'_>) -> Tally {
    const FATES: [Fate; 5] = [
        Fate::Another,
        Fate::Left(Reason::NoCommitLink),
        Fate::Used,
        Fate::Marked(Reason::RangeIncomplete),
        Fate::Left(Reason::NotRecovered),
    ];
    let used = |row: &&&Row| matches!(row.fate, Fate::Used | Fate::Marked(_));
    let values = || bunches.values().flatten().filter(used).map(|row| row.value);
    // Something else stands before them.
    tally.hold(Arc::new([7.0, 0.5].into_iter().chain(values()).map(Some).collect()));
    let mut from = 2;
    for ((stand, period), rows) in bunches {
        let of = |fate: Fate| rows.iter().filter(|row| row.fate == fate).count() as u32;
        let (n, sum) = rows.iter().filter(used).fold((0, 0.0), |(n, sum), row| (n + 1, sum + row.value));
        let values = if tally.keeps_values() { from..from + n } else { 0..0 };
        from += n;
        tally.bunch(&Bunch { stand: *stand, period: *period, rows: &FATES.map(of), fates: &FATES, sum, values });
    }
    tally
}

fn check(case: &Case) -> Result<(), TestCaseError> {
    let tree = tree();
    let known: Vec<[Option<String>; 3]> = case
        .rows
        .iter()
        .map(|row| row.stands)
        .chain(case.firsts.iter().map(|first| first.0))
        .chain(case.deployed.iter().map(|deployed| deployed.0))
        .map(names)
        .collect();
    let (forest, at) = Forest::new(&tree, &known.iter().map(lent).collect::<Vec<_>>());
    let stand = |index: usize| at[index];
    let mut firsts = vec![i64::MAX; forest.len()];
    for (index, (_, day)) in case.firsts.iter().enumerate() {
        let first = &mut firsts[stand(case.rows.len() + index)];
        *first = (day * DAY).min(*first);
    }
    let to = Timestamp::from_micros(20 * DAY);
    let window = Window { from: Timestamp::from_micros(0), to };
    for definition in definitions() {
        for metric in unlike(&definition) {
            let metric = &metric;
            let question = Question::new(Node::Group, definition.clone(), window);
            let carried = formula(*metric, &definition).carried();
            let count = |layout: &Layout, mine: &dyn Fn(Where) -> bool| {
                // Two streams of rows and two of rows that were counted before, put together.
                let new = || Tally::new(carried, forest.len(), layout.clone());
                let mut parts = [(); 2].map(|()| new());
                let mut before: [Bunches; 2] = Default::default();
                for (index, row) in case.rows.iter().enumerate().filter(|(_, row)| mine(row.stands)) {
                    match index % 4 {
                        part @ 0..2 => parts[part].row(stand(index), row.period, row.fate, Some(row.value)),
                        part => before[part - 2].entry((stand(index), row.period)).or_default().push(row),
                    }
                }
                let mut whole = new();
                for part in parts.into_iter().chain(before.iter().map(|bunches| bunched(new(), bunches))) {
                    whole.merge(part);
                }
                whole
            };
            let deployments = |layout: &Layout| {
                let mut tally = Tally::new(metrics::shape::Carried::Count, forest.len(), layout.clone());
                let before = case.rows.len() + case.firsts.len();
                for (index, (_, period)) in case.deployed.iter().enumerate() {
                    tally.row(stand(before + index), *period, Fate::Used, None);
                }
                tally
            };
            let minds = minds_the_past(&question, *metric);
            let counts = besides(&question, *metric);
            let only_deployments = counts.is_none_or(|subject| subject != Subject::Metric(*metric));
            prop_assert!(only_deployments);
            let slow = |period: Option<usize>| Slow {
                tree: &tree,
                case,
                metric: *metric,
                definition: &definition,
                period,
                days: period.map_or(20.0, |period| period as f64 + 1.0),
                to: period.map_or(to, |period| Timestamp::from_micros((period as i64 + 1) * 6 * DAY)),
            };
            let (tally, deployed) = (count(&Layout::None, &|_| true), deployments(&Layout::None));
            let presence =
                Presence { first_at: minds.then_some(firsts.as_slice()), deployments: counts.map(|_| &deployed) };
            let plan = Plan {
                metric: *metric,
                definition: &definition,
                days: 20.0,
                to,
                forest: &forest,
                nodes: None,
                stats: true,
            };
            let whole = Climb::new(plan, &tally, presence);
            let mut nodes: BTreeSet<Node> = BTreeSet::from([Node::Group]);
            nodes.extend(case.rows.iter().flat_map(|row| above(&tree, row.stands)));
            for node in &nodes {
                let spot = forest.find(node).unwrap();
                let (fast, slowly) = (whole.of(spot), slow(None).value_under(node, None));
                prop_assert!(
                    close(fast.value, slowly),
                    "{} {} {node:?}: {:?} {slowly:?}",
                    definition.id,
                    metric,
                    fast.value
                );
                prop_assert_eq!(fast.value.is_none(), fast.reason.is_some());
                let alone =
                    Climb::new(Plan { nodes: Some(&[spot]), ..plan }, &tally, presence).whole(spot, true, false);
                prop_assert_eq!((fast.value, fast.reason, &fast.stats), (alone.value, alone.reason, &alone.stats));
                if fast.reason == Some(Reason::NotDefinedAtLevel) {
                    continue;
                }
                let mine = |stands: Where| above(&tree, stands).contains(node);
                let values = slow(None).used(&mine);
                prop_assert_eq!(fast.pool.n, values.len() as u64);
                let left = case.rows.iter().filter(|row| matches!(row.fate, Fate::Left(_)) && mine(row.stands));
                prop_assert_eq!(fast.pool.excluded.values().sum::<u64>(), left.count() as u64);
                if has_stats(*metric) {
                    prop_assert_eq!(fast.stats, Stats::of(&values));
                    prop_assert_eq!(&alone.pool.values, &values);
                }
                in_periods(&forest, &slow, spot, node, &plan, &firsts, minds, counts.is_some(), &count, &deployments)?;
            }
        }
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "one case seen from every side")]
fn in_periods<'a>(
    forest: &Forest,
    slow: &impl Fn(Option<usize>) -> Slow<'a>,
    spot: Spot,
    node: &Node,
    plan: &Plan<'_>,
    firsts: &[i64],
    minds: bool,
    counts: bool,
    count: &impl Fn(&Layout, &dyn Fn(Where) -> bool) -> Tally,
    deployments: &impl Fn(&Layout) -> Tally,
) -> Result<(), TestCaseError> {
    let level = node.to_ref().level();
    let periods: Vec<(f64, Timestamp)> =
        (0..PERIODS).map(|period| (slow(Some(period)).days, slow(Some(period)).to)).collect();
    let layout = if by_rows(plan, level) {
        Layout::Groups(1, Arc::new(vec![0; forest.len()]), PERIODS)
    } else {
        Layout::Stands(PERIODS)
    };
    // Rows of other nodes are not counted in a series of one.
    let mine = |stands: Where| above(slow(None).tree, stands).contains(node);
    let (tally, deployed) = (count(&layout, &mine), deployments(&layout));
    let presence = Presence { first_at: minds.then_some(firsts), deployments: counts.then_some(&deployed) };
    let found = series(&Plan { stats: false, ..*plan }, &[spot], &periods, &tally, presence).remove(0);
    for (period, found) in found.iter().enumerate() {
        let slowly = slow(Some(period)).value_under(node, None);
        prop_assert!(close(found.value, slowly), "{node:?} {period}: {:?} {slowly:?}", found.value);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_node_and_period_is_what_its_rows_say(case in case()) {
        check(&case)?;
    }
}
