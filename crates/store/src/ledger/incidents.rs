//! Incident facts and what they name.

use domain::fact::IncidentFact;
use domain::key::IncidentKey;
use domain::{DeploymentKey, Timestamp};
use rusqlite::{Row, params};

use super::{INCIDENT, Result, SqliteLedger, deployment_key};
use crate::body::{from_json, to_json};
use crate::sql::{all, one, run};

fn fact(row: &Row<'_>) -> Result<IncidentFact> {
    from_json("an incident", row.get_ref(0)?)
}

impl SqliteLedger<'_> {
    pub(super) fn read_incident(&self, key: &IncidentKey) -> Result<Option<IncidentFact>> {
        let sql = "SELECT body FROM incident WHERE source = ? AND id = ?";
        one(self.conn, sql, params![key.source, key.id], fact)
    }

    pub(super) fn write_incident(&mut self, fact: &IncidentFact) -> Result<()> {
        let body = to_json(fact)?;
        let sql = "SELECT number, body FROM incident WHERE source = ? AND id = ?";
        let known: Option<(i64, bool)> = one(self.conn, sql, params![fact.key.source, fact.key.id], |row| {
            Ok((row.get(0)?, body.is(row.get_ref(1)?)))
        })?;
        if matches!(known, Some((_, true))) {
            return Ok(());
        }
        let product = self.word(&fact.product)?;
        let name = fact.component.as_ref().map(|component| self.word(component.name())).transpose()?;
        let change = self.next_change();
        let (opened, started) = (fact.opened_at.micros(), fact.started_at.micros());
        let number = match known {
            Some((number, _)) => {
                let sql =
                    "UPDATE incident SET product = ?, name = ?, opened_at = ?, started_at = ?, change = ?, body = ?
                     WHERE number = ?";
                run(self.conn, sql, params![product, name, opened, started, change, body, number])?;
                run(self.conn, "DELETE FROM cause WHERE incident = ?", [number])?;
                number
            }
            None => {
                self.forget_removal(INCIDENT, &fact.key)?;
                let sql = "INSERT INTO incident (source, id, product, name, opened_at, started_at, change, body)
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
                let key = &fact.key;
                run(self.conn, sql, params![key.source, key.id, product, name, opened, started, change, body])?;
                self.conn.last_insert_rowid()
            }
        };
        for cause in fact.causes.iter().flatten() {
            let deployment = self.number(&cause.deployment)?;
            let sql = "INSERT OR IGNORE INTO cause (deployment, incident) VALUES (?, ?)";
            run(self.conn, sql, [deployment, number])?;
        }
        Ok(())
    }

    pub(super) fn delete_incident(&mut self, key: &IncidentKey) -> Result<()> {
        self.write_incident_names(key, &[])?;
        let sql = "SELECT number FROM incident WHERE source = ? AND id = ?";
        let number: Option<i64> = one(self.conn, sql, params![key.source, key.id], |row| Ok(row.get(0)?))?;
        let Some(number) = number else { return Ok(()) };
        run(self.conn, "DELETE FROM cause WHERE incident = ?", [number])?;
        run(self.conn, "DELETE FROM incident WHERE number = ?", [number])?;
        self.note_removal(INCIDENT, key)
    }

    pub(super) fn read_incidents_between(
        &self,
        product: &str,
        after: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<IncidentKey>> {
        let Some(word) = self.known_word(product)? else { return Ok(Vec::new()) };
        all(
            self.conn,
            "SELECT source, id FROM incident WHERE product = ?1 AND started_at > ?2 AND started_at <= ?3
             UNION
             SELECT source, id FROM incident WHERE product = ?1 AND opened_at > ?2 AND opened_at <= ?3",
            params![word, after.micros(), until.micros()],
            deployment_key,
        )
    }

    pub(super) fn read_incidents_of(&mut self, deployment: &DeploymentKey) -> Result<Vec<IncidentFact>> {
        let Some(number) = self.known_number(deployment)? else { return Ok(Vec::new()) };
        all(
            self.conn,
            "SELECT body FROM cause JOIN incident ON incident.number = cause.incident
             WHERE cause.deployment = ? ORDER BY source, id",
            [number],
            fact,
        )
    }

    pub(super) fn read_incidents_naming(&self, deployment_id: &str) -> Result<Vec<IncidentKey>> {
        let sql = "SELECT source, id FROM naming WHERE deployment_id = ? ORDER BY source, id";
        all(self.conn, sql, [deployment_id], deployment_key)
    }

    pub(super) fn write_incident_names(&self, key: &IncidentKey, deployment_ids: &[String]) -> Result<()> {
        run(self.conn, "DELETE FROM naming WHERE source = ? AND id = ?", params![key.source, key.id])?;
        for deployment_id in deployment_ids {
            let sql = "INSERT OR IGNORE INTO naming (deployment_id, source, id) VALUES (?, ?, ?)";
            run(self.conn, sql, params![deployment_id, key.source, key.id])?;
        }
        Ok(())
    }

    pub(super) fn read_incidents_by_id(&self, id: &str) -> Result<Vec<IncidentKey>> {
        all(self.conn, "SELECT source, id FROM incident WHERE id = ? ORDER BY source", [id], deployment_key)
    }

    pub(super) fn read_incidents_named(&self, name: &str) -> Result<Vec<IncidentKey>> {
        let Some(word) = self.known_word(name)? else { return Ok(Vec::new()) };
        let sql = "SELECT source, id FROM incident WHERE name = ? ORDER BY source, id";
        all(self.conn, sql, [word], deployment_key)
    }

    pub(super) fn read_first_opened_after(&self, product: &str, after: Timestamp) -> Result<Option<Timestamp>> {
        self.opened("SELECT min(opened_at) FROM incident WHERE product = ? AND opened_at > ?", product, after)
    }

    pub(super) fn read_last_opened_before(&self, product: &str, before: Timestamp) -> Result<Option<Timestamp>> {
        self.opened("SELECT max(opened_at) FROM incident WHERE product = ? AND opened_at < ?", product, before)
    }

    fn opened(&self, sql: &str, product: &str, at: Timestamp) -> Result<Option<Timestamp>> {
        let Some(word) = self.known_word(product)? else { return Ok(None) };
        let found: Option<Option<i64>> = one(self.conn, sql, params![word, at.micros()], |row| Ok(row.get(0)?))?;
        Ok(found.flatten().map(Timestamp::from_micros))
    }
}
