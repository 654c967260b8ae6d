//! `import git` against plain git: deployments are the version tags in time order, and each brings what
//! `git log --no-merges TAG --not EARLIER-TAGS` lists; the first has its head commit only.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use domain::fact::CommitRole;
use store::{Location, Store};

/// Runs git in a folder at a given hour, with nothing of this machine's configuration.
fn git(folder: &Path, hour: u32, arguments: &[&str]) -> String {
    let date = format!("{} +0000", 1_735_689_600 + u64::from(hour) * 3_600);
    let output = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_DATE", &date)
        .env("GIT_COMMITTER_DATE", &date)
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Releases, a merged branch, a back-port, a pre-release, a tag that is no version, two tags on one commit.
fn repository(folder: &Path) {
    git(folder, 0, &["init", "-q"]);
    let commit = |hour: u32, name: &str| {
        std::fs::write(folder.join(name), name).expect("a file");
        git(folder, hour, &["add", "."]);
        git(folder, hour, &["commit", "-q", "-m", name]);
    };
    for hour in 1..6 {
        commit(hour, &format!("a{hour}"));
    }
    git(folder, 6, &["tag", "v1.0.0"]);
    git(folder, 6, &["checkout", "-q", "-b", "feature", "HEAD~2"]);
    commit(7, "f1");
    commit(8, "f2");
    git(folder, 8, &["checkout", "-q", "main"]);
    commit(9, "b1");
    git(folder, 10, &["merge", "-q", "--no-ff", "-m", "merge feature", "feature"]);
    git(folder, 11, &["tag", "-a", "v1.1.0-rc.1", "-m", "candidate"]);
    commit(12, "b2");
    git(folder, 20, &["tag", "-a", "v1.1.0", "-m", "release"]);
    commit(21, "c1");
    git(folder, 22, &["tag", "v1.2.0"]);
    git(folder, 22, &["tag", "nightly"]);
    git(folder, 22, &["checkout", "-q", "-b", "release-1.1", "v1.1.0"]);
    commit(23, "fix");
    git(folder, 30, &["tag", "-a", "v1.1.1", "-m", "back-port"]);
    git(folder, 31, &["tag", "-a", "v1.1.2", "-m", "the same commit again"]);
    git(folder, 31, &["checkout", "-q", "main"]);
    git(folder, 32, &["merge", "-q", "--no-ff", "-m", "merge the fix", "release-1.1"]);
    commit(33, "d1");
    git(folder, 40, &["tag", "-a", "v2.0.0", "-m", "release"]);
}

#[test]
fn lead_times_are_those_of_plain_git() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, data) = (folder.path().join("shop"), folder.path().join("data"));
    std::fs::create_dir(&code).expect("a folder");
    repository(&code);
    let imported = Command::new(env!("CARGO_BIN_EXE_leadline"))
        .args(["import", "git"])
        .arg(&code)
        .args(["--product", "shop", "--component", "cart", "--data"])
        .arg(&data)
        .output()
        .expect("the binary runs");
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stderr));

    let tags = ["v1.0.0", "v1.1.0", "v1.2.0", "v1.1.1", "v1.1.2", "v2.0.0"];
    let store = Store::open(Location::Folder(data), server::interpreter()).expect("the lock is free");
    let mut facts = store.changes_since(0, 10_000).expect("facts").deployments;
    facts.sort_by_key(|(fact, _)| fact.order());
    let versions: Vec<&str> =
        facts.iter().filter_map(|(fact, _)| fact.version.as_deref()).map(domain::version::normalise).collect();
    assert_eq!(versions, tags.map(|tag| tag.trim_start_matches('v')));
    for (index, (fact, commits)) in facts.iter().enumerate() {
        let tag = tags[index];
        let mut list = vec!["log", "--no-merges", "--format=%H %ct"];
        if index == 0 {
            list.extend(["-1", tag]);
        } else {
            list.extend([tag, "--not"]);
            list.extend(&tags[..index]);
        }
        let finished: i64 =
            git(&code, 0, &["for-each-ref", "--format=%(creatordate:unix)", &format!("refs/tags/{tag}")])
                .parse()
                .expect("a time");
        let expected: BTreeSet<(String, i64)> = git(&code, 0, &list)
            .lines()
            .map(|line| line.split_once(' ').expect("hash and time"))
            .map(|(sha, time)| (sha.to_owned(), finished - time.parse::<i64>().expect("a time")))
            .collect();
        let finished_at = fact.finished_at.expect("tags have a time");
        let found: BTreeSet<(String, i64)> = commits
            .iter()
            .filter(|commit| matches!(commit.role, CommitRole::New | CommitRole::Head))
            .map(|commit| (commit.sha.to_string(), finished_at.since(commit.committed_at) / 1_000_000))
            .collect();
        assert_eq!(found, expected, "{tag}");
        assert_eq!(fact.assumed.as_deref(), Some("tag"));
        assert_eq!(fact.first_deployment, index == 0);
    }
    assert_eq!(facts[4].0.kind.text(), "config", "a second tag on the same commit deploys no other code");
}
