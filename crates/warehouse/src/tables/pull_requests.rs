//! `pull_requests`: one row a proposed change with its review.

use domain::Timestamp;
use domain::fact::OtherFact;
use serde_json::Value;

use super::canary_analyses::{place, told};
use super::{Column, Table, instant, lent, object, text};

pub(crate) type Row = OtherFact;

pub(crate) fn table() -> Table<Row> {
    let mut columns = place();
    columns.extend([
        word("repo", "Repository."),
        word("number", "Its number in the repository; `commits.pull_request` names it."),
        word("title", "Its title."),
        word("branch", "The branch it comes from."),
        word("target", "The branch it goes to."),
        time("first_commit_at", "Time of its first commit; NULL when neither it nor a list of its commits tells."),
        instant("opened_at", "When it was opened.", |row: &Row| Some(row.at)),
        time("first_review_at", "When somebody else first reviewed it."),
        time("approved_at", "When it was approved."),
        time("merged_at", "When it was merged; NULL while it is not."),
        time("closed_at", "When it was closed, merged or not."),
        word("merge_sha", "The commit its merge made."),
        text("labels", "Labels as JSON text; NULL without any.", |row: &Row| {
            row.values.get("labels").and_then(Value::as_object).and_then(object)
        }),
        word("url", "Where to look at it."),
    ]);
    Table::new("pull_requests", "A proposed change with its review.", "opened_at", columns)
}

fn word(name: &'static str, doc: &'static str) -> Column<Row> {
    text(name, doc, move |row: &Row| told(row, name).and_then(lent))
}

fn time(name: &'static str, doc: &'static str) -> Column<Row> {
    instant(name, doc, move |row: &Row| told(row, name).and_then(|text| Timestamp::parse(text).ok()))
}
