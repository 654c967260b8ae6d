//! Limits and trouble: what is read in the end is the same.

use std::time::Duration;

use serde_json::json;
use sources::poll::PollError;

use super::{YEAR, desk, hub, settings};
use crate::backfill::host::{Desk, Entities};
use crate::backfill::hub::Fault;

fn fault(status: u16, headers: &[(&'static str, &str)]) -> Option<Fault> {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Some(Fault::Answer(status, headers, json!({ "message": "Retry later" }).to_string()))
}

/// A tag is what it was when its page came, which may be later in one of the two.
pub(super) fn same(left: &Entities, right: &Entities) {
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    for (key, entity) in left {
        let mut values = [entity.values(), right[key].values()];
        values.iter_mut().filter(|_| key.kind.text() == "tag").for_each(|values| drop(values.remove("updated_at")));
        assert_eq!(values[0], values[1], "{key}");
    }
}

#[test]
fn whatever_goes_wrong_on_the_way_the_end_is_the_same() {
    let hub = hub(2, YEAR);
    let mut calm = desk();
    calm.read(&settings(&hub));
    hub.script(|number, _, _| match number % 9 {
        1 => fault(500, &[]),
        2 => Some(Fault::Cut),
        3 => fault(429, &[("retry-after", "30")]),
        5 => Some(Fault::CutWithin),
        6 => fault(502, &[]),
        _ => None,
    });
    let mut desk = desk();
    desk.read(&settings(&hub));
    same(&desk.entities, &calm.entities);
    assert!(desk.waited > Duration::from_secs(90), "{:?}", desk.waited);
}

#[test]
fn a_spent_limit_is_waited_for_and_told() {
    let hub = hub(100, YEAR);
    let mut desk = desk();
    let reset = desk.now.micros() / 1_000_000 + 60;
    hub.script(move |number, _, _| {
        let reset = reset.to_string();
        let limit = [("ratelimit-limit", "2000"), ("ratelimit-remaining", "0"), ("ratelimit-reset", &*reset)];
        if number == 1 { fault(429, &limit) } else { None }
    });
    desk.read(&settings(&hub));
    assert_eq!(desk.waited, Duration::from_secs(61));
    let waits: Vec<_> = desk.told.iter().filter_map(|told| told.waiting.clone()).collect();
    assert_eq!((&*waits[0].why, waits[0].until.micros() / 1_000_000), ("rate limit", reset + 1));
    let limit = desk.told.iter().find_map(|told| told.rate_limit).unwrap();
    assert_eq!((limit.remaining, limit.limit), (1_999, 2_000));
}

#[test]
fn trouble_that_stays_is_noted_and_the_rest_is_read() {
    let hub = hub(2, YEAR);
    hub.script(|_, target, _| if target.contains("/merge_requests?") { fault(500, &[]) } else { None });
    let mut desk = desk();
    let (progress, done) = desk.run(&settings(&hub));
    assert_eq!(done, Ok(()));
    let failures: Vec<_> = progress.failures.iter().map(|failure| (&*failure.resource, &*failure.message)).collect();
    let message = "GitLab answered 500 again and again for merge requests of acme/shop/cart; try again later";
    assert_eq!(failures, [("merge_requests", message)]);
    // When it is over the same run reads what is missing.
    hub.script(|_, _, _| None);
    desk.read(&settings(&hub));
    assert!(desk.entities.keys().any(|key| key.kind.text() == "pull_request"));
}

#[test]
fn killed_at_any_point_it_goes_on_and_ends_with_the_same() {
    let hub = hub(3, YEAR);
    let mut whole = desk();
    whole.read(&settings(&hub));
    let mut lives = 0;
    loop {
        let mut desk = Desk::of("gitlab");
        desk.lives = Some(lives);
        let (_, done) = desk.run(&settings(&hub));
        if done.is_ok() {
            break;
        }
        assert_eq!(done, Err(PollError::Stopped));
        desk.lives = None;
        desk.read(&settings(&hub));
        same(&desk.entities, &whole.entities);
        lives += 7;
    }
    assert!(lives > 60);
}
