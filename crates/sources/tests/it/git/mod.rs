//! Repositories made by Git itself, read by both and compared.

mod commits;
mod odd;
mod sandbox;
mod tags;

use domain::Timestamp;
use domain::event::Event;
use sources::git::{CommitOptions, Repository, TagOptions, Tags};

use sandbox::{Made, Sandbox, T, crooked, now};

fn events(repository: &Repository, paths: bool) -> Vec<Event> {
    let commits = repository.commits(CommitOptions { paths, now: now() }).unwrap();
    let count = commits.len();
    let events: Vec<_> = commits.map(|event| event.unwrap()).collect();
    assert_eq!(events.len(), count);
    events
}

fn text<'a>(event: &'a Event, name: &str) -> &'a str {
    event.fields.get(name).and_then(|value| value.as_str()).unwrap_or_default()
}

fn list(event: &Event, name: &str) -> Vec<String> {
    let items = event.fields[name].as_array().unwrap();
    items.iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

fn seconds(event: &Event, name: &str) -> i64 {
    Timestamp::parse(text(event, name)).unwrap().micros() / 1_000_000
}

fn tags(repository: &Repository, glob: Option<&str>, prereleases: bool) -> Tags {
    repository.tags(&TagOptions { glob, prereleases, now: now() }).unwrap()
}
