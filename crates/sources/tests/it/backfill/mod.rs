//! GitHub's past, read from a GitHub of this machine.

mod any;
mod apps;
mod equal;
pub(crate) mod host;
pub(crate) mod hub;
mod lists;
mod pages;
mod refusals;
mod story;
mod trouble;
