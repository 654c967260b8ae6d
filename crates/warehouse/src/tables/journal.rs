//! `journal`: one row a delivery as it came. It stands in the lake for readers outside, not among the tables of SQL.

use domain::Timestamp;

use super::{Column, Table, TableDoc, bytes, count, instant, lent, text};

/// A delivery as it came, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArchivedRow {
    /// Its number, in the order of arrival.
    pub seq: i64,
    /// What it is.
    pub kind: &'static str,
    /// Who sent it.
    pub source: String,
    /// Of an event its type, of a webhook its parser.
    pub type_: Option<String>,
    /// Of an event its id, of a webhook its delivery id.
    pub id: Option<String>,
    /// Of a webhook its event or route.
    pub event: Option<String>,
    /// When it came.
    pub received_at: Timestamp,
    /// Of a webhook: the headers its parser needs, as JSON.
    pub headers: Option<String>,
    /// What had become of it when it was archived.
    pub state: &'static str,
    /// Why, as a public code.
    pub code: Option<String>,
    /// Why, for a person.
    pub message: Option<String>,
    /// Of an event the SHA-256 of its content, in hexadecimal.
    pub content_hash: Option<String>,
    /// First half of the SHA-256 of the body.
    pub digest: [u8; 16],
    /// What came.
    pub body: Vec<u8>,
}

pub(crate) fn table() -> Table<ArchivedRow> {
    let columns: Vec<Column<ArchivedRow>> = vec![
        count("seq", "Its number, in the order of arrival.", |row: &ArchivedRow| Some(row.seq)),
        text("kind", "`event`, `webhook` or `refused`.", |row: &ArchivedRow| lent(row.kind)),
        text("source", "Who sent it.", |row: &ArchivedRow| lent(&row.source)),
        text("type", "Of an event its type, of a webhook its parser.", |row: &ArchivedRow| {
            row.type_.as_deref().and_then(lent)
        }),
        text("id", "Of an event its id, of a webhook the id of the delivery.", |row: &ArchivedRow| {
            row.id.as_deref().and_then(lent)
        }),
        text("event", "Of a webhook its event or route.", |row: &ArchivedRow| row.event.as_deref().and_then(lent)),
        instant("received_at", "When it came.", |row: &ArchivedRow| Some(row.received_at)),
        text("headers", "Of a webhook the headers its parser needs, as JSON pairs; never a secret.", |row| {
            let row: &ArchivedRow = row;
            row.headers.as_deref().and_then(lent)
        }),
        text(
            "state",
            "`applied`, `ignored`, `rejected` or `refused`, as it was when the day was archived.",
            |row: &ArchivedRow| lent(row.state),
        ),
        text("code", "Why it was not taken: a public code.", |row: &ArchivedRow| row.code.as_deref().and_then(lent)),
        text("message", "Why it was not taken, for a person.", |row: &ArchivedRow| {
            row.message.as_deref().and_then(lent)
        }),
        text(
            "content_hash",
            "Of an event the SHA-256 of its content: repeats are known by it.",
            |row: &ArchivedRow| row.content_hash.as_deref().and_then(lent),
        ),
        bytes("digest", "First half of the SHA-256 of the body.", |row: &ArchivedRow| &row.digest),
        bytes("body", "What came, unchanged; of an event its fields as JSON.", |row: &ArchivedRow| &row.body),
    ];
    Table::new("journal", "One delivery as it came, by the day it came.", "received_at", columns)
}

/// The columns, for readers outside.
#[must_use]
pub fn journal_reference() -> TableDoc {
    table().own_reference()
}
