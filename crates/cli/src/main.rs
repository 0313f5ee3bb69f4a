//! The command `kineframe`: from a Kinesis Video stream to exact pictures.

mod args;
mod body;
mod commands;
mod input;
mod json;
mod kvs;
mod made;
mod outcome;
mod output;
mod pictures;
mod progress;
#[cfg(test)]
mod properties;
mod range;
mod signals;
mod tracks;
mod units;
mod whole;
mod window;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Cli, Command};
use outcome::{Failure, Outcome};

fn main() -> ExitCode {
    let cli = Cli::parse_from(args::spelled(std::env::args_os()));
    outcome::exit(run(&cli))
}

fn run(cli: &Cli) -> Result<Outcome, Failure> {
    let common = &cli.common;
    match &cli.command {
        Command::Fragments(args) => commands::fragments::run(args, common),
        Command::Inspect(args) => commands::inspect::run(args, common),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "kineframe", &mut script);
            output::bytes(&script)?;
            Ok(Outcome::Good)
        }
        Command::Demo(args) => commands::demo::run(args, common),
        Command::Frames(args) => commands::frames::frames(args, common),
        Command::Frame(args) => commands::frames::frame(args, common),
        Command::Split(args) => commands::split::run(args, common),
        Command::Merge(args) => commands::merge::run(args, common),
        Command::Audio(args) => commands::audio::run(args, common),
        Command::Serve(args) => commands::serve::run(args, common),
        Command::Put(args) => commands::put::run(args, common),
        Command::Streams(args) => commands::streams::streams(args, common),
        Command::Describe(args) => commands::streams::describe(args, common),
        Command::Decoders => commands::decoders::run(common),
    }
}
