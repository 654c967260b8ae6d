//! GitHub's past, read from a GitHub of this machine.

mod any;
mod apps;
mod equal;
mod host;
mod hub;
mod lists;
mod pages;
mod refusals;
mod story;
mod trouble;
