//! Statements as a client prepares them: what it was told of parameters and columns. The plan is not kept, because it would
//! pin a snapshot: each execution plans anew and sees what is there then.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::sql::sqlparser::ast::Statement;
use datafusion_postgres::arrow_pg::datatypes::{PG_OID_ALIAS_KEY, into_pg_type, pg_type_for_alias_kind};
use datafusion_postgres::pgwire::api::Type;
use datafusion_postgres::pgwire::error::PgWireResult;

use super::errors::{self, code};
use super::statement::Command;

/// A prepared statement.
#[derive(Clone, Debug)]
pub(super) enum Prepared {
    /// Answered without the engine.
    Command(Command),
    /// Read from the tables.
    Query(Arc<Query>),
}

/// A prepared query.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) statement: Box<Statement>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) columns: SchemaRef,
}

/// A parameter, `$1` first.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    /// What the engine makes of it, when it can tell.
    pub(super) data_type: Option<DataType>,
    /// What the client is told.
    pub(super) wire: Type,
}

/// The parameters of a plan.
pub(super) fn parameters(plan: &LogicalPlan) -> PgWireResult<Vec<Parameter>> {
    let found = inferred(plan).map_err(|error| errors::engine(&error))?;
    let many = found.keys().max().copied().unwrap_or(0);
    (1..=many)
        .map(|number| match found.get(&number).cloned().flatten() {
            Some((data_type, Some(wire))) => Ok(Parameter { data_type: Some(data_type), wire }),
            Some((data_type, None)) => {
                let wire = into_pg_type(&data_type)?;
                Ok(Parameter { data_type: Some(data_type), wire })
            }
            None => Ok(Parameter { data_type: None, wire: Type::UNKNOWN }),
        })
        .collect()
}

type Inferred = BTreeMap<usize, Option<(DataType, Option<Type>)>>;

/// As PostgreSQL allows them.
const MANY: usize = 65_535;

fn number(id: &str) -> Option<usize> {
    id.trim_start_matches('$').parse().ok().filter(|number| (1..=MANY).contains(number))
}

/// By number: from what the engine infers, else from a cast right around it. Columns of PostgreSQL's catalogue that hold
/// object numbers say so themselves, and drivers send those as such.
fn inferred(plan: &LogicalPlan) -> Result<Inferred> {
    let mut found = Inferred::new();
    for (id, data_type) in plan.get_parameter_types()? {
        if let Some(number) = number(&id) {
            found.insert(number, data_type.map(|data_type| (data_type, None)));
        }
    }
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                match expr {
                    Expr::Cast(cast) => {
                        if let (Expr::Placeholder(placeholder), data_type) =
                            (cast.expr.as_ref(), cast.field.data_type())
                            && let Some(number) = number(&placeholder.id)
                        {
                            found.entry(number).or_default().get_or_insert_with(|| (data_type.clone(), None));
                        }
                    }
                    Expr::Placeholder(placeholder) => {
                        let alias = placeholder.field.as_ref().and_then(|field| field.metadata().get(PG_OID_ALIAS_KEY));
                        let wire = alias.and_then(|kind| pg_type_for_alias_kind(kind));
                        if let Some(number) = number(&placeholder.id) {
                            let known = found.entry(number).or_default();
                            if let Some((DataType::Int32, told)) = known {
                                *told = told.take().or(wire);
                            }
                        }
                    }
                    _ => {}
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(found)
}

/// Names a client has given to statements or portals: how many there may be.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// More than this is a leak of the client's.
    const MANY: usize = 1_000;

    /// Remembers a name, unless there are too many.
    pub(super) fn take(&mut self, name: &str) -> PgWireResult<()> {
        if self.0.len() >= Names::MANY && !self.0.contains(name) {
            let message = format!("a connection holds at most {} prepared statements", Names::MANY);
            return Err(errors::error(code::LIMIT, message));
        }
        self.0.insert(name.to_owned());
        Ok(())
    }

    /// Forgets one.
    pub(super) fn leave(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Forgets all, and says which there were.
    pub(super) fn clear(&mut self) -> Vec<String> {
        self.0.drain().collect()
    }
}
