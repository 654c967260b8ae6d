//! `leadline record`, and `leadline sources test` of what was recorded.

use crate::run::leadline;

#[test]
fn what_no_tool_reports_is_recorded_and_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let deployment = [
        "record",
        "deployment",
        "--component",
        "cart",
        "--product",
        "shop",
        "--version",
        "1.2.0",
        "--finished-at",
        "2025-01-02T12:00:00Z",
        "--commit-at",
        "2025-01-02T08:00:00Z",
        "--label",
        "tier=web",
        "--mark",
        "namespace:shop",
    ];
    let said = leadline(&data, &deployment).ok();
    assert!(said.starts_with("recorded: deployment ") && said.contains("of source manual"), "{said}");
    assert!(said.contains("finished at      2025-01-02T12:00:00"), "{said}");
    // The same again is the same.
    assert!(leadline(&data, &deployment).ok().starts_with("known already: deployment "));

    let opened = leadline(
        &data,
        &[
            "record",
            "incident",
            "--product",
            "shop",
            "--title",
            "Slow",
            "--severity",
            "high",
            "--opened-at",
            "2025-01-02T13:00:00Z",
            "--format",
            "json",
        ],
    );
    let opened = opened.json();
    let id = opened["id"].as_str().expect("an id").to_owned();
    assert_eq!((&opened["recorded"], &opened["source"]), (&true.into(), &"manual".into()));
    // News of it names neither its place nor its beginning again.
    let news = ["record", "incident", "--id", &id, "--resolved-at", "2025-01-02T15:00:00Z"];
    let said = leadline(&data, &news).ok();
    assert!(said.contains("opened at        2025-01-02T13:00:00") && said.contains("product          shop"), "{said}");

    let window = ["--node", "product:shop", "--from", "2025-01-01", "--to", "2025-01-11", "--definition", "dora"];
    let report = leadline(&data, &[&["report", "--format", "json"], &window[..]].concat()).json();
    assert_eq!(report["metrics"]["lead_time"]["value"], 4.0 * 3_600.0, "{report}");
    assert_eq!(report["metrics"]["change_failure_rate"]["value"], 1.0);

    let ran = leadline(&data, &["sources", "test", "manual"]);
    let told = ran.ok();
    for wanted in
        ["manual delivery ", &format!("incident {id}"), "placed in      shop", "resolved_at", "parser         native"]
    {
        assert!(told.contains(wanted), "{wanted}\n{told}");
    }
    // What nobody can place is told with what would.
    leadline(&data, &["record", "deployment", "--component", "lonely", "--mark", "namespace:x"]).ok();
    let ran = leadline(&data, &["sources", "test", "manual"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("would place it a rule of `rules.places` with `mark = \"namespace:x\"`"), "{}", ran.out);
    let json = leadline(&data, &["sources", "test", "manual", "--format", "json"]);
    assert!(json.out.starts_with('{'), "{}", json.out);
}

#[test]
fn what_cannot_be_recorded_is_told_before_anything_is_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    for (args, said) in [
        (&["record", "incident", "--title", "x"][..], "component"),
        (&["record", "deployment"], "--component"),
        (&["record", "deployment", "--component", "c", "--status", "done"], "possible values"),
        (&["record", "deployment", "--component", "c", "--finished-at", "soon"], "--finished-at"),
    ] {
        let ran = leadline(&data, args);
        assert_eq!(ran.code, Some(2), "{args:?}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(said), "{args:?}: {}", ran.err);
    }
    assert!(!data.exists());
    let ran = leadline(&data, &["sources", "test", "nobody"]);
    assert_eq!(ran.code, Some(2), "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("nothing has come from `nobody`"), "{}", ran.err);
}
