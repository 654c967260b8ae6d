//! Deployment facts and the look-ups by place, code and name.

use correlate::Which;
use domain::catalogue::{ComponentId, PlacedBy};
use domain::event::Status;
use domain::fact::{DeploymentFact, Lane};
use domain::version::normalise;
use domain::{DeploymentKey, OrderKey, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Params, Row, ToSql, params, params_from_iter};

use super::names::lane_text;
use super::{DEPLOYMENT, Result, SqliteLedger, deployment_key};
use crate::body::{Json, from_json, to_json};
use crate::sql::{all, one, run};

/// `?1` to `?3` are a place, further parameters belong to the condition.
macro_rules! last_before {
    ($what:literal, $condition:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM deployment WHERE ",
            $condition,
            " AND (finished_at, source, id) < (?1, ?2, ?3) ORDER BY finished_at DESC, source DESC, id DESC LIMIT 1"
        )
    };
}

macro_rules! first_after {
    ($condition:literal) => {
        concat!(
            "SELECT body FROM deployment WHERE ",
            $condition,
            " AND (finished_at, source, id) > (?1, ?2, ?3) ORDER BY finished_at, source, id LIMIT 1"
        )
    };
}

/// The later of two found in two ranges of an index.
macro_rules! later_of {
    ($left:literal, $right:literal) => {
        concat!(
            "SELECT body FROM deployment WHERE number = (SELECT number FROM (SELECT * FROM (",
            last_before!("number, finished_at, source, id", $left),
            ") UNION ALL SELECT * FROM (",
            last_before!("number, finished_at, source, id", $right),
            ")) ORDER BY finished_at DESC, source DESC, id DESC LIMIT 1)"
        )
    };
}

/// The index columns of a fact: product, component, name, instance, lane, `finished_at`, production, implied, sha,
/// version; then what links give: ran, remedies, suspect, blames.
type Columns = [Value; 14];

/// Where those begin that links give.
const LINKED: usize = 10;

/// Parameters of a statement: some of their own, then columns.
fn with<'a, const N: usize>(head: [&'a dyn ToSql; N], columns: &'a [Value]) -> impl Iterator<Item = &'a dyn ToSql> {
    head.into_iter().chain(columns.iter().map(|value| value as &dyn ToSql))
}

fn fact(row: &Row<'_>) -> Result<DeploymentFact> {
    from_json("a deployment", row.get_ref(0)?)
}

impl SqliteLedger<'_> {
    fn fact_where(&self, sql: &str, params: impl Params) -> Result<Option<DeploymentFact>> {
        one(self.conn, sql, params, fact)
    }

    pub(super) fn read_deployment(&mut self, key: &DeploymentKey) -> Result<Option<DeploymentFact>> {
        let Some(number) = self.known_number(key)? else { return Ok(None) };
        self.fact_where("SELECT body FROM deployment WHERE number = ? AND change IS NOT NULL", [number])
    }

    pub(super) fn write_deployment(&mut self, fact: &DeploymentFact) -> Result<()> {
        let columns = self.columns(fact)?;
        let body = to_json(fact)?;
        let Some(number) = self.known_number(&fact.key)? else {
            let number = self.insert(fact, &columns, &body)?;
            return self.write_fixes(number, fact);
        };
        let known = one(
            self.conn,
            "SELECT body, product, component, name, instance, lane, finished_at, production, implied, sha, version, ran,
                 remedies, suspect, blames, change IS NULL FROM deployment WHERE number = ?",
            [number],
            |row| {
                let mut known: Columns = std::array::from_fn(|_| Value::Null);
                for (index, column) in known.iter_mut().enumerate() {
                    *column = row.get(index + 1)?;
                }
                Ok((row.get(15)?, body.is(row.get_ref(0)?), known))
            },
        )?;
        if let Some((true, ..)) = known {
            self.forget_removal(DEPLOYMENT, &fact.key)?;
        }
        let (told, placed, linked) = known.map_or((false, false, false), |(bare, told, known)| {
            (told && !bare, known[..LINKED] == columns[..LINKED], known[LINKED..] == columns[LINKED..])
        });
        if told && placed && linked {
            return Ok(());
        }
        let change = self.next_change();
        let head: [&dyn ToSql; 3] = [&number, &change, &body];
        // SQLite rewrites every index of which a column is named, changed or not: name only what changed.
        if placed && linked {
            run(self.conn, "UPDATE deployment SET change = ?2, body = ?3 WHERE number = ?1", head)?;
        } else if placed {
            run(
                self.conn,
                "UPDATE deployment SET change = ?2, body = ?3, ran = ?4, remedies = ?5, suspect = ?6, blames = ?7
                 WHERE number = ?1",
                params_from_iter(with(head, &columns[LINKED..])),
            )?;
        } else {
            run(
                self.conn,
                "UPDATE deployment SET change = ?2, body = ?3, product = ?4, component = ?5, name = ?6, instance = ?7,
                     lane = ?8, finished_at = ?9, production = ?10, implied = ?11, sha = ?12, version = ?13, ran = ?14,
                     remedies = ?15, suspect = ?16, blames = ?17
                 WHERE number = ?1",
                params_from_iter(with(head, &columns)),
            )?;
        }
        run(self.conn, "DELETE FROM fix WHERE deployment = ?", [number])?;
        self.write_fixes(number, fact)
    }

    /// Of one that nothing spoke of before.
    fn insert(&mut self, fact: &DeploymentFact, columns: &Columns, body: &Json) -> Result<i64> {
        let change = self.next_change();
        let head: [&dyn ToSql; 4] = [&fact.key.source, &fact.key.id, &change, body];
        run(
            self.conn,
            "INSERT INTO deployment (source, id, change, body, product, component, name, instance, lane, finished_at,
                 production, implied, sha, version, ran, remedies, suspect, blames)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params_from_iter(with(head, columns)),
        )?;
        let number = self.conn.last_insert_rowid();
        self.remember(&fact.key, number);
        Ok(number)
    }

    fn write_fixes(&self, number: i64, fact: &DeploymentFact) -> Result<()> {
        if fact.finished_at.is_some() {
            for incident in &fact.fixes {
                let sql = "INSERT OR IGNORE INTO fix (incident_id, deployment) VALUES (?, ?)";
                run(self.conn, sql, params![incident, number])?;
            }
        }
        Ok(())
    }

    /// Leaves the bare key: what others say of the deployment refers to its number.
    pub(super) fn delete_deployment(&mut self, key: &DeploymentKey) -> Result<()> {
        let Some(number) = self.known_number(key)? else { return Ok(()) };
        self.write_commits(key, &[])?;
        self.write_arrived(key, None)?;
        self.write_waits(key, &[])?;
        self.write_reverts(key, &[])?;
        run(self.conn, "DELETE FROM fix WHERE deployment = ?", [number])?;
        let removed = run(
            self.conn,
            "UPDATE deployment SET change = NULL, body = NULL, product = NULL, component = NULL, name = NULL,
                 instance = NULL, lane = NULL, finished_at = NULL, ran = NULL, production = NULL, remedies = NULL,
                 suspect = NULL, implied = NULL, sha = NULL, version = NULL, blames = NULL
             WHERE number = ? AND change IS NOT NULL",
            [number],
        )?;
        if removed > 0 {
            self.note_removal(DEPLOYMENT, key)?;
        }
        Ok(())
    }

    fn columns(&mut self, fact: &DeploymentFact) -> Result<Columns> {
        let component = &fact.lane.component;
        let blames = fact.blames.as_ref().map(|blame| self.number(&blame.deployment)).transpose()?;
        let finished = fact.finished_at.is_some();
        let ran = match (finished, fact.counted, fact.status) {
            (false, ..) => None,
            (true, true, _) => Some(2),
            (true, false, Status::Succeeded) => Some(1),
            (true, false, _) => Some(0),
        };
        let flag = |flag: bool| Value::Integer(i64::from(finished && flag));
        let version = fact.version.as_deref().map(|version| normalise(version).to_owned());
        Ok([
            Value::Integer(self.word(component.product())?),
            Value::Integer(self.word(component.as_str())?),
            Value::Integer(self.word(component.name())?),
            Value::Integer(self.word(&fact.lane.instance)?),
            Value::Integer(self.word(&lane_text(&fact.lane))?),
            Value::from(fact.finished_at.map(Timestamp::micros)),
            flag(fact.production),
            Value::Integer(i64::from(fact.placed_by == PlacedBy::Event)),
            Value::from(fact.sha.clone()),
            Value::from(version),
            Value::from(ran),
            flag(fact.remedies()),
            flag(fact.suspect()),
            Value::from(blames),
        ])
    }

    pub(super) fn read_deployments_from(
        &self,
        component: &ComponentId,
        from: &OrderKey,
    ) -> Result<Vec<DeploymentFact>> {
        let Some(word) = self.known_word(component.as_str())? else { return Ok(Vec::new()) };
        all(
            self.conn,
            "SELECT body FROM deployment WHERE component = ?4 AND finished_at IS NOT NULL
                 AND (finished_at, source, id) >= (?1, ?2, ?3) ORDER BY finished_at, source, id",
            params![from.at.micros(), from.key.source, from.key.id, word],
            fact,
        )
    }

    pub(super) fn read_last_in_lane(
        &self,
        lane: &Lane,
        which: Which,
        before: &OrderKey,
    ) -> Result<Option<DeploymentFact>> {
        let Some(word) = self.known_word(&lane_text(lane))? else { return Ok(None) };
        let sql = match which {
            Which::Counted => last_before!("body", "lane = ?4 AND ran = 2 AND ran >= 1"),
            Which::Succeeded => later_of!("lane = ?4 AND ran = 1 AND ran >= 1", "lane = ?4 AND ran = 2 AND ran >= 1"),
        };
        self.fact_where(sql, params![before.at.micros(), before.key.source, before.key.id, word])
    }

    pub(super) fn read_next_counted_in_lane(&self, lane: &Lane, after: &OrderKey) -> Result<Option<DeploymentFact>> {
        let Some(word) = self.known_word(&lane_text(lane))? else { return Ok(None) };
        let sql = first_after!("lane = ?4 AND ran = 2 AND ran >= 1");
        self.fact_where(sql, params![after.at.micros(), after.key.source, after.key.id, word])
    }

    /// The cases of `same_code`: a commit that is asked for equals the commit, or where none is known the version; one
    /// that is not asked for leaves the version alone to decide.
    pub(super) fn read_last_with_code(
        &self,
        lane: &Lane,
        sha: Option<&str>,
        version: Option<&str>,
        before: &OrderKey,
    ) -> Result<Option<DeploymentFact>> {
        let Some(word) = self.known_word(&lane_text(lane))? else { return Ok(None) };
        let (at, source, id) = (before.at.micros(), &before.key.source, &before.key.id);
        match (sha, version.map(normalise)) {
            (None, None) => Ok(None),
            (Some(sha), None) => self.fact_where(
                last_before!("body", "lane = ?4 AND sha = ?5 AND sha IS NOT NULL AND ran >= 1"),
                params![at, source, id, word, sha],
            ),
            (Some(sha), Some(version)) => self.fact_where(
                later_of!(
                    "lane = ?4 AND sha = ?5 AND sha IS NOT NULL AND ran >= 1",
                    "lane = ?4 AND version = ?6 AND version IS NOT NULL AND (sha IS NULL) = 1 AND ran >= 1"
                ),
                params![at, source, id, word, sha, version],
            ),
            (None, Some(version)) => self.fact_where(
                later_of!(
                    "lane = ?4 AND version = ?5 AND version IS NOT NULL AND (sha IS NULL) = 0 AND ran >= 1",
                    "lane = ?4 AND version = ?5 AND version IS NOT NULL AND (sha IS NULL) = 1 AND ran >= 1"
                ),
                params![at, source, id, word, version],
            ),
        }
    }

    pub(super) fn read_last_counted_other(
        &self,
        component: &ComponentId,
        sha: Option<&str>,
        version: Option<&str>,
        before: &OrderKey,
    ) -> Result<Option<DeploymentFact>> {
        let Some(word) = self.known_word(component.as_str())? else { return Ok(None) };
        // Read from the index alone until one is of other code.
        self.fact_where(
            last_before!(
                "body",
                "component = ?4 AND ran = 2 AND CASE
                     WHEN sha IS NOT NULL AND ?5 IS NOT NULL THEN sha <> ?5
                     WHEN version IS NOT NULL AND ?6 IS NOT NULL THEN version <> ?6
                     ELSE 1 END"
            ),
            params![before.at.micros(), before.key.source, before.key.id, word, sha, version.map(normalise)],
        )
    }

    pub(super) fn read_last_counted_in_scope(
        &self,
        product: &str,
        component: Option<&ComponentId>,
        instance: Option<&str>,
        before: Timestamp,
    ) -> Result<Option<DeploymentFact>> {
        if component.is_some_and(|component| component.product() != product) {
            return Ok(None);
        }
        let node = component.map_or(product, ComponentId::as_str);
        let Some(node) = self.known_word(node)? else { return Ok(None) };
        let before = OrderKey::before(before);
        let (at, source, id) = (before.at.micros(), &before.key.source, &before.key.id);
        let Some(instance) = instance else {
            let sql = match component {
                Some(_) => last_before!("body", "component = ?4 AND ran = 2"),
                None => last_before!("body", "product = ?4 AND ran = 2"),
            };
            return self.fact_where(sql, params![at, source, id, node]);
        };
        let Some(instance) = self.known_word(instance)? else { return Ok(None) };
        let sql = match component {
            Some(_) => last_before!("body", "component = ?4 AND instance = ?5 AND ran = 2"),
            None => last_before!("body", "product = ?4 AND instance = ?5 AND ran = 2"),
        };
        self.fact_where(sql, params![at, source, id, node, instance])
    }

    pub(super) fn read_first_remedy_after(
        &self,
        component: &ComponentId,
        after: &OrderKey,
    ) -> Result<Option<DeploymentFact>> {
        let Some(word) = self.known_word(component.as_str())? else { return Ok(None) };
        let sql = first_after!("component = ?4 AND remedies = 1");
        self.fact_where(sql, params![after.at.micros(), after.key.source, after.key.id, word])
    }

    pub(super) fn read_last_remedy_before(
        &self,
        component: &ComponentId,
        before: &OrderKey,
    ) -> Result<Option<DeploymentFact>> {
        let Some(word) = self.known_word(component.as_str())? else { return Ok(None) };
        let sql = last_before!("body", "component = ?4 AND remedies = 1");
        self.fact_where(sql, params![before.at.micros(), before.key.source, before.key.id, word])
    }

    pub(super) fn read_suspects(
        &self,
        component: &ComponentId,
        from: &OrderKey,
        before: &OrderKey,
    ) -> Result<Vec<DeploymentKey>> {
        let Some(word) = self.known_word(component.as_str())? else { return Ok(Vec::new()) };
        let (from, until) = (from, before);
        all(
            self.conn,
            "SELECT source, id FROM deployment WHERE component = ?1 AND suspect = 1
                 AND (finished_at, source, id) >= (?2, ?3, ?4) AND (finished_at, source, id) < (?5, ?6, ?7)
             ORDER BY finished_at, source, id",
            params![
                word,
                from.at.micros(),
                from.key.source,
                from.key.id,
                until.at.micros(),
                until.key.source,
                until.key.id
            ],
            deployment_key,
        )
    }

    pub(super) fn read_blamers(&mut self, of: &DeploymentKey) -> Result<Vec<DeploymentFact>> {
        let Some(number) = self.known_number(of)? else { return Ok(Vec::new()) };
        all(self.conn, "SELECT body FROM deployment WHERE blames = ? ORDER BY source, id", [number], fact)
    }

    pub(super) fn read_deployments_by_id(&self, id: &str) -> Result<Vec<DeploymentKey>> {
        let sql = "SELECT source, id FROM deployment WHERE id = ? AND change IS NOT NULL ORDER BY source";
        all(self.conn, sql, [id], deployment_key)
    }

    pub(super) fn read_deployments_by_sha(&self, sha: &str) -> Result<Vec<DeploymentKey>> {
        let sql = "SELECT source, id FROM deployment WHERE sha = ? ORDER BY source, id";
        all(self.conn, sql, [sha], deployment_key)
    }

    pub(super) fn read_production_between(
        &self,
        product: &str,
        from: Timestamp,
        before: Timestamp,
    ) -> Result<Vec<DeploymentKey>> {
        let Some(word) = self.known_word(product)? else { return Ok(Vec::new()) };
        all(
            self.conn,
            "SELECT source, id FROM deployment WHERE product = ? AND production = 1
                 AND finished_at >= ? AND finished_at < ? ORDER BY finished_at, source, id",
            params![word, from.micros(), before.micros()],
            deployment_key,
        )
    }

    pub(super) fn read_fixers(&self, incident_id: &str) -> Result<Vec<DeploymentFact>> {
        all(
            self.conn,
            "SELECT body FROM fix JOIN deployment ON deployment.number = fix.deployment
             WHERE fix.incident_id = ? ORDER BY finished_at, source, id",
            [incident_id],
            fact,
        )
    }

    pub(super) fn read_deployments_named(&self, name: &str) -> Result<Vec<DeploymentKey>> {
        let Some(word) = self.known_word(name)? else { return Ok(Vec::new()) };
        let sql = "SELECT source, id FROM deployment WHERE name = ? ORDER BY source, id";
        all(self.conn, sql, [word], deployment_key)
    }

    /// Jumps from one component to the next in the index: there are far fewer components than deployments.
    pub(crate) fn read_implied(&self) -> Result<Vec<ComponentId>> {
        let sql = "WITH RECURSIVE component_word (number) AS (
                SELECT min(component) FROM deployment WHERE implied = 1
                UNION ALL
                SELECT (SELECT min(component) FROM deployment WHERE implied = 1 AND component > component_word.number)
                FROM component_word WHERE component_word.number IS NOT NULL)
            SELECT text FROM component_word JOIN word USING (number) ORDER BY text";
        all(self.conn, sql, [], |row| super::component(row.get(0)?))
    }

    pub(super) fn read_implied_by_other(&mut self, component: &ComponentId, than: &DeploymentKey) -> Result<bool> {
        let Some(word) = self.known_word(component.as_str())? else { return Ok(false) };
        let number = self.known_number(than)?.unwrap_or(-1);
        let sql = "SELECT 1 FROM deployment WHERE component = ? AND implied = 1 AND number <> ? LIMIT 1";
        Ok(one(self.conn, sql, params![word, number], |_| Ok(()))?.is_some())
    }
}
