//! `leadline sources`: who can send events, and where to.

use std::process::ExitCode;

use ::sources::{SOURCES, Verification};
use serde_json::{Value, json};

use super::source_test;
use crate::cli::{SourcesArgs, SourcesCommand, TextFormat};
use crate::failure::Failure;
use crate::format::{Align, Table, Tone};
use crate::out;
use crate::report::pretty;

/// Runs the command.
pub(crate) fn run(args: &SourcesArgs) -> Result<ExitCode, Failure> {
    if let Some(SourcesCommand::Test { name, delivery, format, target }) = &args.command {
        return source_test::run(name, delivery.as_deref(), *format, target);
    }
    match args.format {
        TextFormat::Json => out::line(&pretty(&as_json())?)?,
        TextFormat::Text => out::answer(&as_text())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn as_text() -> String {
    let paint = out::paint();
    let parts = SOURCES.iter().map(|source| {
        let mut table = Table::new(&[("POST", Align::Left), ("takes", Align::Left)]);
        for route in source.routes {
            table.row(vec![(route.path.to_owned(), Tone::Plain), (route.doc.to_owned(), Tone::Plain)]);
        }
        let title = paint.apply(Tone::Strong, &format!("{} ({})", source.title, source.name));
        let past =
            source.backfill.map(|past| format!("  `leadline backfill` reads its past with {}\n", past.permissions));
        let (verified, past) = (verified(source.verification), past.unwrap_or_default());
        format!("{title}, {verified}\n  {}\n{past}{}", source.doc, table.text(paint, "  "))
    });
    parts.collect::<Vec<_>>().join("\n")
}

fn as_json() -> Value {
    let one = |source: &::sources::Source| {
        let routes: Vec<Value> =
            source.routes.iter().map(|route| json!({"path": route.path, "doc": route.doc})).collect();
        let past = source.backfill.map(|past| past.permissions);
        json!({"name": source.name, "title": source.title, "doc": source.doc, "routes": routes, "backfill": past})
    };
    json!({"sources": SOURCES.iter().map(one).collect::<Vec<_>>()})
}

const fn verified(verification: Verification) -> &'static str {
    match verification {
        Verification::Token => "with a token of the scope `ingest`",
        _ => "signed by the tool",
    }
}
