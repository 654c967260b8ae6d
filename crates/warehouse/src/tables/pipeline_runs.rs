//! `pipeline_runs`: one row a run of a CI/CD pipeline.

use domain::Timestamp;
use domain::fact::OtherFact;

use super::canary_analyses::{place, told};
use super::{Table, instant, lent, text};

pub(crate) type Row = OtherFact;

pub(crate) fn table() -> Table<Row> {
    let mut columns = place();
    columns.extend([
        instant("started_at", "When it began.", |row: &Row| Some(row.at)),
        instant("finished_at", "When it ended.", finished),
        instant("ended_at", "When it ended, else when it began: by this it belongs to a window.", |row: &Row| {
            Some(ended(row))
        }),
        text("status", "`succeeded`, `failed`, `cancelled`, `skipped` or `in_progress`.", |row: &Row| {
            told(row, "status").and_then(lent)
        }),
        text("name", "The pipeline's name.", |row: &Row| told(row, "name").and_then(lent)),
        text("repo", "Repository.", |row: &Row| told(row, "repo").and_then(lent)),
        text("sha", "Commit it ran for.", |row: &Row| told(row, "sha").and_then(lent)),
        text("url", "Where to look at it.", |row: &Row| told(row, "url").and_then(lent)),
    ]);
    Table::new("pipeline_runs", "One run of a CI/CD pipeline.", "ended_at", columns)
}

fn finished(row: &Row) -> Option<Timestamp> {
    told(row, "finished_at").and_then(|text| Timestamp::parse(text).ok())
}

fn ended(row: &Row) -> Timestamp {
    finished(row).unwrap_or(row.at)
}
