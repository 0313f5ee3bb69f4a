//! `cargo xtask golden`: event traces and picture checksums against `testdata/golden`, or written anew with `--bless`.
//!
//! The comparison is a test of the crates, so `cargo test` makes it too; this task is the handle for writing.

use crate::args::Args;
use crate::shell::{self, Result};

/// Runs the golden tests.
pub fn run(args: &mut Args) -> Result<()> {
    let bless = args.flag("--bless");
    args.finish()?;
    let mut test = shell::cargo();
    test.args(["test", "--locked", "--package", "kineframe-fragment", "--test", "golden"]);
    if bless {
        test.env("UPDATE_EXPECT", "1");
    }
    shell::run(&mut test)
}
