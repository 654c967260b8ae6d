//! Progress on standard error, when somebody watches it.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::out;

/// A bar or a counter; shows nothing when standard error is not a terminal.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Of a known number of things, `0` when it is not known.
    pub(crate) fn new(what: &str, total: u64) -> Self {
        let bar = ProgressBar::with_draw_target((total > 0).then_some(total), target()).with_message(what.to_owned());
        bar.set_style(style(total > 0));
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress(bar)
    }

    /// Of something done elsewhere, which says by itself how far it is.
    pub(crate) fn watching(what: &str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(1), target()).with_prefix(what.to_owned());
        let style = ProgressStyle::with_template("{prefix} {bar:12} {human_pos} of {human_len}  {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ "));
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress(bar)
    }

    /// What it is doing.
    pub(crate) fn say(&self, what: &str) {
        self.0.set_message(what.to_owned());
    }

    /// So many are done.
    pub(crate) fn reached(&self, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
    }

    /// So many more are done.
    pub(crate) fn add(&self, done: u64) {
        self.0.inc(done);
    }

    /// So many of so many are done.
    pub(crate) fn set(&self, done: u64, total: u64) {
        if self.0.length() != Some(total) {
            self.0.set_length(total);
            self.0.set_style(style(true));
        }
        self.0.set_position(done);
    }

    /// What it is doing, when somebody watches the bar; else a line of its own.
    pub(crate) fn phase(&self, what: &str, line: &str) {
        self.0.set_message(what.to_owned());
        self.0.reset_eta();
        if !out::is_watched() && !line.is_empty() {
            out::note(line);
        }
    }

    /// Takes it away.
    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

fn target() -> ProgressDrawTarget {
    if out::is_watched() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() }
}

fn style(bounded: bool) -> ProgressStyle {
    let template = if bounded {
        "{msg} {bar:32} {human_pos} of {human_len}  {per_sec}  {eta} left"
    } else {
        "{msg} {spinner} {human_pos}  {per_sec}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ ")
}
