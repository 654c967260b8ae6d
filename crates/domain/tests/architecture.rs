//! Reads the manifests and the sources, and fails when an invariant of ARCHITECTURE.md is broken.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Who may depend on whom. A new edge is the heaviest change there is: it belongs here, with its reason in the commit.
const EDGES: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("correlate", &["domain"]),
    ("metrics", &["domain"]),
    ("sources", &["domain"]),
    ("store", &["domain", "correlate"]),
    // Reads what a message stands for; where it is kept is behind its own trait, so that it knows no store.
    ("stream", &["domain", "sources"]),
    ("warehouse", &["domain", "metrics"]),
    ("watch", &["domain", "sources"]),
    ("dashboard-assets", &[]),
    ("server", &["dashboard-assets", "domain", "metrics", "sources", "store", "stream", "warehouse", "watch"]),
    ("leadline", &["correlate", "domain", "metrics", "sources", "store", "server", "warehouse"]),
];

/// Only this crate may depend on these.
const OWNERS: &[(&str, &[&str])] = &[
    ("store", &["rusqlite", "tokio-postgres", "sqlx", "postgres"]),
    ("warehouse", &["datafusion", "datafusion-postgres", "pgwire", "deltalake", "arrow", "parquet"]),
    ("server", &["axum", "tower-http", "utoipa"]),
    ("sources", &["gix", "jaq-core", "prost", "ring"]),
    ("stream", &["async-nats"]),
    ("watch", &["kube", "k8s-openapi"]),
    ("dashboard-assets", &["rust-embed"]),
];

/// What `domain` and `correlate` must not mention: they do no I/O, read no clock, draw no random numbers.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::thread",
    "std::time",
    "tokio::",
    "rand::",
    "getrandom",
    "Timestamp::now",
    "Zoned::now",
    "println!",
    "eprintln!",
];

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("crates/").to_owned()
}

fn manifests() -> BTreeMap<String, toml::Table> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(crates()).expect("crates/ can be read") {
        let folder = entry.expect("an entry").path();
        let Ok(text) = fs::read_to_string(folder.join("Cargo.toml")) else { continue };
        let manifest: toml::Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let name = manifest["package"]["name"].as_str().expect("a name").to_owned();
        assert_eq!(folder.file_name().and_then(|name| name.to_str()), Some(name.as_str()), "folder name is crate name");
        found.insert(name, manifest);
    }
    found
}

fn dependencies(manifest: &toml::Table, section: &str) -> BTreeSet<String> {
    let table = manifest.get(section).and_then(toml::Value::as_table);
    table.into_iter().flat_map(|table| table.keys().cloned()).collect()
}

#[test]
fn crates_depend_only_on_those_below_them() {
    let manifests = manifests();
    let ours: BTreeSet<&String> = manifests.keys().collect();
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        EDGES.iter().map(|(from, to)| (*from, to.iter().copied().collect())).collect();
    assert_eq!(ours.iter().map(|name| name.as_str()).collect::<BTreeSet<_>>(), allowed.keys().copied().collect());
    for (name, manifest) in &manifests {
        for dependency in dependencies(manifest, "dependencies") {
            let edge = ours.contains(&dependency);
            assert!(
                !edge || allowed[name.as_str()].contains(dependency.as_str()),
                "{name} -> {dependency} is a new edge"
            );
        }
    }
}

#[test]
fn drivers_engines_and_frameworks_have_one_owner() {
    for (name, manifest) in manifests() {
        for (owner, libraries) in OWNERS.iter().filter(|(owner, _)| *owner != name) {
            for library in *libraries {
                let used = dependencies(&manifest, "dependencies").contains(*library);
                assert!(!used, "{name} depends on {library}, which belongs to {owner}");
            }
        }
    }
}

#[test]
fn every_crate_takes_versions_lints_and_licence_from_the_workspace() {
    for (name, manifest) in manifests() {
        assert_eq!(manifest["lints"]["workspace"].as_bool(), Some(true), "{name} has lints of its own");
        assert_eq!(
            manifest["package"]["license"]["workspace"].as_bool(),
            Some(true),
            "{name} has a licence of its own"
        );
        for section in ["dependencies", "dev-dependencies"] {
            for (dependency, value) in manifest.get(section).and_then(toml::Value::as_table).into_iter().flatten() {
                let shared = value.get("workspace").is_some() || value.get("path").is_some();
                assert!(shared, "{name}: {dependency} has a version of its own");
            }
        }
    }
}

#[test]
fn domain_and_correlate_are_pure() {
    for name in ["domain", "correlate"] {
        for file in rust_files(&crates().join(name).join("src")) {
            let text = fs::read_to_string(&file).expect("a source file");
            for word in IMPURE {
                assert!(!text.contains(word), "{} mentions {word}", file.display());
            }
        }
    }
}

/// Who may make a client of HTTP: there every request has limits of time and size, and secrets stay out of logs.
const HTTP_CLIENTS: &[&str] = &["sources/src/poll/http.rs", "leadline/src/client.rs"];

#[test]
fn requests_go_out_from_few_places_only() {
    for file in rust_files(&crates()) {
        let name = file.strip_prefix(crates()).expect("below crates/").to_string_lossy().replace('\\', "/");
        if name.contains("/src/") && !HTTP_CLIENTS.contains(&name.as_str()) {
            let text = fs::read_to_string(&file).expect("a source file");
            assert!(!text.contains("ureq"), "{name} talks HTTP by itself: see {HTTP_CLIENTS:?}");
        }
    }
}

#[test]
fn no_test_is_ignored_and_nothing_is_left_to_be_done() {
    // Spelled apart, so that this file does not find itself.
    let words = [
        concat!("#[ign", "ore"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
    ];
    for file in rust_files(&crates()) {
        let text = fs::read_to_string(&file).expect("a source file");
        for word in words {
            assert!(!text.contains(word), "{} contains {word}", file.display());
        }
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
