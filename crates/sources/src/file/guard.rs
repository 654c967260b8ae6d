//! A limit on what is read for one item, for a reader that has none of its own.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// Reads until more than `left` bytes were asked for since it was last set.
pub(super) struct Guard<R> {
    input: R,
    left: Rc<Cell<usize>>,
}

impl<R> Guard<R> {
    pub(super) fn new(input: R, left: Rc<Cell<usize>>) -> Self {
        Guard { input, left }
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "one row is too long"));
        }
        let read = self.input.read(buffer)?;
        self.left.set(left.saturating_sub(read));
        Ok(read)
    }
}
