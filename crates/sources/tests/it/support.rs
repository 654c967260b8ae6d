//! What several tests need.

use std::path::PathBuf;

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The signature of a body in hexadecimal, as a sender makes it.
pub(crate) fn sign(body: &[u8], secret: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A file or folder of the shared fixtures: `LEADLINE_SHARED`, else the folder beside this repository. Says so where
/// there is none, and the test is skipped.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let root = std::env::var_os("LEADLINE_SHARED").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let found = root.join(path);
    if found.exists() {
        return Some(found);
    }
    println!("skipped: there is no {}", found.display());
    None
}

/// The rows of the shared manifest whose file begins like this: the file, and the fields proposed for it.
pub(crate) fn manifest(begins: &str) -> Option<std::collections::BTreeMap<String, serde_json::Value>> {
    let text = std::fs::read_to_string(shared("fixtures/MANIFEST.tsv")?).unwrap();
    let mut table = csv::ReaderBuilder::new().delimiter(b'\t').from_reader(text.as_bytes());
    let rows = table.records().map(Result::unwrap).filter(|row| row[0].starts_with(begins));
    Some(rows.map(|row| (row[0].to_owned(), serde_json::from_str(&row[6]).unwrap())).collect())
}
