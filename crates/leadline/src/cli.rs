//! The command line.

use std::path::PathBuf;

mod record;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::record::{DeploymentArgs, IncidentArgs, RecordCommand, RecordedArgs};
use crate::bench::{Size, Stage};

/// Measures how an organisation delivers software: the five DORA metrics, from one component up to the whole group.
#[derive(Debug, Parser)]
#[command(
    name = "leadline",
    version,
    propagate_version = true,
    after_help = "Exit codes: 0 done, 1 the answer is no or part was refused, 2 wrong use, 3 could not."
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the server
    Serve(ServeArgs),
    /// Loads a sample group with a year of history, shows its numbers, and serves it
    Demo(DemoArgs),
    /// Brings history in
    #[command(subcommand)]
    Import(ImportCommand),
    /// Records by hand what no tool reports
    #[command(subcommand)]
    Record(RecordCommand),
    /// Reads a source's past through its API; it goes on where it was when it is interrupted
    Backfill(BackfillArgs),
    /// Shows the numbers of a node and of what is below it
    Report(ReportArgs),
    /// Takes one number apart: the rule in words, the rows used, the rows left out and why, the SQL
    Explain(ExplainArgs),
    /// Sets nodes, or two windows of one node, beside each other and says how sure their differences are
    Compare(CompareArgs),
    /// Makes facts anew from what was received; the old ones are shown until the new ones are complete
    Rebuild(RebuildArgs),
    /// Makes, lists and revokes tokens
    Token(TokenArgs),
    /// Lists the tools that can send events, and where they send them to; `sources test` shows what became of a delivery
    Sources(SourcesArgs),
    /// Writes a table as a file, or the series of metrics for InfluxDB
    Export(ExportArgs),
    /// Measures this build on this machine with a generated group
    Bench(BenchArgs),
}

/// Where the data is: a running server, or a folder of this machine.
#[derive(Args, Clone, Debug)]
pub(crate) struct TargetArgs {
    /// Address of a running server, such as http://127.0.0.1:8080
    #[arg(long, value_name = "URL", env = "LEADLINE_URL")]
    pub(crate) url: Option<String>,
    /// Token for that server
    #[arg(long, value_name = "TOKEN", env = "LEADLINE_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Data folder to open when no server is named
    #[arg(long, value_name = "DIR", env = "LEADLINE_DATA", default_value = "leadline-data")]
    pub(crate) data: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    /// Configuration file (TOML); every key is also an environment variable, such as LEADLINE_SERVER__LISTEN
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data folder; made when missing
    #[arg(long, value_name = "DIR", env = "LEADLINE_DATA")]
    pub(crate) data: Option<PathBuf>,
    /// Address and port; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<String>,
    /// Catalogue file (.toml, .yaml, .yml, .json) that replaces the catalogue when it differs from it
    #[arg(long, value_name = "FILE")]
    pub(crate) catalogue: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// Address and port to serve on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: String,
    /// Data folder; a temporary one when left out
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Stop after the report
    #[arg(long)]
    pub(crate) no_serve: bool,
    /// How busy the sample group is, 1 for about 20,000 deployments
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, hide_default_value = true)]
    pub(crate) scale: f64,
    /// The same seed gives the same history
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// A Git repository: its commits, and its version tags as deployments
    Git(ImportGitArgs),
    /// Files of native events: .json, .ndjson, .jsonl or .csv, also with .gz or .zst
    Events(ImportEventsArgs),
}

#[derive(Args, Debug)]
pub(crate) struct ImportGitArgs {
    /// Folder of the repository, or an address `git clone` takes
    #[arg(value_name = "PATH_OR_URL")]
    pub(crate) repository: String,
    /// Product the component belongs to
    #[arg(long)]
    pub(crate) product: String,
    /// Component the repository holds
    #[arg(long)]
    pub(crate) component: String,
    /// Name of the repository, when it is not that of its remote `origin`
    #[arg(long)]
    pub(crate) repo: Option<String>,
    /// Tags that are versions, such as `v*` or `cart/*`; all when left out
    #[arg(long, value_name = "GLOB")]
    pub(crate) tags: Option<String>,
    /// Environment the tags were deployed to
    #[arg(long, default_value = "production")]
    pub(crate) environment: String,
    /// Take pre-releases for deployments too
    #[arg(long)]
    pub(crate) pre_releases: bool,
    /// Do not read which files each commit touches, which is several times faster
    #[arg(long)]
    pub(crate) no_paths: bool,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ImportEventsArgs {
    /// Files
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

#[derive(Args, Debug)]
pub(crate) struct BackfillArgs {
    /// Name of a source of the configuration that has a token or an app
    pub(crate) source: String,
    /// Nothing older: 2025-01-31, 2025-01-31T12:00:00Z, or whole days ago such as 365d
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Address of a running server, such as http://127.0.0.1:8080; its own configuration names the source
    #[arg(long, value_name = "URL", env = "LEADLINE_URL", conflicts_with = "config")]
    pub(crate) url: Option<String>,
    /// Token for that server
    #[arg(long, value_name = "TOKEN", env = "LEADLINE_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Configuration file (TOML) that names the source, when no server is named
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data folder to open when no server is named
    #[arg(long, value_name = "DIR", env = "LEADLINE_DATA")]
    pub(crate) data: Option<PathBuf>,
}

/// What a question is about.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct QuestionArgs {
    /// group, platform:NAME, domain:NAME, product:NAME, component:NAME, instance:COMPONENT@NAME or team:NAME
    #[arg(long, default_value = "group")]
    pub(crate) node: String,
    /// Definition of the metrics: dora, rex, four-keys, fawkes, examples or one of the catalogue; the server's when left out
    #[arg(long, value_name = "ID")]
    pub(crate) definition: Option<String>,
    /// Start: 2025-01-31, 2025-01-31T12:00:00Z, or a time ago such as 30d
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// End, which is not part of it; now when left out
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    pub(crate) question: QuestionArgs,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    pub(crate) format: ReportFormat,
    /// How many levels below the node to show
    #[arg(long, value_name = "LEVELS", default_value_t = 2)]
    pub(crate) depth: usize,
    /// File to write instead of the standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people, in a terminal
    Table,
    /// For programs
    Json,
    /// One row for each node and metric
    Csv,
    /// For a page or a message
    Markdown,
    /// A page of its own, for a mail or a wall
    Html,
}

#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// The metric, such as lead_time
    pub(crate) metric: String,
    /// Only a part of it, such as review of lead_time, test of time_in_ci or high of time_to_restore
    #[arg(long, value_name = "PART")]
    pub(crate) part: Option<String>,
    #[command(flatten)]
    pub(crate) question: QuestionArgs,
    /// How many rows to show of those used, and of those left out for each reason
    #[arg(long, value_name = "ROWS", default_value_t = 10)]
    pub(crate) rows: usize,
    /// Form of the explanation
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    pub(crate) format: TextFormat,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

#[derive(Args, Debug)]
pub(crate) struct CompareArgs {
    /// Two nodes or more, each against the first; left out, --node is compared with itself in another window
    #[arg(value_name = "NODE")]
    pub(crate) nodes: Vec<String>,
    #[command(flatten)]
    pub(crate) question: QuestionArgs,
    /// The other window of --node: previous, or FROM,TO
    #[arg(long, value_name = "WINDOW")]
    pub(crate) with: Option<String>,
    /// Metrics with commas; the five of the definition when left out
    #[arg(long, value_name = "METRICS", value_delimiter = ',')]
    pub(crate) metric: Vec<String>,
    /// Form of the comparison
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    pub(crate) format: TextFormat,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TextFormat {
    /// For people
    Text,
    /// For programs
    Json,
}

fn offset_instant(text: &str) -> Result<domain::Timestamp, String> {
    domain::Timestamp::parse(text)
        .map_err(|_| "write an instant with its offset, such as 2025-01-31T12:00:00Z".to_owned())
}

#[derive(Args, Debug)]
pub(crate) struct RebuildArgs {
    /// Only deliveries received at or after T are read again, such as 2025-01-31T12:00:00Z; what they said before and
    /// do not say any more stays until everything is read again
    #[arg(long, value_name = "T", conflicts_with = "rules_change", value_parser = offset_instant)]
    pub(crate) from: Option<domain::Timestamp>,
    /// No delivery is read again: facts are made from the entities and the catalogue as they are
    #[arg(long)]
    pub(crate) rules_change: bool,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

#[derive(Args, Debug)]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Makes a token and prints its secret, this once
    Create {
        /// Its name: the source of events that name none
        name: String,
        /// What it allows; may repeat
        #[arg(long = "scope", required = true, value_name = "SCOPE", value_parser = ["read", "ingest", "admin"], value_delimiter = ',')]
        scopes: Vec<String>,
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Lists the tokens, without their secrets
    List {
        /// Form of the list
        #[arg(long, value_enum, default_value_t = TextFormat::Text)]
        format: TextFormat,
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Makes a token unknown, at once
    Revoke {
        /// Its name
        name: String,
        #[command(flatten)]
        target: TargetArgs,
    },
}

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct SourcesArgs {
    #[command(subcommand)]
    pub(crate) command: Option<SourcesCommand>,
    /// Form of the list
    #[arg(long, value_enum, default_value_t = TextFormat::Text)]
    pub(crate) format: TextFormat,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SourcesCommand {
    /// Says step by step how the last delivery of a source was verified, read, placed and linked
    Test {
        /// Name of the source, as the configuration and the journal have it
        name: String,
        /// The sender's id of a delivery, or its number in the journal; the last one when left out
        #[arg(long, value_name = "ID")]
        delivery: Option<String>,
        /// Form of the answer
        #[arg(long, value_enum, default_value_t = TextFormat::Text)]
        format: TextFormat,
        #[command(flatten)]
        target: TargetArgs,
    },
}

#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// deployments, commits, incidents, pipeline_runs, canary_analyses, …; or metrics for series
    #[arg(long, value_name = "TABLE")]
    pub(crate) table: String,
    /// Form of the file; ndjson when left out, influx for metrics
    #[arg(long, value_enum)]
    pub(crate) format: Option<ExportFormat>,
    /// Rows from then on, or the start of the window: 2025-01-31, 2025-01-31T12:00:00Z, or a time ago such as 30d
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Rows before then, or the end of the window
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// For metrics: nodes as for `report`; may repeat
    #[arg(long, value_name = "NODE", value_delimiter = ',')]
    pub(crate) node: Vec<String>,
    /// For metrics: which, with commas; all when left out
    #[arg(long, value_name = "METRICS", value_delimiter = ',')]
    pub(crate) metric: Vec<String>,
    /// For metrics: the definition; the server's when left out
    #[arg(long, value_name = "ID")]
    pub(crate) definition: Option<String>,
    /// For metrics: day, week, month or quarter; day when left out
    #[arg(long, value_name = "BUCKET")]
    pub(crate) bucket: Option<String>,
    /// File to write instead of the standard output; it is there when it is whole
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Apache Parquet
    Parquet,
    /// With a head
    Csv,
    /// One JSON object a line
    Ndjson,
    /// InfluxDB's line protocol, for metrics
    Influx,
}

#[derive(Args, Debug)]
pub(crate) struct BenchArgs {
    /// Size of the generated group
    #[arg(long, value_enum, default_value_t = Size::Small)]
    pub(crate) size: Size,
    /// The same seed gives the same group
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Threads that link
    #[arg(long, value_name = "NUMBER", default_value_t = 2)]
    pub(crate) threads: usize,
    /// Folder for data and results; stages measured there before are not measured again
    #[arg(long, value_name = "DIR", default_value = "leadline-bench")]
    pub(crate) data: PathBuf,
    /// Only these stages, with commas; one alone runs in this process
    #[arg(long, value_enum, value_name = "STAGES", value_delimiter = ',')]
    pub(crate) only: Vec<Stage>,
    /// Measure again what was measured before
    #[arg(long)]
    pub(crate) again: bool,
    /// File for the results as JSON; bench.json in the folder when left out
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
