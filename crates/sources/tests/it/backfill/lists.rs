//! Pages: all of them, also when they move; those that are known; those that were read before it was killed.

use std::collections::BTreeSet;

use domain::event::EventKind;
use serde_json::{Value, json};
use sources::poll::PollError;

use super::host::{Desk, settings};
use super::hub::{Data, Hub};
use super::story::{Step, Story, sha};

const YEAR: &[Step] = &[
    Step::Deploy("success"),
    Step::Tag,
    Step::Squash(2),
    Step::Deploy("success"),
    Step::Run(2),
    Step::Run(1),
    Step::Commit,
    Step::Tag,
    Step::Deploy("failure"),
    Step::Release,
    Step::Incident(true),
    Step::Issue,
    Step::Squash(1),
    Step::Deploy("success"),
];

fn hub(page: usize, steps: &[Step]) -> Hub {
    let story = Story::of(steps);
    Hub::start(Data { page, ..story.data })
}

/// Ids of the entities of a kind.
fn ids(desk: &Desk, kind: EventKind) -> BTreeSet<String> {
    desk.entities.keys().filter(|key| key.kind == kind).map(|key| key.id.to_string()).collect()
}

fn deployment(id: u64) -> Value {
    json!({"id": id, "sha": sha(100), "ref": "main", "environment": "production", "created_at": "2025-02-01T00:00:00Z",
        "updated_at": "2025-02-01T00:00:00Z", "task": "deploy"})
}

/// Deployments are on pages of so many; between two requests the list changes.
fn moving(
    page: usize,
    count: u64,
    change: impl Fn(usize, &mut Vec<Value>) + Send + 'static,
) -> (Desk, BTreeSet<String>) {
    const PATH: &str = "/repos/acme/cart/deployments";
    let hub = hub(page, &[]);
    hub.change(|data| {
        data.lists.insert(PATH.to_owned(), (1..=count).rev().map(deployment).collect());
        for id in 0..=2 * count + 1_000 {
            data.lists.insert(format!("{PATH}/{id}/statuses"), Vec::new());
        }
    });
    let mut number = 0;
    hub.script(move |_, target, data| {
        if target.split('?').next() == Some(PATH) {
            change(number, data.lists.get_mut(PATH).unwrap());
            number += 1;
        }
        None
    });
    let mut desk = Desk::new();
    desk.read(&settings(&hub));
    let mut wanted = BTreeSet::new();
    hub.change(|data| wanted.extend(data.lists[PATH].iter().map(|item| item["id"].to_string())));
    (desk, wanted)
}

#[test]
fn a_list_that_grows_is_read_to_its_end() {
    // A new one at each of the first requests pushes all others on.
    let (desk, wanted) = moving(3, 20, |number, list| {
        if number < 6 {
            list.insert(0, deployment(100 + number as u64));
        }
    });
    assert_eq!(ids(&desk, EventKind::Deployment), wanted);
}

#[test]
fn what_slips_over_the_border_of_two_pages_is_found() {
    // One of the first page goes after it was read: the first of the second page moves onto it, unseen.
    let (desk, wanted) = moving(3, 20, |number, list| {
        if number == 1 || number == 3 {
            list.remove(0);
        }
    });
    let found = ids(&desk, EventKind::Deployment);
    assert!(found.is_superset(&wanted), "{wanted:?} {found:?}");
    assert_eq!(found.len(), 20, "what is gone by now was seen before");
}

#[test]
fn a_list_in_another_order_each_time_is_read_to_its_end() {
    let (desk, wanted) = moving(4, 15, |number, list| {
        if number < 8 {
            list.rotate_left(5);
        }
    });
    assert_eq!(ids(&desk, EventKind::Deployment), wanted);
}

#[test]
fn a_second_look_asks_only_for_what_changed() {
    let hub = hub(3, YEAR);
    let mut desk = Desk::new();
    let settings = settings(&hub);
    desk.read(&settings);
    let (pages, entities) = (desk.pages.len(), desk.entities.clone());
    hub.script(|_, _, _| None);
    // The same run again: nothing is asked for at all but the repository.
    desk.read(&settings);
    assert_eq!(hub.asked(), ["/repos/acme/cart"]);
    // Another one: of what can be asked for with a tag nothing comes again.
    hub.script(|_, _, _| None);
    let progress = desk.read(&sources::poll::Settings { run: "2".to_owned(), ..settings.clone() });
    let anew: Vec<String> = hub.asked().into_iter().filter(|asked| !asked.ends_with(" 304")).collect();
    assert_eq!(anew, ["/repos/acme/cart", "/repos/acme/cart/git/ref/heads/main"], "{:?}", hub.asked());
    assert!(progress.pages == 0 && progress.unchanged_pages > 10, "{progress:?}");
    assert_eq!((desk.pages.len(), &desk.entities), (pages, &entities));
    // What is new is found.
    let mut story = Story::of(YEAR);
    story.tell(&[Step::Commit, Step::Deploy("success"), Step::Tag]);
    hub.change(|data| *data = Data { page: 3, tokens: data.tokens.clone(), ..story.data });
    desk.read(&sources::poll::Settings { run: "3".to_owned(), ..settings });
    for kind in [EventKind::Change, EventKind::Deployment, EventKind::Tag] {
        let before = entities.keys().filter(|key| key.kind == kind).count();
        assert_eq!(ids(&desk, kind).len(), before + 1, "{kind}");
    }
}

#[test]
fn a_full_last_page_that_got_a_successor_is_not_taken_for_the_last() {
    let steps = vec![Step::Release; 100];
    let hub = hub(100, &steps);
    let mut desk = Desk::new();
    desk.read(&settings(&hub));
    // A new one at the end: the first page stays as it was.
    hub.change(|data| {
        let list = data.lists.get_mut("/repos/acme/cart/releases").unwrap();
        let mut one = list[0].clone();
        one["id"] = json!(7_777);
        list.push(one);
    });
    desk.read(&sources::poll::Settings { run: "2".to_owned(), ..settings(&hub) });
    assert_eq!(ids(&desk, EventKind::Deployment).len(), 101);
}

#[test]
fn what_is_taken_back_later_is_taken_back() {
    let hub = hub(3, &[Step::Incident(false), Step::Tag, Step::Commit]);
    let mut desk = Desk::new();
    let mut settings = settings(&hub);
    desk.read(&settings);
    let incident = |desk: &Desk| {
        desk.entities.iter().find(|(key, _)| key.kind == EventKind::Incident).unwrap().1.flag("withdrawn")
    };
    let tag = |desk: &Desk| {
        desk.entities.iter().find(|(key, _)| key.kind == EventKind::Tag).unwrap().1.text("sha").map(str::to_owned)
    };
    let first = tag(&desk);
    assert_eq!(incident(&desk), Some(false));
    // The label is taken off; the tag is moved, back, and again.
    for (round, moved) in [(2, true), (3, false), (4, true), (5, false)] {
        hub.change(|data| {
            let issue = &mut data.lists.get_mut("/repos/acme/cart/issues").unwrap()[0];
            (issue["labels"], issue["updated_at"]) = (json!([]), json!(format!("2025-02-0{round}T00:00:00Z")));
            let head = data.objects["/repos/acme/cart/git/ref/heads/main"]["object"]["sha"].clone();
            data.lists.get_mut("/repos/acme/cart/tags").unwrap()[0]["commit"]["sha"] =
                if moved { head } else { json!(first.clone()) };
        });
        desk.now = desk.now.plus(domain::time::HOUR);
        settings.run = round.to_string();
        desk.read(&settings);
        assert_eq!((incident(&desk), tag(&desk) == first), (Some(true), !moved), "{round}");
    }
}

#[test]
fn heads_that_are_not_there_are_asked_for_once() {
    let hub = hub(3, &[Step::Commit, Step::Deploy("success")]);
    hub.change(|data| {
        let tags = [("v0.1.0", 100), ("v9.9.9", 999)]
            .map(|(name, number)| json!({"name": name, "commit": {"sha": sha(number)}}));
        data.lists.insert("/repos/acme/cart/tags".to_owned(), tags.into());
    });
    let mut desk = Desk::new();
    let since = domain::Timestamp::parse("2025-01-01T02:00:00Z").unwrap();
    let of = |run: &str, since: Option<domain::Timestamp>| sources::poll::Settings {
        run: run.to_owned(),
        since,
        ..settings(&hub)
    };
    let heads =
        || hub.asked().iter().filter(|asked| [100, 999].iter().any(|number| asked.contains(&sha(*number)))).count();
    desk.read(&of("1", Some(since)));
    assert_eq!(heads(), 2, "one is older, one was thrown away");
    hub.script(|_, _, _| None);
    desk.read(&of("2", Some(since.plus(domain::time::HOUR))));
    assert_eq!(heads(), 0);
    // Further back the older one is there.
    desk.read(&of("3", None));
    assert!(ids(&desk, EventKind::Change).contains(&format!("acme/cart@{}", sha(100))));
}

#[test]
fn killed_at_any_point_it_goes_on_and_ends_with_the_same() {
    let hub = hub(3, YEAR);
    let mut whole = Desk::new();
    whole.read(&settings(&hub));
    let mut lives = 0;
    loop {
        let mut desk = Desk::new();
        desk.lives = Some(lives);
        let (_, done) = desk.run(&settings(&hub));
        if done.is_ok() {
            break;
        }
        assert_eq!(done, Err(PollError::Stopped));
        desk.lives = None;
        desk.read(&settings(&hub));
        assert_eq!(desk.entities, whole.entities, "killed after {lives}");
        lives += 3;
    }
    assert!(lives > 60);
    // Killed again and again.
    let mut desk = Desk::new();
    for _ in 0..10_000 {
        desk.lives = Some(40);
        if desk.run(&settings(&hub)).1.is_ok() {
            break;
        }
    }
    assert_eq!(desk.entities, whole.entities);
}

#[test]
fn commits_beside_the_default_branch_come_with_what_is_below_them() {
    let hub = hub(3, &[Step::Commit, Step::Commit, Step::Deploy("success")]);
    // A release branch of its own, with a tag and a deployment at its end.
    hub.change(|data| {
        let mut parent = sha(100);
        for number in 900..910 {
            let who = json!({"name": "Bob", "date": format!("2025-03-01T00:00:{:02}Z", number - 900)});
            let commit = json!({"sha": sha(number), "commit": {"message": "x", "author": who, "committer": who}, "parents": [{"sha": parent}]});
            data.commits.insert(sha(number), commit);
            parent = sha(number);
        }
        data.lists.insert("/repos/acme/cart/tags".to_owned(), vec![
            json!({"name": "v9.0.0", "commit": {"sha": sha(909)}}),
            // Of a commit that was thrown away.
            json!({"name": "v9.9.9", "commit": {"sha": sha(999)}}),
        ]);
    });
    let mut desk = Desk::new();
    desk.read(&settings(&hub));
    let found = ids(&desk, EventKind::Change);
    assert!((900..910).all(|number| found.contains(&format!("acme/cart@{}", sha(number)))), "{found:?}");
    assert_eq!(found.len(), 3 + 10);
}

#[test]
fn since_leaves_out_what_is_older() {
    let hub = hub(3, YEAR);
    let since = domain::Timestamp::parse("2025-01-01T09:30:00Z").unwrap();
    let mut desk = Desk::new();
    desk.read(&sources::poll::Settings { since: Some(since), ..settings(&hub) });
    let statuses: Vec<String> = hub.asked().into_iter().filter(|asked| asked.contains("/statuses")).collect();
    assert_eq!(statuses.len(), 2, "{statuses:?}");
    let asked = hub.asked();
    assert!(asked.iter().any(|asked| asked.contains("/commits?sha=") && asked.ends_with("since=2025-01-01T09:30:00Z")));
    // The pull request that was changed since, and not the one before.
    assert_eq!(asked.iter().filter(|asked| asked.contains("/reviews")).count(), 1);
    // Asked for all of it later, the rest comes.
    let mut whole = Desk::new();
    whole.read(&settings(&hub));
    desk.read(&sources::poll::Settings { run: "2".to_owned(), ..settings(&hub) });
    assert_eq!(desk.entities.keys().collect::<Vec<_>>(), whole.entities.keys().collect::<Vec<_>>());
}

#[test]
fn owners_have_repositories_and_an_empty_one_is_no_trouble() {
    let hub = hub(3, &[Step::Commit]);
    hub.change(|data| {
        data.objects.insert("/users/acme".to_owned(), json!({"login": "acme", "type": "Organization"}));
        let repository = |name: &str, fork: bool| json!({"full_name": format!("acme/{name}"), "default_branch": "main", "fork": fork});
        let names = [("cart", false), ("copy", true), ("empty", false), ("off", false)];
        data.lists.insert("/orgs/acme/repos".to_owned(), names.map(|(name, fork)| repository(name, fork)).into());
        for name in ["empty", "off"] {
            for list in ["tags", "git/matching-refs/tags/", "releases", "deployments", "pulls", "actions/runs"] {
                data.lists.insert(format!("/repos/acme/{name}/{list}"), Vec::new());
            }
        }
        data.lists.insert("/repos/acme/empty/issues".to_owned(), Vec::new());
    });
    hub.script(|_, target, _| {
        let no = |status, message: &str| {
            Some(super::hub::Fault::Answer(status, Vec::new(), json!({"message": message}).to_string()))
        };
        match target {
            _ if target.contains("/git/ref/heads/") && !target.contains("/cart/") => {
                no(409, "Git Repository is empty.")
            }
            _ if target.starts_with("/repos/acme/off/issues") => {
                no(410, "Issues has been disabled in this repository.")
            }
            _ => None,
        }
    });
    let mut desk = Desk::new();
    let progress = desk.read(&sources::poll::Settings {
        repositories: Vec::new(),
        owners: vec!["acme".to_owned()],
        ..settings(&hub)
    });
    assert_eq!((progress.repositories_done, progress.repositories_total), (3, 3));
    assert!(!hub.asked().iter().any(|asked| asked.contains("/copy")), "a fork's history is another's");
}
