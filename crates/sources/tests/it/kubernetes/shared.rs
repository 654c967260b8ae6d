//! Every shared payload of Kubernetes against the meaning its manifest proposes. Where this disagrees, it says why.

use domain::time::Timestamp;
use serde_json::Value;

use super::{only, send};
use crate::support::shared;

struct Row {
    file: String,
    kind: String,
    proposed: Value,
    text: String,
}

fn rows() -> Option<Vec<Row>> {
    let text = std::fs::read_to_string(shared("fixtures/MANIFEST.tsv")?).unwrap();
    let mut tables = csv::ReaderBuilder::new().delimiter(b'\t').from_reader(text.as_bytes());
    let rows = tables.records().map(Result::unwrap);
    // ReplicaSets and Rollouts of the neighbouring folder are objects of a cluster too.
    let mine = rows.filter(|row| {
        row[0].starts_with("k8s/") || (row[0].starts_with("argo-rollouts/") && &row[1] != "argo-rollouts.notification")
    });
    let read = |row: csv::StringRecord| {
        let text = std::fs::read_to_string(shared(&format!("fixtures/{}", &row[0]))?).unwrap();
        let proposed = serde_json::from_str(&row[6]).unwrap();
        Some(Row { file: row[0].to_owned(), kind: row[1].to_owned(), proposed, text })
    };
    Some(mine.filter_map(read).collect())
}

/// Files that are ignored although the manifest proposes a deployment, and why.
fn ignored_here(row: &Row) -> Option<&'static str> {
    match (&*row.kind, row.proposed["kind"].as_str()) {
        // A revision's ReplicaSet stays for years, and says nothing of how its rollout went.
        (_, Some("ReplicaSet")) => Some("belongs to a workload, which tells of its rollout"),
        // Desired state out of Git: nothing runs yet, and the id proposed is `None`.
        _ if row.proposed["id"] == "None rev None" => Some("has no uid: it is a manifest"),
        ("k8s.audit" | "gke.cloud-logging", _) => Some("are no workloads that are rolled out"),
        _ => None,
    }
}

/// The last condition that says how it ended.
fn ended_at(proposed: &Value) -> Option<(&'static str, Timestamp)> {
    let conditions = proposed["conditions"].as_array()?;
    conditions.iter().find_map(|condition| {
        let status = match condition[2].as_str()? {
            "NewReplicaSetAvailable" => "succeeded",
            "ProgressDeadlineExceeded" | "RolloutAborted" => "failed",
            _ => return None,
        };
        Some((status, Timestamp::parse(condition[3].as_str()?).unwrap()))
    })
}

#[test]
fn every_shared_payload_is_taken_or_ignored_as_proposed() {
    let Some(rows) = rows() else { return };
    assert!(rows.len() >= 11, "{}", rows.len());
    for row in rows {
        let source = if row.kind.starts_with("gke") { "gke" } else { "kubernetes" };
        let file = &row.file;
        let parsed = send(source, &[], &row.text);
        if row.proposed == Value::Array(Vec::new()) {
            let why = parsed.unwrap().ignored.unwrap();
            assert_eq!(why, "`list` only reads (7 times)", "{file}");
            continue;
        }
        if let Some(why) = ignored_here(&row) {
            // The cluster of Google's is not named in this one, which was cut down; it is none of ours all the same.
            let ignored = parsed.unwrap_or_else(|problem| panic!("{file}: {problem}")).ignored.unwrap();
            assert!(ignored.contains(why), "{file}: {ignored}");
            continue;
        }
        let event = only(parsed);
        assert_eq!(*event.key.id, row.proposed["id"].as_str().unwrap().replace(" rev ", ":"), "{file}");
        assert_eq!(event.fields["component"], row.proposed["service"], "{file}");
        // Nothing names the environment in these: the namespace is where they run.
        assert_eq!(event.fields["environment"], row.proposed["env_hint"], "{file}");
        assert_eq!(event.fields["images"], row.proposed["images"], "{file}");
        match ended_at(&row.proposed) {
            Some((status, at)) => {
                assert_eq!(event.fields["status"], status, "{file}");
                let found = Timestamp::parse(event.fields["finished_at"].as_str().unwrap()).unwrap();
                assert_eq!(found, at, "{file}");
            }
            None => assert_eq!(event.fields["status"], "in_progress", "{file}"),
        }
    }
}
