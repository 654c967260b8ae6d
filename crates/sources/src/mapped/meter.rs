//! What a program may use up. Every term the interpreter evaluates and everything done to a value is counted here, so
//! that no program runs on for ever, fills the memory or overflows the stack: it is stopped where it stands.
//!
//! What is counted is work, not time: the same delivery is read the same way on any machine, for ever.

use std::cell::Cell;
use std::panic::resume_unwind;

/// Why a program was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Steps,
    Bytes,
    Depth,
    Nesting,
}

impl Stop {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Stop::Steps => "it does not come to an end: more steps than a program may take",
            Stop::Bytes => "it makes too much: more memory than a program may take",
            Stop::Depth => "it calls itself too deeply",
            Stop::Nesting => "it nests values more than 128 deep",
        }
    }
}

/// Steps every program may take, and how many more for each byte of the body. A webhook takes some thousands.
const STEPS: u64 = 500_000;
const STEPS_A_BYTE: u64 = 4;
/// Most steps of all, however long the body: what closures nest in so many steps can be dropped on the stack there is.
const MOST_STEPS: u64 = 1_000_000;
/// Bytes of values it may make, and how many more for each byte of the body.
const BYTES: u64 = 32 << 20;
const BYTES_A_BYTE: u64 = 8;
/// How deep values may nest; bodies nest no deeper.
pub(super) const NESTING: u32 = 128;
/// How much of the stack calls may fill.
const DEPTH: usize = 4 << 20;
/// What a program may take on the stack of whoever asks. Nearly every webhook needs less, and no thread then.
const HERE_STEPS: u64 = 2_500;
const HERE_DEPTH: usize = 256 << 10;
/// The stack a program runs on. It is only reserved: what calls do not fill is there for dropping what they made.
pub(super) const STACK: usize = 512 << 20;

struct Meter {
    steps: Cell<u64>,
    bytes: Cell<u64>,
    /// Where the stack was when the program began.
    top: Cell<usize>,
    /// How far from there it may go.
    depth: Cell<usize>,
}

thread_local! {
    static METER: Meter =
        const { Meter { steps: Cell::new(0), bytes: Cell::new(0), top: Cell::new(0), depth: Cell::new(0) } };
}

/// Begins to count on a thread with a stack of its own.
pub(super) fn start(body: usize) {
    let steps = (body as u64).saturating_mul(STEPS_A_BYTE).saturating_add(STEPS);
    begin(body, steps.min(MOST_STEPS), DEPTH);
}

/// Begins to count on the thread of whoever asks. A program that is stopped here may be run again on its own.
pub(super) fn start_here(body: usize) {
    begin(body, HERE_STEPS, HERE_DEPTH);
}

fn begin(body: usize, steps: u64, depth: usize) {
    METER.with(|meter| {
        meter.steps.set(steps);
        meter.bytes.set((body as u64).saturating_mul(BYTES_A_BYTE).saturating_add(BYTES));
        meter.top.set(here());
        meter.depth.set(depth);
    });
}

/// Some work was done, or is about to be.
pub(super) fn steps(count: usize) {
    METER.with(|meter| {
        if meter.top.get().abs_diff(here()) > meter.depth.get() {
            stop(Stop::Depth);
        }
        spend(&meter.steps, count, Stop::Steps);
    });
}

/// A value of so many bytes is about to be made.
pub(super) fn bytes(count: usize) {
    METER.with(|meter| spend(&meter.bytes, count, Stop::Bytes));
    steps(1 + count / 64);
}

fn spend(budget: &Cell<u64>, count: usize, reason: Stop) {
    match budget.get().checked_sub(count as u64) {
        Some(left) => budget.set(left),
        None => stop(reason),
    }
}

/// Ends the program. Neither the interpreter nor `try` of the program can hold it up: it unwinds to whoever started the
/// thread, without the message of a panic.
pub(super) fn stop(reason: Stop) -> ! {
    resume_unwind(Box::new(reason))
}

fn here() -> usize {
    let marker = 0u8;
    std::ptr::from_ref(&marker).addr()
}
