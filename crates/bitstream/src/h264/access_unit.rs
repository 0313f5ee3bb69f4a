//! What a packet is, by a look at its NAL headers and the heads of its slices.

use kineframe_codec::NalFraming;

use super::sei::recovery_point;
use super::slice::slice_start;
use super::{NalHeader, NalType, ParameterSets, SliceHeader};
use crate::{Error, FramingError, NalUnits};

/// Whether decoding may start at a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RandomAccess {
    /// It may not.
    None,
    /// An intra picture without a word on what follows it: pictures that are shown before it may refer past it,
    /// and so may later ones.
    Intra,
    /// A recovery point SEI message: pictures are right in output order once this many frames have come. Those
    /// that are shown before it may refer past it.
    RecoveryPoint {
        /// `recovery_frame_cnt`.
        frames: u16,
    },
    /// An IDR picture: nothing after it refers past it. Only these close a group of pictures.
    Idr,
}

/// What is wrong in an access unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessUnitError {
    /// The NAL units cannot be told apart to the end.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// A NAL unit cannot be read.
    #[error(transparent)]
    Unit(#[from] Error),
}

/// A packet of H.264, looked at in one cheap pass.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessUnit {
    /// How its NAL units are told apart.
    pub framing: NalFraming,
    /// Whether decoding may start here.
    pub random_access: RandomAccess,
    /// Another picture may need this one (`nal_ref_idc` above 0 in any slice).
    pub is_reference: bool,
    /// There are parameter sets in it.
    pub has_parameter_sets: bool,
    /// They say something that was not known before.
    pub changed_parameter_sets: bool,
    /// Slices of the primary picture, data partitions counted once.
    pub slices: usize,
    /// The first slice's head; `None` without a slice or with one that cannot be read.
    pub slice: Option<SliceHeader>,
    /// The first thing that is wrong. The rest was looked at as far as it goes.
    pub error: Option<AccessUnitError>,
}

impl AccessUnit {
    /// Looks at `packet`, and takes its parameter sets into `sets` on the way.
    pub fn scan(packet: &[u8], framing: NalFraming, sets: &mut ParameterSets) -> AccessUnit {
        let mut unit = AccessUnit {
            framing,
            random_access: RandomAccess::None,
            is_reference: false,
            has_parameter_sets: false,
            changed_parameter_sets: false,
            slices: 0,
            slice: None,
            error: None,
        };
        let (mut recovery, mut intra, mut idr) = (None, true, false);
        for nal in NalUnits::new(packet, framing) {
            let looked = match nal {
                Ok(nal) => match NalHeader::of(nal).map(|header| header.kind) {
                    Some(NalType::SPS | NalType::PPS) => unit.take_set(nal, sets),
                    Some(NalType::SEI) => {
                        recovery = recovery.or_else(|| recovery_point(nal));
                        Ok(())
                    }
                    Some(kind) if kind.begins_slice() => {
                        idr |= kind == NalType::IDR;
                        unit.look_at_slice(nal, sets, &mut intra)
                    }
                    _ => Ok(()),
                },
                Err(error) => Err(error.into()),
            };
            if let Err(error) = looked {
                unit.error.get_or_insert(error);
            }
        }
        unit.random_access = match recovery {
            _ if unit.slices == 0 => RandomAccess::None,
            _ if idr => RandomAccess::Idr,
            Some(point) => RandomAccess::RecoveryPoint { frames: point.frames },
            None if intra => RandomAccess::Intra,
            None => RandomAccess::None,
        };
        unit
    }

    fn take_set(&mut self, nal: &[u8], sets: &mut ParameterSets) -> Result<(), AccessUnitError> {
        self.has_parameter_sets = true;
        self.changed_parameter_sets |= sets.insert(nal)?;
        Ok(())
    }

    /// Counts the slice in; `intra` goes down at one that is not, or that cannot be read.
    fn look_at_slice(&mut self, nal: &[u8], sets: &ParameterSets, intra: &mut bool) -> Result<(), AccessUnitError> {
        self.slices += 1;
        let start = slice_start(nal);
        *intra &= start.is_ok_and(|(_, _, slice_type)| slice_type.is_intra());
        self.is_reference |= start?.0.ref_idc != 0;
        if self.slices == 1 {
            self.slice = Some(SliceHeader::parse(nal, sets)?);
        }
        Ok(())
    }

    /// Whether an IDR picture begins here.
    pub fn is_idr(&self) -> bool {
        self.random_access == RandomAccess::Idr
    }
}
