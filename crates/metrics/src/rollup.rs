//! From leaf groups up the tree, in one pass.

use std::collections::{BTreeMap, BTreeSet};

use domain::Timestamp;
use domain::catalogue::{ComponentId, Level, Node, Tree, UNASSIGNED};
use domain::definition::{Children, Definition};
use domain::metric::{Metric, Reason};

use crate::shape::{self, Formula};
use crate::statistics::{self, Stats};

/// Rows of one place, period, reason and mark.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Leaf {
    /// Product; none for what belongs to no product, which only the group holds.
    pub product: Option<String>,
    /// Full name of the component; none for what names only a product.
    pub component: Option<ComponentId>,
    /// Instance.
    pub instance: Option<String>,
    /// Start of the period, when the question has buckets.
    pub period: Option<Timestamp>,
    /// Why the rows are left out; none when they are used.
    pub reason: Option<Reason>,
    /// What is known to be missing although they are used.
    pub mark: Option<Reason>,
    /// How many rows.
    pub n: u64,
    /// Sum of their values, for ratios.
    pub sum: f64,
    /// Their values or days, sorted, for formulas that need them.
    pub values: Vec<f64>,
}

/// Deployments of one place before the end of the window.
#[derive(Clone, Debug, PartialEq)]
pub struct Presence {
    /// Product.
    pub product: String,
    /// Component.
    pub component: ComponentId,
    /// Instance.
    pub instance: String,
    /// The period they ended in; none when they are not told apart by it.
    pub period: Option<Timestamp>,
    /// End of the first.
    pub first_at: Timestamp,
    /// How many in the window.
    pub n: u64,
}

impl Presence {
    /// What one period sees of it: that there were deployments before, and how many of them are its own.
    #[must_use]
    pub fn in_period(&self, start: Timestamp) -> Self {
        let other = self.period.is_some_and(|period| period != start);
        Presence { n: if other { 0 } else { self.n }, ..self.clone() }
    }
}

/// Rows of a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pool {
    /// Rows used.
    pub n: u64,
    /// Sum of their values, for ratios.
    pub sum: f64,
    /// Their values or days, sorted.
    pub values: Vec<f64>,
    /// Rows left out.
    pub excluded: BTreeMap<Reason, u64>,
    /// Rows used although something is known to be missing.
    pub marked: BTreeMap<Reason, u64>,
    first_at: Option<Timestamp>,
    deployments: u64,
}

impl Pool {
    fn take(&mut self, leaf: &Leaf) {
        match leaf.reason {
            Some(reason) => *self.excluded.entry(reason).or_default() += leaf.n,
            None => {
                self.n += leaf.n;
                self.sum += leaf.sum;
                self.values.extend_from_slice(&leaf.values);
                if let Some(mark) = leaf.mark {
                    *self.marked.entry(mark).or_default() += leaf.n;
                }
            }
        }
    }

    fn saw(&mut self, presence: &Presence) {
        self.deployments += presence.n;
        self.first_at = Some(self.first_at.map_or(presence.first_at, |first| first.min(presence.first_at)));
    }

    fn merge(&mut self, other: &Pool) {
        self.n += other.n;
        self.sum += other.sum;
        self.values.extend_from_slice(&other.values);
        for (mine, theirs) in [(&mut self.excluded, &other.excluded), (&mut self.marked, &other.marked)] {
            for (reason, n) in theirs {
                *mine.entry(*reason).or_default() += n;
            }
        }
        self.deployments += other.deployments;
        self.first_at = [self.first_at, other.first_at].into_iter().flatten().min();
    }
}

/// A node's value before it is dressed for an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rolled {
    /// The value.
    pub value: Option<f64>,
    /// Why there is none.
    pub reason: Option<Reason>,
    /// The rows of the subtree; without values when only values of nodes were asked for.
    pub pool: Pool,
    /// Values of the direct children that have one, sorted.
    pub children: Vec<f64>,
    /// Statistics of the rows of the subtree, when they were asked for.
    pub stats: Option<Stats>,
}

/// What to compute.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The metric.
    pub metric: Metric,
    /// The definition.
    pub definition: &'a Definition,
    /// Days of the window or period.
    pub days: f64,
    /// Its end.
    pub to: Timestamp,
    /// Places of products.
    pub tree: &'a Tree,
    /// Keep the values of this node only; none keeps no values.
    pub keep: Option<&'a Node>,
    /// Give every node of the tree, also those without rows.
    pub whole_tree: bool,
    /// Give every node its statistics.
    pub stats: bool,
}

/// Values of every node that has rows (or of the whole tree). Rows outside a node's subtree never reach it, so when
/// the leaves are those of one node, only that node and those below it are right.
#[must_use]
pub fn roll_up<'a>(
    plan: &Plan<'_>,
    leaves: impl IntoIterator<Item = &'a Leaf>,
    presence: &[Presence],
) -> BTreeMap<Node, Rolled> {
    let mut climb = Climb::new(plan);
    for leaf in leaves {
        climb.own(leaf.product.as_deref(), leaf.component.as_ref(), leaf.instance.as_deref()).take(leaf);
    }
    for place in presence {
        climb.own(Some(&place.product), Some(&place.component), Some(&place.instance)).saw(place);
    }
    climb.finish()
}

/// The value of one node alone, from leaves that are all its own. Where that is taken from the rows themselves, no tree is
/// built: a series asks this once a period.
#[must_use]
pub fn of_node<'a>(
    plan: &Plan<'_>,
    node: &Node,
    leaves: impl IntoIterator<Item = &'a Leaf>,
    presence: &[Presence],
) -> Rolled {
    let level = node.to_ref().level();
    let climb = Climb::empty(plan);
    if climb.below_floor(level) || !shape::from_rows(plan.metric, plan.definition, level) {
        return roll_up(plan, leaves, presence).remove(node).unwrap_or_else(|| nothing(plan, node));
    }
    let mut pool = Pool::default();
    for leaf in leaves {
        pool.take(leaf);
    }
    for place in presence {
        pool.saw(place);
    }
    statistics::sort(&mut pool.values);
    let value = climb.of_rows(&pool);
    let reason = if value.is_some() { None } else { Some(climb.why(level, &pool)) };
    Rolled { value, reason, pool, ..Rolled::default() }
}

/// Rows of a node itself, and its children.
#[derive(Default)]
struct Branch {
    pool: Pool,
    children: BTreeSet<Place>,
}

/// A node in one line of the tree: a domain stands apart under each of its platforms.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Node(Node),
    DomainOf(String, String),
}

struct Climb<'a> {
    plan: Plan<'a>,
    branches: BTreeMap<Place, Branch>,
    done: BTreeMap<Place, Option<f64>>,
    out: BTreeMap<Node, Rolled>,
}

impl<'a> Climb<'a> {
    fn empty(plan: &Plan<'a>) -> Self {
        Climb { plan: *plan, branches: BTreeMap::new(), done: BTreeMap::new(), out: BTreeMap::new() }
    }

    fn new(plan: &Plan<'a>) -> Self {
        let mut climb = Climb::empty(plan);
        climb.branch(Place::Node(Node::Group));
        if plan.whole_tree {
            for product in plan.tree.products().keys() {
                climb.own(Some(product), None, None);
            }
            for (component, node) in plan.tree.components() {
                climb.own(Some(component.product()), Some(component), None);
                for instance in node.instances.keys() {
                    climb.own(Some(component.product()), Some(component), Some(instance));
                }
            }
        }
        climb
    }

    fn branch(&mut self, place: Place) -> &mut Branch {
        self.branches.entry(place).or_default()
    }

    fn link(&mut self, parent: Place, child: Place) {
        self.branch(parent).children.insert(child);
    }

    /// The pool of the lowest node a row names, linked up to the group and to its team.
    fn own(&mut self, product: Option<&str>, component: Option<&ComponentId>, instance: Option<&str>) -> &mut Pool {
        let Some(product) = product else { return &mut self.branch(Place::Node(Node::Group)).pool };
        let mut place = Place::Node(Node::Product(product.to_owned()));
        if !self.branches.contains_key(&place) {
            self.link_product(product);
        }
        if let Some(component) = component {
            let child = Place::Node(Node::Component(component.clone()));
            self.link(place, child.clone());
            place = child;
            if let Some(instance) = instance {
                let child = Place::Node(Node::Instance(component.clone(), instance.to_owned()));
                self.link(place, child.clone());
                place = child;
            }
        }
        &mut self.branch(place).pool
    }

    fn link_product(&mut self, product: &str) {
        let node = self.plan.tree.products().get(product);
        let (platform, domain) =
            node.map_or((UNASSIGNED, UNASSIGNED), |node| (node.platform.as_str(), node.domain.as_str()));
        let place = Place::Node(Node::Product(product.to_owned()));
        let under_platform = Place::DomainOf(platform.to_owned(), domain.to_owned());
        let platform = Place::Node(Node::Platform(platform.to_owned()));
        self.link(under_platform.clone(), place.clone());
        self.link(platform.clone(), under_platform);
        self.link(Place::Node(Node::Group), platform);
        self.link(Place::Node(Node::Domain(domain.to_owned())), place.clone());
        if let Some(team) = node.and_then(|node| node.team.clone()) {
            self.link(Place::Node(Node::Team(team)), place);
        }
    }

    fn finish(mut self) -> BTreeMap<Node, Rolled> {
        let mut pools = BTreeMap::new();
        let roots: Vec<Place> = self.branches.keys().cloned().collect();
        // Children stand under several parents (domain, team), so a pool stays until all of them have it.
        let mut order: Vec<Place> = roots;
        order.sort_by_key(|place| std::cmp::Reverse(depth(place)));
        for place in order {
            self.settle(&place, &mut pools);
        }
        self.out
    }

    fn settle(&mut self, place: &Place, pools: &mut BTreeMap<Place, Pool>) {
        let Some(branch) = self.branches.remove(place) else { return };
        let mut pool = branch.pool;
        let mut children = Vec::new();
        for child in &branch.children {
            let below = pools.get(child);
            if let Some(below) = below {
                pool.merge(below);
            }
            let value = self.done.get(child).copied().flatten();
            children.extend(value.map(|value| (value, below.map_or(0, |below| below.deployments))));
        }
        statistics::sort(&mut pool.values);
        // By value and then weight, so that equal children give equal bits.
        children.sort_by(|one: &(f64, u64), other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        let level = level(place);
        let value = self.value(level, &pool, &children);
        self.done.insert(place.clone(), value);
        if let Place::Node(node) = place {
            let idle = value.is_none() && !children.is_empty() && !self.below_floor(level);
            let reason = if value.is_some() {
                None
            } else if idle && !shape::from_rows(self.plan.metric, self.plan.definition, level) {
                // There are values below, but no deployment to weigh them by.
                Some(Reason::NoDeployments)
            } else {
                Some(self.why(level, &pool))
            };
            let children = children.into_iter().map(|(value, _)| value).collect();
            let wanted = self.plan.stats && shape::has_stats(self.plan.metric) && !self.below_floor(level);
            let stats = if wanted { Stats::of(&pool.values) } else { None };
            let kept = if self.plan.keep == Some(node) {
                pool.clone()
            } else {
                Pool { values: Vec::new(), excluded: pool.excluded.clone(), marked: pool.marked.clone(), ..pool }
            };
            let kept = if self.below_floor(level) { Pool::default() } else { kept };
            self.out.insert(node.clone(), Rolled { value, reason, pool: kept, children, stats });
        }
        pools.insert(place.clone(), pool);
    }

    fn below_floor(&self, level: Level) -> bool {
        level != Level::Team && level > shape::floor(self.plan.metric, self.plan.definition)
    }

    fn value(&self, level: Level, pool: &Pool, children: &[(f64, u64)]) -> Option<f64> {
        if self.below_floor(level) {
            return None;
        }
        if shape::from_rows(self.plan.metric, self.plan.definition, level) {
            return self.of_rows(pool);
        }
        match self.plan.definition.children {
            Children::Equal => statistics::mean(&children.iter().map(|(value, _)| *value).collect::<Vec<_>>()),
            Children::Weighted => statistics::weighted_mean(children),
        }
    }

    fn of_rows(&self, pool: &Pool) -> Option<f64> {
        let formula = shape::formula(self.plan.metric, self.plan.definition);
        let deployed = pool.n > 0 || pool.first_at.is_some_and(|first| first < self.plan.to);
        let per_day = |times: f64| (deployed && self.plan.days > 0.0).then(|| times / self.plan.days);
        match formula {
            Formula::PerDay => per_day(pool.n as f64),
            Formula::DeployDays => {
                let mut days = pool.values.clone();
                days.dedup();
                per_day(days.len() as f64)
            }
            Formula::Mean => statistics::mean(&pool.values),
            Formula::Median => statistics::percentile(&pool.values, 50),
            Formula::InverseMean => statistics::mean(&pool.values).map(|mean| 86_400.0 / mean),
            Formula::Least => pool.values.first().copied(),
            Formula::Greatest => pool.values.last().copied(),
            Formula::Ratio => (pool.n > 0).then(|| pool.sum / pool.n as f64),
        }
    }

    /// The most telling reason: that of most rows left out, else that of an empty population.
    fn why(&self, level: Level, pool: &Pool) -> Reason {
        if self.below_floor(level) {
            return Reason::NotDefinedAtLevel;
        }
        let most = pool.excluded.iter().max_by_key(|(reason, n)| (**n, std::cmp::Reverse(**reason)));
        match (self.plan.metric, most) {
            (Metric::TimeToRestore, Some((Reason::NotRecovered, _))) => Reason::NoClosedIncidents,
            (_, Some((reason, _))) => *reason,
            (Metric::FailedDeploymentRecoveryTime, None) if pool.deployments > 0 => Reason::NoFailures,
            (metric, None) => shape::empty(metric),
        }
    }
}

fn level(place: &Place) -> Level {
    match place {
        Place::Node(node) => node.to_ref().level(),
        Place::DomainOf(..) => Level::Domain,
    }
}

/// How far below the group: what is deeper is settled first.
fn depth(place: &Place) -> u8 {
    match level(place) {
        Level::Group => 0,
        Level::Platform | Level::Team => 1,
        Level::Domain => 2,
        Level::Product => 3,
        Level::Component => 4,
        Level::Instance => 5,
    }
}

/// A node without rows.
#[must_use]
pub fn nothing(plan: &Plan<'_>, node: &Node) -> Rolled {
    let climb = Climb::new(&Plan { whole_tree: false, ..*plan });
    Rolled { reason: Some(climb.why(node.to_ref().level(), &Pool::default())), ..Rolled::default() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn leaf() -> impl Strategy<Value = Leaf> {
        let reason =
            prop_oneof![3 => Just(None), 1 => Just(Some(Reason::NoCommitLink)), 1 => Just(Some(Reason::NoNewCommits))];
        (0..3_u8, 0..3_u8, 0..2_u8, reason, prop::collection::vec(1..50_i32, 0..6)).prop_map(
            |(product, component, instance, reason, values)| {
                let product = format!("p{product}");
                let mut values: Vec<f64> = values.into_iter().map(f64::from).collect();
                statistics::sort(&mut values);
                Leaf {
                    component: ComponentId::parse(&format!("{product}/c{component}")),
                    product: Some(product),
                    instance: Some(format!("i{instance}")),
                    reason,
                    n: values.len() as u64,
                    sum: values.iter().filter(|value| **value > 25.0).count() as f64,
                    values,
                    ..Leaf::default()
                }
            },
        )
    }

    proptest! {
        #[test]
        fn a_node_alone_is_what_the_whole_tree_gives_it(
            leaves in prop::collection::vec(leaf(), 0..20),
            deployed in prop::collection::vec((0..3_u8, 0..40_i64, 0..3_u64), 0..6),
        ) {
            let at = |day: i64| Timestamp::from_micros(day * domain::time::DAY);
            let presence: Vec<Presence> = deployed
                .into_iter()
                .filter_map(|(product, day, n)| Some(Presence {
                    product: format!("p{product}"),
                    component: ComponentId::parse(&format!("p{product}/c0"))?,
                    instance: "i0".to_owned(),
                    period: None,
                    first_at: at(day),
                    n,
                }))
                .collect();
            let tree = Tree::default();
            for definition in domain::definition::shipped() {
                for metric in Metric::ALL {
                    let node = Node::Group;
                    let plan = Plan {
                        metric: *metric,
                        definition: &definition,
                        days: 30.0,
                        to: at(20),
                        tree: &tree,
                        keep: Some(&node),
                        whole_tree: false,
                        stats: false,
                    };
                    let whole = roll_up(&plan, &leaves, &presence).remove(&node).expect("the group is always there");
                    let alone = of_node(&plan, &node, &leaves, &presence);
                    let bits = |rolled: &Rolled| (rolled.value.map(f64::to_bits), rolled.reason, rolled.pool.n);
                    prop_assert_eq!(bits(&alone), bits(&whole));
                    prop_assert_eq!((alone.pool.values, alone.pool.excluded), (whole.pool.values, whole.pool.excluded));
                }
            }
        }
    }
}
