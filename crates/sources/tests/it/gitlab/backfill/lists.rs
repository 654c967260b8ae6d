//! Lists: pages that move, what changed since, groups, what is asked for again.

use domain::Timestamp;
use domain::event::EventKind;
use domain::time::HOUR;
use serde_json::json;
use sources::poll::Settings;

use super::story::{Step, Story, sha};
use super::trouble::same;
use super::{YEAR, desk, hub, settings};
use crate::backfill::host::Desk;
use crate::backfill::hub::{Data, Fault, Hub};

fn ids(desk: &Desk, kind: EventKind) -> Vec<String> {
    desk.entities.keys().filter(|key| key.kind == kind).map(|key| key.id.to_string()).collect()
}

#[test]
fn what_changes_between_two_pages_is_read_all_the_same() {
    // The last but one changes while the first page is read, and with it the order: those after it move one up, over the
    // border between two pages.
    let steps = [Step::Deploy("running"); 9];
    let hub = hub(2, &steps);
    let since = Timestamp::parse("2025-01-01T00:00:00Z").unwrap();
    let mut changed = 0;
    hub.script(move |_, target, data| {
        if target.contains("/deployments?") && target.contains("page=2") && changed < 2 {
            let all = data.lists.get_mut("/projects/7/deployments").unwrap();
            let first = all.iter_mut().min_by_key(|item| item["updated_at"].to_string()).unwrap();
            first["updated_at"] = json!(format!("2025-03-01T00:00:0{changed}Z"));
            first["status"] = json!("success");
            changed += 1;
        }
        None
    });
    let mut desk = desk();
    desk.read(&Settings { since: Some(since), ..settings(&hub) });
    assert_eq!(ids(&desk, EventKind::Deployment).len(), 9);
    let over = desk.entities.values().filter(|entity| entity.text("status") == Some("succeeded")).count();
    assert_eq!(over, 2);
}

#[test]
fn pages_that_come_twice_and_out_of_order_do_no_harm() {
    let hub = hub(2, YEAR);
    let mut calm = desk();
    calm.read(&settings(&hub));
    hub.script(|number, _, data| {
        if number % 3 == 0 {
            data.lists.values_mut().for_each(|items| items.reverse());
        }
        None
    });
    let mut desk = desk();
    desk.read(&settings(&hub));
    same(&desk.entities, &calm.entities);
}

#[test]
fn a_poll_asks_for_what_changed_since_and_ends_with_the_same() {
    let mut story = Story::of(YEAR);
    let hub = Hub::start(Data { page: 3, ..std::mem::take(&mut story.data) });
    let mut desk = desk();
    desk.read(&settings(&hub));
    hub.change(|data| {
        let all = data.lists.get_mut("/projects/7/deployments").unwrap();
        all[0]["status"] = json!("failed");
        all[0]["updated_at"] = json!("2025-02-01T00:00:00Z");
    });
    hub.script(|_, _, _| None);
    let since = Timestamp::parse("2025-01-31T23:00:00Z").unwrap();
    desk.read(&Settings { run: "2".to_owned(), since: Some(since), ..settings(&hub) });
    let asked = hub.asked();
    for list in ["deployments", "pipelines", "merge_requests", "issues"] {
        let of: Vec<_> = asked.iter().filter(|asked| asked.starts_with(&format!("/projects/7/{list}?"))).collect();
        assert!(of.len() == 1 && of[0].contains("updated_after=2025-01-31T23:00:00Z&order_by=updated_at"), "{of:?}");
    }
    assert!(!asked.iter().any(|asked| asked.contains("/jobs") || asked.contains("/notes")), "{asked:?}");
    let mut whole = super::desk();
    whole.read(&settings(&hub));
    same(&desk.entities, &whole.entities);
}

#[test]
fn what_has_not_changed_is_not_asked_for_in_parts_again() {
    let hub = hub(100, YEAR);
    let mut desk = desk();
    desk.read(&settings(&hub));
    hub.script(|_, _, _| None);
    // Of a run that is over nothing but the project.
    desk.read(&settings(&hub));
    assert_eq!(hub.asked(), ["/projects/acme%2Fshop%2Fcart"]);
    let before = desk.pages.len();
    desk.read(&Settings { run: "2".to_owned(), ..settings(&hub) });
    let parts =
        |asked: &String| ["/jobs", "/notes", "/commits?per", "/resource_state"].iter().any(|part| asked.contains(part));
    assert!(!hub.asked().iter().any(parts), "{:?}", hub.asked());
    assert_eq!(desk.pages.len(), before);
}

#[test]
fn a_group_has_projects_and_what_is_off_or_empty_is_no_trouble() {
    let hub = hub(2, &[Step::Commit]);
    hub.change(|data| {
        let project = |id: u64, name: &str| json!({"id": id, "path_with_namespace": format!("acme/shop/{name}"), "default_branch": "main"});
        let mut copy = project(8, "copy");
        copy["forked_from_project"] = json!({"id": 7});
        let mut empty = project(9, "empty");
        empty["empty_repo"] = json!(true);
        for switch in ["releases", "builds", "environments", "merge_requests", "issues"] {
            empty[format!("{switch}_access_level")] = json!("disabled");
        }
        data.lists.get_mut("/groups/acme%2Fshop/projects").unwrap().extend([copy, empty]);
        data.lists.insert("/projects/9/repository/tags".to_owned(), Vec::new());
    });
    hub.script(|_, target, _| {
        let off = target.starts_with("/projects/9/") && !target.contains("/repository/");
        off.then(|| Fault::Answer(403, Vec::new(), json!({"message": "403 Forbidden"}).to_string()))
    });
    let mut desk = desk();
    let owners = vec!["acme/shop".to_owned()];
    let progress = desk.read(&Settings { repositories: Vec::new(), owners, ..settings(&hub) });
    assert_eq!((progress.repositories_done, progress.repositories_total), (2, 2));
    assert!(!hub.asked().iter().any(|asked| asked.contains("/projects/8")), "a fork's history is another's");
    assert_eq!(ids(&desk, EventKind::Change).len(), 2);
}

#[test]
fn a_tag_that_is_moved_and_moved_back_is_what_it_was_last() {
    let hub = hub(100, &[Step::Commit, Step::Tag(false)]);
    let mut desk = desk();
    let name = |desk: &Desk| {
        desk.entities.iter().find(|(key, _)| key.kind == EventKind::Tag).unwrap().1.text("sha").unwrap().to_owned()
    };
    let mut stands = Vec::new();
    for (run, number) in [("1", 200), ("2", 100), ("3", 200)] {
        hub.change(|data| {
            data.lists.get_mut("/projects/7/repository/tags").unwrap()[0]["commit"]["id"] = json!(sha(number))
        });
        desk.now = desk.now.plus(HOUR);
        desk.read(&Settings { run: run.to_owned(), ..settings(&hub) });
        stands.push(name(&desk) == sha(number));
    }
    assert_eq!(stands, [true, true, true]);
}

#[test]
fn an_incident_that_is_none_any_more_is_withdrawn_and_one_opened_again_is_open() {
    let hub = hub(100, &[Step::Incident(true), Step::Incident(true)]);
    let mut desk = desk();
    desk.read(&settings(&hub));
    hub.change(|data| {
        let issues = data.lists.get_mut("/projects/7/issues").unwrap();
        issues[0]["issue_type"] = json!("issue");
        issues[0]["updated_at"] = json!("2025-02-01T00:00:00Z");
        issues[1]["state"] = json!("opened");
        issues[1]["closed_at"] = json!(null);
        issues[1]["updated_at"] = json!("2025-02-01T00:00:00Z");
        let number = issues[1]["iid"].clone();
        let events = data.lists.get_mut(&format!("/projects/7/issues/{number}/resource_state_events")).unwrap();
        events.push(json!({"state": "reopened", "created_at": "2025-01-31T23:59:59Z"}));
    });
    let since = Some(Timestamp::parse("2025-01-31T00:00:00Z").unwrap());
    desk.read(&Settings { run: "2".to_owned(), since, ..settings(&hub) });
    let incidents: Vec<_> =
        desk.entities.iter().filter(|(key, _)| key.kind == EventKind::Incident).map(|(_, entity)| entity).collect();
    assert_eq!(incidents.iter().map(|entity| entity.flag("withdrawn")).collect::<Vec<_>>(), [Some(true), Some(false)]);
    assert_eq!(incidents[1].text("reopened_at"), Some("2025-01-31T23:59:59Z"));
}

#[test]
fn an_approval_is_told_by_the_remark_gitlab_makes_of_it() {
    let hub = hub(100, &[Step::Merge(1)]);
    hub.change(|data| {
        let notes = data.lists.get_mut("/projects/7/merge_requests/2/notes").unwrap();
        notes.push(json!({"system": true, "body": "approved this merge request", "author": {"username": "bob"}, "created_at": "2025-01-01T02:35:00Z"}));
    });
    let mut desk = desk();
    desk.read(&settings(&hub));
    let request = desk.entities.iter().find(|(key, _)| key.kind == EventKind::PullRequest).unwrap().1;
    assert_eq!(request.text("approved_at"), Some("2025-01-01T02:35:00Z"));
    assert_eq!(request.text("first_review_at"), Some("2025-01-01T02:30:00Z"));
}
