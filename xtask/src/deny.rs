//! `cargo xtask deny`: cargo-deny over the workspace, with `deny.toml`. Advisories need a fetch from outside, so only
//! bans, licences and sources are checked here.

use crate::args::Args;
use crate::shell::{self, Result, has};
use std::path::PathBuf;

/// Pinned, since a new release may bring new lints or another form of the settings.
const VERSION: &str = "0.20.2";

/// Builds cargo-deny on first use, then runs it.
pub fn run(args: &mut Args) -> Result<()> {
    args.finish()?;
    let mut deny = shell::command(program()?);
    deny.args(["--all-features", "--locked", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"]);
    shell::run(&mut deny)
}

/// An installed cargo-deny, or one of our own outside `target`, so that a clean build keeps it.
fn program() -> Result<PathBuf> {
    if has("cargo-deny", "--version") {
        return Ok("cargo-deny".into());
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = std::env::home_dir().map(|home| home.join(".cache"));
    let tools = cache.or(home).ok_or("no home directory to keep cargo-deny in")?.join("kineframe").join("tools");
    let program = tools.join("bin").join("cargo-deny");
    let wanted = format!("cargo-deny {VERSION}");
    let found = program.is_file() && shell::output(shell::command(&program).arg("--version"))?.trim() == wanted;
    if !found {
        // A debug build takes a third of the time of a release build, and there is little to check.
        let mut install = shell::cargo();
        install.args(["install", "cargo-deny", "--version", VERSION, "--locked", "--no-default-features", "--debug"]);
        install.args(["--force", "--root"]).arg(&tools).env("CARGO_PROFILE_DEV_DEBUG", "0");
        shell::run(&mut install)?;
    }
    Ok(program)
}
