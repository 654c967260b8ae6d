//! How texts and bodies lie in a column: plain while they are short, zstd when that saves room.

use std::cell::RefCell;

use roaring::RoaringBitmap;
use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zstd::bulk::{Compressor, Decompressor};

use crate::StoreError;

/// Raw bodies from this many bytes on are compressed.
const BODY_BYTES: usize = 200;
/// JSON of entities and facts from this many bytes on is compressed: below, reading it fast counts more.
const JSON_BYTES: usize = 4_096;
/// Above it zstd costs more time than the room is worth here.
const LEVEL: i32 = 3;

thread_local! {
    // Making a context costs more than compressing a short body.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// JSON as it is stored: SQLite's own type tells which of the two it is.
pub(crate) enum Json {
    Plain(String),
    Packed(Vec<u8>),
}

impl ToSql for Json {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Json::Plain(text) => ValueRef::Text(text.as_bytes()),
            Json::Packed(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Json {
    /// Whether a column holds just this.
    pub(crate) fn is(&self, stored: ValueRef<'_>) -> bool {
        match (self, stored) {
            (Json::Plain(text), ValueRef::Text(stored)) => text.as_bytes() == stored,
            (Json::Packed(bytes), ValueRef::Blob(stored)) => bytes == stored,
            _ => false,
        }
    }
}

/// As JSON, compressed when it is long.
pub(crate) fn to_json(value: &impl Serialize) -> Result<Json, StoreError> {
    let text = serde_json::to_string(value).map_err(|error| StoreError::unreadable("a value", error))?;
    if text.len() >= JSON_BYTES
        && let Some(packed) = compress(text.as_bytes())
    {
        return Ok(Json::Packed(packed));
    }
    Ok(Json::Plain(text))
}

/// Reads what [`to_json`] wrote.
pub(crate) fn from_json<T: DeserializeOwned>(what: &'static str, stored: ValueRef<'_>) -> Result<T, StoreError> {
    let unreadable = |error| StoreError::unreadable(what, error);
    match stored {
        ValueRef::Text(text) => serde_json::from_slice(text).map_err(unreadable),
        ValueRef::Blob(bytes) => serde_json::from_slice(&decompress(what, bytes)?).map_err(unreadable),
        other => Err(StoreError::unreadable(what, format!("it is {}", other.data_type()))),
    }
}

/// A body, and whether it is compressed: any bytes may come, so they cannot tell themselves.
pub(crate) fn pack(body: Vec<u8>) -> (Vec<u8>, bool) {
    if body.len() >= BODY_BYTES
        && let Some(packed) = compress(&body)
    {
        return (packed, true);
    }
    (body, false)
}

/// What [`pack`] was given.
pub(crate) fn unpack(body: Vec<u8>, packed: bool) -> Result<Vec<u8>, StoreError> {
    if packed { decompress("a body", &body) } else { Ok(body) }
}

/// None when it would not get smaller.
fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|slot| {
        if slot.is_none() {
            *slot = Compressor::new(LEVEL).ok();
        }
        let packed = slot.as_mut()?.compress(bytes).ok()?;
        (packed.len() < bytes.len()).then_some(packed)
    })
}

fn decompress(what: &'static str, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    let size = zstd::zstd_safe::get_frame_content_size(bytes).ok().flatten();
    let size = size.and_then(|size| usize::try_from(size).ok());
    let size = size.ok_or_else(|| StoreError::unreadable(what, "its compressed form does not tell its size"))?;
    DECOMPRESSOR
        .with_borrow_mut(|slot| {
            if slot.is_none() {
                *slot = Some(Decompressor::new()?);
            }
            slot.as_mut().map_or_else(|| Ok(Vec::new()), |context| context.decompress(bytes, size))
        })
        .map_err(|error| StoreError::unreadable(what, error))
}

/// A set of commit numbers as it is stored.
pub(crate) fn to_blob(set: &RoaringBitmap) -> Result<Vec<u8>, StoreError> {
    // A history that arrived whole is one run.
    let mut set = set.clone();
    set.optimize();
    let mut bytes = Vec::with_capacity(set.serialized_size());
    set.serialize_into(&mut bytes).map_err(|error| StoreError::unreadable("a set of commits", error))?;
    Ok(bytes)
}

/// Reads what [`to_blob`] wrote.
pub(crate) fn from_blob(bytes: &[u8]) -> Result<RoaringBitmap, StoreError> {
    RoaringBitmap::deserialize_from(bytes).map_err(|error| StoreError::unreadable("a set of commits", error))
}

/// A hash as its bytes when it is lower-case hexadecimal, else as text: the two never look alike to SQLite.
pub(crate) fn pack_sha(sha: &str) -> Value {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(nibble(*high)? << 4 | nibble(*low)?),
        _ => None,
    };
    match sha.as_bytes().chunks(2).map(byte).collect::<Option<Vec<u8>>>() {
        Some(bytes) => Value::Blob(bytes),
        None => Value::Text(sha.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_come_back_as_they_went_in() {
        for body in [Vec::new(), b"short".to_vec(), b"long and dull ".repeat(400), (0..=255).collect()] {
            let (stored, packed) = pack(body.clone());
            assert!(stored.len() <= body.len().max(BODY_BYTES));
            assert_eq!(unpack(stored, packed).unwrap(), body);
        }
        assert!(unpack(b"not zstd".to_vec(), true).is_err());
    }

    #[test]
    fn long_json_is_packed_and_read_back() {
        for length in [1, 10_000] {
            let text = "x".repeat(length);
            let stored = to_json(&text).unwrap();
            let output = stored.to_sql().unwrap();
            let ToSqlOutput::Borrowed(value) = output else { panic!("it is borrowed") };
            assert!(stored.is(value));
            assert_eq!(from_json::<String>("a text", value).unwrap(), text);
        }
    }

    #[test]
    fn hashes_pack_without_loss_of_meaning() {
        assert_eq!(pack_sha("00ff"), Value::Blob(vec![0, 255]));
        for text in ["abc", "00FF", "zz", "0g"] {
            assert_eq!(pack_sha(text), Value::Text(text.to_owned()), "{text}");
        }
    }
}
