//! Views over the tables, under names that are known elsewhere: one line a column, as the tables have it. The same lines
//! give the SQL and the reference for readers.

mod dora_metrics;
mod examples;
mod public;
mod reference;

pub use reference::sql_reference;

/// A view: its columns, and where they come from.
pub(crate) struct View {
    /// Name in SQL.
    pub(crate) name: &'static str,
    /// What a row is.
    pub(crate) doc: &'static str,
    pub(crate) columns: &'static [Column],
    /// Everything after the columns.
    from: &'static str,
}

/// A column of a view.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// Its value, as SQL over the tables.
    value: &'static str,
    pub(crate) doc: &'static str,
}

const fn column(name: &'static str, value: &'static str, doc: &'static str) -> Column {
    Column { name, value, doc }
}

impl View {
    /// The query it stands for.
    pub(crate) fn sql(&self) -> String {
        let columns: Vec<String> =
            self.columns.iter().map(|column| format!("{} AS {}", column.value, column.name)).collect();
        format!("SELECT {} {}", columns.join(", "), self.from)
    }
}

/// Schemas and what they are for.
pub(crate) const SCHEMAS: [(&str, &str); 3] = [
    ("public", "Leadline's own tables, and views with its own names."),
    (
        "examples",
        "The tables of the article with code examples for DORA metrics, as its PostgreSQL queries read them. Instants are \
         `timestamp` without time zone, in UTC. Rows are those of the definition `examples`.",
    ),
    (
        "dora_metrics",
        "The tables of the article about DORA metrics in a large group. Rows are those of the definition `rex`.",
    ),
];

/// Views of a schema.
pub(crate) fn of(schema: &str) -> Vec<&'static View> {
    match schema {
        "public" => public::VIEWS.iter().collect(),
        "examples" => examples::VIEWS.iter().collect(),
        "dora_metrics" => dora_metrics::VIEWS.iter().collect(),
        _ => Vec::new(),
    }
}
