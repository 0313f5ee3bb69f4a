//! `cargo xtask bench`: the benches of the workspace, in the release profile.

use crate::args::Args;
use crate::shell::{self, Result};

/// Runs every bench; with `--once` each is compiled in the profile of the tests and run a single time, which shows
/// that it works.
pub fn run(args: &mut Args) -> Result<()> {
    let once = args.flag("--once");
    let mut bench = shell::cargo();
    // Criterion tells by the missing `--bench` that it is to run each bench once.
    bench
        .args([if once { "test" } else { "bench" }, "--workspace", "--locked", "--bench", "*", "--"])
        .args(args.rest());
    shell::run(&mut bench)
}
