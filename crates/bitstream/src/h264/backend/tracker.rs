//! Reads packets ahead of a decoder: which pictures they hold, in which order those come out, which of them miss
//! references, and which parameter sets they need.

use std::ops::Range;
use std::sync::Arc;

use kineframe_codec::{
    CodecParameters, DecodeError, DecodeErrorKind, DecodeOptions, Limits, NalFraming, Packet, Recovery,
};

use super::loss::{Circumstances, Losses};
use crate::backend::{Stored, check_packet, sets_of};
use crate::framing::nal_ranges;
use crate::h264::{
    NalHeader, NalType, OutputOrder, ParameterSets, PictureOrder, PictureStructure, Pps, SliceData, SliceHeader,
    SliceTail, SliceType, Sps, recovery_point,
};

/// A slice of a picture, and where it lies in the packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodedSlice {
    /// What tells pictures apart.
    pub header: SliceHeader,
    /// References and deblocking.
    pub tail: SliceTail,
    /// The PPS that it names.
    pub pps: Stored<Pps>,
    /// The NAL unit in the packet, without framing.
    pub nal: Range<usize>,
}

/// A picture of a packet: a frame, or one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodedPicture {
    /// The SPS in force.
    pub sps: Arc<Stored<Sps>>,
    /// Its slices, redundant ones left out. Never empty.
    pub slices: Vec<CodedSlice>,
    /// Its place in output order.
    pub order: OutputOrder,
    /// A field that completes the frame of the field before it.
    pub second_field: bool,
    /// It is predicted from pictures that are missing or damaged, or slices of its own cannot be read.
    pub damaged: bool,
    /// Frames that are missing before it by `frame_num`, whether the SPS allows that or not.
    pub gap: u32,
    /// Since the last IDR picture some picture was made a long-term reference.
    pub long_term: bool,
}

impl CodedPicture {
    /// The first slice.
    fn first(&self) -> Option<&SliceHeader> {
        self.slices.first().map(|slice| &slice.header)
    }

    /// Whether it is an IDR picture.
    pub fn is_idr(&self) -> bool {
        self.first().is_some_and(SliceHeader::is_idr)
    }

    /// Whether other pictures refer to it.
    pub fn is_reference(&self) -> bool {
        self.first().is_some_and(|slice| slice.nal.ref_idc != 0)
    }

    /// Frame or field.
    pub fn structure(&self) -> PictureStructure {
        self.first().map_or(PictureStructure::Frame, |slice| slice.structure)
    }

    /// Whether a slice predicts from two lists.
    pub fn is_bipredictive(&self) -> bool {
        self.slices.iter().any(|slice| slice.header.slice_type == SliceType::B)
    }
}

/// What a packet holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unit {
    /// Its pictures in decoding order: one frame, or one or two fields, where nothing is wrong.
    pub pictures: Vec<CodedPicture>,
    /// What could not be read, the first of it.
    pub damage: Option<String>,
}

/// What a packet says about starting at it.
#[derive(Debug, Clone, Copy)]
struct Entry {
    random_access: bool,
    recovery: Option<u32>,
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
    /// In force since the last IDR picture.
    active: Option<Arc<Stored<Sps>>>,
    order: PictureOrder,
    /// `PrevRefFrameNum` (§7.4.3).
    prev_ref_frame_num: Option<u32>,
    losses: Losses,
    /// `None` where slice data is taken on trust.
    slice_data: Option<SliceData>,
    long_term: bool,
    /// The last picture, where it is a field whose fellow may follow.
    open_field: Option<(SliceHeader, OutputOrder)>,
    last: Option<SliceHeader>,
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
            prev_ref_frame_num: None,
            losses: Losses::default(),
            slice_data: options.check_slices.then(SliceData::default),
            long_term: false,
            open_field: None,
            last: None,
        })
    }

    /// Forgets all pictures, and the parameter sets but for those that it was opened with.
    pub fn reset(&mut self) {
        self.sets = self.initial.clone();
        self.active = None;
        self.prev_ref_frame_num = None;
        self.losses = Losses::default();
        self.long_term = false;
        self.open_field = None;
        self.last = None;
    }

    /// The decoder could not decode this picture: pictures that refer to it are damaged.
    pub fn lost(&mut self, picture: &CodedPicture) {
        if picture.is_reference() {
            self.losses.lost();
        }
    }

    /// Reads a packet. Every size that it announces has been checked against the limits afterwards.
    ///
    /// # Errors
    /// A packet or a picture beyond the limits; slice data in partitions; a change of the SPS without an IDR
    /// picture.
    pub fn read(&mut self, packet: &Packet) -> Result<Unit, DecodeError> {
        let data = &packet.data;
        check_packet(&self.factory, &self.limits, data)?;
        let mut unit = Unit::default();
        let mut entry = Entry { random_access: packet.random_access, recovery: None };
        for nal in nal_ranges(data, self.framing) {
            let looked = match nal {
                Ok(range) => self.nal(&mut unit, data, range, &mut entry)?,
                Err(error) => Err(error.to_string()),
            };
            if let Err(what) = looked {
                unit.damage.get_or_insert(what);
            }
        }
        if unit.damage.is_some() {
            // Whatever could not be read may have been a slice of any of them.
            unit.pictures.iter_mut().for_each(|picture| picture.damaged = true);
            self.losses.lost();
        }
        self.check_slices(&mut unit, data);
        Ok(unit)
    }

    /// Marks pictures whose macroblocks break a rule: decoders may go on as if nothing were wrong.
    fn check_slices(&mut self, unit: &mut Unit, packet: &[u8]) {
        let Some(check) = &mut self.slice_data else { return };
        let mut lost = false;
        for picture in &mut unit.pictures {
            let predicts = picture.slices.iter().any(|slice| !slice.header.slice_type.is_intra());
            let ends = picture.slices.iter().skip(1).map(|slice| Some(slice.header.first_mb)).chain([None]);
            let sound = picture.slices.iter().zip(ends).all(|(slice, end)| {
                let nal = packet.get(slice.nal.clone()).unwrap_or_default();
                let sets = (&picture.sps.set, &slice.pps.set);
                check.check(nal, sets, (&slice.header, &slice.tail), end).is_ok()
            });
            picture.damaged |= !sound || lost && predicts;
            if !sound && picture.is_reference() {
                lost = true;
                self.losses.lost();
            }
        }
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
            return Ok(Err("a NAL unit with its forbidden bit set".to_owned()));
        };
        match header.kind {
            NalType::SPS | NalType::PPS => Ok(self.sets.insert(nal).map(drop).map_err(|error| error.to_string())),
            NalType::SEI => {
                let point = recovery_point(nal).filter(|point| point.exact || point.frames == 0);
                let point = point.map(|point| point.frames.into());
                entry.recovery = entry.recovery.or(point);
                Ok(Ok(()))
            }
            NalType::SLICE | NalType::IDR => self.slice(unit, nal, range, *entry),
            NalType::PARTITION_A | NalType::PARTITION_B | NalType::PARTITION_C => {
                let what = "slice data in partitions (Extended profile)".to_owned();
                Err(self.error(DecodeErrorKind::Unsupported(what), Recovery::Reopen))
            }
            _ => Ok(Ok(())),
        }
    }

    fn slice(
        &mut self,
        unit: &mut Unit,
        nal: &[u8],
        range: Range<usize>,
        entry: Entry,
    ) -> Result<Result<(), String>, DecodeError> {
        let (header, tail) = match SliceTail::parse(nal, &self.sets) {
            Ok(parsed) => parsed,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let sps = self.sets.sps(header.sps_id).zip(self.sets.sps_unit(header.sps_id));
        let pps = self.sets.pps(header.pps_id).zip(self.sets.pps_unit(header.pps_id));
        let (Some((sps, sps_nal)), Some((pps, pps_nal))) = (sps, pps) else { return Ok(Ok(())) };
        if header.redundant > 0 {
            return Ok(Ok(()));
        }
        let pps = Stored { set: pps.clone(), nal: pps_nal.clone() };
        let slice = CodedSlice { header, tail, pps, nal: range };
        if let Some(picture) = unit.pictures.last_mut() {
            // A second first macroblock begins a picture, however like the one before it may be.
            let again = slice.header.first_mb == 0 && picture.first().is_some_and(|first| first.first_mb == 0);
            if !again && picture.first().is_some_and(|first| continues(first, &slice.header)) {
                picture.damaged |= self.losses.damages(&slice.header, picture.order);
                picture.slices.push(slice);
                return Ok(Ok(()));
            }
        }
        let sps = match &self.active {
            Some(active) if active.nal == *sps_nal => active.clone(),
            _ => Arc::new(Stored { set: sps.clone(), nal: sps_nal.clone() }),
        };
        let picture = self.picture(sps, slice, entry)?;
        unit.pictures.push(picture);
        Ok(Ok(()))
    }

    /// Begins a picture with its first slice.
    fn picture(&mut self, sps: Arc<Stored<Sps>>, slice: CodedSlice, entry: Entry) -> Result<CodedPicture, DecodeError> {
        let header = &slice.header;
        self.activate(&sps, header)?;
        let gap = self.gap(&sps.set, header);
        let open = self
            .open_field
            .take()
            .filter(|(first, _)| header.completes_frame(first) && (first.nal.ref_idc != 0 || header.nal.ref_idc == 0));
        let second_field = open.is_some();
        let last = self.last.replace(header.clone());
        // A second reference picture of the same number and count is the first one once more: its residual would
        // be added twice.
        let repeated = last.as_ref().is_some_and(|last| {
            last.nal.ref_idc != 0 && header.nal.ref_idc != 0 && !header.is_idr() && continues(last, header)
        });
        let known = Circumstances {
            gap,
            first: last.is_none(),
            after_idr: last.is_some_and(|last| last.is_idr()),
            repeated,
            recovery: entry.recovery,
            random_access: entry.random_access,
        };
        let mut order = self.order.next(&sps.set, header);
        if let Some((_, first)) = open {
            order = order.min(first);
        }
        self.losses.begin(&sps.set, header, order, known);
        self.long_term = (self.long_term && !header.is_idr()) || slice.tail.long_term;
        if header.structure != PictureStructure::Frame && !second_field {
            self.open_field = Some((header.clone(), order));
        }
        Ok(CodedPicture {
            damaged: self.losses.damages(header, order) || header.first_mb != 0,
            slices: vec![slice],
            sps,
            order,
            second_field,
            gap,
            long_term: self.long_term,
        })
    }

    /// Reference frames that are missing before this picture: 0 where `frame_num` goes on as it must (§7.4.3).
    fn gap(&mut self, sps: &Sps, header: &SliceHeader) -> u32 {
        let (max, frame_num) = (1_u32 << sps.frame_num_bits.min(16), u32::from(header.frame_num));
        let gap = match self.prev_ref_frame_num {
            Some(prev) if !header.is_idr() && prev != frame_num => (frame_num + 2 * max - prev - 1) % max,
            _ => 0,
        };
        if header.drops_references {
            self.prev_ref_frame_num = Some(0);
        } else if header.nal.ref_idc != 0 {
            self.prev_ref_frame_num = Some(frame_num);
        } else if gap > 0 {
            self.prev_ref_frame_num = Some((frame_num + max - 1) % max);
        }
        gap
    }

    /// Makes the SPS the one in force. Between IDR pictures it may only say the same again.
    fn activate(&mut self, sps: &Arc<Stored<Sps>>, header: &SliceHeader) -> Result<(), DecodeError> {
        if self.active.as_ref().is_some_and(|active| Arc::ptr_eq(active, sps)) {
            return Ok(());
        }
        self.limits.check_size(&self.factory, sps.set.coded_size())?;
        let changed = self.active.as_ref().is_some_and(|active| !same_sequence(&active.set, &sps.set));
        if changed && !header.is_idr() {
            let what = "the sequence parameter set changes at a picture that is no IDR picture".to_owned();
            return Err(self.error(DecodeErrorKind::Damaged(what), Recovery::NextRandomAccess));
        }
        self.active = Some(sps.clone());
        Ok(())
    }
}

/// Whether a slice belongs to the picture that `first` is of. Slices of one picture may name different PPS.
fn continues(first: &SliceHeader, slice: &SliceHeader) -> bool {
    let mut slice = slice.clone();
    slice.pps_id = first.pps_id;
    !slice.begins_picture(first)
}

/// Whether two SPS differ in the VUI at most.
fn same_sequence(one: &Sps, other: &Sps) -> bool {
    let mut other = other.clone();
    other.vui = one.vui;
    *one == other
}
