//! H.265 (ITU-T H.265, ISO/IEC 23008-2): parameter sets, slice segment headers, access units, picture order.
//!
//! [`Stream`] follows a track and is what most callers want; the rest can be used alone. What lies in layers above the
//! base layer (`nuh_layer_id` above 0) is passed over, as a decoder of a single layer does.

mod access_unit;
pub mod backend;
mod hvcc;
mod nal;
mod poc;
mod pps;
mod profile;
mod rps;
mod sei;
mod sets;
mod slice;
mod slice_data;
mod slice_tail;
mod split;
mod sps;
mod stream;
#[cfg(test)]
pub(crate) mod tests;
mod vps;
mod vui;

pub use access_unit::AccessUnit;
pub use hvcc::{HevcConfig, NalArray};
pub use nal::{NalHeader, NalType};
pub use poc::{PictureOrder, PicturePlace};
pub use pps::{Pps, TileSizes};
pub use profile::ProfileTierLevel;
pub use rps::{LongTermEntry, ShortTermSet};
pub use sei::{RecoveryPoint, recovery_point};
pub use sets::ParameterSets;
pub use slice::{SliceHeader, SliceType};
pub use split::AccessUnits;
pub use sps::{RangeExtension, Sps};
pub use stream::Stream;
pub use vps::Vps;
pub use vui::{Timing, Vui};

pub use crate::h264::{AccessUnitError, Crop, RandomAccess};
pub use crate::order::{OutputOrder, Reorder};

use crate::{BitReader, Error, ErrorKind};

/// Reads the header of a NAL unit that must be of this kind.
fn read_header(bits: &mut BitReader<'_>, kind: NalType) -> Result<NalHeader, Error> {
    let header = NalHeader::from_bytes([bits.byte(8, "nal_unit_header")?, bits.byte(8, "nal_unit_header")?]);
    if header.kind != kind { Err(bits.error("nal_unit_type", ErrorKind::Kind)) } else { Ok(header) }
}

/// Steps over `scaling_list_data()` (§7.3.4).
fn skip_scaling_lists(bits: &mut BitReader<'_>) -> Result<(), Error> {
    for size in 0_u32..4 {
        for matrix in 0_u32..if size == 3 { 2 } else { 6 } {
            if !bits.flag("scaling_list_pred_mode_flag")? {
                bits.ue_max("scaling_list_pred_matrix_id_delta", matrix)?;
                continue;
            }
            if size > 1 {
                bits.se("scaling_list_dc_coef_minus8")?;
            }
            for _ in 0..if size == 0 { 16 } else { 64 } {
                bits.se("scaling_list_delta_coef")?;
            }
        }
    }
    Ok(())
}

/// `Ceil( Log2( count ) )`: the bits of a number below `count`.
fn bits_below(count: u32) -> u32 {
    count.max(1).next_power_of_two().trailing_zeros()
}
