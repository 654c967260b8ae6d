//! The only place that writes to the terminal: answers to standard output, everything else to standard error.

use std::io::{IsTerminal, Write};

use crate::failure::Failure;
use crate::format::Paint;

/// Writes an answer; a reader that has gone away is not an error.
pub(crate) fn answer(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        std::io::ErrorKind::BrokenPipe => Failure::OutputClosed,
        _ => Failure::could_not(format!("the output cannot be written: {error}")),
    })
}

/// Writes an answer and ends its line.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    answer(&format!("{text}\n"))
}

/// The standard output for bytes that are written while they come.
pub(crate) fn pipe() -> impl Write {
    std::io::stdout().lock()
}

/// Tells something on the side. Nobody to tell it to is no reason to stop.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Tells why the command failed.
pub(crate) fn failure(failure: &Failure) {
    if !matches!(failure, Failure::OutputClosed) {
        note(&format!("leadline: {failure}"));
    }
}

/// Shows help, or what is wrong with the command line.
pub(crate) fn usage(error: &clap::Error) {
    let _ = error.print();
}

/// Whether answers may be coloured: on a terminal that is not dumb, unless `NO_COLOR` says no.
pub(crate) fn paint() -> Paint {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    if std::io::stdout().is_terminal() && !no_color && !dumb { Paint::Colour } else { Paint::Plain }
}

/// Whether somebody watches standard error.
pub(crate) fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}
