//! Programs of one's own that change while the server runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use crate::config::Config;

/// How often the files are looked at.
const OFTEN: Duration = Duration::from_secs(1);

/// What tells that a file is another: its length and when it was written.
type Look = Vec<Option<(u64, SystemTime)>>;

fn look(files: &[PathBuf]) -> Look {
    let of = |file: &PathBuf| {
        let about = std::fs::metadata(file).ok()?;
        Some((about.len(), about.modified().ok()?))
    };
    files.iter().map(of).collect()
}

/// Learns the tools of the configuration again whenever the file of a program changes, until the server is told to stop. A
/// program that cannot be used is told in the log, and the one before stays.
pub(crate) async fn follow(config: Arc<Config>, mut stopping: watch::Receiver<bool>) {
    let files: Vec<PathBuf> = config.tools.iter().filter_map(|tool| tool.program_file.clone()).collect();
    if files.is_empty() {
        return;
    }
    let mut known = look(&files);
    loop {
        tokio::select! {
            _ = stopping.wait_for(|told| *told) => return,
            () = tokio::time::sleep(OFTEN) => {}
        }
        let found = look(&files);
        if found == known {
            continue;
        }
        known = found;
        let config = Arc::clone(&config);
        // It reads and compiles, which blocks.
        match tokio::task::spawn_blocking(move || config.learn_tools()).await {
            Ok(Ok(())) => tracing::info!("programs of tools were read again"),
            Ok(Err(error)) => tracing::warn!(%error, "a changed program is not used; the one before stays"),
            Err(error) => tracing::error!(%error, "programs of tools could not be read again"),
        }
    }
}
