//! As a GitHub App: it signs, is given a token for each installation, and renews it before it ends.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Timestamp;
use serde_json::{Value, json};
use sources::poll::{Credentials, PollError, Settings};

use super::host::{Desk, settings};
use super::hub::{Data, Fault, Hub};
use super::story::{Step, Story};

/// A key made for these tests: it opens nothing.
const KEY: &str = include_str!("app.pem");

fn hub() -> Hub {
    let story = Story::of(&[Step::Deploy("success"), Step::Tag, Step::Squash(2)]);
    let hub = Hub::start(Data { page: 2, ..story.data });
    hub.change(|data| {
        data.tokens.clear();
        let installed = |id: u64, login: &str, suspended: Option<&str>| json!({"id": id, "account": {"login": login}, "suspended_at": suspended});
        let all = vec![installed(7, "Acme", None), installed(8, "gone", Some("2025-01-01T00:00:00Z"))];
        data.lists.insert("/app/installations".to_owned(), all);
        let cart = json!({"full_name": "acme/cart", "default_branch": "main", "fork": false});
        data.lists.insert("/installation/repositories".to_owned(), vec![cart]);
    });
    hub
}

/// Gives a new token each time it is asked for, for an hour from `now`.
fn gives_tokens(hub: &Hub) {
    let mut given = 0;
    hub.script(move |_, target, data| {
        if target != "/app/installations/7/access_tokens" {
            return None;
        }
        given += 1;
        let token = format!("ghs_installation_{given}");
        // The one before is not taken any more.
        data.tokens = [token.clone()].into();
        let ends = if given == 1 { "2026-11-01T01:00:00Z" } else { "2026-11-01T23:00:00Z" };
        Some(Fault::Answer(201, Vec::new(), json!({"token": token, "expires_at": ends}).to_string()))
    });
}

fn app(hub: &Hub) -> Settings {
    let credentials = Credentials::App { id: "4711".to_owned(), private_key: KEY.to_owned() };
    Settings { credentials, repositories: Vec::new(), ..settings(hub) }
}

#[test]
fn an_app_reads_what_it_is_installed_for() {
    let hub = hub();
    gives_tokens(&hub);
    let mut desk = Desk::new();
    let progress = desk.read(&app(&hub));
    assert_eq!(progress.repositories_total, 1);
    assert!(desk.entities.keys().any(|key| key.kind.text() == "deployment"));
    assert_eq!(hub.asked().iter().filter(|asked| asked.ends_with("/access_tokens")).count(), 1);
    let shown = format!("{:?} {:?} {:?}", app(&hub), desk.told, desk.cursors);
    assert!(!shown.contains("ghs_") && !shown.contains("PRIVATE") && shown.contains("App(4711, …)"), "{shown}");
}

#[test]
fn a_token_is_made_anew_before_it_ends_and_when_it_is_not_taken() {
    let hub = hub();
    gives_tokens(&hub);
    let mut desk = Desk::new();
    // The first token has four minutes left.
    desk.now = Timestamp::parse("2026-11-01T00:56:00Z").unwrap();
    desk.read(&app(&hub));
    assert_eq!(hub.asked().iter().filter(|asked| asked.ends_with("/access_tokens")).count(), 2);

    let hub = self::hub();
    let mut given = 0;
    hub.script(move |number, target, data| {
        if number == 9 {
            data.tokens.clear();
        }
        (target == "/app/installations/7/access_tokens").then(|| {
            given += 1;
            let token = format!("ghs_{given}");
            data.tokens.insert(token.clone());
            Fault::Answer(201, Vec::new(), json!({"token": token, "expires_at": "2026-11-01T23:00:00Z"}).to_string())
        })
    });
    Desk::new().read(&app(&hub));
    assert_eq!(hub.asked().iter().filter(|asked| asked.ends_with("/access_tokens")).count(), 2);
}

#[test]
fn the_claim_is_signed_by_the_key_and_short_lived() {
    let hub = hub();
    // The hub does not show headers; the claim is seen where it is refused.
    hub.script(|_, target, _| target.starts_with("/app/").then(|| Fault::Answer(401, Vec::new(), String::new())));
    let mut desk = Desk::new();
    let (_, done) = desk.run(&app(&hub));
    let Err(PollError::Failed(why)) = done else { panic!("{done:?}") };
    assert!(why.starts_with("GitHub does not know the app (401)"), "{why}");

    let claim = hub.bearers().into_iter().last().unwrap();
    let parts: Vec<&str> = claim.split('.').collect();
    let read = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    assert_eq!(read(parts[0]), json!({"alg": "RS256", "typ": "JWT"}));
    let now = desk.now.micros() / 1_000_000;
    assert_eq!(read(parts[1]), json!({"iat": now - 60, "exp": now + 540, "iss": "4711"}));
    let signed = format!("{}.{}", parts[0], parts[1]);
    let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
    let public = include_bytes!("app.der");
    let key = ring::signature::UnparsedPublicKey::new(&ring::signature::RSA_PKCS1_2048_8192_SHA256, public);
    key.verify(signed.as_bytes(), &signature).unwrap();
}

#[test]
fn where_an_app_is_not_installed_is_told() {
    let hub = hub();
    gives_tokens(&hub);
    let settings =
        Settings { repositories: vec!["other/repo".to_owned()], owners: vec!["gone".to_owned()], ..app(&hub) };
    let (progress, done) = Desk::new().run(&settings);
    done.unwrap();
    let messages: Vec<&str> = progress.failures.iter().map(|failure| failure.message.as_str()).collect();
    assert_eq!(
        messages,
        ["other", "gone"].map(|owner| format!(
            "the app is not installed at `{owner}`; install it there, for the repositories to read"
        ))
    );
}
