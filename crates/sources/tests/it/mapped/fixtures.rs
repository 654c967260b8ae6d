//! Every tool's folder: what its program makes of each of its fixtures.
//!
//! A fixture is `{about, headers, body}` and one of `events` (all their fields, in order), `ignored` (why) and `problem`
//! (its message), or several deliveries `then`, of which all tell of the one entity `merged`. Set `LEADLINE_WRITE_FIXTURES` to write what the programs make now; read
//! what changed before it is committed.

use std::fs;
use std::path::PathBuf;

use domain::event::Event;
use serde_json::{Value, json};
use sources::{SOURCES, Source, Tool};

use super::{native, send};

fn folders() -> Vec<PathBuf> {
    let mapped = concat!(env!("CARGO_MANIFEST_DIR"), "/mapped");
    let mut folders: Vec<_> = fs::read_dir(mapped).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

/// The tool as its folder has it now.
pub(super) fn source(name: &str) -> Source {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/mapped")).join(name);
    let mut tool = Tool::read(&fs::read_to_string(folder.join("source.toml")).unwrap()).unwrap();
    tool.program_file = Some(folder.join("program.jq"));
    tool.source().unwrap_or_else(|error| panic!("{error}"))
}

pub(super) fn headers(fixture: &Value) -> Vec<(String, String)> {
    let fields = fixture["headers"].as_object().into_iter().flatten();
    fields.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

/// What a program makes of a fixture's body, in the words of a fixture.
fn made(source: &Source, fixture: &Value) -> (&'static str, Value) {
    match send(source, &headers(fixture), &fixture["body"].to_string()) {
        Ok(parsed) if parsed.ignored.is_some() => ("ignored", json!(parsed.ignored)),
        Ok(parsed) => {
            let event = |event: &Result<Event, domain::Problem>| match event {
                Ok(event) => native(event),
                Err(problem) => json!({"problem": problem.to_string()}),
            };
            ("events", parsed.events.iter().map(event).collect())
        }
        Err(problem) => ("problem", json!(problem.to_string())),
    }
}

#[test]
fn every_fixture_is_read_as_it_says() {
    let write = std::env::var_os("LEADLINE_WRITE_FIXTURES").is_some();
    let mut wrong = Vec::new();
    for folder in folders() {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let source = source(name);
        let mut files: Vec<_> =
            fs::read_dir(folder.join("fixtures")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert!(files.iter().any(|file| file.ends_with("sample.json")), "{name} needs fixtures/sample.json");
        for file in files {
            let mut fixture: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap())
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            assert!(fixture["about"].is_string(), "{}: say what it is about", file.display());
            let (key, value) = made(&source, &fixture);
            if write {
                for other in ["events", "ignored", "problem"] {
                    fixture.as_object_mut().unwrap().remove(other);
                }
                fixture[key] = value;
                fs::write(&file, serde_json::to_string_pretty(&fixture).unwrap() + "\n").unwrap();
            } else if fixture.get(key) != Some(&value) {
                wrong.push(format!("{}: {key} is {value:#}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_folder_is_a_source_with_a_page() {
    for folder in folders() {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let (shipped, read) = (sources::find(name), source(name));
        let shipped = shipped.unwrap_or_else(|| panic!("{name} is missing in the table of sources"));
        assert_eq!((shipped.name, shipped.title, shipped.doc), (name, read.title, read.doc));
        assert_eq!(shipped.verification, read.verification);
        let page = format!("{}/../../docs/sources/{name}.md", env!("CARGO_MANIFEST_DIR"));
        let page = fs::read_to_string(&page).unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(page.contains(&format!("/webhooks/{name}")), "{name}");
    }
    let mapped = SOURCES.iter().filter(|source| folders().iter().any(|folder| folder.ends_with(source.name)));
    assert_eq!(mapped.count(), folders().len());
}
