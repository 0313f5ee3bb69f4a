//! H.264 (ITU-T H.264, ISO/IEC 14496-10): parameter sets, slice headers, access units, picture order.

mod avcc;
mod nal;
mod pps;
mod sps;
mod vui;

pub use avcc::AvcConfig;
pub use nal::{NalHeader, NalType};
pub use pps::Pps;
pub use sps::{Crop, PocType, Sps};
pub use vui::{BitstreamRestriction, Timing, Vui};
