//! H.264 and H.265 byte streams with start codes (annex B), as frames with times.

use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kineframe::bitstream::{StartCodeUnits, begins_with_start_code, h264, h265, start_codes_to_lengths};
use kineframe::matroska::{TrackEntry, TrackType, Tracks, Video};

use super::cut::Timed;
use crate::outcome::Failure;

/// Most bytes in which an access unit must end.
const LARGEST: usize = 64 << 20;

/// Pictures a second where the stream does not say.
const PICTURES_A_SECOND: (u64, u64) = (25, 1);

/// Whether an input that begins so is a byte stream.
pub fn is_raw(first: &[u8]) -> bool {
    begins_with_start_code(first.get(..first.len().min(64)).unwrap_or_default())
}

/// What a byte stream tells.
#[derive(Debug)]
pub enum Told {
    /// The tracks of what follows.
    Tracks(Arc<Tracks>),
    /// A frame.
    Frame(Timed),
}

/// Reads a byte stream in pieces: access units, the order in which they are shown, and so their times.
///
/// The stream has no times. The pictures are taken to follow each other at the rate that its parameter sets name, in
/// output order (H.264 §C.4, H.265 §C.5.2), from 0.
#[derive(Debug, Default)]
pub struct Raw {
    buffer: BytesMut,
    /// Where the buffer begins in the input.
    position: u64,
    /// Bytes that were looked at without the end of an access unit.
    looked: usize,
    follow: Option<Follow>,
    tracks: Option<Arc<Tracks>>,
    generation: u64,
    /// Frames in stored order; those whose time is not known yet, and what comes behind one.
    waiting: VecDeque<Waiting>,
    /// Number of the first of them.
    first: u64,
    reorder: Option<h264::Reorder<u64>>,
    clock: Clock,
    ready: VecDeque<Told>,
}

#[derive(Debug)]
enum Follow {
    H264 { stream: Box<h264::Stream>, order: h264::PictureOrder, last: h264::OutputOrder },
    H265 { stream: Box<h265::Stream> },
}

#[derive(Debug)]
struct Waiting {
    tracks: Option<Arc<Tracks>>,
    frame: Timed,
    timed: bool,
}

/// What an access unit is.
struct Unit {
    key: bool,
    order: h264::OutputOrder,
    depth: u32,
    generation: u64,
}

/// Times of pictures that follow each other.
#[derive(Debug, Default)]
struct Clock {
    rate: (u64, u64),
    /// Where the rate began to hold.
    base: i64,
    since: u64,
}

impl Clock {
    fn set(&mut self, rate: (u64, u64)) {
        if rate != self.rate {
            (self.base, self.since) = (self.now(), 0);
            self.rate = rate;
        }
    }

    fn at(&self, pictures: u64) -> i64 {
        let (count, seconds) = self.rate;
        let nanos = u128::from(pictures) * u128::from(seconds) * 1_000_000_000 / u128::from(count.max(1));
        self.base.saturating_add(i64::try_from(nanos).unwrap_or(i64::MAX))
    }

    fn now(&self) -> i64 {
        self.at(self.since)
    }

    /// The next picture's time, and how long it lasts.
    fn tick(&mut self) -> (i64, u64) {
        let time = self.now();
        self.since += 1;
        (time, self.now().abs_diff(time))
    }
}

impl Raw {
    /// Takes the next piece.
    ///
    /// # Errors
    /// No access unit ends where one should, or there is nothing that can be sent.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.buffer.extend_from_slice(piece);
        // The last NAL unit may go on. Each look is at twice as much as the one before that found nothing.
        if self.buffer.len() >= self.looked.saturating_mul(2) {
            let end = last_start_code(&self.buffer);
            self.take(end)?;
        }
        if self.buffer.len() > LARGEST {
            return Err(Failure::Work(format!(
                "byte {}: no access unit ends within {LARGEST} bytes: this is no byte stream of H.264 or H.265",
                self.position
            )));
        }
        Ok(())
    }

    /// The input is over.
    ///
    /// # Errors
    /// There was nothing that can be sent.
    pub fn finish(&mut self) -> Result<(), Failure> {
        self.take(self.buffer.len())?;
        let rest = std::mem::take(&mut self.buffer).freeze();
        self.unit(rest)?;
        while let Some(number) = self.reorder.as_mut().and_then(h264::Reorder::next_held) {
            self.show(number);
        }
        self.settle();
        if self.tracks.is_none() {
            return Err(Failure::Work(
                "the byte stream has no parameter sets before a picture at which decoding can start, so that nothing \
                 of it can be sent; is it H.264 or H.265 with start codes?"
                    .into(),
            ));
        }
        Ok(())
    }

    /// What it told, in stored order.
    pub fn pop(&mut self) -> Option<Told> {
        self.ready.pop_front()
    }

    /// Takes the access units before `end` but the last one, which may go on.
    fn take(&mut self, end: usize) -> Result<(), Failure> {
        let Some(known) = self.buffer.get(..end).filter(|known| !known.is_empty()) else { return Ok(()) };
        if self.follow.is_none() {
            self.follow = Follow::of(known);
        }
        let Some(follow) = &self.follow else { return Ok(()) };
        // The headers of slices are read with the parameter sets that came before.
        let mut sets = BytesMut::new();
        for unit in follow.parameter_sets() {
            sets.extend_from_slice(&[0, 0, 0, 1]);
            sets.extend_from_slice(&unit);
        }
        let before = sets.len();
        sets.extend_from_slice(known);
        let lengths = follow.lengths(sets.freeze());
        let mut taken = 0;
        if let Some((_, whole)) = lengths.split_last() {
            for (index, length) in whole.iter().enumerate() {
                let length = if index == 0 { length.saturating_sub(before) } else { *length };
                let data = self.buffer.split_to(length.min(self.buffer.len())).freeze();
                taken += data.len();
                self.unit(data)?;
            }
        }
        self.looked = end.saturating_sub(taken);
        Ok(())
    }

    /// The next access unit.
    fn unit(&mut self, data: Bytes) -> Result<(), Failure> {
        let position = self.position;
        self.position = position.saturating_add(data.len() as u64);
        let Some(follow) = &mut self.follow else { return Ok(()) };
        let Some(unit) = follow.look(&data) else { return Ok(()) };
        let mut tracks = None;
        if unit.key && (self.tracks.is_none() || unit.generation != self.generation) {
            let rate = follow.rate().unwrap_or(PICTURES_A_SECOND);
            // What is held back is of the rate before.
            while let Some(number) = self.reorder.as_mut().and_then(h264::Reorder::next_held) {
                self.show(number);
            }
            self.clock.set(rate);
            self.generation = unit.generation;
            let found = self.follow.as_ref().map(|follow| follow.tracks(rate)).transpose()?;
            tracks = found.map(Arc::new).filter(|found| self.tracks.as_ref() != Some(found));
            self.tracks = tracks.clone().or(self.tracks.take());
        }
        if self.tracks.is_none() {
            // Nothing can be decoded before the first parameter sets.
            return Ok(());
        }
        let number = self.first + self.waiting.len() as u64;
        let data = start_codes_to_lengths(data).data;
        let frame = Timed { track: 1, time: 0, duration: None, keyframe: unit.key, data, position };
        self.waiting.push_back(Waiting { tracks, frame, timed: false });
        let reorder = self.reorder.get_or_insert_with(|| h264::Reorder::new(unit.depth));
        reorder.set_depth(unit.depth);
        reorder.push(unit.order, number);
        while let Some(number) = self.reorder.as_mut().and_then(h264::Reorder::next_ready) {
            self.show(number);
        }
        self.settle();
        Ok(())
    }

    /// This frame is the next one that is shown.
    fn show(&mut self, number: u64) {
        let (time, duration) = self.clock.tick();
        let index = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX);
        if let Some(waiting) = self.waiting.get_mut(index) {
            (waiting.frame.time, waiting.frame.duration, waiting.timed) = (time, Some(duration), true);
        }
    }

    /// Hands out the frames whose times are known, in stored order.
    fn settle(&mut self) {
        while self.waiting.front().is_some_and(|waiting| waiting.timed)
            && let Some(waiting) = self.waiting.pop_front()
        {
            self.first += 1;
            self.ready.extend(waiting.tracks.map(Told::Tracks));
            self.ready.push_back(Told::Frame(waiting.frame));
        }
    }
}

/// Where the last start code begins, with the zero bytes before it.
fn last_start_code(bytes: &[u8]) -> usize {
    let Some(at) = bytes.windows(3).rposition(|window| window == [0, 0, 1]) else { return 0 };
    let zeros = bytes.get(..at).unwrap_or_default().iter().rev().take_while(|byte| **byte == 0).count();
    at - zeros
}

impl Follow {
    /// Which codec it is, by the first parameter set, delimiter or picture: nearly no first byte of one is one of the
    /// other.
    fn of(stream: &[u8]) -> Option<Follow> {
        StartCodeUnits::new(stream).find_map(|nal| {
            let &[first, second, ..] = nal else { return None };
            // H.265 §7.3.1.2: a layer of 0, a temporal layer of 0, and a type that begins a stream.
            let h265 = second == 1 && matches!(first, 0x40 | 0x42 | 0x44 | 0x46 | 0x4e | 0x26 | 0x28 | 0x2a);
            if h265 {
                return Some(Follow::H265 { stream: Box::new(h265::Stream::new(&Bytes::new())) });
            }
            matches!(first & 0x9f, 5..=9).then(|| Follow::H264 {
                stream: Box::new(h264::Stream::new(&Bytes::new())),
                order: h264::PictureOrder::default(),
                last: h264::OutputOrder { epoch: 0, count: 0 },
            })
        })
    }

    fn parameter_sets(&self) -> Vec<Bytes> {
        match self {
            Follow::H264 { stream, .. } => stream.parameter_sets().units(),
            Follow::H265 { stream } => stream.parameter_sets().units(),
        }
    }

    /// The bytes of each access unit.
    fn lengths(&self, stream: Bytes) -> Vec<usize> {
        match self {
            Follow::H264 { .. } => h264::AccessUnits::new(stream).map(|unit| unit.len()).collect(),
            Follow::H265 { .. } => h265::AccessUnits::new(stream).map(|unit| unit.len()).collect(),
        }
    }

    /// Looks at the next access unit; `None` where there is no picture in it.
    fn look(&mut self, data: &[u8]) -> Option<Unit> {
        match self {
            Follow::H264 { stream, order, last } => {
                let unit = stream.packet(data);
                if unit.slices == 0 {
                    return None;
                }
                let key =
                    matches!(unit.random_access, h264::RandomAccess::Idr | h264::RandomAccess::RecoveryPoint { .. });
                match unit.slice.as_ref().zip(stream.sps()) {
                    Some((slice, sps)) => *last = order.next(sps, slice),
                    // As if it followed the one before.
                    None => last.count = last.count.saturating_add(1),
                }
                let depth = stream.sps().map_or(0, h264::Sps::max_reorder_frames);
                Some(Unit { key, order: *last, depth, generation: stream.generation() })
            }
            Follow::H265 { stream } => {
                let unit = stream.packet(data);
                if unit.slices == 0 {
                    return None;
                }
                let key = unit.slice.as_ref().is_some_and(|slice| slice.nal.kind.is_irap());
                let depth = stream.sps().map_or(0, |sps| sps.max_reorder.into());
                Some(Unit { key, order: unit.order, depth, generation: stream.generation() })
            }
        }
    }

    /// Pictures in so many seconds, where the parameter sets say a rate that can be.
    fn rate(&self) -> Option<(u64, u64)> {
        let (count, seconds) = match self {
            Follow::H264 { stream, .. } => {
                let timing = stream.sps()?.vui.as_ref()?.timing?;
                // A tick is a field (H.264 §E.2.1).
                (u64::from(timing.time_scale), u64::from(timing.units_in_tick) * 2)
            }
            Follow::H265 { stream } => {
                let sets = stream.parameter_sets();
                let timing = stream.sps().and_then(|sps| sps.vui.as_ref()?.timing);
                let timing = timing.or_else(|| sets.all_vps().next().and_then(|vps| vps.timing))?;
                (u64::from(timing.time_scale), u64::from(timing.units_in_tick))
            }
        };
        (seconds > 0 && (seconds..=seconds.saturating_mul(1000)).contains(&count)).then_some((count, seconds))
    }

    /// The track, described as players want it: parameter sets in CodecPrivate, frames with lengths.
    fn tracks(&self, (count, seconds): (u64, u64)) -> Result<Tracks, Failure> {
        let unusable = |error: kineframe::bitstream::Error| {
            Failure::Work(format!("the parameter sets of the byte stream cannot be read: {error}"))
        };
        let (codec, private, visible) = match self {
            Follow::H264 { stream, .. } => {
                let of = |kind| {
                    let units = stream.parameter_sets().units().into_iter();
                    units.filter(|nal| h264::NalHeader::of(nal).is_some_and(|header| header.kind == kind)).collect()
                };
                let config = h264::AvcConfig::new(of(h264::NalType::SPS), of(h264::NalType::PPS)).map_err(unusable)?;
                ("V_MPEG4/ISO/AVC", config.to_bytes(), stream.sps().map(h264::Sps::visible))
            }
            Follow::H265 { stream } => {
                let config = h265::HevcConfig::new(stream.parameter_sets().units()).map_err(unusable)?;
                ("V_MPEGH/ISO/HEVC", config.to_bytes(), stream.sps().map(h265::Sps::visible))
            }
        };
        let mut entry = TrackEntry::new(1, TrackType::VIDEO, codec);
        entry.uid = Some(1);
        entry.codec_private = Some(private);
        entry.default_duration = NonZeroU64::new(seconds.saturating_mul(1_000_000_000) / count.max(1));
        entry.video = visible.map(|visible| Video {
            pixel_width: visible.width.into(),
            pixel_height: visible.height.into(),
            ..Video::default()
        });
        Ok(Tracks { entries: vec![entry], raw: Bytes::new() })
    }
}
