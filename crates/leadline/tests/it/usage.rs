//! Exit codes and what is said about mistakes.

use crate::run::leadline;

#[test]
fn mistakes_end_with_the_code_of_their_kind_and_a_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    for (args, code, said) in [
        (&["nonsense"][..], 2, "unrecognized subcommand"),
        (&["report", "--node", "planet:earth"], 2, "is not a node"),
        (&["report", "--from", "yesterday"], 2, "is not a time"),
        (&["report", "--from", "2025-02-01", "--to", "2025-01-01"], 2, "is not before"),
        (&["report", "--node", "product:shop"], 2, "there is no product `shop`"),
        (&["report", "--definition", "mine"], 2, "there is no definition `mine`"),
        (&["compare", "group"], 2, "2 to 20 nodes"),
        (&["compare", "--with", "yesterday"], 2, "FROM,TO"),
        (&["explain", "speed"], 2, "`speed` is not a metric"),
        (&["explain", "lead_time", "--part", "testing"], 2, "takes coding, pickup, review, merge_to_deploy"),
        (&["report", "--url", "http://127.0.0.1:1"], 3, "does not answer"),
        (&["report", "--url", "127.0.0.1:1"], 2, "is not an address"),
        (&["import", "events", "nothing.txt"], 2, "the name does not tell the format"),
        (&["import", "events", "nothing.json"], 3, "nothing.json"),
        (&["import", "git", "/nowhere", "--product", "p", "--component", "c"], 3, "/nowhere"),
        (&["demo", "--scale", "0"], 2, "--scale"),
    ] {
        let ran = leadline(&data, args);
        assert_eq!(ran.code, Some(code), "{args:?}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(said), "{args:?}: {}", ran.err);
    }
}

#[test]
fn a_folder_in_use_is_said_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let location = store::Location::Folder(folder.path().to_owned());
    let _held = store::Store::open(location, server::interpreter()).expect("a store");
    let ran = leadline(folder.path(), &["report"]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.err.contains("in use by another leadline process"), "{}", ran.err);
}

#[test]
fn an_empty_folder_gives_a_report_that_says_why_it_is_empty() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = leadline(folder.path(), &["report"]).ok();
    assert!(text.contains("the whole group") && text.contains("N/A") && text.contains("Check that a source"), "{text}");
}

#[test]
fn sources_are_listed() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(leadline(folder.path(), &["sources"]).ok().contains("/webhook/deploy"));
    let json = leadline(folder.path(), &["sources", "--format", "json"]).json();
    assert_eq!(json["sources"][0]["name"], "native");
}
