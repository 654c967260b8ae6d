//! Webhooks and the API tell the same: a history told by either, and by both, is the same history.

use domain::event::{Event, EventKind};
use proptest::prelude::*;

use super::story::{Step, Story};
use super::{YEAR, desk, settings};
use crate::backfill::host::{Entities, events_of, merge};
use crate::backfill::hub::{Data, Hub};
use crate::told::events;

/// What only one of the two tells, or each in its way.
fn is_own(kind: EventKind, field: &str) -> bool {
    match (kind, field) {
        // A push guesses parents; the API knows them, and when a commit was written.
        (EventKind::Change, "parents" | "parents_assumed" | "authored_at" | "updated_at") => true,
        // A push says when it came, a page when it was read; only the API tells when an annotated tag was made.
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
    let story = Story::of(steps);
    let hooks = events(
        story
            .webhooks
            .iter()
            .map(|body| super::super::send(&body.to_string()))
            .filter(|parsed| parsed.as_ref().is_ok_and(|parsed| parsed.ignored.is_none())),
    );
    let mut by_webhooks = Entities::new();
    merge(&mut by_webhooks, hooks.clone());
    let hub = Hub::start(Data { page: 2, ..story.data });
    let mut desk = desk();
    desk.read(&settings(&hub));
    same(&shared(&desk.entities), &shared(&by_webhooks));

    // Both together, in either order: what both tell stays, and each adds its own.
    let pages: Vec<Event> = desk.pages.values().flat_map(|page| events_of("gitlab", page, desk.now)).collect();
    let mut both = by_webhooks.clone();
    merge(&mut both, pages.clone());
    let mut other = Entities::new();
    merge(&mut other, pages.into_iter().rev().chain(hooks));
    assert_eq!(both, other);
    same(&shared(&both), &shared(&by_webhooks));
    let commit = desk.entities.iter().find(|(key, _)| key.kind == EventKind::Change).unwrap();
    assert_eq!(both[commit.0].get("parents"), commit.1.get("parents"));
}

fn same(left: &[String], right: &[String]) {
    for (left, right) in left.iter().zip(right) {
        assert_eq!(left, right);
    }
    assert_eq!(left.len(), right.len());
}

#[test]
fn every_kind_of_event_is_told_alike() {
    check(YEAR);
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Commit),
        (1u8..5).prop_map(Step::Merge),
        prop::sample::select(vec!["success", "failed", "canceled", "running", "blocked"]).prop_map(Step::Deploy),
        any::<bool>().prop_map(Step::Tag),
        Just(Step::Release),
        (1u8..4).prop_map(Step::Pipeline),
        any::<bool>().prop_map(Step::Incident),
        Just(Step::Issue),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn any_history_is_told_alike(steps in prop::collection::vec(step(), 0..24)) {
        check(&steps);
    }
}
