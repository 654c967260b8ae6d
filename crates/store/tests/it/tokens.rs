//! Tokens.

use store::{Scope, StoreError};
use tempfile::TempDir;

use crate::support::{now, open};

#[test]
fn a_token_lives_until_it_is_revoked() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let secret = store.create_token("ci", &[Scope::Read, Scope::Ingest, Scope::Read], now()).unwrap();
    assert!(secret.starts_with("ll_") && secret.len() == 67);
    assert_ne!(secret, store.create_token("other", &[Scope::Admin], now()).unwrap());
    let token = store.token(&secret).unwrap().unwrap();
    assert_eq!((token.name.as_str(), &token.scopes[..]), ("ci", &[Scope::Ingest, Scope::Read][..]));
    assert!(token.allows(Scope::Read) && !token.allows(Scope::Admin));
    assert_eq!(store.token("ll_wrong").unwrap(), None);
    assert!(matches!(store.create_token("ci", &[Scope::Read], now()), Err(StoreError::TokenExists(_))));
    assert!(matches!(store.create_token("", &[Scope::Read], now()), Err(StoreError::TokenInvalid(_))));
    drop(store);

    let store = open(&folder);
    assert!(store.token(&secret).unwrap().is_some());
    assert!(store.revoke_token("ci", now()).unwrap() && !store.revoke_token("ci", now()).unwrap());
    assert_eq!(store.token(&secret).unwrap(), None);
    assert_eq!(store.tokens().unwrap().len(), 1);
    store.create_token("ci", &[Scope::Read], now()).unwrap();
    drop(store);
    let bytes = std::fs::read(folder.path().join("leadline.db")).unwrap();
    assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
}

#[test]
fn a_given_secret_replaces_the_one_before() {
    let folder = TempDir::new().unwrap();
    let store = open(&folder);
    let put = |secret| store.put_token("admin", &[Scope::Admin], secret, now());
    put("a secret of some length").unwrap();
    put("a secret of some length").unwrap();
    assert!(store.token("a secret of some length").unwrap().unwrap().allows(Scope::Ingest));
    put("another secret of length").unwrap();
    assert_eq!(store.token("a secret of some length").unwrap(), None);
    assert_eq!(store.tokens().unwrap().len(), 1);
    assert!(put("short").is_err());
}
