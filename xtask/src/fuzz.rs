//! `cargo xtask fuzz`: builds the fuzz targets with coverage on the stable compiler and runs each for a while.
//!
//! The flags are those that cargo-fuzz passes with `-s none`, so `cargo fuzz run -s none TARGET` finds the same corpus
//! and works as well where it is installed. Coverage steers the fuzzer; the checks are the assertions in the fuzz
//! bodies and the arithmetic checks of the profile in `fuzz/Cargo.toml`.
//!
//! `--seed N` makes a short run begin with the same inputs each time, and `--runs N` ends it after as many, however fast
//! the machine is: what a build server runs then says something of the change it was given, not of its luck. Hunting is
//! done without them.

use crate::args::Args;
use crate::packages::host;
use crate::shell::{self, Result};
use std::path::PathBuf;

/// What makes the compiler record which code an input reaches.
const FLAGS: &[&str] = &[
    "--cfg",
    "fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    // One unit per crate keeps the counters of a crate in one section.
    "-Ccodegen-units=1",
];

/// Builds once, then runs the targets that were named, or all.
pub fn run(args: &mut Args) -> Result<()> {
    let seconds: u32 = args.value("--seconds")?.map_or(Ok(10), |text| text.parse())?;
    let seed: Option<u32> = args.value("--seed")?.map(|text| text.parse()).transpose()?;
    let runs: Option<u32> = args.value("--runs")?.map(|text| text.parse()).transpose()?;
    let names = args.rest();
    if let Some(flag) = names.iter().find(|name| name.starts_with('-')) {
        return Err(format!("unexpected argument `{flag}`").into());
    }
    let all = targets()?;
    let unknown = names.iter().find(|name| !all.contains(name));
    if let Some(name) = unknown {
        return Err(format!("no fuzz target `{name}`; there are {}", all.join(", ")).into());
    }
    let triple = host()?;
    let fuzz = shell::root().join("fuzz");
    let mut build = shell::cargo();
    build.args(["build", "--release", "--bins", "--target", &triple]).current_dir(&fuzz);
    // Naming the target keeps build scripts and macros free of the flags.
    build.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}")).env("CARGO_TARGET_DIR", fuzz.join("target"));
    shell::run(&mut build)?;
    let chosen = if names.is_empty() { all } else { names };
    let mut failed = Vec::new();
    for name in &chosen {
        println!("fuzz: {name} for {seconds} s");
        if let Err(error) = one(&fuzz, &triple, name, &Bounds { seconds, seed, runs }) {
            println!("fuzz: {name}: {error}");
            failed.push(name.as_str());
        }
    }
    println!("fuzz: {} passed, {} failed", chosen.len() - failed.len(), failed.len());
    if failed.is_empty() { Ok(()) } else { Err(format!("inputs are in fuzz/artifacts: {}", failed.join(", ")).into()) }
}

/// The names of the targets: the files in `fuzz/fuzz_targets`.
fn targets() -> Result<Vec<String>> {
    let files = std::fs::read_dir(shell::root().join("fuzz").join("fuzz_targets"))?;
    let mut names = Vec::new();
    for file in files {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

/// How a target is run.
struct Bounds {
    seconds: u32,
    seed: Option<u32>,
    /// The most inputs.
    runs: Option<u32>,
}

/// Runs one target. What it learns goes to a folder beside the build; the committed corpus only seeds it.
fn one(fuzz: &std::path::Path, triple: &str, name: &str, bounds: &Bounds) -> Result<()> {
    let learned = fuzz.join("target").join("corpus").join(name);
    let artifacts = fuzz.join("artifacts").join(name);
    std::fs::create_dir_all(&learned)?;
    std::fs::create_dir_all(&artifacts)?;
    let mut command = shell::command(fuzz.join("target").join(triple).join("release").join(name));
    command.arg(learned);
    let seeds = fuzz.join("corpus").join(name);
    let folders: [PathBuf; 2] = [seeds.clone(), seeds.join("regressions")];
    command.args(folders.iter().filter(|folder| folder.is_dir()));
    command
        .arg(format!("-max_total_time={}", bounds.seconds))
        .arg(format!("-artifact_prefix={}/", artifacts.display()));
    command.args(bounds.seed.map(|seed| format!("-seed={seed}")));
    command.args(bounds.runs.map(|runs| format!("-runs={runs}")));
    command.args(["-rss_limit_mb=1024", "-timeout=10", "-print_final_stats=1", "-verbosity=0"]);
    shell::run(command.current_dir(fuzz).stdin(std::process::Stdio::null()))
}
