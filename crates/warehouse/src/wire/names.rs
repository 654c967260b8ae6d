//! Names of the columns of an answer, as PostgreSQL gives them: `count` where the engine says `count(*)`. Clients find
//! columns by them.

use std::sync::Arc;

use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::sql::sqlparser::ast::{Expr, Query, SelectItem, SetExpr, Statement};

/// The schema of a query's answer under PostgreSQL's names.
pub(super) fn named(statement: &Statement, schema: &SchemaRef) -> SchemaRef {
    let Statement::Query(query) = statement else { return schema.clone() };
    match columns(query) {
        Some(names) if names.len() == schema.fields().len() => {
            let fields = schema.fields().iter().zip(names);
            let fields = fields.map(|(field, name)| match name {
                Some(name) => Arc::new(field.as_ref().clone().with_name(name)),
                None => field.clone(),
            });
            Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
        }
        _ => schema.clone(),
    }
}

/// A name for each column; nothing where the engine's stays, and nothing at all when a `*` hides how many there are.
fn columns(query: &Query) -> Option<Vec<Option<String>>> {
    let mut body = query.body.as_ref();
    loop {
        match body {
            SetExpr::SetOperation { left, .. } => body = left,
            SetExpr::Query(query) => body = &query.body,
            SetExpr::Select(select) => {
                return select
                    .projection
                    .iter()
                    .map(|item| match item {
                        SelectItem::UnnamedExpr(expr) => {
                            Some(Some(name(expr).unwrap_or_else(|| "?column?".to_owned())))
                        }
                        SelectItem::ExprWithAlias { .. } => Some(None),
                        _ => None,
                    })
                    .collect();
            }
            _ => return None,
        }
    }
}

fn name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(name) => Some(spelled(&name.value, name.quote_style)),
        Expr::CompoundIdentifier(names) => names.last().map(|name| spelled(&name.value, name.quote_style)),
        Expr::Function(function) => {
            let last = function.name.0.last()?.to_string();
            Some(last.trim_matches('"').to_lowercase())
        }
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => name(inner),
        Expr::Cast { expr: inner, data_type, .. } => name(inner).or_else(|| {
            let kind = data_type.to_string().to_lowercase();
            Some(match kind.split('(').next().unwrap_or_default().trim() {
                "int" | "integer" => "int4".to_owned(),
                "bigint" => "int8".to_owned(),
                "smallint" => "int2".to_owned(),
                "double precision" | "double" => "float8".to_owned(),
                "boolean" => "bool".to_owned(),
                other => other.to_owned(),
            })
        }),
        Expr::Case { else_result, .. } => else_result.as_deref().and_then(name).or_else(|| Some("case".to_owned())),
        Expr::Extract { .. } => Some("extract".to_owned()),
        Expr::Exists { .. } => Some("exists".to_owned()),
        Expr::Substring { .. } => Some("substring".to_owned()),
        Expr::Position { .. } => Some("position".to_owned()),
        Expr::Trim { .. } => Some("btrim".to_owned()),
        Expr::Array(_) => Some("array".to_owned()),
        Expr::Subquery(query) => columns(query)?.into_iter().next()?,
        _ => None,
    }
}

fn spelled(name: &str, quoted: Option<char>) -> String {
    if quoted.is_some() { name.to_owned() } else { name.to_lowercase() }
}
