//! `leadline backfill`, on a GitHub of this machine.

#[expect(dead_code, reason = "other crates' tests use the rest")]
#[path = "../../../sources/tests/it/backfill/hub.rs"]
mod hub;
#[expect(dead_code, reason = "other crates' tests use the rest")]
#[path = "../../../sources/tests/it/backfill/story.rs"]
mod story;

use std::path::{Path, PathBuf};

use serde_json::json;

use self::hub::{Data, Fault, Hub, TOKEN};
use self::story::{Step, Story};
use crate::run::{Ran, binary, finish, leadline};

const DAY: &[Step] = &[Step::Deploy("success"), Step::Commit, Step::Deploy("success"), Step::Tag];

fn hub() -> Hub {
    Hub::start(Data { page: 2, ..Story::of(DAY).data })
}

/// A configuration that reads from the hub, with its token in a file of its own.
fn configured(folder: &Path, hub: &Hub) -> PathBuf {
    let (file, token) = (folder.join("leadline.toml"), folder.join("token"));
    std::fs::write(&token, format!("{TOKEN}\n")).expect("a file");
    let text = format!(
        "[[sources]]\nname = \"acme\"\nkind = \"github\"\napi_url = \"{}\"\ntoken_file = {token:?}\nrepositories = [\"acme/cart\"]\n\
         [[sources]]\nname = \"bare\"\nkind = \"github\"\n",
        hub.url()
    );
    std::fs::write(&file, text).expect("a file");
    file
}

fn backfill(folder: &Path, file: &Path, args: &[&str]) -> Ran {
    let mut command = binary();
    command.arg("backfill").args(args).arg("--config").arg(file).arg("--data").arg(folder.join("data"));
    finish(command)
}

#[test]
fn a_past_is_read_and_told_in_a_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let hub = hub();
    let file = configured(folder.path(), &hub);
    let said = backfill(folder.path(), &file, &["acme"]).ok();
    assert!(
        said.starts_with("acme: 1 of 1 repositories: ") && said.contains(" things, 0 pages unchanged, in "),
        "{said}"
    );
    let data = folder.path().join("data");
    let report = leadline(&data, &["report", "--from", "2025-01-01", "--to", "2025-01-08", "--format", "json"]).json();
    assert!(report.to_string().contains("\"n\":2"), "{report}");
    // Again, from a day on: nothing is new, and nothing is lost.
    hub.script(|_, _, _| None);
    let said = backfill(folder.path(), &file, &["acme", "--since", "2025-01-01"]).ok();
    assert!(said.contains(" pages unchanged"), "{said}");
    assert!(hub.asked().iter().any(|asked| asked.contains("/issues?") && asked.contains("since=2025-01-01T00:00:00Z")));
}

#[test]
fn how_it_ends_is_its_exit_code() {
    let folder = tempfile::tempdir().expect("a folder");
    let hub = hub();
    let file = configured(folder.path(), &hub);
    // A part that cannot be read.
    hub.script(|_, target, _| {
        let lacking = vec![("x-accepted-github-permissions", "issues=read".to_owned())];
        let message = json!({"message": "Resource not accessible by integration"}).to_string();
        target.contains("/issues?").then_some(Fault::Answer(403, lacking, message))
    });
    let ran = backfill(folder.path(), &file, &["acme"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    assert!(
        ran.err.contains("acme/cart issues: ") && ran.err.contains("allow the token or app `issues=read`"),
        "{}",
        ran.err
    );
    // Wrong use.
    for (args, said) in [
        (&["nobody"][..], "there are acme, bare"),
        (&["bare"], "set `token_file`"),
        (&["acme", "--since", "yesterday"], "is not a time"),
    ] {
        let ran = backfill(folder.path(), &file, args);
        assert_eq!(ran.code, Some(2), "{args:?}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(said), "{args:?}: {}", ran.err);
    }
    // It could not.
    hub.change(|data| data.tokens.clear());
    hub.script(|_, _, _| None);
    let ran = backfill(folder.path(), &file, &["acme", "--since", "2025-01-02"]);
    assert_eq!(ran.code, Some(3), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("does not accept the token") && !ran.err.contains(TOKEN), "{}", ran.err);
}

/// A process killed in the middle of it leaves a folder from which the next goes on to the same facts.
#[test]
fn killed_and_run_again_it_gives_the_same_facts() {
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let hub = hub();
    let facts = |folder: &Path| leadline(&folder.join("data"), &["rebuild"]).ok();
    let whole = folders[0].path();
    backfill(whole, &configured(whole, &hub), &["acme"]).ok();
    let folder = folders[1].path();
    let file = configured(folder, &hub);
    hub.script(|_, target, _| {
        let wait = vec![("retry-after", "3000".to_owned())];
        target.contains("/pulls?").then_some(Fault::Answer(429, wait, String::new()))
    });
    let mut command = binary();
    command.args(["backfill", "acme", "--config"]).arg(&file).arg("--data").arg(folder.join("data"));
    let mut running = crate::run::Running(command.spawn().expect("it starts"));
    for _ in 0..6_000 {
        if hub.asked().iter().any(|asked| asked.contains("/pulls?")) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    running.0.kill().expect("it runs");
    running.0.wait().expect("it ends");
    hub.script(|_, _, _| None);
    backfill(folder, &file, &["acme"]).ok();
    assert!(!hub.asked().iter().any(|asked| asked.contains("/statuses")), "what was read is not asked for again");
    assert_eq!(facts(folder), facts(whole));
}
