//! The reference for readers: every schema, table, view and column, as Markdown.

use std::fmt::Write as _;

use datafusion::arrow::datatypes::DataType;
use domain::Problem;

use super::{SCHEMAS, View, of};
use crate::Warehouse;
use crate::engine::problem;
use crate::tables::{TableDoc, reference, word};

const HEAD: &str = "# Tables and views for SQL

Made from the code by `make generated`. How to connect, and what is refused, is in [sql.md](sql.md).

Instants are `timestamp` in UTC with microseconds; durations are seconds. Rows of the tables are facts as they are linked now:
a late event changes rows of the past. Columns `platform`, `domain`, `team` and the labels of product and component follow the
catalogue as it is now.
";

/// The text of `docs/sql-reference.md`.
///
/// # Errors
/// `internal` when a view cannot be planned.
pub async fn sql_reference(warehouse: &Warehouse) -> Result<String, Problem> {
    let mut out = HEAD.to_owned();
    for (schema, doc) in SCHEMAS {
        heading(&mut out, 2, schema, doc);
        if schema == "public" {
            for table in reference() {
                whole(&mut out, &table);
            }
        }
        for view in of(schema) {
            whole(&mut out, &described(warehouse, view).await?);
        }
    }
    Ok(out)
}

fn heading(out: &mut String, level: usize, name: &str, doc: &str) {
    // Writing to a string does not fail.
    let _ = write!(out, "\n{} `{name}`\n\n{doc}\n", "#".repeat(level));
}

fn whole(out: &mut String, table: &TableDoc) {
    heading(out, 3, table.name, table.doc);
    out.push_str("\n| column | type | |\n|---|---|---|\n");
    for column in &table.columns {
        let _ = writeln!(out, "| `{}` | {} | {} |", column.name, column.data_type, column.doc);
    }
}

/// With the types its columns turn out to have.
async fn described(warehouse: &Warehouse, view: &View) -> Result<TableDoc, Problem> {
    let (_snapshot, session) = warehouse.pinned()?;
    let plan = session.state().create_logical_plan(&view.sql()).await.map_err(|error| problem(&error))?;
    let types = plan.schema().fields().iter().map(|field| field.data_type().clone());
    let columns = view.columns.iter().zip(types).map(|(column, data_type)| crate::ColumnDoc {
        name: column.name.to_owned(),
        data_type: if data_type == DataType::Date32 { "date" } else { word(&data_type) },
        doc: column.doc.to_owned(),
    });
    Ok(TableDoc { name: view.name, doc: view.doc, columns: columns.collect() })
}
