//! `pipeline_stages`: one row a stage of a pipeline run.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::Timestamp;
use domain::event::Stage;
use domain::fact::OtherFact;
use serde_json::Value;

use super::canary_analyses::{names, told};
use super::pipeline_runs::ended;
use super::{Table, count, instant, lent, number, places, seconds, text};

/// A stage and its run.
pub(crate) struct Row {
    run: Arc<OtherFact>,
    stage: Stage,
    kind: String,
    position: i64,
    /// Microseconds in which no earlier stage of its kind ran.
    own: Option<i64>,
}

/// The stages of a run.
pub(crate) fn rows(run: &OtherFact) -> Vec<Row> {
    let told = run.values.get("stages").and_then(Value::as_array);
    let run = Arc::new(run.clone());
    let stages = told.into_iter().flatten().filter_map(|value| {
        let kind = value.get("kind").and_then(Value::as_str)?.to_owned();
        Some((serde_json::from_value::<Stage>(value.clone()).ok()?, kind))
    });
    let mut rows: Vec<Row> = (1i64..)
        .zip(stages)
        .map(|(position, (stage, kind))| Row { run: run.clone(), stage, kind, position, own: None })
        .collect();
    // Jobs run beside each other: added up by kind, a moment counts once.
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|index| (rows[*index].stage.started_at, rows[*index].stage.finished_at));
    let mut until: BTreeMap<String, Timestamp> = BTreeMap::new();
    for index in order {
        let row = &mut rows[index];
        // What was skipped did nothing, whatever times a tool gives it: it takes none from what ran beside it.
        if row.stage.status.as_deref() == Some("skipped") {
            continue;
        }
        let (Some(from), Some(to)) = (row.stage.started_at, row.stage.finished_at) else { continue };
        let known = until.entry(row.kind.clone()).or_insert(from);
        row.own = Some(to.since(from.max(*known)).max(0));
        *known = to.max(*known);
    }
    rows
}

pub(crate) fn table() -> Table<Row> {
    let columns = vec![
        text("source", "Who reports the run.", |row: &Row| lent(&row.run.key.source)),
        text("id", "Id of the run.", |row: &Row| lent(&row.run.key.id)),
        text("product", "Product; NULL when the run names none.", |row: &Row| {
            row.run.product.as_deref().and_then(lent)
        }),
        text("component", "Component by its full name.", |row: &Row| {
            row.run.component.as_ref().and_then(|id| lent(id.as_str()))
        }),
        text("instance", "Instance; NULL when the run names none.", |row: &Row| {
            told(&row.run, "instance").and_then(lent)
        }),
        places::place(|row: &Row| names(&row.run)),
        instant("ended_at", "When the run ended, else when it began.", |row: &Row| Some(ended(&row.run))),
        text("pipeline", "Name of the pipeline.", |row: &Row| told(&row.run, "name").and_then(lent)),
        text("sha", "Commit the run was for.", |row: &Row| told(&row.run, "sha").and_then(lent)),
        count("position", "Its place among the stages of the run, from 1.", |row: &Row| Some(row.position)),
        text("name", "Its name in the tool.", |row: &Row| lent(&row.stage.name)),
        text(
            "kind",
            "What it is for, by rules: `build`, `test`, `scan`, `artifact`, `deploy`, `validation` or `other`.",
            |row: &Row| lent(&row.kind),
        ),
        text("status", "How it went, as the tool says.", |row: &Row| row.stage.status.as_deref().and_then(lent)),
        instant("queued_at", "When it began to wait for its turn.", |row: &Row| row.stage.queued_at),
        instant("started_at", "When it began.", |row: &Row| row.stage.started_at),
        instant("finished_at", "When it ended.", |row: &Row| row.stage.finished_at),
        number("seconds", "Seconds from its beginning to its end.", |row: &Row| {
            Some(seconds(row.stage.finished_at?.since(row.stage.started_at?)))
        }),
        number(
            "own_seconds",
            "Seconds of it in which no stage of its kind of this run was running that began before it: added up, a moment counts once. NULL when it was skipped.",
            |row: &Row| row.own.map(seconds),
        ),
    ];
    Table::new("pipeline_stages", "One stage of a run of a CI/CD pipeline.", "ended_at", columns)
}
