//! Every source has a page for users, and `docs/sources/README.md` lists them all: it is made from the table of sources.

use std::fmt::Write;
use std::path::PathBuf;

use sources::{SOURCES, Source, Verification};

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/sources"))
}

/// The two whose page is the reference of the API.
fn has_page(source: &Source) -> bool {
    !matches!(source.name, "native" | "articles")
}

fn index() -> String {
    let mut page = String::from(
        "# Sources\n\n\
         What Leadline takes in. A page a tool says how to set it up and what becomes of what it sends; \
         [placing](placing.md) says\nhow things find their component, [polling](polling.md) how APIs are asked again and \
         again, [your own](your-own.md) how to\nadd a tool nobody thought of, in ten lines of configuration. Clusters are \
         watched ([Kubernetes](kubernetes.md)), streams read\n([NATS](nats.md), and Kafka by a bridge). Made from the table \
         of sources by `make generated`.\n\n\
         | source | takes | shows whom it is from by | its past, and polling |\n|---|---|---|---|\n",
    );
    for source in SOURCES.iter() {
        let title =
            if has_page(source) { format!("[{}]({}.md)", source.title, source.name) } else { source.title.to_owned() };
        let shown = match source.verification {
            Verification::Token => "a token of Leadline's",
            _ => "a secret shared with it, or a token",
        };
        let past = source.backfill.map_or_else(
            || "–".to_owned(),
            |past| format!("yes; at least every {} min while polled", past.every.as_secs() / 60),
        );
        writeln!(page, "| {title} | {} | {shown} | {past} |", source.doc).unwrap();
    }
    page
}

#[test]
fn every_source_has_a_page_and_the_index_lists_it() {
    for source in SOURCES.iter().filter(|source| has_page(source)) {
        let page = std::fs::read_to_string(folder().join(format!("{}.md", source.name)));
        let page = page.unwrap_or_else(|error| panic!("docs/sources/{}.md: {error}", source.name));
        assert!(
            page.starts_with("# ") && page.contains("/webhooks/") || page.contains("/v1/traces"),
            "{}",
            source.name
        );
    }
    let file = folder().join("README.md");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&file, index()).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(found, index(), "docs/sources/README.md is stale: run `make generated`");
}
