//! `incidents`: one row an incident, with the deployment each rule attributes it to.

use domain::catalogue::ComponentId;
use domain::fact::{CauseRule, IncidentFact};

use super::{Column, Table, instant, lent, number, object, places, seconds, text};

pub(crate) type Row = IncidentFact;

pub(crate) fn table() -> Table<Row> {
    let mut columns = own();
    for rule in CauseRule::ALL {
        columns.extend(cause(rule));
    }
    Table::new("incidents", "Something users felt, from its beginning to its end.", "started_at", columns)
}

/// Names of what it hurts.
pub(crate) fn names(fact: &IncidentFact) -> [Option<&str>; 3] {
    [Some(&fact.product), fact.component.as_ref().map(ComponentId::as_str), fact.instance.as_deref()]
}

fn own() -> Vec<Column<Row>> {
    vec![
        text("source", "Who reports it.", |row: &Row| lent(&row.key.source)),
        text("id", "The reporter's own id.", |row: &Row| lent(&row.key.id)),
        text("product", "The product it hurts.", |row: &Row| lent(&row.product)),
        text("component", "The component it names, by its full name.", |row: &Row| {
            row.component.as_ref().and_then(|id| lent(id.as_str()))
        }),
        text("instance", "The instance it names.", |row: &Row| row.instance.as_deref().and_then(lent)),
        places::place(names),
        text("severity", "`critical`, `high`, `medium`, `low` or `unknown`.", |row: &Row| lent(row.severity.text())),
        text("title", "Title.", |row: &Row| row.title.as_deref().and_then(lent)),
        instant("opened_at", "When the ticket was made.", |row: &Row| Some(row.opened_at)),
        instant("started_at", "When users felt it.", |row: &Row| Some(row.started_at)),
        instant("detected_at", "When it was noticed.", |row: &Row| row.detected_at),
        instant("acknowledged_at", "When somebody took it.", |row: &Row| row.acknowledged_at),
        instant("mitigated_at", "When users no longer felt it.", |row: &Row| row.mitigated_at),
        instant("resolved_at", "When it was resolved, else closed; NULL while open.", |row: &Row| row.resolved_at),
        text("url", "Where to look at it.", |row: &Row| row.url.as_deref().and_then(lent)),
        text("labels", "Labels as JSON text; NULL without any.", |row: &Row| object(&row.labels)),
    ]
}

fn cause(rule: CauseRule) -> [Column<Row>; 4] {
    let (name, index) = (rule.text(), rule.index());
    let by = format!("the deployment rule `{name}` attributes it to");
    [
        text(format!("cause_source_{name}"), format!("Source of {by}."), move |row: &Row| {
            row.causes[index].as_ref().and_then(|cause| lent(&cause.deployment.source))
        }),
        text(format!("cause_id_{name}"), format!("Id of {by}."), move |row: &Row| {
            row.causes[index].as_ref().and_then(|cause| lent(&cause.deployment.id))
        }),
        number(format!("cause_delay_s_{name}"), format!("Seconds since the end of {by}."), move |row: &Row| {
            row.causes[index].as_ref().map(|cause| seconds(cause.delay))
        }),
        text(format!("cause_why_{name}"), format!("Why it is {by}."), move |row: &Row| {
            row.causes[index].as_ref().and_then(|cause| lent(&cause.why))
        }),
    ]
}
