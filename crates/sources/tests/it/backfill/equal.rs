//! Webhooks and the API tell the same: a year told by either, and by both, is the same year.

use domain::Timestamp;
use domain::event::{Event, EventKind};
use proptest::prelude::*;
use serde_json::Value;
use sources::{Delivery, find};

use super::host::{Desk, Entities, events, merge, settings};
use super::hub::Hub;
use super::story::{Step, Story};

fn told_by_webhooks(story: &Story) -> Vec<Event> {
    let received_at = Timestamp::parse("2026-11-01T00:00:00Z").unwrap();
    let read = |(event, body): &(&str, Value)| {
        let headers = [("x-github-event".to_owned(), (*event).to_owned())];
        let body = body.to_string();
        let delivery =
            Delivery { source: "github", event: "webhook", headers: &headers, body: body.as_bytes(), received_at };
        let parsed = (find("github").unwrap().parse)(&delivery).unwrap();
        parsed.events.into_iter().map(Result::unwrap).collect::<Vec<_>>()
    };
    story.webhooks.iter().flat_map(read).collect()
}

/// What only one of the two tells, or each in its way.
fn is_own(kind: EventKind, field: &str) -> bool {
    match (kind, field) {
        // A push guesses parents; the API knows them, and when a commit was written.
        (EventKind::Change, "parents" | "parents_assumed" | "authored_at" | "updated_at") => true,
        // A push says when it came, a page when it was read.
        (EventKind::Tag, "tagged_at" | "updated_at") => true,
        (EventKind::PullRequest, "commits" | "first_commit_at") => true,
        _ => false,
    }
}

/// Everything that both tell: whatever there is in one is in the other.
fn shared(entities: &Entities) -> Vec<String> {
    let one = |(key, entity): (&domain::EntityKey, &domain::event::Entity)| {
        let values = entity.values();
        let mut fields: Vec<String> = values
            .iter()
            .filter(|(field, _)| !is_own(key.kind, field))
            .map(|(field, value)| format!("{field}={value}"))
            .collect();
        fields.sort();
        format!("{key}: {}", fields.join(" "))
    };
    entities.iter().map(one).collect()
}

fn check(steps: &[Step]) {
    let mut story = Story::of(steps);
    let hooks = told_by_webhooks(&story);
    let mut by_webhooks = Entities::new();
    merge(&mut by_webhooks, hooks.clone());
    let mut data = std::mem::take(&mut story.data);
    data.page = 3;
    let hub = Hub::start(data);
    let mut desk = Desk::new();
    desk.read(&settings(&hub));
    pretty(&shared(&desk.entities), &shared(&by_webhooks));

    // Both together, in either order: what both tell stays, and each adds its own.
    let pages: Vec<Event> = desk.pages.values().flat_map(|page| events(page, desk.now)).collect();
    let mut both = by_webhooks.clone();
    merge(&mut both, pages.clone());
    let mut other = Entities::new();
    merge(&mut other, pages.into_iter().rev().chain(hooks));
    assert_eq!(both, other);
    pretty(&shared(&both), &shared(&by_webhooks));
    let commit = desk.entities.iter().find(|(key, _)| key.kind == EventKind::Change).unwrap();
    assert_eq!(both[commit.0].get("parents"), commit.1.get("parents"));
}

fn pretty(left: &[String], right: &[String]) {
    for (left, right) in left.iter().zip(right) {
        assert_eq!(left, right);
    }
    assert_eq!(left.len(), right.len());
}

#[test]
fn every_kind_of_event_is_told_alike() {
    check(&[
        Step::Commit,
        Step::Deploy("success"),
        Step::Tag,
        Step::Squash(3),
        Step::Run(3),
        Step::Workflow(true),
        Step::Workflow(false),
        Step::Deploy("failure"),
        Step::Incident(true),
        Step::Deploy("inactive"),
        Step::Release,
        Step::Issue,
        Step::Incident(false),
        Step::Deploy("in_progress"),
        Step::Run(1),
    ]);
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Commit),
        (1u8..5).prop_map(Step::Squash),
        prop::sample::select(vec!["success", "failure", "error", "in_progress", "inactive", "queued"])
            .prop_map(Step::Deploy),
        any::<bool>().prop_map(Step::Workflow),
        Just(Step::Tag),
        Just(Step::Release),
        (1u8..4).prop_map(Step::Run),
        any::<bool>().prop_map(Step::Incident),
        Just(Step::Issue),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_year_is_told_alike(steps in prop::collection::vec(step(), 0..30)) {
        check(&steps);
    }
}
