//! Reads packets ahead of a decoder: which pictures they hold, in which order those come out, which of them miss
//! references, and which parameter sets they need.

use std::ops::Range;
use std::sync::Arc;

use kineframe_codec::{
    CodecParameters, DecodeError, DecodeErrorKind, DecodeOptions, Limits, NalFraming, Packet, Recovery,
};

use super::Stored;
use super::references::References;
use crate::backend::{check_packet, sets_of};
use crate::framing::nal_ranges;
use crate::h265::slice::Segment;
use crate::h265::slice_data::SliceData;
use crate::h265::{
    NalHeader, NalType, OutputOrder, ParameterSets, PictureOrder, Pps, RecoveryPoint, SliceHeader, Sps, recovery_point,
};

/// A picture of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodedPicture {
    /// The SPS in force.
    pub sps: Arc<Stored<Sps>>,
    /// The PPS that all its slice segments name.
    pub pps: Stored<Pps>,
    /// The header of its first slice.
    pub header: SliceHeader,
    /// Its slice segments, as places of their NAL units in the packet, without framing. Never empty.
    pub segments: Vec<Range<usize>>,
    /// Its place in output order.
    pub order: OutputOrder,
    /// It is a random access point that begins a coded video sequence (`NoRaslOutputFlag`).
    pub begins_sequence: bool,
    /// An end of sequence NAL unit stands before it.
    pub after_end: bool,
    /// It is predicted from pictures that are missing or damaged, or slices of its own cannot be read.
    pub damaged: bool,
    /// All that it may refer to is there and sound.
    references: bool,
    /// Where its last slice segment begins.
    address: u32,
}

/// What a packet holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unit {
    /// Its pictures in decoding order: one, where nothing is wrong; none where it is one that refers past a random
    /// access point at which decoding began.
    pub pictures: Vec<CodedPicture>,
    /// What could not be read, the first of it.
    pub damage: Option<String>,
}

/// What is known within a packet.
#[derive(Debug, Default)]
struct Entry {
    recovery: Option<RecoveryPoint>,
    /// The picture of the segments that come is not decoded.
    skipping: bool,
}

/// Follows a stream, packet by packet, as a decoder of it must.
#[derive(Debug, Clone)]
pub struct Tracker {
    factory: Arc<str>,
    framing: NalFraming,
    limits: Limits,
    sets: ParameterSets,
    /// The sets that it was opened with.
    initial: ParameterSets,
    /// In force since the last picture that began a sequence.
    active: Option<Arc<Stored<Sps>>>,
    order: PictureOrder,
    references: References,
    /// `None` where slice data is taken on trust.
    slice_data: Option<SliceData>,
    /// An end of sequence has come after the last picture.
    ended: bool,
}

impl Tracker {
    /// Follows a stream with these parameters, for the back end named `factory`.
    ///
    /// # Errors
    /// A picture size beyond the limits.
    pub fn new(factory: &str, params: &CodecParameters, options: &DecodeOptions) -> Result<Self, DecodeError> {
        let limits = options.limits;
        let sets: ParameterSets = sets_of(factory, params, &limits)?;
        Ok(Tracker {
            factory: Arc::from(factory),
            framing: params.framing,
            limits,
            initial: sets.clone(),
            sets,
            active: None,
            order: PictureOrder::default(),
            references: References::default(),
            slice_data: options.check_slices.then(SliceData::default),
            ended: false,
        })
    }

    /// Forgets all pictures, and the parameter sets but for those that it was opened with.
    pub fn reset(&mut self) {
        self.sets = self.initial.clone();
        self.active = None;
        self.order.end_of_sequence();
        self.references = References::default();
        self.ended = false;
    }

    /// The decoder could not decode this picture, or not all of it: pictures that refer to it are damaged.
    pub fn lost(&mut self, picture: &CodedPicture) {
        self.references.lost(picture.order);
    }

    /// Reads a packet. Every size that it announces has been checked against the limits afterwards.
    ///
    /// # Errors
    /// A packet or a picture beyond the limits; a change of the SPS within a coded video sequence.
    pub fn read(&mut self, packet: &Packet) -> Result<Unit, DecodeError> {
        let data = &packet.data;
        check_packet(&self.factory, &self.limits, data)?;
        let (mut unit, mut entry) = (Unit::default(), Entry::default());
        for nal in nal_ranges(data, self.framing) {
            let looked = match nal {
                Ok(range) => self.nal(&mut unit, data, range, &mut entry)?,
                Err(error) => Err(error.to_string()),
            };
            if let Err(what) = looked {
                unit.damage.get_or_insert(what);
            }
        }
        // Whatever could not be read may have been a slice of any of them.
        let damaged = unit.damage.is_some();
        for picture in &mut unit.pictures {
            // Slice data that breaks a rule: decoders may go on as if nothing were wrong.
            let segments = picture.segments.iter().map(|range| data.get(range.clone()).unwrap_or_default());
            let sound = match &mut self.slice_data {
                Some(check) => check.check(&picture.sps.set, &picture.pps.set, segments).is_ok(),
                None => true,
            };
            picture.damaged |= damaged || !sound;
            if picture.damaged {
                self.references.lost(picture.order);
            }
        }
        Ok(unit)
    }

    /// An error of the back end that this follows a stream for.
    pub fn error(&self, kind: DecodeErrorKind, recovery: Recovery) -> DecodeError {
        DecodeError::new(&self.factory, kind, recovery)
    }

    /// Takes a NAL unit in. The inner error says what is wrong with it, the outer one ends the packet.
    fn nal(
        &mut self,
        unit: &mut Unit,
        packet: &[u8],
        range: Range<usize>,
        entry: &mut Entry,
    ) -> Result<Result<(), String>, DecodeError> {
        let nal = packet.get(range.clone()).unwrap_or_default();
        let Some(header) = NalHeader::of(nal).filter(|header| !header.forbidden) else {
            return Ok(Err("a NAL unit with a forbidden header".to_owned()));
        };
        if header.layer_id > 0 {
            return Ok(Ok(()));
        }
        match header.kind {
            kind if kind.is_parameter_set() => {
                return Ok(self.sets.insert(nal).map(drop).map_err(|error| error.to_string()));
            }
            NalType::PREFIX_SEI => entry.recovery = entry.recovery.or_else(|| recovery_point(nal)),
            NalType::END_OF_SEQUENCE | NalType::END_OF_BITSTREAM => {
                self.order.end_of_sequence();
                self.ended = true;
            }
            kind if kind.is_slice() => return self.segment(unit, nal, range, entry),
            _ => {}
        }
        Ok(Ok(()))
    }

    fn segment(
        &mut self,
        unit: &mut Unit,
        nal: &[u8],
        range: Range<usize>,
        entry: &mut Entry,
    ) -> Result<Result<(), String>, DecodeError> {
        let segment = match Segment::parse(nal, &self.sets) {
            Ok(segment) => segment,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let header = match segment {
            Segment::Independent(header) if header.first => return self.first(unit, *header, range, entry),
            Segment::Independent(header) => Ok(header),
            Segment::Dependent { start, address } => Err((start, address)),
        };
        if entry.skipping {
            return Ok(Ok(()));
        }
        let (address, pps_id) = match &header {
            Ok(header) => (header.address, header.pps_id),
            Err((start, address)) => (*address, start.pps_id),
        };
        let Some(picture) = unit.pictures.last_mut() else {
            return Ok(Err("a slice segment without the first one of its picture".to_owned()));
        };
        if address <= picture.address || pps_id != picture.header.pps_id {
            return Ok(Err("a slice segment that is of another picture".to_owned()));
        }
        picture.damaged |= !picture.references && header.is_ok_and(|header| !header.slice_type.is_intra());
        picture.address = address;
        picture.segments.push(range);
        Ok(Ok(()))
    }

    /// Begins a picture with its first slice segment.
    fn first(
        &mut self,
        unit: &mut Unit,
        header: SliceHeader,
        range: Range<usize>,
        entry: &mut Entry,
    ) -> Result<Result<(), String>, DecodeError> {
        let sps = self.sets.sps(header.sps_id).zip(self.sets.sps_unit(header.sps_id));
        let pps = self.sets.pps(header.pps_id).zip(self.sets.pps_unit(header.pps_id));
        let (Some((sps, sps_nal)), Some((pps, pps_nal))) = (sps, pps) else { return Ok(Ok(())) };
        let pps = Stored { set: pps.clone(), nal: pps_nal.clone() };
        let sps = match &self.active {
            Some(active) if active.nal == *sps_nal => active.clone(),
            _ => Arc::new(Stored { set: sps.clone(), nal: sps_nal.clone() }),
        };
        let place = self.order.next(&sps.set, &header);
        entry.skipping = place.skipped;
        if place.skipped {
            return Ok(Ok(()));
        }
        self.activate(&sps, place.begins_sequence)?;
        let recovery = entry.recovery.take();
        let references = self.references.begin(&sps.set, &header, place.order, place.begins_sequence, recovery);
        let damaged = !references && !header.slice_type.is_intra();
        self.references.decoded(place.order, damaged);
        unit.pictures.push(CodedPicture {
            sps,
            pps,
            header,
            segments: vec![range],
            order: place.order,
            begins_sequence: place.begins_sequence,
            after_end: std::mem::take(&mut self.ended),
            damaged,
            references,
            address: 0,
        });
        Ok(Ok(()))
    }

    /// Makes the SPS the one in force. Within a sequence it may only say the same again.
    fn activate(&mut self, sps: &Arc<Stored<Sps>>, begins_sequence: bool) -> Result<(), DecodeError> {
        if self.active.as_ref().is_some_and(|active| Arc::ptr_eq(active, sps)) {
            return Ok(());
        }
        self.limits.check_size(&self.factory, sps.set.coded_size())?;
        let changed = self.active.as_ref().is_some_and(|active| !same_sequence(&active.set, &sps.set));
        if changed && !begins_sequence {
            let what = "the sequence parameter set changes within a coded video sequence".to_owned();
            return Err(self.error(DecodeErrorKind::Damaged(what), Recovery::NextRandomAccess));
        }
        self.active = Some(sps.clone());
        Ok(())
    }
}

/// Whether two SPS differ in the VUI at most.
fn same_sequence(one: &Sps, other: &Sps) -> bool {
    let mut other = other.clone();
    other.vui = one.vui;
    *one == other
}
