//! How deliveries become rows: prepared by whoever brings them, written by the writer, each once.

use domain::Timestamp;
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use crate::journal::{DROPPED, DUPLICATE, EntryKind, Reason, State, Tally, refused_kept};
use crate::sql::{one, run};
use crate::{Delivery, Receipt, StoreError, body};

/// Of a refused body no more is kept.
const REFUSED_BYTES: usize = 64 * 1024;
/// Of refused rows no more are kept.
const REFUSED_ROWS: u64 = 100_000;

/// A delivery in the form of a row. Made outside the writer: hashing and compressing need no lock.
#[derive(Debug)]
pub(crate) struct Prepared {
    kind: EntryKind,
    source: String,
    type_: Option<String>,
    id: Option<String>,
    event: Option<String>,
    hash: Option<[u8; 32]>,
    headers: Option<String>,
    body: Vec<u8>,
    packed: bool,
    reason: Option<Reason>,
}

impl Prepared {
    pub(crate) fn new(delivery: Delivery) -> Result<Self, StoreError> {
        let unwritable = |error| StoreError::unreadable("a delivery", error);
        let row = |kind, source, bytes| {
            let (body, packed) = body::pack(bytes);
            Prepared {
                kind,
                source,
                type_: None,
                id: None,
                event: None,
                hash: None,
                headers: None,
                body,
                packed,
                reason: None,
            }
        };
        Ok(match delivery {
            Delivery::Event(event) => Prepared {
                type_: Some(event.key.kind.text().to_owned()),
                id: Some(event.key.id.to_string()),
                hash: Some(event.content_hash()),
                ..row(
                    EntryKind::Event,
                    event.key.source.to_string(),
                    serde_json::to_vec(&event.fields).map_err(unwritable)?,
                )
            },
            Delivery::Webhook(webhook) => Prepared {
                type_: Some(webhook.parser),
                id: Some(webhook.delivery_id),
                event: Some(webhook.event),
                headers: Some(serde_json::to_string(&webhook.headers).map_err(unwritable)?),
                ..row(EntryKind::Webhook, webhook.source, webhook.body)
            },
            Delivery::Catalogue(catalogue, by) => {
                let text = serde_json::to_vec(&catalogue).map_err(unwritable)?;
                let hash = Sha256::digest(&text).into();
                Prepared { hash: Some(hash), ..row(EntryKind::Catalogue, by, text) }
            }
            Delivery::Refused(source, mut bytes, problem) => {
                bytes.truncate(REFUSED_BYTES);
                let reason = Reason { code: problem.code.text().to_owned(), message: problem.message };
                Prepared { reason: Some(reason), ..row(EntryKind::Refused, source, bytes) }
            }
        })
    }

    fn state(&self) -> State {
        if self.kind == EntryKind::Refused { State::Refused } else { State::Pending }
    }

    /// Writes it, or finds the row that says the same.
    pub(crate) fn write(&self, conn: &Connection, now: Timestamp, tally: &mut Tally) -> Result<Receipt, StoreError> {
        if self.kind == EntryKind::Catalogue
            && let Some(seq) = self.last_catalogue(conn)?
        {
            tally.add(DUPLICATE, 1);
            return Ok(Receipt::Duplicate(seq));
        }
        let state = self.state();
        let written = run(
            conn,
            "INSERT INTO journal (kind, source, type, id, event, hash, received_at, headers, packed, state, code,
                 message, body)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            params![
                self.kind.number(),
                self.source,
                self.type_,
                self.id,
                self.event,
                self.hash,
                now.micros(),
                self.headers,
                self.packed,
                state.number(),
                self.reason.as_ref().map(|reason| &reason.code),
                self.reason.as_ref().map(|reason| &reason.message),
                self.body,
            ],
        )?;
        if written == 1 {
            tally.add(state.text(), 1);
            return Ok(Receipt::Accepted(conn.last_insert_rowid()));
        }
        tally.add(DUPLICATE, 1);
        let known = match self.kind {
            EntryKind::Event => one(
                conn,
                "SELECT seq FROM journal WHERE kind = 0 AND source = ? AND type = ? AND id = ? AND hash = ?",
                params![self.source, self.type_, self.id, self.hash],
                |row| Ok(row.get(0)?),
            )?,
            _ => one(
                conn,
                "SELECT seq FROM journal WHERE kind = 1 AND source = ? AND id = ?",
                params![self.source, self.id],
                |row| Ok(row.get(0)?),
            )?,
        };
        let known = known.ok_or_else(|| StoreError::unreadable("a row", "it is known, but not to be found"))?;
        Ok(Receipt::Duplicate(known))
    }

    /// The latest catalogue, when it is this one: a start that reads its files again changes nothing.
    fn last_catalogue(&self, conn: &Connection) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT seq, hash FROM journal WHERE kind = 2 ORDER BY seq DESC LIMIT 1";
        let last: Option<(i64, Option<[u8; 32]>)> = one(conn, sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(last.filter(|(_, hash)| *hash == self.hash).map(|(seq, _)| seq))
    }
}

/// Drops the oldest refused rows when there are more than are kept.
pub(crate) fn trim_refused(conn: &Connection) -> Result<(), StoreError> {
    trim(conn, REFUSED_ROWS)
}

fn trim(conn: &Connection, keep: u64) -> Result<(), StoreError> {
    let Some(excess) = refused_kept(conn)?.checked_sub(keep).filter(|excess| *excess > 0) else {
        return Ok(());
    };
    let sql = "DELETE FROM journal WHERE seq IN
         (SELECT seq FROM journal WHERE state = 4 AND state >= 2 ORDER BY seq LIMIT ?)";
    let dropped = run(conn, sql, [i64::try_from(excess).unwrap_or(i64::MAX)])?;
    let mut tally = Tally::default();
    tally.add(DROPPED, i64::try_from(dropped).unwrap_or_default());
    tally.write(conn)
}

#[cfg(test)]
mod tests {
    use domain::{Code, Problem};

    use super::*;
    use crate::journal::{JournalFilter, counts, list};
    use crate::migrate::migrate;

    #[test]
    fn only_the_latest_refused_rows_are_kept_and_all_are_counted() {
        let conn = Connection::open_in_memory().unwrap();
        migrate(&conn).unwrap();
        for round in 0..3u8 {
            let mut tally = Tally::default();
            for n in 0..4u8 {
                let problem = Problem::new(Code::MalformedJson, "no JSON");
                let row = Prepared::new(Delivery::Refused("ci".to_owned(), vec![round, n], problem)).unwrap();
                row.write(&conn, Timestamp::from_micros(0), &mut tally).unwrap();
            }
            tally.write(&conn).unwrap();
            trim(&conn, 5).unwrap();
        }
        let kept: Vec<i64> = list(&conn, &crate::archive::Slot::default(), &JournalFilter::default())
            .unwrap()
            .iter()
            .map(|row| row.seq)
            .collect();
        assert_eq!(kept, [8, 9, 10, 11, 12]);
        assert_eq!(counts(&conn).unwrap().refused, 12);
    }
}
