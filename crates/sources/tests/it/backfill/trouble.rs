//! Limits and trouble: what is read in the end is the same.

use std::time::Duration;

use serde_json::json;
use sources::poll::PollError;

use super::host::{Desk, settings};
use super::hub::{Data, Fault, Hub};
use super::story::{Step, Story};

fn hub() -> Hub {
    let story = Story::of(&[
        Step::Squash(2),
        Step::Deploy("success"),
        Step::Tag,
        Step::Run(2),
        Step::Incident(true),
        Step::Release,
    ]);
    Hub::start(Data { page: 2, ..story.data })
}

fn fault(status: u16, headers: &[(&'static str, &str)], message: &str) -> Option<Fault> {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Some(Fault::Answer(status, headers, json!({ "message": message }).to_string()))
}

#[test]
fn whatever_goes_wrong_on_the_way_the_end_is_the_same() {
    let hub = hub();
    let mut calm = Desk::new();
    calm.read(&settings(&hub));
    hub.script(|number, _, _| match number % 11 {
        1 => fault(500, &[], "Server Error"),
        2 => Some(Fault::Cut),
        3 => fault(429, &[("retry-after", "30")], "slow down"),
        5 => fault(403, &[], "You have exceeded a secondary rate limit."),
        6 => Some(Fault::CutWithin),
        8 => fault(502, &[], "Bad Gateway"),
        9 => fault(503, &[("retry-after", "5")], "Service Unavailable"),
        _ => None,
    });
    let mut desk = Desk::new();
    desk.read(&settings(&hub));
    assert_eq!(desk.entities.keys().collect::<Vec<_>>(), calm.entities.keys().collect::<Vec<_>>());
    for (key, entity) in &desk.entities {
        let mut values = [entity.values(), calm.entities[key].values()];
        // A tag is what it was when its page came, which was later here.
        values.iter_mut().filter(|_| key.kind.text() == "tag").for_each(|values| drop(values.remove("updated_at")));
        assert_eq!(values[0], values[1], "{key}");
    }
    assert!(desk.waited > Duration::from_secs(90), "{:?}", desk.waited);
}

#[test]
fn a_spent_limit_is_waited_for_and_told() {
    let hub = hub();
    let mut desk = Desk::new();
    let reset = desk.now.micros() / 1_000_000 + 1_800;
    hub.script(move |number, _, _| {
        let reset = reset.to_string();
        let limit = |remaining| {
            [("x-ratelimit-limit", "5000"), ("x-ratelimit-remaining", remaining), ("x-ratelimit-reset", &reset)]
        };
        match number {
            0 => Some(Fault::Answer(
                200,
                limit("0").map(|(name, value)| (name, value.to_owned())).into(),
                json!({"full_name": "acme/cart", "default_branch": "main"}).to_string(),
            )),
            1 => fault(403, &limit("0"), "API rate limit exceeded"),
            _ => None,
        }
    });
    desk.read(&settings(&hub));
    // Before the second request nothing was left: it waited, and was told once more to.
    assert_eq!(desk.waited, Duration::from_secs(1_801 + 1));
    let waits: Vec<_> = desk.told.iter().filter_map(|told| told.waiting.clone()).collect();
    assert_eq!(waits[0].why, "rate limit");
    assert_eq!(waits[0].until.micros() / 1_000_000, reset + 1);
    let limit = desk.told.iter().find_map(|told| told.rate_limit).unwrap();
    assert_eq!((limit.remaining, limit.limit), (0, 5_000));
}

#[test]
fn trouble_that_stays_is_noted_and_the_rest_is_read() {
    let hub = hub();
    hub.script(|_, target, _| if target.contains("/pulls?") { fault(500, &[], "Server Error") } else { None });
    let mut desk = Desk::new();
    let (progress, done) = desk.run(&settings(&hub));
    done.unwrap();
    assert_eq!(progress.failures.len(), 1);
    let failure = &progress.failures[0];
    assert_eq!((failure.repository.as_str(), failure.resource.as_str()), ("acme/cart", "pull_requests"));
    assert_eq!(failure.message, "GitHub answered 500 again and again for pull requests of acme/cart; try again later");
    assert_eq!(hub.asked().iter().filter(|asked| asked.contains("/pulls?")).count(), 6);
    assert!(hub.asked().iter().any(|asked| asked.contains("/issues?")));
    // When it is over the same run reads what is missing.
    hub.script(|_, _, _| None);
    desk.read(&settings(&hub));
    assert!(hub.asked().iter().any(|asked| asked.contains("/pulls?")));
    assert!(desk.entities.keys().any(|key| key.kind.text() == "pull_request"));
}

#[test]
fn nobody_there_ends_it_with_what_to_do() {
    let hub = hub();
    let settings = settings(&hub);
    drop(hub);
    let mut desk = Desk::new();
    let (_, done) = desk.run(&settings);
    let Err(PollError::Failed(message)) = done else { panic!("{done:?}") };
    assert!(message.starts_with("GitHub does not answer for the repository acme/cart: "), "{message}");
    assert!(
        message.ends_with("see whether this machine reaches 127.0.0.1, and start again: it goes on where it was"),
        "{message}"
    );
    // Between the six attempts: half of 1, 2, 4, 8 and 16 seconds, and half of the other half by chance.
    assert_eq!(desk.waited, Duration::from_millis(31_000 * 3 / 4));
}

#[test]
fn told_to_stop_it_stops_also_while_it_waits() {
    let hub = hub();
    hub.script(|number, _, _| if number > 3 { fault(429, &[("retry-after", "600")], "") } else { None });
    let mut desk = Desk::new();
    desk.lives = Some(25);
    assert_eq!(desk.run(&settings(&hub)).1, Err(PollError::Stopped));
}
