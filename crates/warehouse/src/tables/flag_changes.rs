//! `flag_changes`: one row a change of a feature flag.

use domain::fact::OtherFact;

use super::canary_analyses::{place, told};
use super::{Table, instant, lent, text};

pub(crate) type Row = OtherFact;

pub(crate) fn table() -> Table<Row> {
    let mut columns = place();
    columns.extend([
        text("flag", "The flag.", |row: &Row| told(row, "flag").and_then(lent)),
        instant("at", "When it was changed.", |row: &Row| Some(row.at)),
        text("environment", "Where it was changed.", |row: &Row| told(row, "environment").and_then(lent)),
        text("value_before", "The value before.", |row: &Row| told(row, "from").and_then(lent)),
        text("value_after", "The value after.", |row: &Row| told(row, "to").and_then(lent)),
    ]);
    Table::new("flag_changes", "A feature flag was changed.", "at", columns)
}
