//! `cargo xtask examples`: builds and runs the packages under `examples/`, which use one crate each as a stranger would.

use crate::args::Args;
use crate::shell::{self, Result};

/// Runs each package on the test data; its output must end well.
pub fn run(args: &mut Args) -> Result<()> {
    args.finish()?;
    let folder = shell::root().join("examples");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.join("Cargo.toml").is_file() {
            names.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    for name in &names {
        // The versions that the workspace is tested with; Cargo takes out what the package does not use.
        std::fs::copy(shell::root().join("Cargo.lock"), folder.join(name).join("Cargo.lock"))?;
        let mut run = shell::cargo();
        run.args(["run", "--quiet", "--manifest-path"]).arg(folder.join(name).join("Cargo.toml"));
        run.arg("--target-dir").arg(shell::root().join("target").join("examples"));
        shell::run(&mut run)?;
    }
    println!("examples: {} passed, 0 failed", names.len());
    Ok(())
}
