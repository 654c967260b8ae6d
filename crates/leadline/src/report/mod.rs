//! `leadline report`: the numbers of a node and of what is below it.

mod bucket;
mod csv;
mod html;
mod markdown;
mod model;
mod text;
mod words;

use std::process::ExitCode;

use serde_json::Value;

pub(crate) use model::Report;
pub(crate) use text::render as text;

use crate::cli::{QuestionArgs, ReportArgs, ReportFormat};
use crate::client::Client;
use crate::failure::Failure;
use crate::session::Session;
use crate::{clock, dates, out};

/// Runs the command.
pub(crate) fn run(args: &ReportArgs) -> Result<ExitCode, Failure> {
    let asked = Asked::read(&args.question)?;
    let session = Session::open(&args.target)?;
    let report = fetch(session.client(), &asked, args.depth);
    session.close()?;
    let report = report?;
    let text = match args.format {
        ReportFormat::Table if args.output.is_none() => text::render(&report, out::paint()),
        ReportFormat::Table => text::render(&report, crate::format::Paint::Plain),
        ReportFormat::Json => format!("{}\n", pretty(&report.raw)?),
        ReportFormat::Csv => csv::render(&report),
        ReportFormat::Markdown => markdown::render(&report),
        ReportFormat::Html => html::render(&report),
    };
    match &args.output {
        None => out::answer(&text)?,
        Some(file) => std::fs::write(file, text)
            .map_err(|error| Failure::could_not(format!("{} cannot be written: {error}", file.display())))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// JSON for people's eyes too.
pub(crate) fn pretty(value: &Value) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map_err(|error| Failure::could_not(format!("the answer cannot be written: {error}")))
}

/// A question that was checked as far as it can be here.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    node: String,
    definition: Option<String>,
    from: Option<String>,
    to: Option<String>,
    bucket: &'static str,
}

impl Asked {
    /// Reads the times.
    pub(crate) fn read(args: &QuestionArgs) -> Result<Self, Failure> {
        let now = clock::now();
        let read = |text: &Option<String>, name: &str| {
            let read = text.as_deref().map(|text| dates::instant(text, now)).transpose();
            read.map_err(|why| Failure::Use(format!("--{name}: {why}")))
        };
        let (from, to) = (read(&args.from, "from")?, read(&args.to, "to")?);
        if let (Some(from), to) = (from, to.unwrap_or(now))
            && from >= to
        {
            return Err(Failure::Use(format!("--from ({from}) is not before --to ({to})")));
        }
        args.node
            .parse::<domain::catalogue::NodeRef>()
            .map_err(|problem| Failure::Use(format!("--node: {}", problem.message)))?;
        Ok(Asked {
            node: args.node.clone(),
            definition: args.definition.clone(),
            bucket: bucket::fitting(from, to.unwrap_or(now)),
            from: from.map(|at| spelled(args.from.as_deref(), at)),
            to: to.filter(|to| *to != now).map(|at| spelled(args.to.as_deref(), at)),
        })
    }

    /// As parameters of a request.
    pub(crate) fn parameters(&self) -> Vec<(&str, &str)> {
        let all = [
            ("node", Some(&self.node)),
            ("definition", self.definition.as_ref()),
            ("from", self.from.as_ref()),
            ("to", self.to.as_ref()),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?.as_str()))).collect()
    }
}

/// A time ago is left to the server, whose windows end on the minute.
fn spelled(text: Option<&str>, at: domain::Timestamp) -> String {
    text.filter(|text| dates::is_relative(text)).map_or_else(|| at.to_string(), |text| text.trim().to_owned())
}

/// The numbers of a node with those of the window before, and of `depth` levels below it.
pub(crate) fn fetch(client: &Client, asked: &Asked, depth: usize) -> Result<Report, Failure> {
    let mut parameters = asked.parameters();
    parameters.extend([("bucket", asked.bucket), ("compare", "previous"), ("metric", model::HEADLINE)]);
    let answer = client.get("/api/v1/metrics", &parameters)?;
    let word = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    let definition = answer.pointer("/definition/id").and_then(Value::as_str).unwrap_or_default();
    // The very window that was answered, so that both are about the same time.
    let window = [("definition", definition), ("from", word("from")), ("to", word("to"))];
    let tree = client.get("/api/v1/tree", &window)?;
    Report::read(answer, tree, depth).map_err(|error| {
        Failure::could_not(format!("the server's answer cannot be understood ({error}); is it another version?"))
    })
}
