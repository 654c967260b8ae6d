//! Every metric under a definition as one query whose rows are the whole population.
//!
//! Columns: `source`, `id` (whose row), `item` (commit or pull request for lead times of those), `at` (the instant by which the
//! row belongs to the window), `platform`, `domain`, `product`, `component`, `instance`, `place` (their number; NULL where
//! rows are made of several), `value` (METRICS.md section 4:
//! seconds, 0 or 1, commits, 1 for something counted, times a day for `mean_rate`), `reason` (NULL for a row used) and
//! `mark` (a row that is used although something is known to be missing). A row left out keeps its value as evidence
//! when it has one.

mod deployments;
mod incidents;
mod lead_time;
mod others;
mod rollouts;
mod runs;
mod service_levels;
mod stages;

use std::borrow::Cow;

use domain::catalogue::Node;
use domain::definition::{Definition, Population};
use domain::metric::{Metric, Reason};
use domain::part::Part;
use domain::time::DAY;

use crate::literal::{instant, text};
use crate::question::{Question, Window};

pub use deployments::failed;
pub(crate) use deployments::{deployed, ever};

/// How long before a window queries look at most for what its rows are made of, in microseconds.
pub const LOOKS_BACK: i64 = 90 * DAY;

/// The population of a metric in a window, or of the part of it that is asked for, as SQL.
#[must_use]
pub fn population(question: &Question, metric: Metric, window: Window) -> String {
    let parts = selects(&View { question, window, scope: Scope::Node }, metric);
    parts.into_iter().map(Rows::sql).collect::<Vec<_>>().join("\nUNION ALL\n")
}

/// The same as the selects it is made of, which share no row.
pub(crate) fn selects(view: &View<'_>, metric: Metric) -> Vec<Rows> {
    let question = view.question;
    let one = match metric {
        Metric::DeploymentFrequency => return deployments::frequency(view),
        Metric::LeadTime => match question.part {
            Some(Part::Stage(stage)) => return stages::stage(view, stage),
            _ => return lead_time::lead_time(view),
        },
        Metric::ChangeFailureRate => deployments::failure_rate(view),
        Metric::FailedDeploymentRecoveryTime => deployments::recovery(view),
        Metric::ReworkRate => deployments::rework(view),
        Metric::RollbackRate => deployments::rollbacks(view),
        Metric::DeploymentSuccessRate => deployments::successes(view),
        Metric::AutomatedDeploymentRate => deployments::automated(view),
        Metric::BatchSize => deployments::batch_size(view),
        Metric::ConfigDeploymentFrequency => deployments::config(view),
        Metric::TimeToRestore => incidents::restore(view),
        Metric::TimeToMitigate => incidents::step(view, incidents::Step::Mitigated),
        Metric::TimeToAcknowledge => incidents::step(view, incidents::Step::Acknowledged),
        Metric::TimeToDetect => incidents::step(view, incidents::Step::Detected),
        Metric::CanarySuccessRate => others::canaries(view),
        Metric::PipelineSuccessRate => others::pipelines(view),
        Metric::FlakyRunRate => runs::flaky(view),
        Metric::TimeInCi => match question.part {
            Some(Part::Ci(stage)) => runs::stage(view, stage),
            _ => runs::time_in_ci(view),
        },
        Metric::ErrorBudgetRemaining => service_levels::budget(view),
        Metric::BurnRate => service_levels::burn(view),
        Metric::RolloutSpread => rollouts::spread(view),
    };
    vec![one]
}

/// Which rows a query has to tell apart itself.
#[derive(Clone, Copy)]
pub(crate) enum Scope<'a> {
    /// Those of the question's node.
    Node,
    /// At least those of its node and these products: whoever counts them knows where they stand.
    Wider(Products<'a>),
}

/// The products whose rows a query reads, besides what it says of its node. What a row is made of has one product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Products<'a> {
    /// All of them.
    All,
    /// These.
    Few(&'a [&'a str]),
    /// Those from one name on up to another, in the order of their bytes. With no beginning also rows of no product.
    Between(Option<&'a str>, Option<&'a str>),
}

impl Products<'_> {
    fn condition(self) -> Option<String> {
        let from = |name: &str| format!("product >= {}", text(name));
        let to = |name: &str| format!("product < {}", text(name));
        match self {
            Products::All | Products::Between(None, None) => None,
            Products::Few(names) => Some(one_of(names)),
            Products::Between(Some(first), None) => Some(from(first)),
            Products::Between(None, Some(end)) => Some(format!("({} OR product IS NULL)", to(end))),
            Products::Between(Some(first), Some(end)) => Some(format!("{} AND {}", from(first), to(end))),
        }
    }
}

/// A question in one of its windows.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) question: &'a Question,
    pub(crate) window: Window,
    pub(crate) scope: Scope<'a>,
}

impl View<'_> {
    fn definition(&self) -> &Definition {
        &self.question.definition
    }

    /// Rows whose `column` lies in the window.
    pub(crate) fn within(&self, column: &str) -> Vec<String> {
        vec![format!("{column} >= {}", instant(self.window.from)), format!("{column} < {}", instant(self.window.to))]
    }

    /// Rows of a node that are joined to others: those of the products of these.
    fn joined(&self, node: &Node) -> Vec<String> {
        let mut conditions = of_node(node);
        conditions.extend(self.of_products());
        conditions
    }

    /// The products of a node above them: one that is a product or below names it itself.
    fn of_products(&self) -> Option<String> {
        match (self.scope, &self.question.node) {
            (Scope::Wider(products), Node::Group | Node::Platform(_) | Node::Domain(_) | Node::Team(_)) => {
                products.condition()
            }
            _ => None,
        }
    }

    /// Rows of the node, and with the labels asked for. `own` says whether the table's rows have labels themselves.
    pub(crate) fn scope(&self, own: bool) -> Vec<String> {
        let mut conditions = match (self.scope, &self.question.node) {
            (Scope::Wider(_), Node::Group | Node::Platform(_) | Node::Domain(_) | Node::Team(_)) => {
                self.of_products().into_iter().collect()
            }
            (_, node) => of_node(node),
        };
        let of_definition = self.definition().filter.iter();
        let asked = self.question.labels.iter().map(|(key, value)| (key, value));
        for (key, value) in of_definition.chain(asked) {
            let key = text(key);
            let own = if own { format!("label(labels, {key}), ") } else { String::new() };
            conditions.push(format!(
                "coalesce({own}label(component_labels, {key}), label(product_labels, {key})) = {}",
                text(value)
            ));
        }
        conditions
    }
}

/// The conditions that select the rows of a node; none for the group.
#[must_use]
pub fn of_node(node: &Node) -> Vec<String> {
    let is = |column: &str, value: &str| format!("{column} = {}", text(value));
    match node {
        Node::Group => Vec::new(),
        Node::Platform(name) => vec![is("platform", name)],
        Node::Domain(name) => vec![is("domain", name)],
        Node::Team(name) => vec![is("team", name)],
        Node::Product(name) => vec![is("product", name)],
        Node::Component(id) => vec![is("product", id.product()), is("component", id.as_str())],
        Node::Instance(id, instance) => {
            vec![is("product", id.product()), is("component", id.as_str()), is("instance", instance)]
        }
    }
}

/// Deployments a definition counts (METRICS.md section 5, "deployments counted").
pub(crate) fn counted(population: Population) -> Vec<String> {
    let conditions: &[&str] = match population {
        Population::Counted => &["counted"],
        Population::Attempts => &["production", "status IN ('succeeded', 'failed')", "kind <> 'config'"],
        Population::EveryProduction => &["production", "status <> 'in_progress'"],
    };
    conditions.iter().map(|condition| (*condition).to_owned()).collect()
}

fn one_of(products: &[&str]) -> String {
    let names: Vec<String> = products.iter().map(|name| text(name)).collect();
    if names.is_empty() { "false".to_owned() } else { format!("product IN ({})", names.join(", ")) }
}

/// One `SELECT` of a population.
#[derive(Clone, Default)]
pub(crate) struct Rows {
    pub(crate) from: Cow<'static, str>,
    /// Tables whose rows are grouped or joined so that the engine holds them until it has read the last: first the one
    /// without whose rows there are none.
    pub(crate) held: &'static [&'static str],
    item: &'static str,
    pub(crate) at: &'static str,
    pub(crate) value: String,
    /// What else has to hold for a row to be one, besides the conditions that others share.
    pub(crate) only: Option<String>,
    /// In order: the first that holds is the reason.
    pub(crate) reasons: Vec<(String, Reason)>,
    pub(crate) marks: Vec<(String, Reason)>,
    pub(crate) conditions: Vec<String>,
}

impl Rows {
    fn sql(self) -> String {
        let conditions: Vec<String> = self.only.iter().chain(&self.conditions).cloned().collect();
        format!(
            "SELECT source, id, {item} AS item, {at} AS at, platform, domain, product, component, instance, {place},\n  \
             {value} AS value,\n  {reason} AS reason,\n  {mark} AS mark\nFROM {from}\nWHERE {conditions}",
            item = self.item,
            place = if self.placed() { "place" } else { NO_PLACE },
            at = self.at,
            value = self.value,
            reason = case(&self.reasons),
            mark = case(&self.marks),
            from = self.from,
            conditions = all(&conditions),
        )
    }

    /// Whether every row has the number of its place: it comes from one table as it is.
    pub(crate) fn placed(&self) -> bool {
        !self.from.contains(char::is_whitespace)
    }
}

/// All of these conditions as one.
#[must_use]
pub fn all(conditions: &[String]) -> String {
    if conditions.is_empty() { "true".to_owned() } else { conditions.join("\n  AND ") }
}

/// What stands in the place of a number where rows are made of several, or of several tables.
const NO_PLACE: &str = "CAST(NULL AS BIGINT) AS place";

const NO_TEXT: &str = "CAST(NULL AS VARCHAR)";
const NO_VALUE: &str = "CAST(NULL AS DOUBLE)";

fn case(branches: &[(String, Reason)]) -> String {
    if branches.is_empty() {
        return NO_TEXT.to_owned();
    }
    let branches: Vec<String> =
        branches.iter().map(|(condition, reason)| format!("WHEN {condition} THEN '{}'", reason.text())).collect();
    format!("CASE {} END", branches.join(" "))
}

/// 1 where the condition holds, else 0.
fn one_if(condition: &str) -> String {
    format!("CASE WHEN {condition} THEN 1.0 ELSE 0.0 END")
}
