//! The binary as people run it: what it prints, how it ends.

mod demo;
mod events;
mod git;
mod kill;
mod run;
mod serve;
mod tokens;
mod usage;
