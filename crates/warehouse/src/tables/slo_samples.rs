//! `slo_samples`: one row a sample of a service level.

use domain::fact::OtherFact;
use serde_json::Value;

use super::canary_analyses::{place, told};
use super::{Column, Table, instant, lent, number, text};

pub(crate) type Row = OtherFact;

pub(crate) fn table() -> Table<Row> {
    let mut columns = place();
    columns.extend([
        text("slo", "The service level.", |row: &Row| told(row, "slo").and_then(lent)),
        instant("at", "When the sample ends.", |row: &Row| Some(row.at)),
        amount("window_s", "Length of the sample in seconds; NULL when not told."),
        amount("good", "Good events."),
        amount("total", "All events."),
        amount("objective", "Share of good events it is to reach, as the catalogue says now; NULL when it does not."),
    ]);
    Table::new("slo_samples", "Good and total events of a service level over a short time.", "at", columns)
}

fn amount(name: &'static str, doc: &'static str) -> Column<Row> {
    number(name, doc, move |row: &Row| row.values.get(name).and_then(Value::as_f64))
}
