//! A real server on port 0 with a store of its own, asked over HTTP.

mod access;
mod articles;
mod backfill;
mod bad_input;
mod cdevents;
mod compliance;
mod contract;
mod definitions;
mod export;
mod feeds;
mod github;
mod inference;
mod lake;
mod links;
mod page;
mod parts;
mod polling;
mod rebuild;
mod replay;
#[path = "../../../sources/tests/it/samples.rs"]
mod samples;
mod sql;
mod support;
mod tools;
mod tree;
mod worked_example;
