//! Native events from files: JSON, one event a line, CSV; plain, gzip or zstd.
//!
//! Files are read as a stream, an item at a time, so that a file may be larger than memory. Whether a file is
//! compressed is seen from its first bytes, whatever it is called.

mod csv;
mod guard;
mod json;
mod lines;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use domain::event::{Checks, Event};
use domain::{Code, Problem};

/// One item may have so many bytes; a longer one is a problem, not a crash.
pub const MAX_ITEM_BYTES: usize = 16 * 1024 * 1024;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An array of events, or events one after the other. A mistake in it ends the reading.
    Json,
    /// One event a line. A mistake concerns its line.
    Ndjson,
    /// One event a row, field names in the first. A mistake concerns its row.
    ///
    /// Empty cells are missing fields, `labels.x` is the label `x`, the items of a list are separated by `;`.
    Csv,
}

impl Format {
    /// Told by the file's name, `.gz` and `.zst` aside.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let name = [".gz", ".zst"].iter().find_map(|packed| name.strip_suffix(packed)).unwrap_or(&name);
        match name.rsplit_once('.')?.1 {
            "json" => Some(Format::Json),
            "ndjson" | "jsonl" => Some(Format::Ndjson),
            "csv" => Some(Format::Csv),
            _ => None,
        }
    }
}

/// Why a file cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The name tells no format.
    #[error("{0}: the name does not tell the format; use .json, .ndjson, .jsonl or .csv, also with .gz or .zst")]
    UnknownFormat(PathBuf),
    /// It cannot be opened.
    #[error("{path}: {cause}")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
}

/// The events of a file in order, each with the line it begins on, from 1. After a mistake that leaves no way to go on
/// the last item is the problem.
pub struct Events<'a> {
    inner: Box<dyn Iterator<Item = (u64, Result<Event, Problem>)> + 'a>,
}

impl Iterator for Events<'_> {
    type Item = (u64, Result<Event, Problem>);
    fn next(&mut self) -> Option<Self::Item> {
        self.inner.next()
    }
}

/// Opens a file; its name tells the format.
///
/// # Errors
/// [`FileError`] when the name tells none or the file cannot be opened.
pub fn open<'a>(path: &Path, checks: Checks<'a>) -> Result<Events<'a>, FileError> {
    let format = Format::of(path).ok_or_else(|| FileError::UnknownFormat(path.to_owned()))?;
    let failed = |cause| FileError::Open { path: path.to_owned(), cause };
    let file = File::open(path).map_err(failed)?;
    read(file, format, checks).map_err(failed)
}

/// Reads events from anything, such as the standard input.
///
/// # Errors
/// When the first bytes cannot be read.
pub fn read<'a>(input: impl Read + 'a, format: Format, checks: Checks<'a>) -> io::Result<Events<'a>> {
    let input = unpack(input)?;
    Ok(Events {
        inner: match format {
            Format::Json => Box::new(json::Items::new(input, checks)),
            Format::Ndjson => Box::new(lines::Lines::new(input, checks)),
            Format::Csv => Box::new(csv::Rows::new(input, checks)),
        },
    })
}

fn unpack<'a>(input: impl Read + 'a) -> io::Result<Box<dyn BufRead + 'a>> {
    const SIZE: usize = 64 * 1024;
    let mut input = BufReader::with_capacity(SIZE, input);
    // A pipe may give fewer bytes than asked for, so the mark is read, then put back.
    let mut mark = Vec::with_capacity(4);
    input.by_ref().take(4).read_to_end(&mut mark)?;
    let (gzip, zstd) = (mark.starts_with(&[0x1f, 0x8b]), mark.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]));
    let whole = BufReader::with_capacity(SIZE, io::Cursor::new(mark).chain(input));
    Ok(if gzip {
        Box::new(BufReader::with_capacity(SIZE, flate2::bufread::MultiGzDecoder::new(whole)))
    } else if zstd {
        Box::new(BufReader::with_capacity(SIZE, zstd::Decoder::with_buffer(whole)?))
    } else {
        Box::new(whole)
    })
}

/// A file that ends too early or is damaged is the sender's to mend, anything else is ours.
fn unreadable(error: &io::Error) -> Problem {
    let code = match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::InvalidData
        | io::ErrorKind::InvalidInput
        | io::ErrorKind::Other => Code::MalformedJson,
        _ => Code::Internal,
    };
    Problem::new(code, format!("the file cannot be read on from here: {error}"))
}

fn too_long() -> Problem {
    Problem::new(Code::FieldTooLong, format!("the event has over {MAX_ITEM_BYTES} bytes; no event is that long"))
}

#[cfg(test)]
mod tests;
