//! `leadline export`: a table as a file, written while it is read.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;

use crate::cli::ExportArgs;
use crate::client::Client;
use crate::failure::Failure;
use crate::out;
use crate::session::Session;

/// Runs the command.
pub(crate) fn run(args: &ExportArgs) -> Result<ExitCode, Failure> {
    let session = Session::open(&args.target)?;
    let written = write(args, session.client());
    let closed = session.close();
    written?;
    closed?;
    Ok(ExitCode::SUCCESS)
}

fn write(args: &ExportArgs, client: &Client) -> Result<(), Failure> {
    let format = args.format.and_then(|format| format.to_possible_value()).map(|format| format.get_name().to_owned());
    let one = [
        ("format", &format),
        ("from", &args.from),
        ("to", &args.to),
        ("definition", &args.definition),
        ("bucket", &args.bucket),
    ];
    let mut query: Vec<(&str, &str)> =
        one.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect();
    query.extend(args.node.iter().map(|node| ("node", node.as_str())));
    query.extend(args.metric.iter().map(|metric| ("metric", metric.as_str())));
    let path = format!("/api/v1/export/{}", crate::client::encoded(&args.table));
    let Some(file) = &args.output else {
        return client.download(&path, &query, &mut out::pipe()).map(tell);
    };
    // Beside it first: what stands under its name is whole.
    let beside = beside(file);
    let could_not =
        |error: std::io::Error| Failure::could_not(format!("{} cannot be written: {error}", file.display()));
    let mut out = BufWriter::new(File::create(&beside).map_err(could_not)?);
    let done = client.download(&path, &query, &mut out);
    let kept_from = match done.and_then(|kept_from| out.flush().map_err(could_not).map(|()| kept_from)) {
        Ok(kept_from) => kept_from,
        Err(failure) => {
            // Half a file is of no use, and it is told why there is none.
            let _ = std::fs::remove_file(&beside);
            return Err(failure);
        }
    };
    std::fs::rename(&beside, file).map_err(could_not)?;
    tell(kept_from);
    Ok(())
}

/// What is not in the file although it was asked for.
fn tell(kept_from: Option<String>) {
    if let Some(first) = kept_from {
        out::note(&format!(
            "Rows before {first} are not there: `[retention]` of the configuration has taken them out."
        ));
    }
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}
