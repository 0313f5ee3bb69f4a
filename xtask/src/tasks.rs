//! The tasks that a newcomer runs first: `demo` and `test`; and `ci`.

use crate::args::Args;
use crate::setup::{self, For};
use crate::shell::{self, Result};

/// Crates that only build where the packages in the second place are there, by the names of Debian.
const NEED_TOOLS: &[(&str, &[&str])] = &[
    ("kineframe-codec-dav1d", &["pkg-config", "libdav1d-dev"]),
    ("kineframe-codec-ffmpeg", &["pkg-config", "libavcodec-dev"]),
    ("kineframe-codec-vpx", &["pkg-config", "libvpx-dev"]),
    ("kineframe-jpeg-turbo", &["cmake"]),
];

/// Builds the command in the profile that the tests use, and runs its demonstration.
pub fn demo(args: &mut Args) -> Result<()> {
    let missing = setup::ensure(&[For::Build])?;
    if !missing.is_empty() {
        return Err(format!("the build needs {}", missing.join(" and ")).into());
    }
    let mut demo = shell::cargo();
    demo.args(["run", "--locked", "--package", "kineframe-cli", "--bin", "kineframe", "--", "demo"]).args(args.rest());
    shell::run(&mut demo)
}

/// Sets up what the tests need where that is possible, then runs all of them.
pub fn test(args: &mut Args) -> Result<()> {
    let missing = if args.flag("--no-setup") { setup::missing(&[For::Tests]) } else { setup::ensure(&[For::Tests])? };
    let mut test = shell::cargo();
    test.args(["test", "--workspace", "--locked", "--no-fail-fast"]);
    for (package, tools) in NEED_TOOLS {
        if tools.iter().any(|tool| missing.contains(tool)) {
            println!("test: {package} is left out, since there is no {}", tools.join(" or "));
            test.args(["--exclude", package]);
        }
    }
    test.args(args.rest());
    shell::run(&mut test)
}

/// Runs what the build server runs.
pub fn ci(args: &mut Args) -> Result<()> {
    args.finish()?;
    shell::run(&mut shell::command(shell::root().join(".ci").join("run")))
}
