//! A tool of somebody's own, in ten lines of their configuration.

use serde_json::json;
use sources::{Source, Tool, find, learn};

use super::{send, tool};
use crate::compliance::Sender;

const TOOL: &str = r#"
    name = "shipit"
    headers = ["x-shipit-event"]
    id_header = "x-shipit-delivery"
    verify = [{ kind = "hmac-sha256", header = "x-shipit-signature", prefix = "sha256=" }]
    program = '''
      need($headers["x-shipit-event"]; "x-shipit-event"; "it names the event.") as $event
      | if $event != "rollout" then $event | says_nothing else
          {type: "deployment", id: .rollout.number, component: .app, environment: .rollout.target, version: .rollout.version,
           status: (.rollout.result | of({ok: "succeeded", ko: "failed"}; "rollout.result")), finished_at: (.rollout.ended | seconds)}
        end
    '''
"#;

/// As the configuration has them: a list of tools.
fn shipit() -> &'static Source {
    learn(&[Tool::read(TOOL).unwrap()]).unwrap();
    find("shipit").unwrap()
}

pub(crate) fn senders() -> Vec<Sender> {
    let source = shipit();
    let rollout =
        json!({"number": 7, "target": "production", "version": "v1.2.3", "result": "ok", "ended": 1_735_732_800});
    vec![Sender {
        source,
        route: &source.routes[0],
        headers: vec![("X-ShipIt-Event".to_owned(), "rollout".to_owned())],
        body: json!({"app": "cart", "rollout": rollout}),
    }]
}

#[test]
fn it_is_found_by_its_name_like_any_other() {
    let source = shipit();
    assert_eq!((source.title, source.doc), ("shipit", "A tool of the configuration."));
    assert_eq!(source.routes[0].path, "/webhooks/shipit");
    assert_eq!(source.routes[0].headers, ["x-shipit-event", "content-type"]);
    assert!(find("github").is_some() && find("unheard").is_none());
    assert!(sources::all().iter().any(|source| source.name == "shipit"));
}

#[test]
fn it_is_learned_again_while_the_server_runs() {
    let tool = |why: &str| Tool { name: "again".to_owned(), ..tool(&format!("{{ignored: \"{why}\"}}")) };
    let says = || send(find("again").unwrap(), &[], "{}").unwrap().ignored.unwrap();
    learn(&[tool("old")]).unwrap();
    assert_eq!(says(), "old");
    learn(&[tool("new")]).unwrap();
    assert_eq!(says(), "new");
    // One that cannot be used changes nothing, and one that is gone can still read what it sent.
    learn(&[
        tool("newer"),
        Tool { name: "odd".to_owned(), program: Some("nothing_like_it".to_owned()), ..Tool::default() },
    ])
    .unwrap_err();
    learn(&[]).unwrap();
    assert_eq!(says(), "new");
    assert_eq!(sources::all().iter().filter(|source| source.name == "again").count(), 1);
}

#[test]
fn ten_lines_are_enough() {
    assert!(TOOL.trim().lines().count() <= 12, "{}", TOOL.trim().lines().count());
}

#[test]
fn what_is_wrong_with_it_is_said() {
    let wrong = |change: &dyn Fn(&mut Tool)| {
        let mut tool = Tool::read(TOOL).unwrap();
        change(&mut tool);
        learn(&[tool]).unwrap_err().to_string()
    };
    assert_eq!(
        wrong(&|tool| tool.name = "Ship it".to_owned()),
        "tools `Ship it`: its name has 1 to 64 small letters, digits, hyphens and underscores"
    );
    assert_eq!(
        wrong(&|tool| tool.name = "github".to_owned()),
        "tools `github`: there is a source by this name already"
    );
    assert_eq!(wrong(&|tool| tool.program = None), "tools `shipit`: a tool has either a `program` or a `program_file`");
    assert_eq!(
        wrong(&|tool| tool.headers.push("Authorization".to_owned())),
        "tools `shipit`: `authorization` is not kept: it holds a secret"
    );
    assert!(wrong(&|tool| tool.headers.push("a b".to_owned())).contains("`a b` is no name of a header"));
    let missing = wrong(&|tool| (tool.program, tool.program_file) = (None, Some("/nowhere/shipit.jq".into())));
    assert!(missing.starts_with("tools `shipit`, /nowhere/shipit.jq: the program cannot be read: "), "{missing}");
    let twice = [Tool::read(TOOL).unwrap(), Tool::read(TOOL).unwrap()];
    assert!(learn(&twice).unwrap_err().to_string().contains("already"));
    let unknown = Tool::read("name = \"x\"\nverify = [{ kind = \"md5\" }]").unwrap_err().to_string();
    assert!(unknown.contains("line 2") && unknown.contains("hmac-sha256"), "{unknown}");
    assert!(Tool::read("nam = \"x\"").unwrap_err().to_string().contains("line 1"));
}

#[test]
fn a_program_in_a_file_is_placed_by_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shipit.jq");
    std::fs::write(&file, "{type: \"tag\",\n name: }").unwrap();
    let tool = Tool { name: "shipit".to_owned(), program_file: Some(file.clone()), ..Tool::default() };
    let error = tool.source().unwrap_err().to_string();
    assert!(error.contains("shipit.jq: the program: line 2, column 8: "), "{error}");
    std::fs::write(&file, "{ignored: \"nothing\"}").unwrap();
    assert!(tool.source().is_ok());
}

#[test]
fn the_one_in_the_documentation_works() {
    let page = include_str!("../../../../../docs/sources/your-own.md");
    let example = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let mut config: toml::Table = toml::from_str(example).unwrap();
    assert_eq!(config["sources"][0]["kind"], config["tools"][0]["name"]);
    let tool = config.remove("tools").unwrap().as_array().unwrap()[0].clone();
    let source = Tool::read(&toml::to_string(&tool).unwrap()).unwrap().source().unwrap();
    let sender = &senders()[0];
    let sent = |source: &Source| send(source, &sender.headers, &sender.body.to_string()).unwrap();
    assert_eq!(sent(&source).events.len(), 1);
    assert_eq!(sent(&source), sent(sender.source));
}
