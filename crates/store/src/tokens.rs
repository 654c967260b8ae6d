//! Tokens: who may do what. Only hashes are kept.

use std::fmt;
use std::str::FromStr;

use domain::Timestamp;
use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::StoreError;
use crate::sql::{all, one, run};

/// A name is no longer than this, in bytes.
const NAME_BYTES: usize = 128;
/// A given secret is no shorter than this, in bytes: a short one can be guessed.
const SECRET_BYTES: usize = 16;

/// What a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everything.
    Admin,
    /// To bring events.
    Ingest,
    /// To ask.
    Read,
}

impl Scope {
    /// Every scope.
    pub const ALL: &'static [Scope] = &[Scope::Admin, Scope::Ingest, Scope::Read];

    /// The word in JSON and on the command line.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Scope::Admin => "admin",
            Scope::Ingest => "ingest",
            Scope::Read => "read",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl FromStr for Scope {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Scope::ALL.iter().copied().find(|scope| scope.text() == text).ok_or(())
    }
}

/// A live token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Unique among live tokens; the source of events that name none.
    pub name: String,
    /// What it allows, each once, in order.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Token {
    /// Whether it allows this; `admin` allows everything.
    #[must_use]
    pub fn allows(&self, scope: Scope) -> bool {
        self.scopes.iter().any(|own| *own == scope || *own == Scope::Admin)
    }
}

/// A token with the hash of its secret.
#[derive(Clone)]
pub(crate) struct Live {
    pub(crate) token: Token,
    hash: [u8; 32],
}

/// `ll_` and 32 random bytes in hexadecimal.
pub(crate) fn new_secret() -> Result<String, StoreError> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Random(error.to_string()))?;
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("ll_{digits}"))
}

/// A token to store.
pub(crate) fn checked(name: &str, scopes: &[Scope], secret: &str, now: Timestamp) -> Result<Live, StoreError> {
    let bad = |why: String| Err(StoreError::TokenInvalid(why));
    if name.trim().is_empty() || name != name.trim() || name.len() > NAME_BYTES || name.chars().any(char::is_control) {
        return bad(format!(
            "a token's name has 1 to {NAME_BYTES} bytes, no spaces around it and no control characters"
        ));
    }
    if scopes.is_empty() {
        return bad("a token has at least one scope: admin, ingest or read".to_owned());
    }
    if secret.len() < SECRET_BYTES {
        return bad(format!("a token's secret has at least {SECRET_BYTES} bytes"));
    }
    let mut scopes = scopes.to_vec();
    scopes.sort_unstable();
    scopes.dedup();
    let token = Token { name: name.to_owned(), scopes, created_at: now };
    Ok(Live { token, hash: Sha256::digest(secret.as_bytes()).into() })
}

/// Looks at every token whatever it finds on the way.
pub(crate) fn find(live: &[Live], secret: &str) -> Option<Token> {
    let hash: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
    live.iter().fold(None, |found, live| {
        let same = bool::from(live.hash.ct_eq(&hash));
        if same { found.or_else(|| Some(live.token.clone())) } else { found }
    })
}

pub(crate) fn live(conn: &Connection) -> Result<Vec<Live>, StoreError> {
    let sql = "SELECT name, scopes, created_at, hash FROM token WHERE revoked_at IS NULL ORDER BY name";
    all(conn, sql, [], |row| {
        let scopes: String = row.get(1)?;
        let scopes = scopes.split_whitespace().filter_map(|scope| scope.parse().ok()).collect();
        let token = Token { name: row.get(0)?, scopes, created_at: Timestamp::from_micros(row.get(2)?) };
        Ok(Live { token, hash: row.get(3)? })
    })
}

pub(crate) fn create(conn: &Connection, new: &Live) -> Result<(), StoreError> {
    let sql = "SELECT 1 FROM token WHERE name = ? AND revoked_at IS NULL";
    if one(conn, sql, [&new.token.name], |_| Ok(()))?.is_some() {
        return Err(StoreError::TokenExists(new.token.name.clone()));
    }
    insert(conn, new)
}

fn insert(conn: &Connection, new: &Live) -> Result<(), StoreError> {
    let scopes: Vec<&str> = new.token.scopes.iter().map(|scope| scope.text()).collect();
    let sql = "INSERT INTO token (name, hash, scopes, created_at) VALUES (?, ?, ?, ?)";
    run(conn, sql, params![new.token.name, new.hash, scopes.join(" "), new.token.created_at.micros()])?;
    Ok(())
}

pub(crate) fn put(conn: &Connection, new: &Live) -> Result<(), StoreError> {
    let known = live(conn)?.into_iter().find(|known| known.token.name == new.token.name);
    if known.is_some_and(|known| known.hash == new.hash && known.token.scopes == new.token.scopes) {
        return Ok(());
    }
    revoke(conn, &new.token.name, new.token.created_at)?;
    insert(conn, new)
}

pub(crate) fn revoke(conn: &Connection, name: &str, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE token SET revoked_at = ? WHERE name = ? AND revoked_at IS NULL";
    Ok(run(conn, sql, params![now.micros(), name])? > 0)
}
