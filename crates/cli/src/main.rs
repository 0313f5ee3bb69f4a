//! The command `kineframe`.

fn main() {}
