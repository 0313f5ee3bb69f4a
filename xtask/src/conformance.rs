//! `cargo xtask conformance [--media DIR]`: the conformance kit over every back end, as `docs/conformance.md`.

use crate::args::Args;
use crate::shell::{self, Result};

/// Folders of the media folder that have streams with truths.
const CODECS: [&str; 5] = ["h264", "av1", "vp8", "vp9", "mjpeg"];

/// Runs the kit, in the profile of the tests, and writes its tables.
pub fn run(args: &mut Args) -> Result<()> {
    let media = args.value("--media")?;
    args.finish()?;
    let mut report = shell::cargo();
    report.args(["run", "--quiet", "--locked", "--package", "kineframe-codec-conformance"]);
    report
        .args(["--example", "conformance", "--"])
        .args(media.iter().flat_map(|folder| CODECS.map(|codec| format!("{folder}/codec/{codec}"))));
    // The tables are worth having most of all where something fails.
    let result = report.stderr(std::process::Stdio::inherit()).output()?;
    if result.stdout.is_empty() {
        return Err("the kit did not run".into());
    }
    std::fs::write(shell::root().join("docs").join("conformance.md"), result.stdout)?;
    println!("conformance: docs/conformance.md is written");
    if result.status.success() { Ok(()) } else { Err("a back end does not keep the contract".into()) }
}
