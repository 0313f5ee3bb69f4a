//! `kineframe inspect`: what is in a file, and what is wrong with it.

mod mp4;
mod survey;
mod tree;

use crate::args::{Common, Inspect};
use crate::outcome::{Failure, Outcome};

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub fn run(args: &Inspect, common: &Common) -> Result<Outcome, Failure> {
    if args.tree { tree::run(args, common) } else { survey::run(args, common) }
}
