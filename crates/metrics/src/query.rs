//! Queries around a population: leaf groups for the numbers, totals and pages of rows for `explain`.

use domain::definition::Children;
use domain::metric::{Metric, Reason};

use crate::literal::text;
use crate::population::{View, ever, placed, population};
use crate::question::{Question, Window};
use crate::shape::{Carried, Family, Formula, family, formula};

fn indent(sql: &str) -> String {
    sql.replace('\n', "\n  ")
}

/// One row a (product, component, instance, period, reason, mark): `n` rows, and `carried` as the formula needs it
/// (sum, sorted list of values, sorted list of days, or NULL).
#[must_use]
pub fn leaves(question: &Question, metric: Metric, window: Window) -> String {
    let zone = text(&question.zone);
    let carried = match formula(metric, &question.definition).carried() {
        Carried::Count => "CAST(NULL AS DOUBLE)".to_owned(),
        Carried::Sum => "sum(value)".to_owned(),
        Carried::Values => "sorted_values(value)".to_owned(),
        Carried::Days => {
            format!("sorted_values(seconds_between(instant('1970-01-01T00:00:00Z'), period('day', {zone}, at)))")
        }
    };
    let period = question
        .bucket
        .map_or_else(|| "instant(NULL)".to_owned(), |bucket| format!("period('{}', {zone}, at)", bucket.text()));
    let population = population(question, metric, window);
    let (placed, below) = (placed(&population), indent(&population));
    let by = if placed { "place" } else { "product, component, instance" };
    let leaves = format!(
        "SELECT {by}, {period} AS period, reason, mark, count(*) AS n, {carried} AS carried\nFROM (\n  {below}\n) AS population\nGROUP BY {by}, {}, reason, mark",
        if placed { 2 } else { 4 }
    );
    if !placed {
        return leaves;
    }
    // Grouped by one number, named afterwards: many rows are counted, few are named.
    format!(
        "SELECT product, component, instance, period, reason, mark, n, carried\nFROM (\n  {}\n) AS leaves\nJOIN places USING (place)",
        indent(&leaves)
    )
}

/// Who has ever deployed before the end of the window, one row a (product, component, instance): `first_at`, and `n`
/// deployments in the window, of each `period` when the question has buckets and children are weighted. None for metrics
/// that need it for neither reasons nor weights.
#[must_use]
pub fn presence(question: &Question, metric: Metric, window: Window) -> Option<String> {
    let weighted = question.definition.children == Children::Weighted;
    if family(metric) != Family::Deployments && !weighted {
        return None;
    }
    let config = metric == Metric::ConfigDeploymentFrequency;
    let conditions = ever(&View { question, window }, config).join(" AND ");
    let period = question
        .bucket
        .filter(|_| weighted)
        .map(|bucket| format!("period('{}', {}, finished_at)", bucket.text(), text(&question.zone)));
    let (name, column, by) = match period {
        Some(period) => ("period, ", format!("{period} AS period, "), format!(", {period}")),
        None => Default::default(),
    };
    Some(format!(
        "SELECT product, component, instance, {name}first_at, n\nFROM (\n  SELECT place, {column}min(finished_at) AS first_at,\n    sum(CASE WHEN finished_at >= {} THEN 1 ELSE 0 END) AS n\n  FROM deployments\n  WHERE {conditions}\n  GROUP BY place{by}\n) AS present\nJOIN places USING (place)",
        crate::literal::instant(window.from)
    ))
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
