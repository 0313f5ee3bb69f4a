//! `cargo xtask sessions`: sessions with faults, as many as there is time for.

use crate::args::Args;
use crate::shell::{self, Result};

/// Tests that take as many seeds as `KINEFRAME_SEEDS` says: package, target, name, and how many seeds one of them has
/// for each that was asked for, since those over a network take longer.
const TESTS: &[(&str, &[&str], &str, u64)] = &[
    ("kineframe-consumer", &["--lib"], "sessions_of_many_seeds", 1),
    ("kineframe-consumer", &["--lib"], "damage_on_the_way_is_read_again", 10),
    ("kineframe-source-aws", &["--test", "session"], "sessions_by_the_thousand", 1),
];

/// Runs the sessions of `--seeds N` seeds, 2,000 by default.
pub fn run(args: &mut Args) -> Result<()> {
    let seeds: u64 = args.value("--seeds")?.map_or(Ok(2_000), |text| text.parse())?;
    args.finish()?;
    let mut failed = Vec::new();
    for (package, target, name, times) in TESTS {
        let seeds = seeds.saturating_mul(*times).to_string();
        println!("sessions: {package}, {name}, {seeds} seeds");
        let mut test = shell::cargo();
        test.args(["test", "--locked", "--package", package]).args(*target).args(["--", "--nocapture", name]);
        if let Err(error) = shell::run(test.env("KINEFRAME_SEEDS", &seeds)) {
            println!("sessions: {name}: {error}");
            failed.push(*name);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", ")).into()) }
}
