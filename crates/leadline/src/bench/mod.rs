//! `leadline bench`: how fast a group of a given size is linked, stored, asked, and how much memory that takes.
//!
//! Each stage runs in a process of its own, so that its memory is its own, and leaves its result in the folder: a run
//! that was interrupted goes on with the stages that are missing.

mod apply;
mod backfill;
mod base;
mod facts;
mod generate;
mod ingest;
mod link;
mod queries;
mod raw;
mod size;
mod table;
#[cfg(test)]
mod tests;
mod timing;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::ValueEnum;
use domain::Problem;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::size::ProductPlan;
pub(crate) use self::size::Size;
use self::timing::{Memory, Times, Watch};
use crate::cli::BenchArgs;
use crate::failure::Failure;
use crate::out;

/// A part of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// All facts from entities, and nothing else
    Facts,
    /// The warehouse from facts
    Fill,
    /// The same page by page, sealed on the way
    Backfill,
    /// The questions of the dashboard, and those of bench/peers
    Queries,
    /// Events made durable and linked through the store, then all facts from the journal
    Ingest,
    /// One more event after histories of several lengths
    Apply,
    /// The same data as plain rows without links, for `bench/peers`
    Raw,
}

impl Stage {
    const fn text(self) -> &'static str {
        match self {
            Stage::Facts => "facts",
            Stage::Fill => "fill",
            Stage::Backfill => "backfill",
            Stage::Queries => "queries",
            Stage::Ingest => "ingest",
            Stage::Apply => "apply",
            Stage::Raw => "raw",
        }
    }
}

/// What is measured.
pub(crate) struct Setup {
    pub(crate) size: Size,
    pub(crate) seed: u64,
    pub(crate) threads: usize,
    pub(crate) folder: PathBuf,
    pub(crate) plan: Vec<ProductPlan>,
    started: Watch,
}

impl Setup {
    fn new(args: &BenchArgs) -> Self {
        Setup {
            size: args.size,
            seed: args.seed,
            threads: args.threads.max(1),
            folder: args.data.clone(),
            plan: size::plan(args.size, args.seed),
            started: Watch::start(),
        }
    }

    /// Tells every so many products how far it is: a log of a long run shows it too.
    pub(crate) fn progress(&self, what: &str, index: usize) {
        let (done, all) = (index + 1, self.plan.len());
        if done.is_multiple_of(all.div_ceil(10)) || done == all {
            out::note(&format!("  {what}: {done} of {all} products, {:.0} s", self.started.passed().as_secs_f64()));
        }
    }

    /// A file of the folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// One number, or the times of one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measure {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<f64>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) unit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) times: Option<Times>,
}

impl Measure {
    pub(crate) fn number(name: &str, value: f64, unit: &str) -> Self {
        Measure { name: name.to_owned(), value: Some(value), unit: unit.to_owned(), times: None }
    }

    /// Something that could not be measured, which is told and not the end of a run of hours.
    pub(crate) fn failed(name: &str, failure: &Failure) -> Self {
        out::note(&format!("  {name}: {failure}"));
        Measure { name: name.to_owned(), value: None, unit: failure.to_string(), times: None }
    }

    pub(crate) fn times(name: &str, times: &[std::time::Duration]) -> Self {
        Measure { name: name.to_owned(), value: None, unit: String::new(), times: Some(Times::of(times)) }
    }
}

/// What a stage found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// What it was asked for: a result of anything else is not taken for it.
    asked: Asked,
    pub(crate) stage: String,
    pub(crate) measures: Vec<Measure>,
    pub(crate) memory: Memory,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    size: String,
    seed: u64,
    threads: usize,
    version: String,
}

impl Asked {
    pub(crate) fn new(setup: &Setup) -> Self {
        Asked {
            size: setup.size.text().to_owned(),
            seed: setup.seed,
            threads: setup.threads,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &BenchArgs) -> Result<ExitCode, Failure> {
    let setup = Setup::new(args);
    std::fs::create_dir_all(&setup.folder).map_err(|error| could_not(&setup.folder, &error))?;
    let reports = match args.only.as_slice() {
        [stage] => vec![run_here(&setup, *stage)?],
        stages => {
            let stages = if stages.is_empty() { Stage::value_variants() } else { stages };
            stages.iter().map(|stage| run_apart(args, &setup, *stage)).collect::<Result<_, _>>()?
        }
    };
    let output = args.output.clone().unwrap_or_else(|| setup.file("bench.json"));
    let whole = serde_json::json!({
        "asked": Asked::new(&setup), "machine": machine(), "stages": reports,
    });
    write_json(&output, &whole)?;
    out::answer(&table::text(&setup, &reports, out::paint()))?;
    if args.only.len() != 1 {
        out::note(&format!("written to {}", output.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a stage in this process and leaves its result in the folder.
fn run_here(setup: &Setup, stage: Stage) -> Result<Report, Failure> {
    let measures = match stage {
        Stage::Facts => facts::run(setup)?,
        Stage::Fill => base::run(setup)?,
        Stage::Backfill => backfill::run(setup)?,
        Stage::Queries => queries::run(setup)?,
        Stage::Ingest => ingest::run(setup)?,
        Stage::Apply => apply::run(setup)?,
        Stage::Raw => raw::run(setup)?,
    };
    let report = Report { asked: Asked::new(setup), stage: stage.text().to_owned(), measures, memory: Memory::read() };
    write_json(&result_file(setup, stage), &report)?;
    Ok(report)
}

/// Runs a stage in a process of its own, unless its result is there.
fn run_apart(args: &BenchArgs, setup: &Setup, stage: Stage) -> Result<Report, Failure> {
    if !args.again
        && let Some(known) = known(setup, stage)
    {
        out::note(&format!("{}: as measured before", stage.text()));
        return Ok(known);
    }
    out::note(&format!("{}:", stage.text()));
    let program = std::env::current_exe().map_err(|error| Failure::could_not(format!("no program: {error}")))?;
    let mut child = Command::new(program);
    child.args(["bench", "--only", stage.text(), "--size", setup.size.text()]);
    child.args(["--seed", &setup.seed.to_string(), "--threads", &setup.threads.to_string()]);
    child.arg("--data").arg(&setup.folder).arg("--output").arg(setup.file("stage.json"));
    // Its table is part of the one at the end.
    child.stdout(std::process::Stdio::null());
    let status = child.status().map_err(|error| Failure::could_not(format!("a stage does not start: {error}")))?;
    if !status.success() {
        return Err(Failure::could_not(format!("the stage `{}` ended with {status}", stage.text())));
    }
    known(setup, stage).ok_or_else(|| Failure::could_not(format!("the stage `{}` left no result", stage.text())))
}

fn result_file(setup: &Setup, stage: Stage) -> PathBuf {
    setup.file(&format!("{}.result.json", stage.text()))
}

/// The result of a stage that was asked for the same.
fn known(setup: &Setup, stage: Stage) -> Option<Report> {
    let text = std::fs::read(result_file(setup, stage)).ok()?;
    serde_json::from_slice::<Report>(&text).ok().filter(|report| report.asked == Asked::new(setup))
}

pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| Failure::could_not(error.to_string()))?;
    text.push(b'\n');
    std::fs::write(path, text).map_err(|error| could_not(path, &error))
}

pub(crate) fn could_not(path: &Path, error: &std::io::Error) -> Failure {
    Failure::could_not(format!("{} cannot be written or read: {error}", path.display()))
}

pub(crate) fn told(problem: &Problem) -> Failure {
    Failure::could_not(problem.to_string())
}

/// What it was measured on.
fn machine() -> Value {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let cores = std::thread::available_parallelism().map(usize::from).unwrap_or_default();
    serde_json::json!({"processor": model.map(|(_, name)| name.trim()), "cores": cores})
}
