//! An array of events, or events one after the other, split into items without holding the whole.

use std::io::{self, BufRead};

use domain::event::{Checks, Event, parse};
use domain::{Code, Problem};

use super::{MAX_ITEM_BYTES, too_long, unreadable};
use crate::json::{Origin, part};

/// Where in the file the next item stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    /// Between values that follow each other.
    Sequence,
    /// After `[`.
    ArrayStart,
    /// After an item of an array.
    ArrayNext,
    /// After the `]`.
    ArrayEnd,
    Ended,
}

pub(super) struct Items<'a, R> {
    input: R,
    checks: Checks<'a>,
    state: State,
    at: Origin,
    item: Vec<u8>,
}

/// Why there is no next item.
enum Stop {
    End,
    Wrong(Problem),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Wrong(unreadable(&error))
    }
}

impl<'a, R: BufRead> Items<'a, R> {
    pub(super) fn new(input: R, checks: Checks<'a>) -> Self {
        Items { input, checks, state: State::Start, at: Origin::default(), item: Vec::new() }
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn step(&mut self, byte: u8) {
        self.input.consume(1);
        if byte == b'\n' {
            self.at = Origin { line: self.at.line + 1, column: 0 };
        } else {
            self.at.column += 1;
        }
    }

    /// The next byte that is not white space.
    fn solid(&mut self) -> io::Result<Option<u8>> {
        while let Some(byte) = self.peek()? {
            if !byte.is_ascii_whitespace() {
                return Ok(Some(byte));
            }
            self.step(byte);
        }
        Ok(None)
    }

    /// Moves to the beginning of the next item.
    fn seek(&mut self) -> Result<(), Stop> {
        if self.state == State::Start {
            for mark in *b"\xef\xbb\xbf" {
                if self.peek()? == Some(mark) {
                    self.input.consume(1);
                }
            }
        }
        loop {
            let next = self.solid()?;
            self.state = match (self.state, next) {
                (State::Start, None) => return Err(self.wrong("the file is empty")),
                (State::Sequence | State::ArrayEnd | State::Ended, None) => return Err(Stop::End),
                (_, None) => return Err(self.wrong("the array does not end")),
                (State::Start, Some(b'[')) => self.pass(b'[', State::ArrayStart),
                (State::ArrayStart | State::ArrayNext, Some(b']')) => self.pass(b']', State::ArrayEnd),
                (State::ArrayNext, Some(b',')) => {
                    self.step(b',');
                    return match self.solid()? {
                        Some(b']') => Err(self.wrong("a comma before the end of the array")),
                        _ => Ok(()),
                    };
                }
                (State::ArrayNext, Some(_)) => return Err(self.wrong("expected `,` or `]`")),
                (State::ArrayEnd | State::Ended, Some(_)) => return Err(self.wrong("text after the array")),
                (State::ArrayStart, Some(_)) => return Ok(()),
                (State::Start | State::Sequence, Some(_)) => {
                    self.state = State::Sequence;
                    return Ok(());
                }
            };
        }
    }

    fn pass(&mut self, byte: u8, next: State) -> State {
        self.step(byte);
        next
    }

    /// Reads the bytes of one value: to the end of its brackets or text, or to the next separator.
    fn take(&mut self) -> Result<(), Stop> {
        self.item.clear();
        let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
        while let Some(byte) = self.peek()? {
            let separator = byte.is_ascii_whitespace() || matches!(byte, b',' | b']' | b'}');
            if depth == 0 && !quoted && !self.item.is_empty() && separator {
                break;
            }
            if self.item.len() >= MAX_ITEM_BYTES {
                return Err(Stop::Wrong(too_long()));
            }
            self.step(byte);
            self.item.push(byte);
            if quoted {
                quoted = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
            } else {
                match byte {
                    b'"' => quoted = true,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth = depth.saturating_sub(1),
                    _ => continue,
                }
            }
            if depth == 0 && !quoted {
                break;
            }
        }
        Ok(())
    }

    fn wrong(&self, what: &str) -> Stop {
        let (line, column) = (self.at.line + 1, self.at.column + 1);
        Stop::Wrong(Problem::new(Code::MalformedJson, format!("not JSON: {what} at line {line} column {column}")))
    }

    fn read(&mut self) -> Result<(u64, Result<Event, Problem>), Stop> {
        self.seek()?;
        let begin = self.at;
        self.take()?;
        let value = part(&self.item, begin).map_err(Stop::Wrong)?;
        if self.state != State::Sequence {
            self.state = State::ArrayNext;
        }
        Ok((begin.line as u64 + 1, parse(value, self.checks)))
    }
}

impl<R: BufRead> Iterator for Items<'_, R> {
    type Item = (u64, Result<Event, Problem>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Ended {
            return None;
        }
        match self.read() {
            Ok(item) => Some(item),
            Err(stop) => {
                self.state = State::Ended;
                match stop {
                    Stop::End => None,
                    // Where the next item would begin cannot be told any more.
                    Stop::Wrong(problem) => Some((self.at.line as u64 + 1, Err(problem))),
                }
            }
        }
    }
}
