//! Numbers, changes and tables as people read them. Pure: no terminal, no clock.

mod change;
mod paint;
mod spark;
mod table;
mod value;
mod when;

pub(crate) use change::{Direction, change};
pub(crate) use paint::{Paint, Tone, band_tone};
pub(crate) use spark::spark;
pub(crate) use table::{Align, Table, fill};
pub(crate) use value::{count, percent, quantity, value};
pub(crate) use when::{moment, span, window};
