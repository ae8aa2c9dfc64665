//! Load generator and checker.
fn main() {}
