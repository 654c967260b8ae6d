//! GitLab's past, read from a GitLab of this machine.

mod any;
mod equal;
mod lab;
mod lists;
mod refusals;
mod story;
mod trouble;

use std::collections::BTreeMap;

use sources::poll::{Credentials, Settings};

use crate::backfill::host::Desk;
use crate::backfill::hub::{Data, Hub};
use lab::TOKEN;
use story::{Step, Story};

const YEAR: &[Step] = &[
    Step::Commit,
    Step::Deploy("success"),
    Step::Tag(true),
    Step::Merge(3),
    Step::Pipeline(2),
    Step::Deploy("failed"),
    Step::Incident(true),
    Step::Release,
    Step::Issue,
    Step::Tag(false),
    Step::Incident(false),
    Step::Deploy("running"),
    Step::Pipeline(1),
    Step::Merge(1),
    Step::Deploy("canceled"),
];

/// With so many things on a page.
fn hub(page: usize, steps: &[Step]) -> Hub {
    Hub::start(Data { page, ..Story::of(steps).data })
}

fn desk() -> Desk {
    Desk::of("gitlab")
}

fn settings(hub: &Hub) -> Settings {
    Settings {
        run: "1".to_owned(),
        api_url: hub.url(),
        credentials: Credentials::Token(TOKEN.to_owned()),
        repositories: vec![story::REPO.to_owned()],
        owners: Vec::new(),
        since: None,
        options: BTreeMap::new(),
    }
}
