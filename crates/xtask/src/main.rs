//! Sets the project up, runs it and checks it.
fn main() {}
