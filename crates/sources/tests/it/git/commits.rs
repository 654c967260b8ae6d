//! Commits.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use domain::event::Event;
use sources::git::{CommitOptions, open};

use super::{Made, Sandbox, T, crooked, events, list, now, seconds, text};

/// Hash, parents and times of every commit, as Git tells them.
fn log(sandbox: &Sandbox, folder: &Path) -> BTreeMap<String, String> {
    let lines =
        sandbox.run_in(folder, ["log", "--branches", "--tags", "--remotes", "HEAD", "--format=%H|%P|%at|%ct|%an"]);
    lines.lines().map(|line| line.split_once('|').unwrap()).map(|(sha, rest)| (sha.into(), rest.into())).collect()
}

fn as_log(events: &[Event]) -> BTreeMap<String, String> {
    let line = |event: &Event| {
        let (authored, committed) = (seconds(event, "authored_at"), seconds(event, "committed_at"));
        format!("{}|{authored}|{committed}|{}", list(event, "parents").join(" "), text(event, "author"))
    };
    events.iter().map(|event| (text(event, "sha").to_owned(), line(event))).collect()
}

fn assert_parents_first(events: &[Event]) {
    let all: HashSet<_> = events.iter().map(|event| text(event, "sha")).collect();
    let mut seen = HashSet::new();
    for event in events {
        for parent in list(event, "parents") {
            assert!(seen.contains(parent.as_str()) || !all.contains(parent.as_str()), "{}", event.key);
        }
        seen.insert(text(event, "sha"));
    }
}

#[test]
fn every_commit_is_told_as_git_tells_it() {
    let sandbox = crooked();
    let events = events(&sandbox.open(), true);
    assert_eq!(as_log(&events), log(&sandbox, &sandbox.path()));
    assert_eq!(events.len(), 10);
    assert_parents_first(&events);
    let subjects: Vec<_> = events.iter().map(|event| text(event, "message").lines().next().unwrap_or("")).collect();
    assert_eq!(
        subjects,
        ["Root", "One", "", "Empty", "caf\u{fffd} \u{fffd}", "Rename", "café", "Merge", "Octopus", "Drop a folder"]
    );
    assert_eq!(&*events[0].key.id, format!("shop@{}", text(&events[0], "sha")));
    assert_eq!(&*events[0].key.source, "git");
    assert_eq!(text(&events[9], "message"), "Drop a folder\n\nSigned-off-by: me");
}

#[test]
fn paths_are_those_of_git() {
    let sandbox = crooked();
    let repository = sandbox.open();
    for event in events(&repository, true) {
        let parents = list(&event, "parents").len();
        if parents > 1 {
            assert!(!event.fields.contains_key("paths"), "a merge has no paths");
            assert!(!event.fields.contains_key("paths_left_out"));
            continue;
        }
        let told = sandbox.git([
            "diff-tree",
            "-r",
            "--root",
            "--no-commit-id",
            "--no-renames",
            "--name-only",
            "-z",
            text(&event, "sha"),
        ]);
        let mut told: Vec<String> = told
            .split('\0')
            .filter(|path| !path.is_empty())
            .map(|path| if path.trim() == path { path.to_owned() } else { format!("{path:?}") })
            .collect();
        let mut paths = list(&event, "paths");
        told.sort();
        paths.sort();
        assert_eq!(paths, told, "{}", text(&event, "message"));
    }
    assert!(events(&repository, false).iter().all(|event| !event.fields.contains_key("paths")));
}

#[test]
fn a_commit_that_touches_everything_leaves_its_paths_out() {
    let sandbox = Sandbox::new();
    let names: Vec<Vec<u8>> = (0..10_001).map(|number| format!("many/{number}").into_bytes()).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_slice(), Some("1"))).collect();
    let one =
        Made { branch: "main", mark: 1, at: T, message: b"One", extra: "", parents: &[], files: &files[..10_000] };
    let mut stream = Vec::new();
    one.write(&mut stream);
    Made { mark: 2, parents: &[1], files: &[(b"many", None), (b"x", Some("1"))], ..one }.write(&mut stream);
    sandbox.fast_import(&stream);
    let events = events(&sandbox.open(), true);
    assert_eq!(list(&events[0], "paths").len(), 10_000);
    assert_eq!(text(&events[1], "paths_left_out"), "too many");
}

#[test]
fn messages_are_cut_and_long_names_too() {
    let sandbox = Sandbox::new();
    let message = format!("{}é", "x".repeat(4095));
    sandbox.git(["-c", &format!("user.name={}", "n".repeat(600)), "commit", "-q", "--allow-empty", "-m", &message]);
    let event = events(&sandbox.open(), true).remove(0);
    assert_eq!(text(&event, "message").len(), 4095);
}

#[test]
fn a_shallow_clone_ends_where_it_ends() {
    let sandbox = crooked();
    let from = format!("file://{}", sandbox.path().display());
    sandbox.run(["clone", "-q", "--depth", "2", &from, "shallow"]);
    let folder = sandbox.folder.path().join("shallow");
    let repository = open(&folder).unwrap();
    assert!(repository.is_shallow() && !sandbox.open().is_shallow());
    assert_eq!(repository.name(), "shallow", "a copy's origin is no name");
    let commits = repository.commits(CommitOptions { paths: true, now: now() }).unwrap();
    assert_eq!(commits.missing_parents(), 4, "the parents of the octopus");
    let told: Vec<Event> = commits.map(|event| event.unwrap()).collect();
    let listed: Vec<_> = log(&sandbox, &folder).into_keys().collect();
    assert_eq!(as_log(&told).into_keys().collect::<Vec<_>>(), listed);
    assert_eq!(list(&told[0], "parents").len(), 4, "the true parents, though they are not here");

    sandbox.run(["clone", "-q", "--depth", "1", &from, "shallower"]);
    let one = events(&open(&sandbox.folder.path().join("shallower")).unwrap(), true).remove(0);
    assert_eq!(text(&one, "paths_left_out"), "unknown", "what it touches is not known without its parent");
}

#[test]
fn bare_ones_worktrees_and_branches_of_remotes() {
    let sandbox = crooked();
    sandbox.run(["clone", "-q", "--bare", "shop", "till.git"]);
    sandbox.run(["clone", "-q", "shop", "copy"]);
    sandbox.git(["worktree", "add", "-q", "--detach", "../tree", "odd"]);
    let all = as_log(&events(&sandbox.open(), false));
    for (folder, name) in [("till.git", "till"), ("copy", "copy"), ("copy/.git", "copy"), ("tree", "tree")] {
        let repository = open(&sandbox.folder.path().join(folder)).unwrap();
        assert_eq!(repository.name(), name);
        assert_eq!(as_log(&events(&repository, false)), all, "{folder}");
    }
    let address = format!("file://{}", sandbox.path().display());
    assert_eq!(open(Path::new(&address)).unwrap().name(), "shop");
    sandbox.git(["remote", "add", "origin", "https://me:secret@example.com/acme/cart.git"]);
    let repository = sandbox.open();
    assert_eq!(repository.name(), "acme/cart");
    let first = events(&repository.named("mine"), false).remove(0);
    assert_eq!(text(&first, "repo"), "mine");
}

#[test]
fn a_detached_head_and_lost_references_are_no_obstacle() {
    let sandbox = crooked();
    sandbox.git(["checkout", "-q", "--detach", "main"]);
    sandbox.git(["commit", "-q", "--allow-empty", "-m", "Loose"]);
    std::fs::write(sandbox.path().join(".git/refs/heads/lost"), format!("{}\n", "1".repeat(40))).unwrap();
    std::fs::write(sandbox.path().join(".git/refs/heads/broken"), "nothing\n").unwrap();
    let repository = sandbox.open();
    let commits = repository.commits(CommitOptions { paths: false, now: now() }).unwrap();
    assert_eq!(commits.skipped().len(), 2, "{:?}", commits.skipped());
    assert_eq!(commits.count(), 11);
}
