//! `leadline serve`, and the commands that talk to it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;

use crate::run::{Ran, Running, binary, finish};

/// A running server, what it printed, and its address.
fn serve(data: &Path, args: &[&str]) -> (Running, Vec<String>, String) {
    let mut command = binary();
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(args);
    command.stderr(std::process::Stdio::inherit());
    let mut child = command.env("LEADLINE_LOG", "error").spawn().expect("the binary starts");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let running = Running(child);
    let mut printed = Vec::new();
    for line in lines {
        let line = line.expect("a line");
        printed.push(line.clone());
        if let Some(base) = line.strip_prefix("listening on ") {
            let base = base.to_owned();
            return (running, printed, base);
        }
    }
    panic!("it ended before it listened: {printed:?}");
}

fn ask(url: &str, token: &str, args: &[&str]) -> Ran {
    let mut command = binary();
    command.args(args).args(["--url", url]).env("LEADLINE_TOKEN", token);
    finish(command)
}

#[test]
fn it_prints_a_token_once_and_answers_commands() {
    let folder = tempfile::tempdir().expect("a folder");
    let catalogue = folder.path().join("catalogue.toml");
    std::fs::write(&catalogue, "[[platforms]]\nname = \"a\"\n[[platforms.domains]]\nname = \"b\"\n[[platforms.domains.products]]\nname = \"shop\"\n[[definitions]]\nid = \"ours\"\nversion = 3\n").expect("a file");
    let data = folder.path().join("data");
    let (mut running, printed, base) = serve(&data, &["--catalogue", catalogue.to_str().expect("a name")]);
    let token = printed
        .iter()
        .find_map(|line| line.strip_prefix("admin token, shown this once: "))
        .expect("a token")
        .to_owned();

    let refused = ask(&base, "wrong", &["report"]);
    assert_eq!(refused.code, Some(3));
    assert!(refused.err.contains("the token is not known"), "{}", refused.err);
    let report = ask(&base, &token, &["report", "--node", "product:shop"]).ok();
    assert!(report.contains("N/A"), "{report}");
    let ours = ask(&base, &token, &["report", "--definition", "ours"]).ok();
    assert!(ours.contains("ours v3"), "{ours}");
    let list = ask(&base, &token, &["token", "list"]).ok();
    assert!(list.contains("admin") && !list.contains("command-line"), "{list}");
    let secret = ask(&base, &token, &["token", "create", "ci/a", "--scope", "ingest"]).ok();
    assert_eq!(ask(&base, secret.trim(), &["report"]).code, Some(3), "it may not read");
    ask(&base, &token, &["token", "revoke", "ci/a"]).ok();
    assert!(ask(&base, &token, &["rebuild"]).ok().starts_with("facts_sha256 "));

    // Told to stop, it stops, and starts again without a new token.
    let process = running.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &process]).status().expect("kill runs").success());
    assert!(running.0.wait().expect("it ends").success());
    // Without a server and without the file, the definition is still what it was.
    let ours = crate::run::leadline(&data, &["report", "--definition", "ours"]).ok();
    assert!(ours.contains("ours v3"), "{ours}");
    let (_running, printed, base) = serve(&data, &[]);
    assert_eq!(printed.len(), 1, "{printed:?}");
    ask(&base, &token, &["report", "--node", "product:shop"]).ok();
}

#[test]
fn a_bad_catalogue_or_configuration_stops_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text, option, code, said) in [
        ("c.toml", "[[platforms]]\nname = \"\"\n", "--catalogue", 2, "a platform has no name"),
        (
            "d.toml",
            "[[definitions]]\nid = \"ours\"\nbands = \"best\"\n",
            "--catalogue",
            2,
            "`bands` is `best`; it takes",
        ),
        ("c.txt", "", "--catalogue", 2, "name ends in .toml"),
        ("l.toml", "[server]\nlisten = \"here\"\n", "--config", 2, "server.listen"),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, text).expect("a file");
        let mut command = binary();
        command.args(["serve", "--data"]).arg(folder.path().join("data")).arg(option).arg(&file);
        if option != "--config" {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let ran = finish(command);
        assert_eq!(ran.code, Some(code), "{name}: {}", ran.err);
        assert!(ran.err.contains(said), "{name}: {}", ran.err);
    }
}
