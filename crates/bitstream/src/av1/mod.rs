//! AV1: open bitstream units, the sequence header, `av1C`, temporal units, and what a frame header tells without
//! decoding.
//!
//! Sections are those of the AV1 Bitstream & Decoding Process Specification, version 1.0.0 with errata 1.

mod av1c;
mod exact;
mod frame;
mod obu;
mod sequence;
mod stream;
mod temporal_units;

pub use av1c::Av1Config;
pub use exact::check_exact;
pub use obu::{Obu, ObuType, Obus, leb128};
pub use sequence::SequenceHeader;
pub use stream::Stream;
pub use temporal_units::TemporalUnits;

#[cfg(test)]
mod tests;
