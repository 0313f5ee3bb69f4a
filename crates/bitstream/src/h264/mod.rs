//! H.264 (ITU-T H.264, ISO/IEC 14496-10): parameter sets, slice headers, access units, picture order.
//!
//! [`Stream`] follows a track and is what most callers want; the rest can be used alone.

mod access_unit;
mod avcc;
pub mod backend;
mod nal;
mod poc;
mod pps;
mod sei;
mod sets;
mod slice;
pub(crate) mod slice_data;
mod slice_tail;
mod split;
mod sps;
mod stream;
mod vui;

pub use access_unit::{AccessUnit, AccessUnitError, RandomAccess};
pub use avcc::AvcConfig;
pub(crate) use avcc::take_units;
pub use nal::{NalHeader, NalType};
pub use poc::PictureOrder;
pub use pps::Pps;
pub(crate) use sei::for_each_message;
pub use sei::{RecoveryPoint, for_each_sei, recovery_point};
pub use sets::ParameterSets;
pub use slice::{PictureStructure, SliceHeader, SliceType};
pub use slice_data::{SliceData, SliceDataError};
pub use slice_tail::SliceTail;
pub use split::AccessUnits;
pub use sps::{Crop, PocType, Sps};
pub use stream::Stream;
pub use vui::{BitstreamRestriction, Timing, Vui};

pub use crate::order::{OutputOrder, Reorder};
