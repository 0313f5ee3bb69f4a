//! `cargo xtask bench`: how fast we are, as ratios to other programs in the same run.
//!
//! Ours and theirs take turns (A B A B), and each ratio is of one turn, so that what else the machine does falls on
//! both. Work is measured as processor time of the whole process where two programs do the same, as wall time only
//! where that is the question. A peer that this machine lacks is left out in a printed line.

mod archive;
mod codecs;
mod latency;
mod pictures;
mod run;
mod server;
mod splitting;
mod table;

use std::path::PathBuf;

use crate::args::Args;
use crate::shell::{self, Result};
use run::Bench;
pub(crate) use run::{cost, target};
use table::Section;

/// A part of the run.
type Part = fn(&Bench) -> Result<Section>;

/// The parts, by the name that `--only` takes.
const PARTS: [(&str, Part); 6] = [
    ("splitting", splitting::run),
    ("pictures", pictures::run),
    ("codecs", codecs::run),
    ("archive", archive::run),
    ("latency", latency::run),
    ("server", server::run),
];

/// Runs the parts and prints their tables; with `--write` also into the documentation. `--criterion` runs the benches
/// of the crates instead, and `--once` each of them a single time in the profile of the tests.
pub fn run(args: &mut Args) -> Result<()> {
    let once = args.flag("--once");
    if args.flag("--criterion") || once {
        return criterion(once, args);
    }
    let only = args.value("--only")?;
    let media = args.value("--media")?.map_or_else(|| shell::root().join("testdata"), PathBuf::from);
    let rounds = match args.value("--rounds")? {
        Some(rounds) => rounds.parse::<usize>().ok().filter(|rounds| *rounds > 0).ok_or("--rounds needs a number")?,
        None => 5,
    };
    let write = args.flag("--write");
    args.finish()?;
    if let Some(only) = &only
        && !PARTS.iter().any(|(name, _)| name == only)
    {
        let names = PARTS.map(|(name, _)| name).join(", ");
        return Err(format!("no part `{only}`; there are {names}").into());
    }
    let bench = Bench::new(media, rounds)?;
    for (name, part) in PARTS {
        if only.as_deref().is_none_or(|only| only == name) {
            let section = part(&bench)?;
            println!("\n{}", section.markdown());
            if write {
                section.write(name)?;
            }
        }
    }
    Ok(())
}

fn criterion(once: bool, args: &mut Args) -> Result<()> {
    let mut bench = shell::cargo();
    // Criterion tells by the missing `--bench` that it is to run each bench once.
    bench
        .args([if once { "test" } else { "bench" }, "--workspace", "--locked", "--bench", "*", "--"])
        .args(args.rest());
    shell::run(&mut bench)
}
