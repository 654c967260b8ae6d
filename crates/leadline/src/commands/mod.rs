//! One module a command.

mod backfill;
mod compare;
mod export;
mod import_events;
mod import_git;
mod rebuild;
mod record;
pub(crate) mod serve;
mod source_test;
mod sources;
mod token;

use std::process::ExitCode;

use crate::cli::{Cli, Command, ImportCommand};
use crate::failure::Failure;
use crate::send::Taken;
use crate::{bench, demo, explain, format, out, report};

/// Runs a command.
pub(crate) fn run(cli: Cli) -> Result<ExitCode, Failure> {
    // A server in this process tells only what is wrong; `serve` tells what it does.
    start_log(if matches!(cli.command, Command::Serve(_)) { "info" } else { "error" });
    match cli.command {
        Command::Serve(args) => serve::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Import(ImportCommand::Git(args)) => import_git::run(&args),
        Command::Import(ImportCommand::Events(args)) => import_events::run(&args),
        Command::Record(command) => record::run(&command),
        Command::Backfill(args) => backfill::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Rebuild(args) => rebuild::run(&args),
        Command::Token(args) => token::run(args.command),
        Command::Sources(args) => sources::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Bench(args) => bench::run(&args),
    }
}

/// To standard error; `LEADLINE_LOG`, else `RUST_LOG`, says what is told, as `info` or `server=debug,store=info`.
fn start_log(default: &str) {
    use std::io::IsTerminal;
    let wanted = ["LEADLINE_LOG", "RUST_LOG"].iter().find_map(|name| std::env::var(name).ok());
    let wanted = wanted.unwrap_or_else(|| default.to_owned());
    let filter = tracing_subscriber::EnvFilter::builder().parse_lossy(wanted);
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Only one log can be started, and this is the only place that does.
    let _ = log.with_ansi(std::io::stderr().is_terminal() && !no_color).try_init();
}

/// Tells what was refused and why; 1 when something was.
fn told(taken: &Taken) -> ExitCode {
    if taken.rejected == 0 {
        return ExitCode::SUCCESS;
    }
    for complaint in &taken.complaints {
        out::note(&format!("  {complaint}"));
    }
    let more = taken.rejected.saturating_sub(taken.complaints.len() as u64);
    if more > 0 {
        out::note(&format!("  and {} more", format::count(more)));
    }
    ExitCode::from(1)
}

/// Seconds since an instant, to one decimal.
fn seconds_since(started: domain::Timestamp) -> String {
    let micros = crate::clock::now().since(started);
    format!("{:.1} s", micros as f64 / domain::time::SECOND as f64)
}

/// What came from outside as it may be shown on a terminal: in one line, without what would steer it.
fn one_line(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { ' ' } else { sign }).collect()
}
