//! `leadline compare`: nodes or windows beside each other, in the server's words.

use std::process::ExitCode;

use domain::Timestamp;
use domain::metric::Metric;
use serde_json::Value;

use crate::cli::{CompareArgs, TextFormat};
use crate::failure::Failure;
use crate::format::{Paint, Tone, fill, window};
use crate::out;
use crate::report::{Asked, pretty};
use crate::session::Session;

const WIDTH: usize = 110;

/// Runs the command.
pub(crate) fn run(args: &CompareArgs) -> Result<ExitCode, Failure> {
    let asked = Asked::read(&args.question)?;
    let (nodes, metrics) = (args.nodes.join(","), args.metric.join(","));
    let mut parameters = asked.parameters();
    if !args.nodes.is_empty() {
        parameters.retain(|(name, _)| *name != "node");
    }
    let more = [("nodes", Some(&nodes)), ("metric", Some(&metrics)), ("with", args.with.as_ref())];
    let more = more.into_iter().filter_map(|(name, value)| Some((name, value?.as_str())));
    parameters.extend(more.filter(|(_, value)| !value.is_empty()));
    let session = Session::open(&args.target)?;
    let answer = session.client().get("/api/v1/compare", &parameters);
    session.close()?;
    let answer = answer?;
    let text = match args.format {
        TextFormat::Json => format!("{}\n", pretty(&answer)?),
        TextFormat::Text => render(&answer, out::paint()),
    };
    out::answer(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn render(answer: &Value, paint: Paint) -> String {
    let columns = answer.get("columns").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some((first, others)) = columns.split_first() else { return String::new() };
    let mut out = String::new();
    for column in others {
        let head = format!("{} against {}", name(column), name(first));
        out.push_str(&format!("{}\n", paint.apply(Tone::Strong, &head)));
        for metric in Metric::ALL {
            let sentence = column.pointer(&format!("/metrics/{metric}/difference/sentence")).and_then(Value::as_str);
            let Some(sentence) = sentence else { continue };
            out.push_str(&format!("\n{}\n{}", metric.title(), fill(sentence, WIDTH, "  ")));
        }
        out.push('\n');
    }
    let caution = answer.get("caution").and_then(Value::as_str).unwrap_or_default();
    out.push_str(&paint.apply(Tone::Faint, &fill(caution, WIDTH, "")));
    out
}

/// A column's node and window.
fn name(column: &Value) -> String {
    let word = |name: &str| column.get(name).and_then(Value::as_str).unwrap_or_default();
    let at = |name: &str| Timestamp::parse(word(name)).ok();
    let when = at("from").zip(at("to")).map(|(from, to)| format!(" ({})", window(from, to)));
    format!("{}{}", word("node"), when.unwrap_or_default())
}
