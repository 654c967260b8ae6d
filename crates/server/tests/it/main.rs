//! A real server on port 0 with a store of its own, asked over HTTP.

mod access;
mod articles;
mod bad_input;
mod contract;
mod definitions;
mod github;
mod inference;
mod links;
mod page;
mod support;
mod tree;
mod worked_example;
