//! leadline
fn main() {}
