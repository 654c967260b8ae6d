//! The binary as people run it: what it prints, how it ends.

#![expect(clippy::expect_used, clippy::panic, reason = "a test stops at the first thing that is not as it should be")]

mod archive;
mod backfill;
mod demo;
mod events;
mod export;
mod git;
mod git_history;
mod kill;
mod record;
mod run;
mod serve;
mod tokens;
mod usage;
