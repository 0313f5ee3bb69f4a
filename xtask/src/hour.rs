//! `cargo xtask hour`: a consumer at twelve-fold speed for an hour's worth of stream, and its plot.

use crate::args::Args;
use crate::shell::{self, Result};

/// Where the plot goes, in the repository.
const PLOT: &str = "docs/images/session-hour.svg";

/// Runs `--seconds N` seconds, 300 by default: an hour's worth. Only a whole hour writes the plot anew.
pub fn run(args: &mut Args) -> Result<()> {
    let seconds: u64 = args.value("--seconds")?.map_or(Ok(300), |text| text.parse())?;
    args.finish()?;
    let mut test = shell::cargo();
    test.args(["test", "--locked", "--package", "kineframe-source-aws", "--test", "endless", "--", "--nocapture"]);
    test.args(["--exact", "hour::an_hour_at_twelve_fold_speed"]).env("KINEFRAME_HOUR", seconds.to_string());
    if seconds >= 300 {
        test.env("KINEFRAME_PLOT", shell::root().join(PLOT));
        println!("hour: {PLOT} is written anew");
    }
    shell::run(&mut test)
}
