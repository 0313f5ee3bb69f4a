//! What a back end says of parameters before it is opened.

use kineframe_codec::{Codec, CodecParameters, Support};

use crate::h265::{ParameterSets, Pps, Sps};

/// Asks each SPS and PPS that is known, and gives the first reason to say no. Without sets the answer is no: what the
/// stream holds is not known.
///
/// A PPS comes with its SPS; one whose SPS is missing is not asked, since no slice can use it.
pub fn supports(
    params: &CodecParameters,
    sps: impl Fn(&Sps) -> Result<(), String>,
    pps: impl Fn(&Pps, &Sps) -> Result<(), String>,
) -> Support {
    let check = || {
        if params.codec != Codec::H265 {
            return Err("decodes H.265 only".to_owned());
        }
        let mut sets = ParameterSets::default();
        for nal in &params.parameter_sets {
            sets.insert(nal).map_err(|error| error.to_string())?;
        }
        if !sets.is_usable() {
            return Err("no parameter sets are known".to_owned());
        }
        sets.all_sps().try_for_each(&sps)?;
        sets.all_pps().filter_map(|set| Some((set, sets.sps(set.sps_id)?))).try_for_each(|(set, of)| pps(set, of))
    };
    match check() {
        Ok(()) => Support::Exact,
        Err(reason) => Support::No(reason),
    }
}
