//! What is damaged, empty, no repository, or of another time.

use std::io::Write;
use std::path::Path;

use serde_json::json;
use sources::git::{CommitOptions, GitError, SkipReason, TagOptions, Tags, Target, open};

use super::{Sandbox, T, crooked, events, now, tags, text};

#[test]
fn times_that_cannot_be_are_replaced_and_marked() {
    let sandbox = Sandbox::new();
    let mut stream = Vec::new();
    for (mark, author, committer) in [
        (1, 99_999_999_999_999i64, 99_999_999_999_999i64),
        (2, T, 99_999_999_999),
        (3, 4_000_000_000, 4_000_000_000),
        (4, 4_000_000_000, T + 5),
    ] {
        write!(stream, "commit refs/heads/main\nmark :{mark}\nauthor A <a> {author} +0000\ncommitter C <c> {committer} +0000\ndata 1\nx\n").unwrap();
    }
    // A tag of the future, and one whose commit is of the future too.
    for (tag, mark) in [("v1.0.0", 4), ("v2.0.0", 3)] {
        write!(stream, "tag {tag}\nfrom :{mark}\ntagger A <a> 4000000000 +0000\ndata 1\nx\n").unwrap();
    }
    sandbox.fast_import(&stream);
    let events = events(&sandbox.open(), true);
    let told: Vec<_> =
        events.iter().map(|event| (text(event, "committed_at"), event.fields.get("time_assumed"))).collect();
    let yes = json!(true);
    let at = "2023-11-14T22:13:20Z";
    assert_eq!(
        told,
        [
            ("1970-01-01T00:00:00Z", Some(&yes)),
            (at, Some(&yes)),
            (at, Some(&yes)),
            ("2023-11-14T22:13:25Z", Some(&yes)),
        ]
    );
    let tags = tags(&sandbox.open(), None, false);
    assert_eq!(tags.deployments.len(), 1);
    let deployment = &tags.deployments[0];
    assert!(deployment.time_assumed && deployment.finished_at.to_string() == "2023-11-14T22:13:25Z");
    let target = Target { component: "cart", product: None, environment: "production" };
    assert_eq!(deployment.event(&target, now()).unwrap().fields["time_assumed"], true);
    assert_eq!((tags.skipped[0].tag.as_str(), &tags.skipped[0].why), ("v2.0.0", &SkipReason::NoTime));
    assert!(tags.events.iter().all(Result::is_ok));
}

#[test]
fn an_empty_repository_has_nothing_to_tell() {
    let repository = Sandbox::new();
    assert!(events(&repository.open(), true).is_empty());
    assert_eq!(tags(&repository.open(), None, true), Tags::default());
}

#[test]
fn what_is_no_repository_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &Path| open(path).map(|repository| repository.name().to_owned()).unwrap_err();
    assert!(matches!(refused(folder.path()), GitError::Open { .. }));
    assert!(matches!(refused(&folder.path().join("none")), GitError::Open { .. }));
    let remote = refused(Path::new("https://me:secret@example.com/acme/cart"));
    assert!(remote.to_string().contains("git clone --mirror https://example.com/acme/cart"), "{remote}");
    assert!(matches!(refused(Path::new("git@example.com:acme/cart.git")), GitError::Remote(_)));
}

#[test]
fn a_damaged_repository_is_an_error_or_has_less() {
    let sandbox = crooked();
    sandbox.git(["repack", "-adq"]);
    let packs = sandbox.path().join(".git/objects/pack");
    let mut files = std::fs::read_dir(packs).unwrap().map(|entry| entry.unwrap().path());
    let pack = files.find(|path| path.extension().is_some_and(|kind| kind == "pack")).unwrap();
    let whole = std::fs::read(&pack).unwrap();
    std::fs::remove_file(&pack).unwrap();
    for at in (0..whole.len()).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        std::fs::write(&pack, bytes).unwrap();
        // Any answer will do, as long as there is one.
        let Ok(repository) = open(&sandbox.path()) else { continue };
        if let Ok(commits) = repository.commits(CommitOptions { paths: true, now: now() }) {
            let _ = commits.count();
        }
        let _ = repository.tags(&TagOptions { glob: None, prereleases: true, now: now() });
    }
}
