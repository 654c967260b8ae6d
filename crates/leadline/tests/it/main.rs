//! The binary as people run it.

mod kill;
