//! Queries around a population: its rows in columns to be counted, totals and pages of rows for `explain`.

use domain::catalogue::Node;
use domain::definition::Children;
use domain::metric::{Metric, Reason};

use crate::literal::{instant, text};
use crate::population::{Products, Rows, Scope, View, all, deployed, ever, population, selects};
use crate::question::{Question, Window};
use crate::shape::{Carried, Family, Formula, family, formula};
use crate::tally::Fate;

fn indent(sql: &str) -> String {
    sql.replace('\n', "\n  ")
}

/// What rows are counted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A metric.
    Metric(Metric),
    /// Deployments that the definition counts, or all that succeeded.
    Deployments {
        /// All that succeeded, those of configuration only too.
        config: bool,
    },
}

/// What one subject finds in a row of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The subject.
    pub subject: Subject,
    /// What is kept of its rows.
    pub carried: Carried,
    /// The column of the value, a double; none where rows are only counted.
    pub value: Option<String>,
    /// The column of a whole number and what becomes of a row by it; none where every row is used.
    pub fate: Option<(String, Vec<Fate>)>,
}

/// A query whose rows are those of the populations of several subjects: each row is one of each, or says that it is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counting {
    /// The statement.
    pub sql: String,
    /// Whether rows name their place by the column `place`; else by `product`, `component` and `instance`.
    pub placed: bool,
    /// Who counts them.
    pub counted: Vec<Counted>,
    /// Tables whose rows the engine holds until it has read the last; without rows of the first there are none.
    pub held: &'static [&'static str],
    /// The same for every row there is, where what a row says does not hang on the window.
    pub whole: Option<Whole>,
}

/// A counting of every row of a table, whatever the window and the node: what is found in a file stays true of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// The table.
    pub table: String,
    /// The column of the instant by which a row belongs to the window.
    pub at: &'static str,
    /// The statement: `place`, `at`, `wanted` (whether the row is one of the population), then the columns of values and
    /// fates.
    pub sql: String,
}

/// The subjects besides a metric that its value or its reason hangs on.
#[must_use]
pub fn besides(question: &Question, metric: Metric) -> Option<Subject> {
    let config = metric == Metric::ConfigDeploymentFrequency;
    let weighted = question.definition.children == Children::Weighted;
    (weighted || metric == Metric::FailedDeploymentRecoveryTime).then_some(Subject::Deployments { config })
}

/// Whether a metric has a value where something was deployed once, even when nothing is in the window.
#[must_use]
pub fn minds_the_past(question: &Question, metric: Metric) -> bool {
    family(metric) == Family::Deployments && formula(metric, &question.definition).zero_when_idle()
}

/// The queries that count subjects in a window: what comes from the same rows is asked for once. Rows of other nodes may be
/// among them, but only of these products. Asked of ranges of products that together are all of them, the same countings in the
/// same order find the same rows. With a bucket, `at` tells when a row is.
#[must_use]
pub fn countings(question: &Question, subjects: &[Subject], window: Window, products: Products<'_>) -> Vec<Counting> {
    let view = View { question, window, scope: Scope::Wider(products) };
    let everywhere = Question { node: Node::Group, ..question.clone() };
    let everywhere = View { question: &everywhere, window, scope: Scope::Wider(Products::All) };
    let rows_of = |view: &View<'_>, subject: &Subject| match subject {
        Subject::Metric(metric) => selects(view, *metric),
        Subject::Deployments { config } => vec![deployed(view, *config)],
    };
    let mut groups: Vec<Group> = Vec::new();
    for subject in subjects {
        for (rows, everywhere) in rows_of(&view, subject).into_iter().zip(rows_of(&everywhere, subject)) {
            let same = |known: &Group| {
                let known = &known.rows;
                (&known.from, known.at, &known.conditions) == (&rows.from, rows.at, &rows.conditions)
            };
            match groups.iter_mut().find(|group| same(group)) {
                Some(group) => group.members.push((*subject, rows)),
                None => groups.push(Group { rows: rows.clone(), everywhere, members: vec![(*subject, rows)] }),
            }
        }
    }
    let made = groups.into_iter().map(|group| {
        let (counting, columns) = counting(question, &group.rows, group.members);
        Counting { whole: whole(&everywhere, &group.everywhere, &columns), ..counting }
    });
    made.collect()
}

/// Subjects whose rows are the same.
struct Group {
    rows: Rows,
    /// The rows without the node.
    everywhere: Rows,
    members: Vec<(Subject, Rows)>,
}

/// None where a row is made of several, where what it says hangs on the window, or on labels, which follow the tree.
fn whole(view: &View<'_>, rows: &Rows, columns: &[String]) -> Option<Whole> {
    if !rows.placed() || !view.question.labels.is_empty() || !view.question.definition.filter.is_empty() {
        return None;
    }
    let within = view.within(rows.at);
    let others: Vec<String> = rows.conditions.iter().filter(|condition| !within.contains(condition)).cloned().collect();
    let mut shown = vec!["place".to_owned(), format!("{} AS at", rows.at), format!("{} AS wanted", all(&others))];
    shown.extend_from_slice(columns);
    let sql = format!("SELECT {}\nFROM {}", shown.join(",\n  "), rows.from);
    let ends = [instant(view.window.from), instant(view.window.to)];
    let timeless = others.len() + within.len() == rows.conditions.len() && !ends.iter().any(|end| sql.contains(end));
    timeless.then(|| Whole { table: rows.from.to_string(), at: rows.at, sql })
}

/// With the columns of values and fates.
fn counting(question: &Question, shared: &Rows, members: Vec<(Subject, Rows)>) -> (Counting, Vec<String>) {
    let placed = shared.placed();
    let place = if placed { "place" } else { "product, component, instance" };
    let mut first = vec![place.to_owned()];
    if question.bucket.is_some() {
        first.push(format!("{} AS at", shared.at));
    }
    let mut columns = Vec::new();
    let mut counted = Vec::new();
    for (index, (subject, rows)) in members.into_iter().enumerate() {
        let carried = match subject {
            Subject::Metric(metric) => formula(metric, &question.definition).carried(),
            Subject::Deployments { .. } => Carried::Count,
        };
        let value = match carried {
            Carried::Count => None,
            Carried::Sum | Carried::Values => Some(rows.value.clone()),
            Carried::Days => Some(format!(
                "seconds_between(instant('1970-01-01T00:00:00Z'), period('day', {}, {}))",
                text(&question.zone),
                rows.at
            )),
        };
        let value = value.map(|value| {
            columns.push(format!("{value} AS value_{index}"));
            format!("value_{index}")
        });
        let fate = fates(&rows).map(|(case, fates)| {
            columns.push(format!("{case} AS fate_{index}"));
            (format!("fate_{index}"), fates)
        });
        counted.push(Counted { subject, carried, value, fate });
    }
    first.extend_from_slice(&columns);
    let sql = format!("SELECT {}\nFROM {}\nWHERE {}", first.join(",\n  "), shared.from, all(&shared.conditions));
    (Counting { sql, placed, counted, held: shared.held, whole: None }, columns)
}

/// What becomes of a row as a number, and what each number means.
fn fates(rows: &Rows) -> Option<(String, Vec<Fate>)> {
    let mut fates = vec![Fate::Used];
    let mut branches = Vec::new();
    let others = rows.only.iter().map(|only| (format!("NOT ({only})"), Fate::Another));
    let left = rows.reasons.iter().map(|(condition, reason)| (condition.clone(), Fate::Left(*reason)));
    let marked = rows.marks.iter().map(|(condition, reason)| (condition.clone(), Fate::Marked(*reason)));
    for (condition, fate) in others.chain(left).chain(marked) {
        branches.push(format!("WHEN {condition} THEN {}", fates.len()));
        fates.push(fate);
    }
    (!branches.is_empty()).then(|| (format!("CASE {} ELSE 0 END", branches.join(" ")), fates))
}

/// When something was first deployed at each place before the end of the window: `place`, `first_at`.
#[must_use]
pub fn firsts(question: &Question, metric: Metric, window: Window) -> String {
    let conditions = ever(
        &View { question, window, scope: Scope::Wider(Products::All) },
        metric == Metric::ConfigDeploymentFrequency,
    );
    format!(
        "SELECT place, min(finished_at) AS first_at\nFROM deployments\nWHERE {}\nGROUP BY place",
        conditions.join(" AND ")
    )
}

/// The population's number of rows by reason: `reason`, `n`.
#[must_use]
pub fn totals(question: &Question, metric: Metric) -> String {
    format!(
        "SELECT reason, count(*) AS n\nFROM (\n  {}\n) AS population\nGROUP BY reason",
        indent(&population(question, metric, question.window))
    )
}

/// A page of the population's rows, newest first: those used, or those left out for a reason.
#[must_use]
pub fn rows(question: &Question, metric: Metric, reason: Option<Reason>, limit: usize, offset: usize) -> String {
    let wanted = reason.map_or_else(|| "reason IS NULL".to_owned(), |reason| format!("reason = '{}'", reason.text()));
    format!(
        "SELECT source, id, item, at, platform, domain, product, component, instance, value, reason, mark\nFROM (\n  {}\n) AS population\nWHERE {wanted}\nORDER BY at DESC, source DESC, id DESC, item DESC\nLIMIT {limit} OFFSET {offset}",
        indent(&population(question, metric, question.window))
    )
}

/// The value as one statement over the rows used, for those who want to check it by hand: what every level gives that
/// takes its value from its rows. Above, `mean_of_children` is the plain mean of this over the children.
#[must_use]
pub fn value(question: &Question, metric: Metric) -> String {
    let days = question.window.days();
    let formula = formula(metric, &question.definition);
    let value = match formula {
        Formula::PerDay => format!("count(*) / CAST({days} AS DOUBLE)"),
        Formula::DeployDays => {
            format!("count(DISTINCT period('day', {}, at)) / CAST({days} AS DOUBLE)", text(&question.zone))
        }
        Formula::Mean => "duration_stats(value)['mean']".to_owned(),
        Formula::Median => "duration_stats(value)['p50']".to_owned(),
        Formula::InverseMean => "86400.0 / duration_stats(value)['mean']".to_owned(),
        Formula::Least => "min(value)".to_owned(),
        Formula::Greatest => "max(value)".to_owned(),
        Formula::Ratio => "sum(value) / nullif(count(*), 0)".to_owned(),
    };
    format!(
        "SELECT {value} AS value, count(*) AS n\nFROM (\n  {}\n) AS population\nWHERE reason IS NULL",
        indent(&population(question, metric, question.window))
    )
}
