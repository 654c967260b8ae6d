//! One event a line.

use std::io::{self, BufRead, Read};

use domain::Problem;
use domain::event::{Checks, Event, parse};

use super::{MAX_ITEM_BYTES, too_long, unreadable};
use crate::json::{Origin, part, without_mark};

pub(super) struct Lines<'a, R> {
    input: R,
    checks: Checks<'a>,
    line: usize,
    ended: bool,
    buffer: Vec<u8>,
}

impl<'a, R: BufRead> Lines<'a, R> {
    pub(super) fn new(input: R, checks: Checks<'a>) -> Self {
        Lines { input, checks, line: 0, ended: false, buffer: Vec::new() }
    }

    /// Whether there is a line; it is in the buffer, or too long for it.
    fn fill(&mut self) -> io::Result<bool> {
        self.buffer.clear();
        let limit = MAX_ITEM_BYTES as u64 + 1;
        Ok(self.input.by_ref().take(limit).read_until(b'\n', &mut self.buffer)? > 0)
    }

    fn event(&mut self) -> Result<Event, Problem> {
        if self.buffer.len() > MAX_ITEM_BYTES {
            if let Err(error) = skip_line(&mut self.input) {
                self.ended = true;
                return Err(unreadable(&error));
            }
            return Err(too_long());
        }
        let text = if self.line == 1 { without_mark(&self.buffer) } else { &self.buffer };
        parse(part(text, Origin { line: self.line - 1, column: 0 })?, self.checks)
    }
}

/// Reads on to the end of the line without keeping it.
fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let (found, used) = {
            let available = input.fill_buf()?;
            match available.iter().position(|byte| *byte == b'\n') {
                Some(at) => (true, at + 1),
                None => (available.is_empty(), available.len()),
            }
        };
        input.consume(used);
        if found {
            return Ok(());
        }
    }
}

impl<R: BufRead> Iterator for Lines<'_, R> {
    type Item = (u64, Result<Event, Problem>);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            self.line += 1;
            match self.fill() {
                Ok(true) if self.buffer.trim_ascii().is_empty() || self.buffer == b"\xef\xbb\xbf\n" => {}
                Ok(true) => return Some((self.line as u64, self.event())),
                Ok(false) => self.ended = true,
                Err(error) => {
                    self.ended = true;
                    return Some((self.line as u64, Err(unreadable(&error))));
                }
            }
        }
        None
    }
}
