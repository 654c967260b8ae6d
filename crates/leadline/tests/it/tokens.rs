//! `leadline token`.

use crate::run::leadline;

#[test]
fn a_token_is_made_listed_and_revoked() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = leadline(folder.path(), &["token", "create", "ci", "--scope", "ingest", "--scope", "read"]).ok();
    assert!(secret.starts_with("ll_") && secret.trim().len() == 67, "{secret}");
    assert_eq!(leadline(folder.path(), &["token", "create", "ci", "--scope", "read"]).code, Some(2));
    assert_eq!(leadline(folder.path(), &["token", "create", "x", "--scope", "all"]).code, Some(2));
    let list = leadline(folder.path(), &["token", "list", "--format", "json"]).json();
    assert_eq!(list["tokens"][0]["name"], "ci");
    assert_eq!(list["tokens"][0]["scopes"], serde_json::json!(["ingest", "read"]));
    assert!(leadline(folder.path(), &["token", "list"]).ok().contains("ingest, read"));
    leadline(folder.path(), &["token", "revoke", "ci"]).ok();
    assert_eq!(leadline(folder.path(), &["token", "revoke", "ci"]).code, Some(2));
}
