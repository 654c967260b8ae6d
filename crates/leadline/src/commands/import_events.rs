//! `leadline import events`: files of native events.

use std::process::ExitCode;

use domain::event::Checks;

use super::{seconds_since, told};
use crate::cli::ImportEventsArgs;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::send::{Sender, Taken};
use crate::session::Session;
use crate::{clock, format, out};

/// Source of events in files that name none.
const SOURCE: &str = "import";

/// Runs the command.
pub(crate) fn run(args: &ImportEventsArgs) -> Result<ExitCode, Failure> {
    let started = clock::now();
    // All files are opened before anything is sent, so that a wrong name changes nothing.
    let checks = Checks { default_source: SOURCE, now: started };
    let mut files = Vec::with_capacity(args.files.len());
    for file in &args.files {
        let events = sources::file::open(file, checks).map_err(|error| match error {
            sources::file::FileError::UnknownFormat(_) => Failure::Use(error.to_string()),
            sources::file::FileError::Open { .. } => Failure::could_not(error.to_string()),
        })?;
        files.push((file.display().to_string(), events));
    }
    let session = Session::open(&args.target)?;
    let bar = std::sync::Arc::new(Progress::new("Importing events", 0));
    let shown = bar.clone();
    let mut sender = Sender::new(session.client().clone(), move |taken| shown.add(taken));
    let mut refused = Taken::default();
    for (file, events) in files {
        for (line, event) in events {
            match event {
                Ok(event) => sender.event(&event)?,
                Err(problem) => refused.refuse(problem.code.text(), &format!("{file}:{line}"), &problem.message),
            }
        }
    }
    let mut taken = sender.finish()?;
    bar.clear();
    session.close()?;
    for complaint in refused.complaints.into_iter().rev() {
        taken.complaints.insert(0, complaint);
    }
    taken.rejected += refused.rejected;
    out::line(&format!(
        "{} events accepted, {} known already, {} rejected in {}",
        format::count(taken.accepted),
        format::count(taken.duplicates),
        format::count(taken.rejected),
        seconds_since(started)
    ))?;
    Ok(told(&taken))
}
