//! The `terminus` command line.
fn main() {}
