//! All facts as text, for comparing two stores: nothing in it depends on the order of arrival.

use std::io::Write;
use std::sync::Arc;

use domain::DeploymentKey;
use domain::fact::{CommitFact, DeploymentFact, IncidentFact, OtherFact};
use rusqlite::Connection;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::StoreError;
use crate::body::from_json;
use crate::changes::product_hints;
use crate::ledger::read_commits;

struct Out<'a> {
    out: &'a mut dyn Write,
    hash: Sha256,
}

impl Out<'_> {
    fn line(&mut self, mut value: Value) -> Result<(), StoreError> {
        // Labels and values keep the order of the content that came first.
        value.sort_all_objects();
        let text = format!("{value}\n");
        self.hash.update(text.as_bytes());
        self.out.write_all(text.as_bytes()).map_err(|error| StoreError::Output(Arc::new(error)))
    }
}

fn to_value(fact: &impl Serialize) -> Result<Value, StoreError> {
    serde_json::to_value(fact).map_err(|error| StoreError::unreadable("a fact", error))
}

/// In the order of their own times and names: the ledger's is that of the walk.
fn sorted(mut commits: Vec<CommitFact>) -> Vec<CommitFact> {
    commits.sort_by(|a, b| {
        (a.committed_at, &a.repo, &a.sha, a.role, a.authored_at).cmp(&(
            b.committed_at,
            &b.repo,
            &b.sha,
            b.role,
            b.authored_at,
        ))
    });
    commits
}

pub(crate) fn dump(conn: &Connection, out: &mut dyn Write) -> Result<[u8; 32], StoreError> {
    let mut out = Out { out, hash: Sha256::new() };
    let mut statement = conn.prepare_cached(
        "SELECT number, source, id, body FROM deployment WHERE change IS NOT NULL ORDER BY source, id",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let fact: DeploymentFact = from_json("a deployment", row.get_ref(3)?)?;
        let key = DeploymentKey { source: row.get(1)?, id: row.get(2)? };
        let commits = sorted(read_commits(conn, row.get(0)?, &key)?);
        out.line(json!({"type": "deployment", "fact": to_value(&fact)?, "commits": to_value(&commits)?}))?;
    }
    let mut statement = conn.prepare_cached("SELECT body FROM incident ORDER BY source, id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let fact: IncidentFact = from_json("an incident", row.get_ref(0)?)?;
        out.line(json!({"type": "incident", "fact": to_value(&fact)?}))?;
    }
    let mut statement = conn.prepare_cached("SELECT body FROM other ORDER BY kind, source, id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let fact: OtherFact = from_json("a fact", row.get_ref(0)?)?;
        out.line(json!({"type": "other", "fact": to_value(&fact)?}))?;
    }
    for (name, hint) in product_hints(conn)? {
        let (platform, domain, team) = (hint.platform, hint.domain, hint.team);
        out.line(json!({"type": "product", "name": name, "platform": platform, "domain": domain, "team": team}))?;
    }
    Ok(out.hash.finalize().into())
}
