//! `leadline explain`: one number taken apart.

mod text;

use std::process::ExitCode;

use domain::metric::Metric;
use domain::part::Part;

use crate::cli::{ExplainArgs, TextFormat};
use crate::failure::Failure;
use crate::out;
use crate::report::{Asked, pretty};
use crate::session::Session;

/// Runs the command.
pub(crate) fn run(args: &ExplainArgs) -> Result<ExitCode, Failure> {
    let metric: Metric = args.metric.parse().map_err(|problem: domain::Problem| Failure::Use(problem.message))?;
    let part = args.part.as_deref().map(|part| Part::read(metric, part)).transpose();
    let part = part.map_err(|problem| Failure::Use(problem.message))?;
    let asked = Asked::read(&args.question)?;
    let mut parameters = asked.parameters();
    let rows = args.rows.min(1_000).to_string();
    parameters.extend([("metric", metric.text()), ("limit", rows.as_str())]);
    parameters.extend(part.map(|part| ("part", part.text())));
    let session = Session::open(&args.target)?;
    let answer = session.client().get("/api/v1/explain", &parameters);
    session.close()?;
    let answer = answer?;
    let text = match args.format {
        TextFormat::Json => format!("{}\n", pretty(&answer)?),
        TextFormat::Text => text::render(metric, &answer, out::paint()),
    };
    out::answer(&text)?;
    Ok(ExitCode::SUCCESS)
}
