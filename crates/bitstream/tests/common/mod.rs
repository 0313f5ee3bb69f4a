//! What several test files share.

use kineframe_bitstream::StartCodeUnits;
use kineframe_bitstream::h264::{NalHeader, NalType, ParameterSets, SliceData, SliceTail};

/// Every slice through the check, by first macroblock and the next slice's. What is wrong, per slice.
pub fn check_slices(bytes: &[u8]) -> (usize, usize, Vec<String>) {
    let (mut sets, mut data) = (ParameterSets::default(), SliceData::default());
    let mut slices = Vec::new();
    for nal in StartCodeUnits::new(bytes) {
        match NalHeader::of(nal).map(|header| header.kind) {
            Some(NalType::SPS | NalType::PPS) => {
                let _ = sets.insert(nal);
            }
            Some(NalType::SLICE | NalType::IDR) => {
                if let Ok((header, tail)) = SliceTail::parse(nal, &sets)
                    && header.redundant == 0
                {
                    slices.push((nal, header, tail, sets.clone()));
                }
            }
            _ => {}
        }
    }
    let (mut read, mut faults) = (0, Vec::new());
    for (index, (nal, header, tail, sets)) in slices.iter().enumerate() {
        let (Some(pps), Some(sps)) = (sets.pps(header.pps_id), sets.sps(header.sps_id)) else { continue };
        let next = slices.get(index + 1).map(|(_, next, ..)| next.first_mb);
        let end = next.filter(|next| *next > header.first_mb);
        read += usize::from(SliceData::reads(sps, pps, header));
        if let Err(error) = data.check(nal, (sps, pps), (header, tail), end) {
            faults.push(format!("slice {index}: {error}"));
        }
    }
    (slices.len(), read, faults)
}
