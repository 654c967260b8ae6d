//! `leadline`: the server and the commands around it.
//!
//! A command that needs data is a client of the HTTP API: of a running server with `--url`, else of one started in this
//! process on the data folder. What a command shows can therefore never differ from what the server answers.

mod bench;
mod cli;
mod client;
mod clock;
mod commands;
mod dates;
mod demo;
mod explain;
mod failure;
mod format;
mod out;
mod progress;
mod random;
mod report;
mod send;
mod session;

use std::process::ExitCode;

use clap::Parser;

/// Gives memory of finished queries back to the system, which glibc's does not: a server of many threads stays small.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        // Also help and version, which are no errors.
        Err(error) => {
            out::usage(&error);
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    match commands::run(cli) {
        Ok(code) => code,
        Err(failure) => {
            out::failure(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}
