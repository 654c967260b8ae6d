//! Rows newest first, a page at a time.

use domain::catalogue::Node;
use domain::event::{Severity, Status};
use domain::time::DAY;
use domain::{Code, Problem, Timestamp};
use metrics::literal::{instant, text};
use metrics::population::{all, of_node};
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
/// The newest rows are looked for in the last so much time that has any; while there are too few, in so many times as much
/// before that.
const FIRST: i64 = 2 * DAY;
const GROWTH: i64 = 4;
/// What more than this long before the newest is read at once.
const LAST: i64 = 1_000 * DAY;

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

    /// Rows from the newest back, a stretch of time after the other: those before are not read for a page that is full.
    async fn list(
        &self,
        table: &str,
        at: &str,
        mut conditions: Vec<String>,
        listing: &Listing,
    ) -> Result<Listed, Problem> {
        let cursor = listing.cursor.as_deref().map(Place::read).transpose()?;
        let (snapshot, session) = self.pinned()?;
        let Some(data) = snapshot.tables.get(table) else {
            return Err(Problem::new(Code::Internal, format!("there is no table of {table}")));
        };
        let session = engine::picking(&session);
        let column = data.shape.at;
        conditions.extend(listing.from.iter().flat_map(|from| since(at, column, *from)));
        conditions.extend(listing.to.iter().flat_map(|to| before(at, column, *to)));
        if let Some(cursor) = &cursor {
            conditions.extend(cursor.after(at, column));
        }
        let limit = listing.limit.clamp(1, 1_000);
        let end = cursor.as_ref().map(|cursor| cursor.at).into_iter().chain(listing.to).min();
        let mut rows: Vec<Map<String, Value>> = Vec::new();
        let mut until = None;
        for from in stretches(data.last(), listing.from, end) {
            let mut conditions = conditions.clone();
            conditions.extend(from.iter().flat_map(|from| since(at, column, *from)));
            conditions.extend(until.iter().flat_map(|until| before(at, column, *until)));
            let sql = format!(
                "SELECT *, {at} AS listed_at FROM {table} WHERE {} ORDER BY listed_at DESC, source DESC, id DESC LIMIT {}",
                all(&conditions),
                limit + 1 - rows.len()
            );
            let batches = engine::run(&session, &sql).await.map_err(|error| problem(&error))?;
            rows.append(&mut json::rows(&batches).map_err(|error| problem(&error))?);
            if rows.len() > limit {
                break;
            }
            until = from;
        }
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(Place::text_of);
        rows.iter_mut().for_each(|row| {
            row.shift_remove("listed_at");
        });
        let kept_from = if next.is_none() { self.rows_kept_from(table, listing.from) } else { None };
        Ok(Listed { rows, next, kept_from })
    }
}

/// Where stretches of time begin, newest first: the last one before everything. Rows later than the newest that is known
/// (those of no instant of their own) are of the first.
fn stretches(newest: Option<Timestamp>, from: Option<Timestamp>, to: Option<Timestamp>) -> Vec<Option<Timestamp>> {
    let mut begins = Vec::new();
    if let Some(newest) = newest.into_iter().chain(to).min() {
        let lengths = std::iter::successors(Some(FIRST), |length| Some(length * GROWTH));
        let starts = lengths.take_while(|length| *length <= LAST).map(|length| newest.plus(-length));
        begins.extend(starts.take_while(|start| from.is_none_or(|from| *start > from)).map(Some));
    }
    begins.push(None);
    begins
}

/// Conditions that hold from an instant on. A row of the table is at `column`, and only where that says nothing somewhere
/// else: the second lets files be passed over.
fn since(at: &str, column: &str, from: Timestamp) -> Vec<String> {
    let from = instant(from);
    either(format!("{at} >= {from}"), format!("{column} >= {from}"), column)
}

/// As [`since`], before an instant.
fn before(at: &str, column: &str, to: Timestamp) -> Vec<String> {
    let to = instant(to);
    either(format!("{at} < {to}"), format!("{column} < {to}"), column)
}

fn either(exactly: String, roughly: String, column: &str) -> Vec<String> {
    if exactly == roughly { vec![exactly] } else { vec![exactly, format!("({roughly} OR {column} IS NULL)")] }
}

/// Place of a row in the order of a list.
struct Place {
    at: Timestamp,
    source: String,
    id: String,
}

impl Place {
    /// Instant, source, id as a JSON array in hexadecimal, so that it needs no escaping anywhere.
    fn text_of(row: &Map<String, Value>) -> String {
        let place =
            Value::from_iter(["listed_at", "source", "id"].map(|name| row.get(name).cloned().unwrap_or_default()));
        place.to_string().bytes().map(|byte| format!("{byte:02x}")).collect()
    }

    fn read(cursor: &str) -> Result<Self, Problem> {
        let bad = || {
            Problem::new(
                Code::InvalidParameter,
                "`cursor` is not one this address gave; leave it out to start at the newest",
            )
        };
        let byte = |start: usize| u8::from_str_radix(cursor.get(start..start + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..cursor.len()).step_by(2).map(byte).collect();
        let (at, source, id) = serde_json::from_slice(&bytes.ok_or_else(bad)?).map_err(|_| bad())?;
        Ok(Place { at, source, id })
    }

    fn after(&self, at: &str, column: &str) -> Vec<String> {
        let (instant, source, id) = (instant(self.at), text(&self.source), text(&self.id));
        let exactly = format!(
            "({at} < {instant} OR ({at} = {instant} AND (source < {source} OR (source = {source} AND id < {id}))))"
        );
        either(exactly, format!("{column} <= {instant}"), column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_grow_and_the_last_begins_before_everything() {
        let at = |day: i64| Timestamp::from_micros(day * DAY);
        let days = |newest: Option<i64>, from: Option<i64>, to: Option<i64>| -> Vec<Option<i64>> {
            let found = stretches(newest.map(at), from.map(at), to.map(at));
            found.into_iter().map(|start| start.map(|start| start.micros() / DAY)).collect()
        };
        assert_eq!(
            days(Some(5_000), None, None),
            [Some(4_998), Some(4_992), Some(4_968), Some(4_872), Some(4_488), None]
        );
        assert_eq!(days(Some(5_000), Some(4_900), None), [Some(4_998), Some(4_992), Some(4_968), None]);
        assert_eq!(days(Some(5_000), None, Some(100)).first(), Some(&Some(98)));
        assert_eq!(days(None, None, None), [None]);
    }
}
