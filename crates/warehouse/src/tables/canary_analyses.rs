//! `canary_analyses`: one row a verdict of a progressive rollout.

use domain::catalogue::ComponentId;
use domain::fact::OtherFact;
use serde_json::Value;

use super::{Column, Table, flag, instant, lent, number, places, text};

pub(crate) type Row = OtherFact;

pub(crate) fn table() -> Table<Row> {
    let mut columns = place();
    columns.extend([
        instant("at", "When the verdict fell.", |row: &Row| Some(row.at)),
        flag("passed", "The verdict.", |row: &Row| row.values.get("passed").and_then(Value::as_bool)),
        number("score", "Its score.", |row: &Row| row.values.get("score").and_then(Value::as_f64)),
        text("deployment_id", "Id of the deployment it judges.", |row: &Row| told(row, "deployment_id").and_then(lent)),
    ]);
    Table::new("canary_analyses", "The verdict of a progressive rollout.", "at", columns)
}

/// Identity and place of anything that is neither deployment nor incident.
pub(super) fn place() -> Vec<Column<Row>> {
    vec![
        text("source", "Who reports it.", |row: &Row| lent(&row.key.source)),
        text("id", "The reporter's own id.", |row: &Row| lent(&row.key.id)),
        text("product", "Product; NULL when it names none.", |row: &Row| row.product.as_deref().and_then(lent)),
        text("component", "Component by its full name.", |row: &Row| {
            row.component.as_ref().and_then(|id| lent(id.as_str()))
        }),
        text("instance", "Instance; NULL when it names none.", |row: &Row| told(row, "instance").and_then(lent)),
        places::place(names),
    ]
}

/// Names of what it belongs to.
pub(crate) fn names(fact: &Row) -> [Option<&str>; 3] {
    [fact.product.as_deref(), fact.component.as_ref().map(ComponentId::as_str), told(fact, "instance")]
}

pub(super) fn told<'a>(row: &'a Row, name: &str) -> Option<&'a str> {
    row.values.get(name).and_then(Value::as_str)
}
