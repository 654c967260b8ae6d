//! `leadline export`: files that others can read.

use serde_json::json;

use crate::run::leadline;

#[test]
fn tables_and_series_are_written_to_files_and_to_pipes() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let events: Vec<String> = (1..=9)
        .map(|day| {
            json!({"type": "deployment", "id": format!("d{day}"), "component": "cart", "product": "shop", "environment": "production",
                "status": "succeeded", "version": format!("1.{day}.0"), "finished_at": format!("2025-01-0{day}T12:00:00Z")})
            .to_string()
        })
        .collect();
    let file = folder.path().join("events.ndjson");
    std::fs::write(&file, events.join("\n")).expect("a file");
    leadline(&data, &["import", "events", file.to_str().expect("a name")]).ok();

    let csv = leadline(&data, &["export", "--table", "deployments", "--format", "csv", "--from", "2025-01-05"]).ok();
    assert_eq!(csv.lines().count(), 6, "{csv}");
    let window =
        ["--from", "2025-01-01", "--to", "2025-01-10", "--bucket", "month", "--metric", "deployment_frequency"];
    let nodes = ["--node", "product:shop", "--node", "component:cart"];
    let lines = leadline(&data, &[&["export", "--table", "metrics"], &window[..], &nodes].concat()).ok();
    assert_eq!(
        lines,
        "deployment_frequency,definition=dora,kind=product,node=shop value=1,n=9i 1735689600000000000\n\
         deployment_frequency,definition=dora,kind=component,node=shop/cart value=1,n=9i 1735689600000000000\n"
    );

    let out = folder.path().join("deployments.parquet");
    let name = out.to_str().expect("a name");
    leadline(&data, &["export", "--table", "deployments", "--format", "parquet", "--output", name]).ok();
    let bytes = std::fs::read(&out).expect("it was written");
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));

    let refused = leadline(&data, &["export", "--table", "nothing", "--output", name]);
    assert_eq!(refused.code, Some(2), "{}", refused.err);
    assert!(refused.err.contains("there is no table `nothing`"), "{}", refused.err);
    assert_eq!(std::fs::read(&out).expect("it is still there"), bytes, "what was whole stays");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 3, "nothing half is left");
}
