//! The one clock is the server's.

pub(crate) use server::clock::now;
