//! `kineframe decoders`: the back ends of this build, in order of preference.

use serde_json::json;

use crate::args::Common;
use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::pictures;

/// Runs the command.
///
/// # Errors
/// See [`Failure`].
pub fn run(common: &Common) -> Result<Outcome, Failure> {
    let mut output = Output::new(common.json);
    for (place, factory) in pictures::decoders(common)?.0.iter().enumerate() {
        let object = json!({
            "preference": place + 1,
            "name": factory.name(),
            "decodes": factory.description(),
        });
        output.item(&object, || format!("{}. {:<12} {}", place + 1, factory.name(), factory.description()))?;
    }
    output.flush()?;
    Ok(Outcome::Good)
}
