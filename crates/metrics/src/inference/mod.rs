//! How sure a number is: correlation, change points in a series, the difference of two numbers with its interval.
//!
//! Pure and exact: nothing is drawn at random, so the same rows always give the same words. Where the rows do not
//! suffice there is no value and a [`Lack`] that says why, never a made-up number.

pub mod changes;
pub mod correlation;
pub mod difference;
pub mod interval;
pub mod special;
pub mod words;

use serde::Serialize;

/// Why there is no statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lack {
    /// Too few rows, points or nodes for any statement.
    TooFew,
    /// All values are the same, so nothing can go with them.
    NoVariation,
    /// One side has no value.
    NoValue,
    /// The value is a mean of children, not taken from rows, so rows do not say how sure it is.
    NotFromRows,
    /// No method is known here that could be trusted for this formula.
    NoMethod,
}

impl Lack {
    /// Every one.
    pub const ALL: [Lack; 5] = [Lack::TooFew, Lack::NoVariation, Lack::NoValue, Lack::NotFromRows, Lack::NoMethod];

    /// The word in JSON.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Lack::TooFew => "too_few",
            Lack::NoVariation => "no_variation",
            Lack::NoValue => "no_value",
            Lack::NotFromRows => "not_from_rows",
            Lack::NoMethod => "no_method",
        }
    }
}
