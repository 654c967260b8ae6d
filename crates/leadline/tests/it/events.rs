//! `leadline import events`, and what `report` and `explain` make of them.

use std::path::{Path, PathBuf};

use crate::run::leadline;

/// The worked example of METRICS.md, its deployments.
fn file(folder: &Path) -> PathBuf {
    let rows = [
        ("C1", "cart", "1.0.0", "01-01T12", "01-01T08"),
        ("C2", "cart", "1.1.0", "01-03T12", "01-03T06"),
        ("C3", "cart", "1.2.0", "01-04T12", "01-03T12"),
        ("K1", "catalogue", "2.0.0", "01-02T12", "01-02T10"),
        ("K2", "catalogue", "2.1.0", "01-06T12", "01-06T08"),
        ("P1", "pay", "3.0.0", "01-08T12", "01-08T06"),
    ];
    let mut text = String::new();
    for (id, component, version, finished, committed) in rows {
        let event = serde_json::json!({"type": "deployment", "id": id, "component": component, "product": "shop", "environment": "production",
            "status": "succeeded", "version": version, "finished_at": format!("2025-{finished}:00:00Z"), "commit_at": format!("2025-{committed}:00:00Z")});
        text.push_str(&format!("{event}\n"));
    }
    let file = folder.join("events.ndjson");
    std::fs::write(&file, text).expect("a file");
    file
}

const WINDOW: [&str; 6] = ["--node", "product:shop", "--from", "2025-01-01", "--to", "2025-01-11"];

fn question<'a>(command: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [command, &WINDOW, more].concat()
}

#[test]
fn events_come_in_once_and_are_reported_in_every_form() {
    let folder = tempfile::tempdir().expect("a folder");
    let (data, events) = (folder.path().join("data"), file(folder.path()));
    let events = events.to_str().expect("a name");
    let said = leadline(&data, &["import", "events", events]).ok();
    assert!(said.starts_with("6 events accepted, 0 known already, 0 rejected"), "{said}");
    let said = leadline(&data, &["import", "events", events]).ok();
    assert!(said.starts_with("0 events accepted, 6 known already, 0 rejected"), "{said}");

    let json = leadline(&data, &question(&["report"], &["--format", "json"])).json();
    assert_eq!(json["metrics"]["deployment_frequency"]["value"], 0.6);
    assert_eq!(json["metrics"]["lead_time"]["value"], 18_000.0);
    assert_eq!(json["tree"].as_array().expect("nodes").len(), 7);

    let text = leadline(&data, &question(&["report"], &[])).ok();
    for wanted in
        ["product shop", "4.2 / week", "5 h", "10 days: 2025-01-01 00:00 to 2025-01-11 00:00 UTC", "  catalogue"]
    {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "no colour in a pipe");
    let nodes = ["compare", "component:cart", "component:catalogue", "--metric", "lead_time", "--from", "2025-01-01"];
    let text = leadline(&data, &nodes).ok();
    assert!(text.starts_with("component:shop/catalogue ("), "{text}");
    assert!(text.contains("3 h against 6 h: 3 h less (-50 %). There are too few rows"), "{text}");
    let json =
        leadline(&data, &question(&["compare"], &["--with", "2024-12-01,2025-01-01", "--format", "json"])).json();
    assert_eq!((&json["by"], &json["columns"][1]["from"]), (&"window".into(), &"2025-01-01T00:00:00Z".into()));
    let csv = leadline(&data, &question(&["report"], &["--format", "csv"])).ok();
    assert!(csv.contains("product:shop,product,lead_time,18000,s,6,1,elite,"), "{csv}");
    assert!(
        leadline(&data, &question(&["report"], &["--format", "markdown"]))
            .ok()
            .contains("| Change lead time | **5 h** | elite |")
    );
    let page = folder.path().join("page.html");
    let out = ["--format", "html", "--output", page.to_str().expect("a name")];
    assert_eq!(leadline(&data, &question(&["report"], &out)).ok(), "");
    assert!(std::fs::read_to_string(page).expect("a page").contains("<h1>Delivery of product shop"));

    let text = leadline(&data, &question(&["explain", "lead_time"], &["--definition", "rex"])).ok();
    for wanted in ["Change lead time of product:shop: 6 h 47 min", "Rows used 6 of 6, 100 %", "shop/pay", "SELECT"] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    let hash = leadline(&data, &["rebuild"]).ok();
    assert_eq!(leadline(&data, &["rebuild"]).ok(), hash);
    assert_eq!(leadline(&data, &["rebuild", "--from", "2025-01-01T00:00:00+01:00"]).ok(), hash);
    assert_eq!(leadline(&data, &["rebuild", "--rules-change"]).ok(), hash);
    let refused = leadline(&data, &["rebuild", "--from", "2025-01-01"]);
    assert!(refused.code == Some(2) && refused.err.contains("offset"), "{}", refused.err);
    assert!(hash.starts_with("facts_sha256 "), "{hash}");
}

#[test]
fn what_is_refused_is_named_and_the_rest_is_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mixed.ndjson");
    let good = r#"{"type":"incident","id":1,"opened_at":"2025-01-01T00:00:00Z","product":"shop"}"#;
    std::fs::write(&file, format!("{good}\n{{\"type\":\"incident\"}}\n")).expect("a file");
    let ran = leadline(&folder.path().join("data"), &["import", "events", file.to_str().expect("a name")]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.out.starts_with("1 events accepted, 0 known already, 1 rejected"), "{}", ran.out);
    assert!(ran.err.contains("mixed.ndjson:2: "), "{}", ran.err);
}
