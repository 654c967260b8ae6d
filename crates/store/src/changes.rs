//! What readers ask for: single facts, and facts by change number.

use std::collections::BTreeMap;

use domain::catalogue::ProductHint;
use domain::event::{Entity, EventKind};
use domain::fact::{CommitFact, DeploymentFact, IncidentFact};
use domain::key::IncidentKey;
use domain::time::Month;
use domain::{DeploymentKey, EntityKey};
use rusqlite::{Connection, ToSql, params};

use crate::applier::{CHANGE, REBUILT, TREE, read_number};
use crate::body::from_json;
use crate::ledger::{DEPLOYMENT, kind_at, kind_number, read_commits};
use crate::sql::{all, one};
use crate::{Changes, StoreError};

/// Every changed fact has a change number of its own, so a page can end anywhere.
pub(crate) fn since(conn: &Connection, change: u64, limit: usize) -> Result<Changes, StoreError> {
    let after = i64::try_from(change).unwrap_or(i64::MAX);
    let limit = limit.max(1);
    let one_more = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let numbers: Vec<i64> = all(
        conn,
        "SELECT change FROM (
             SELECT * FROM (SELECT change FROM deployment WHERE change > ?1 AND change IS NOT NULL ORDER BY change LIMIT ?2)
             UNION ALL SELECT * FROM (SELECT change FROM incident WHERE change > ?1 ORDER BY change LIMIT ?2)
             UNION ALL SELECT * FROM (SELECT change FROM other WHERE change > ?1 ORDER BY change LIMIT ?2)
             UNION ALL SELECT * FROM (SELECT change FROM removed WHERE change > ?1 ORDER BY change LIMIT ?2))
         ORDER BY change LIMIT ?2",
        [after, one_more],
        |row| Ok(row.get(0)?),
    )?;
    let more = numbers.len() > limit;
    let last = read_number(conn, CHANGE)?;
    let upto = match numbers.get(limit - 1).filter(|_| more) {
        Some(number) => u64::try_from(*number).unwrap_or_default(),
        None => last,
    };
    let within: &[&dyn ToSql] = params![after, i64::try_from(upto).unwrap_or(i64::MAX)];
    let deployments = all(
        conn,
        "SELECT number, body FROM deployment WHERE change > ? AND change <= ? AND change IS NOT NULL ORDER BY change",
        within,
        |row| {
            let fact: DeploymentFact = from_json("a deployment", row.get_ref(1)?)?;
            let commits = read_commits(conn, row.get(0)?, &fact.key)?;
            Ok((fact, commits))
        },
    )?;
    let sql = "SELECT body FROM incident WHERE change > ? AND change <= ? ORDER BY change";
    let incidents = all(conn, sql, within, |row| from_json("an incident", row.get_ref(0)?))?;
    let sql = "SELECT body FROM other WHERE change > ? AND change <= ? ORDER BY change";
    let others = all(conn, sql, within, |row| from_json("a fact", row.get_ref(0)?))?;
    let (mut removed_deployments, mut removed_incidents) = (Vec::new(), Vec::new());
    let sql = "SELECT kind, source, id FROM removed WHERE change > ? AND change <= ? ORDER BY change";
    let removed: Vec<(i64, DeploymentKey)> =
        all(conn, sql, within, |row| Ok((row.get(0)?, DeploymentKey { source: row.get(1)?, id: row.get(2)? })))?;
    for (kind, key) in removed {
        if kind == DEPLOYMENT { &mut removed_deployments } else { &mut removed_incidents }.push(key);
    }
    let before = before(conn, within)?;
    let tree = read_number(conn, TREE)?;
    let rebuilt = read_number(conn, REBUILT)?;
    Ok(Changes {
        upto,
        deployments,
        incidents,
        others,
        removed_deployments,
        removed_incidents,
        before,
        tree: tree > change && tree <= upto,
        rebuilt: rebuilt > 0 && rebuilt >= change && upto > rebuilt,
        more,
    })
}

/// Where the facts of a page stood before: asked of each fact of the page, however long the table is.
fn before(conn: &Connection, within: &[&dyn ToSql]) -> Result<Vec<(EntityKey, Option<Month>)>, StoreError> {
    let sql = "SELECT m.kind, m.source, m.id, m.month FROM deployment f CROSS JOIN moved m
             ON m.kind = 0 AND m.source = f.source AND m.id = f.id
             WHERE f.change > ?1 AND f.change <= ?2 AND f.change IS NOT NULL
         UNION ALL SELECT m.kind, m.source, m.id, m.month FROM incident f CROSS JOIN moved m
             ON m.kind = 5 AND m.source = f.source AND m.id = f.id WHERE f.change > ?1 AND f.change <= ?2
         UNION ALL SELECT m.kind, m.source, m.id, m.month FROM other f CROSS JOIN moved m
             ON m.kind = f.kind AND m.source = f.source AND m.id = f.id WHERE f.change > ?1 AND f.change <= ?2
         UNION ALL SELECT m.kind, m.source, m.id, m.month FROM removed f CROSS JOIN moved m
             ON m.kind = CASE f.kind WHEN 0 THEN 0 ELSE 5 END AND m.source = f.source AND m.id = f.id
             WHERE f.change > ?1 AND f.change <= ?2";
    all(conn, sql, within, |row| {
        let key = EntityKey { kind: kind_at(row.get(0)?)?, source: row.get(1)?, id: row.get(2)? };
        let text: String = row.get(3)?;
        let month = Month::parse(&text);
        if month.is_none() && !text.is_empty() {
            return Err(StoreError::unreadable("a month", text));
        }
        Ok((key, month))
    })
}

/// A mark behind which every move is known, and the last change number given at that moment.
pub(crate) fn moves(conn: &Connection) -> Result<(i64, u64), StoreError> {
    let mark = one(conn, "SELECT max(number) FROM moved", [], |row| Ok(row.get::<_, Option<i64>>(0)?))?;
    Ok((mark.flatten().unwrap_or(0), read_number(conn, CHANGE)?))
}

pub(crate) fn deployment(
    conn: &Connection,
    key: &DeploymentKey,
) -> Result<Option<(DeploymentFact, Vec<CommitFact>)>, StoreError> {
    let sql = "SELECT number, body FROM deployment WHERE source = ? AND id = ? AND change IS NOT NULL";
    one(conn, sql, params![key.source, key.id], |row| {
        Ok((from_json("a deployment", row.get_ref(1)?)?, read_commits(conn, row.get(0)?, key)?))
    })
}

/// The last change number given.
pub(crate) fn number(conn: &Connection) -> Result<u64, StoreError> {
    read_number(conn, CHANGE)
}

/// Deployments of any source with this id, ordered by source.
pub(crate) fn deployments_by_id(conn: &Connection, id: &str) -> Result<Vec<DeploymentKey>, StoreError> {
    let sql = "SELECT source, id FROM deployment WHERE id = ? AND change IS NOT NULL ORDER BY source";
    all(conn, sql, [id], |row| Ok(DeploymentKey::new(row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
}

/// Incidents of any source with this id, ordered by source.
pub(crate) fn incidents_by_id(conn: &Connection, id: &str) -> Result<Vec<IncidentKey>, StoreError> {
    let sql = "SELECT source, id FROM incident WHERE id = ? ORDER BY source";
    all(conn, sql, [id], |row| Ok(IncidentKey::new(row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
}

pub(crate) fn incident(conn: &Connection, key: &IncidentKey) -> Result<Option<IncidentFact>, StoreError> {
    let sql = "SELECT body FROM incident WHERE source = ? AND id = ?";
    one(conn, sql, params![key.source, key.id], |row| from_json("an incident", row.get_ref(0)?))
}

pub(crate) fn product_hints(conn: &Connection) -> Result<BTreeMap<String, ProductHint>, StoreError> {
    let sql = "SELECT id, body FROM entity WHERE kind = ? ORDER BY source, id";
    let hints = all(conn, sql, [kind_number(EventKind::Product)], |row| {
        let entity: Entity = from_json("an entity", row.get_ref(1)?)?;
        let text = |name: &str| entity.text(name).map(str::to_owned);
        let hint = ProductHint { platform: text("platform"), domain: text("domain"), team: text("team") };
        Ok((row.get(0)?, hint))
    })?;
    Ok(hints.into_iter().collect())
}
