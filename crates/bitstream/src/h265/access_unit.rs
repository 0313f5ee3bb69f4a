//! What a packet is, by a look at its NAL headers and the heads of its slices.

use kineframe_codec::NalFraming;

use super::slice::Segment;
use super::{
    AccessUnitError, NalHeader, NalType, OutputOrder, ParameterSets, PictureOrder, RandomAccess, RecoveryPoint,
    SliceHeader, recovery_point,
};
use crate::NalUnits;

/// A packet of H.265, looked at in one cheap pass.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessUnit {
    /// How its NAL units are told apart.
    pub framing: NalFraming,
    /// Whether decoding may start here. A random access point that begins a coded video sequence is an
    /// [`Idr`](RandomAccess::Idr), whatever its NAL type: pictures that refer past it are not decoded. A clean random
    /// access in the middle of a sequence is a [`RecoveryPoint`](RandomAccess::RecoveryPoint) at once; the frames of
    /// others are order counts.
    pub random_access: RandomAccess,
    /// Where in output order pictures are right after a start here.
    pub sound_from: OutputOrder,
    /// It makes a picture that is to be shown.
    pub is_shown: bool,
    /// Another picture may need this one.
    pub is_reference: bool,
    /// There are parameter sets in it.
    pub has_parameter_sets: bool,
    /// They say something that was not known before.
    pub changed_parameter_sets: bool,
    /// Slice segments of the base layer.
    pub slices: usize,
    /// The first slice's head; `None` without a slice or with one that cannot be read.
    pub slice: Option<SliceHeader>,
    /// Its place in output order, as far as it is known.
    pub order: OutputOrder,
    /// The first thing that is wrong. The rest was looked at as far as it goes.
    pub error: Option<AccessUnitError>,
}

/// What a pass over the NAL units finds besides.
#[derive(Debug)]
struct Pass {
    recovery: Option<RecoveryPoint>,
    intra: bool,
    irap: bool,
    ends_before: bool,
    ends_after: bool,
}

impl AccessUnit {
    /// Looks at `packet`; takes its parameter sets into `sets` and its picture into `order` on the way. `started` says
    /// whether a random access point has come: before it, the first one begins a sequence.
    pub(super) fn scan(
        packet: &[u8],
        framing: NalFraming,
        sets: &mut ParameterSets,
        order: &mut PictureOrder,
        started: bool,
    ) -> AccessUnit {
        let nowhere = OutputOrder { epoch: 0, count: 0 };
        let mut unit = AccessUnit {
            framing,
            random_access: RandomAccess::None,
            sound_from: nowhere,
            is_shown: false,
            is_reference: false,
            has_parameter_sets: false,
            changed_parameter_sets: false,
            slices: 0,
            slice: None,
            order: nowhere,
            error: None,
        };
        let mut pass = Pass { recovery: None, intra: true, irap: false, ends_before: false, ends_after: false };
        for nal in NalUnits::new(packet, framing) {
            let looked = match nal {
                Ok(nal) => unit.look(nal, sets, &mut pass),
                Err(error) => Err(error.into()),
            };
            if let Err(error) = looked {
                unit.error.get_or_insert(error);
            }
        }
        if pass.ends_before || !started && pass.irap {
            order.end_of_sequence();
        }
        unit.place(sets, order, &pass);
        if pass.ends_after {
            order.end_of_sequence();
        }
        unit
    }

    fn look(&mut self, nal: &[u8], sets: &mut ParameterSets, pass: &mut Pass) -> Result<(), AccessUnitError> {
        match NalHeader::base_kind(nal) {
            Some(kind) if kind.is_parameter_set() => {
                self.has_parameter_sets = true;
                self.changed_parameter_sets |= sets.insert(nal)?;
            }
            Some(NalType::PREFIX_SEI) => pass.recovery = pass.recovery.or_else(|| recovery_point(nal)),
            Some(NalType::END_OF_SEQUENCE | NalType::END_OF_BITSTREAM) if self.slices == 0 => pass.ends_before = true,
            Some(NalType::END_OF_SEQUENCE | NalType::END_OF_BITSTREAM) => pass.ends_after = true,
            Some(kind) if kind.is_slice() => {
                self.slices += 1;
                pass.irap |= kind.is_irap();
                // What cannot be read may be referred to.
                self.is_reference = true;
                match Segment::parse(nal, sets) {
                    Ok(Segment::Independent(header)) => {
                        pass.intra &= header.slice_type.is_intra();
                        if self.slices == 1 {
                            self.slice = Some(*header);
                        }
                    }
                    Ok(Segment::Dependent { .. }) => {}
                    Err(error) => {
                        pass.intra = false;
                        return Err(error.into());
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What the picture's header and the order so far make of it.
    fn place(&mut self, sets: &ParameterSets, order: &mut PictureOrder, pass: &Pass) {
        let Some((slice, sps)) = self.slice.as_ref().and_then(|slice| Some((slice, sets.sps(slice.sps_id)?))) else {
            // The header cannot be read, so that a start here would lead nowhere.
            self.is_shown = self.slices > 0;
            return;
        };
        let place = order.next(sps, slice);
        self.order = place.order;
        self.is_shown = slice.output && !place.skipped;
        let highest = slice.nal.temporal_id + 1 >= sps.max_sub_layers;
        let passed_over = highest && slice.nal.kind.is_sub_layer_non_reference();
        self.is_reference = !place.skipped && !passed_over;
        self.sound_from = place.order;
        self.random_access = match pass.recovery {
            _ if place.begins_sequence => RandomAccess::Idr,
            _ if slice.nal.kind.is_irap() => RandomAccess::RecoveryPoint { frames: 0 },
            Some(point) => {
                self.sound_from.count += i64::from(point.poc);
                RandomAccess::RecoveryPoint { frames: u16::try_from(point.poc).unwrap_or(0) }
            }
            None if pass.intra => RandomAccess::Intra,
            None => RandomAccess::None,
        };
    }
}
