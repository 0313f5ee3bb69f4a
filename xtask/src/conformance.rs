//! `cargo xtask conformance [--media DIR]`: the conformance kit over every back end, as `docs/conformance.md`.

use crate::args::Args;
use crate::shell::{self, Result};

/// Runs the kit, in the profile of the tests, and writes its tables.
pub fn run(args: &mut Args) -> Result<()> {
    let media = args.value("--media")?;
    args.finish()?;
    let mut report = shell::cargo();
    report.args(["run", "--quiet", "--locked", "--package", "kineframe-codec-conformance"]);
    report.args(["--example", "conformance", "--"]).args(media.iter().map(|folder| format!("{folder}/codec/h264")));
    let tables = shell::output(&mut report)?;
    std::fs::write(shell::root().join("docs").join("conformance.md"), tables)?;
    println!("conformance: docs/conformance.md is written");
    Ok(())
}
