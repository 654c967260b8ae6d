//! What a person is told when GitHub says no.

use serde_json::json;
use sources::find;
use sources::poll::{Credentials, Failure, PollError, Settings};

use super::host::{Desk, settings};
use super::hub::{Data, Fault, Hub, TOKEN};
use super::story::{Step, Story};

fn hub() -> Hub {
    let story = Story::of(&[Step::Deploy("success"), Step::Tag]);
    Hub::start(Data { page: 2, ..story.data })
}

fn failures(hub: &Hub, settings: &Settings) -> Vec<Failure> {
    let (progress, done) = Desk::new().run(settings);
    done.unwrap();
    assert!(!hub.asked().is_empty());
    progress.failures
}

#[test]
fn a_token_that_is_not_taken_ends_it_and_is_never_shown() {
    let hub = hub();
    let secret = "ghp_not_the_right_one_000";
    let settings = Settings { credentials: Credentials::Token(secret.to_owned()), ..settings(&hub) };
    let mut desk = Desk::new();
    let (progress, done) = desk.run(&settings);
    assert_eq!(
        done,
        Err(PollError::Failed(
            "GitHub does not accept the token for the repository acme/cart (401, \"Bad credentials\"): it is wrong, was \
             revoked or has expired; make a new one and set it as `token`, `token_file` or `token_env` of the source, or \
             see `app_id` and `private_key_file`"
                .to_owned()
        ))
    );
    let shown = format!("{settings:?} {progress:?} {done:?} {:?} {:?}", desk.told, desk.cursors);
    assert!(!shown.contains(secret), "{shown}");
    assert_eq!(hub.asked().len(), 1, "it does not knock again and again");
}

#[test]
fn a_lacking_permission_is_named_and_the_rest_is_read() {
    let hub = hub();
    hub.script(|_, target, _| {
        let lacking = vec![("x-accepted-github-permissions", "deployments=read".to_owned())];
        let message = json!({"message": "Resource not accessible by personal access token"}).to_string();
        target.contains("/deployments?").then_some(Fault::Answer(403, lacking, message))
    });
    let failures = failures(&hub, &settings(&hub));
    assert_eq!(failures.len(), 1);
    assert_eq!(
        failures[0].message,
        "GitHub refuses deployments of acme/cart (403, \"Resource not accessible by personal access token\"); allow the \
         token or app `deployments=read`"
    );
    assert!(hub.asked().iter().any(|asked| asked.contains("/issues?")));
}

#[test]
fn a_repository_that_is_not_there_stops_no_other() {
    let hub = hub();
    let repositories = vec!["acme/gone".to_owned(), "acme/cart".to_owned()];
    let failures = failures(&hub, &Settings { repositories, owners: vec!["nobody".to_owned()], ..settings(&hub) });
    assert_eq!(failures.len(), 2);
    assert_eq!(
        failures[0].message,
        "the repository acme/gone: not found (404); see whether the name is right, and whether the token or app may read \
         it: GitHub does not tell the two apart"
    );
    assert_eq!(failures[1].repository, "nobody");
    assert!(hub.asked().iter().any(|asked| asked.contains("/cart/deployments?")));
}

#[test]
fn the_token_goes_to_no_other_server() {
    let (hub, other) = (hub(), hub());
    let next = format!("<{}/repos/acme/cart/tags?page=2>; rel=\"next\"", other.url());
    hub.script(move |_, target, _| {
        let page = json!([{"name": "v1", "commit": {"sha": super::story::sha(100)}}]).to_string();
        target.contains("/tags?").then(|| Fault::Answer(200, vec![("link", next.clone())], page))
    });
    let failures = failures(&hub, &settings(&hub));
    assert!(failures[0].message.contains("on another server, which is not asked"), "{failures:?}");
    // Nor by a redirect; one within the server is followed, as that of a repository with a new name.
    let place = format!("{}/repos/acme/cart", other.url());
    hub.script(move |_, target, _| {
        (target == "/repos/acme/cart").then(|| Fault::Answer(302, vec![("location", place.clone())], String::new()))
    });
    let failures = self::failures(&hub, &settings(&hub));
    assert!(failures[0].message.contains("moved to another server, which is not asked"), "{failures:?}");
    assert!(other.asked().is_empty());
    hub.script(|_, target, _| {
        let place = vec![("location", "/repos/acme/cart".to_owned())];
        (target == "/repos/acme/old").then(|| Fault::Answer(301, place, String::new()))
    });
    let old = Settings { repositories: vec!["acme/old".to_owned()], ..settings(&hub) };
    assert_eq!(self::failures(&hub, &old), []);
    assert!(hub.asked().iter().any(|asked| asked.contains("/cart/deployments?")));
}

#[test]
fn answers_that_are_not_githubs_are_told() {
    let hub = hub();
    hub.script(|_, target, _| {
        let body = if target.contains("/tags?") { "<html>" } else { "{\"deployments\": 1}" };
        (target.contains("/tags?") || target.contains("/deployments?"))
            .then(|| Fault::Answer(200, Vec::new(), body.to_owned()))
    });
    let messages: Vec<String> = failures(&hub, &settings(&hub)).into_iter().map(|failure| failure.message).collect();
    assert_eq!(
        messages,
        [
            "a page of tags of acme/cart is not JSON; is `api_url` right?",
            "a page of deployments of acme/cart is no list; is `api_url` right?"
        ]
    );
}

#[test]
fn pages_that_go_round_in_a_circle_are_left() {
    let hub = hub();
    let url = hub.url();
    hub.script(move |_, target, _| {
        let list =
            ["/tags?", "/statuses?", "/commits?", "/releases?"].into_iter().find(|list| target.contains(list))?;
        let next = format!("<{url}/repos/acme/cart{list}page=2>; rel=\"next\"");
        Some(Fault::Answer(200, vec![("link", next)], "[]".to_owned()))
    });
    let failures = failures(&hub, &settings(&hub));
    let of: Vec<&str> = failures.iter().map(|failure| failure.resource.as_str()).collect();
    assert_eq!(of, ["commits", "tags", "releases", "deployments"]);
    assert!(failures.iter().all(|failure| failure.message.contains("go round in a circle")), "{failures:?}");
}

#[test]
fn settings_are_checked_before_anything_is_asked() {
    let hub = hub();
    let check = find("github").unwrap().backfill.unwrap().check;
    let good = settings(&hub);
    assert_eq!(check(&good), Ok(()));
    for (bad, said) in [
        (Settings { api_url: "ftp://x".to_owned(), ..good.clone() }, "api_url"),
        (Settings { api_url: "https://a:b@x".to_owned(), ..good.clone() }, "api_url"),
        (Settings { api_url: "http://github.example.org/api/v3".to_owned(), ..good.clone() }, "write https://"),
        (Settings { repositories: vec!["cart".to_owned()], ..good.clone() }, "write owner/name"),
        (Settings { repositories: vec!["a/..".to_owned()], ..good.clone() }, "write owner/name"),
        (Settings { owners: vec!["a?b".to_owned()], ..good.clone() }, "no user or organisation"),
        (Settings { repositories: Vec::new(), ..good.clone() }, "nothing says what to read"),
        (Settings { credentials: Credentials::Token(format!("{TOKEN}\n")), ..good.clone() }, "white space"),
        (
            Settings {
                credentials: Credentials::App { id: "1".to_owned(), private_key: "x".to_owned() },
                ..good.clone()
            },
            "no RSA key",
        ),
    ] {
        let why = check(&bad).unwrap_err();
        assert!(why.contains(said) && !why.contains(TOKEN), "{why}");
    }
}
