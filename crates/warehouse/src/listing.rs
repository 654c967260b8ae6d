//! Rows newest first, a page at a time.

use domain::catalogue::Node;
use domain::event::{Severity, Status};
use domain::{Code, Problem, Timestamp};
use metrics::literal::{instant, text};
use metrics::population::of_node;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::engine::{self, problem};
use crate::json;
use crate::warehouse::Warehouse;

/// Which rows to list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing {
    /// Of this node.
    pub node: Node,
    /// From this instant on.
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub to: Option<Timestamp>,
    /// Deployments with this status.
    pub status: Option<Status>,
    /// Only production deployments, or only others.
    pub production: Option<bool>,
    /// Incidents that are not resolved, or only those that are.
    pub open: Option<bool>,
    /// Incidents of this severity.
    pub severity: Option<Severity>,
    /// How many, at most 1,000.
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

impl Listing {
    /// The newest 50 of a node.
    #[must_use]
    pub fn of(node: Node) -> Self {
        Listing {
            node,
            from: None,
            to: None,
            status: None,
            production: None,
            open: None,
            severity: None,
            limit: 50,
            cursor: None,
        }
    }
}

/// A page of rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Listed {
    /// The rows, every column of the table by its name.
    pub rows: Vec<Map<String, Value>>,
    /// The cursor of the next page; none on the last.
    pub next: Option<String>,
    /// On the last page: rows before this instant were taken out, so that it is not the beginning of all there was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_from: Option<Timestamp>,
}

/// What stands for the instant of a deployment that has neither end nor beginning.
const LONG_AGO: &str = "1900-01-01T00:00:00Z";

impl Warehouse {
    /// Deployments by when they finished, or began while in progress.
    ///
    /// # Errors
    /// `invalid_parameter` for a cursor that is none.
    pub async fn deployments(&self, listing: &Listing) -> Result<Listed, Problem> {
        let mut conditions = of_node(&listing.node);
        if let Some(status) = listing.status {
            conditions.push(format!("status = {}", text(status.text())));
        }
        if let Some(production) = listing.production {
            conditions.push(if production { "production".to_owned() } else { "NOT production".to_owned() });
        }
        let at = format!("coalesce(finished_at, started_at, instant('{LONG_AGO}'))");
        self.list("deployments", &at, conditions, listing).await
    }

    /// Incidents by when they started.
    ///
    /// # Errors
    /// `invalid_parameter` for a cursor that is none.
    pub async fn incidents(&self, listing: &Listing) -> Result<Listed, Problem> {
        let mut conditions = of_node(&listing.node);
        match listing.open {
            Some(true) => conditions.push("resolved_at IS NULL".to_owned()),
            Some(false) => conditions.push("resolved_at IS NOT NULL".to_owned()),
            None => {}
        }
        if let Some(severity) = listing.severity {
            conditions.push(format!("severity = {}", text(severity.text())));
        }
        self.list("incidents", "started_at", conditions, listing).await
    }

    async fn list(
        &self,
        table: &str,
        at: &str,
        mut conditions: Vec<String>,
        listing: &Listing,
    ) -> Result<Listed, Problem> {
        conditions.extend(listing.from.map(|from| format!("{at} >= {}", instant(from))));
        conditions.extend(listing.to.map(|to| format!("{at} < {}", instant(to))));
        if let Some(cursor) = &listing.cursor {
            conditions.push(after(at, cursor)?);
        }
        let conditions = if conditions.is_empty() { "true".to_owned() } else { conditions.join(" AND ") };
        let limit = listing.limit.clamp(1, 1_000);
        let sql = format!(
            "SELECT *, {at} AS listed_at FROM {table} WHERE {conditions} ORDER BY listed_at DESC, source DESC, id DESC LIMIT {}",
            limit + 1
        );
        let (_snapshot, session) = self.pinned()?;
        let batches = engine::run(&session, &sql).await.map_err(|error| problem(&error))?;
        let mut rows = json::rows(&batches).map_err(|error| problem(&error))?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(cursor_of);
        rows.iter_mut().for_each(|row| {
            row.shift_remove("listed_at");
        });
        let kept_from = if next.is_none() { self.rows_kept_from(table, listing.from) } else { None };
        Ok(Listed { rows, next, kept_from })
    }
}

/// Place of a row: instant, source, id as a JSON array in hexadecimal, so that it needs no escaping anywhere.
fn cursor_of(row: &Map<String, Value>) -> String {
    let place = Value::from_iter(["listed_at", "source", "id"].map(|name| row.get(name).cloned().unwrap_or_default()));
    place.to_string().bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn after(at: &str, cursor: &str) -> Result<String, Problem> {
    let bad = || {
        Problem::new(
            Code::InvalidParameter,
            "`cursor` is not one this address gave; leave it out to start at the newest",
        )
    };
    let bytes: Option<Vec<u8>> =
        (0..cursor.len()).step_by(2).map(|start| u8::from_str_radix(cursor.get(start..start + 2)?, 16).ok()).collect();
    let place: (Timestamp, String, String) = serde_json::from_slice(&bytes.ok_or_else(bad)?).map_err(|_| bad())?;
    let (instant, source, id) = (instant(place.0), text(&place.1), text(&place.2));
    Ok(format!("({at} < {instant} OR ({at} = {instant} AND (source < {source} OR (source = {source} AND id < {id}))))"))
}
