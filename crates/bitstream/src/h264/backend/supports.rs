//! What a back end says of parameters before it is opened.

use kineframe_codec::{CodecParameters, Support};

use crate::backend;
use crate::h264::{ParameterSets, Pps, Sps};

/// Asks each parameter set that is known, and gives the first reason to say no. Without sets the answer is no: what
/// the stream holds is not known.
///
/// A PPS comes with its SPS; one whose SPS is missing is not asked, since no slice can use it.
pub fn supports(
    params: &CodecParameters,
    sps: impl Fn(&Sps) -> Result<(), String>,
    pps: impl Fn(&Pps, &Sps) -> Result<(), String>,
) -> Support {
    backend::supports::<ParameterSets>(params, sps, pps)
}
