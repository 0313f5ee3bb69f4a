//! What the AV1 back ends promise: one decoder, in two languages.

use kineframe_codec::{Codec, CodecParameters};

use super::Stream;

/// Whether dav1d and rav1d decode a stream with these parameters bit for bit, or the reason why not.
///
/// # Errors
/// The reason, for a person.
pub fn check_exact(params: &CodecParameters) -> Result<(), String> {
    if params.codec != Codec::AV1 {
        return Err("decodes AV1 only".to_owned());
    }
    let mut stream = Stream::new(&params.private);
    for unit in &params.parameter_sets {
        stream.insert(unit).map_err(|error| error.to_string())?;
    }
    let Some(sequence) = stream.sequence() else { return Err("no sequence header is known".to_owned()) };
    let (profile, depth) = (sequence.profile, sequence.format.depth.bits());
    if depth == 12 && profile != 2 {
        return Err(format!("12 bits a sample in profile {profile}"));
    }
    Ok(())
}
