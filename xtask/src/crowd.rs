//! `cargo xtask crowd`: twenty producers and sixty readers at the local service, in release.

use crate::args::Args;
use crate::shell::{self, Result};

/// Runs the crowd for `--seconds N`, 30 by default; the test of the server that it is tells what it saw.
pub fn run(args: &mut Args) -> Result<()> {
    let seconds: u64 = args.value("--seconds")?.map_or(Ok(30), |text| text.parse())?;
    args.finish()?;
    let mut test = shell::cargo();
    test.args(["test", "--release", "--locked", "--package", "kineframe-server", "--test", "loopback"]);
    test.args(["--", "--nocapture", "crowd"]).env("KINEFRAME_CROWD", seconds.to_string());
    shell::run(&mut test)
}
