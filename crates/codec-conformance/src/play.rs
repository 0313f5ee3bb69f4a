//! Plays packets through a back end as a careful caller would, and writes down what happens.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use kineframe_bitstream::Framer;
use kineframe_bitstream::h264::RandomAccess;
use kineframe_codec::{
    ChromaSampling, CodecParameters, DecodeError, DecodeErrorKind, DecodeOptions, DecoderFactory, Packet, PacketId,
    Picture, PictureSink, Recovery, Support, VideoDecoder,
};
use md5::{Digest, Md5};

use crate::kit::TestStream;

/// A packet in the framing of the back end.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) id: u64,
    pub(crate) data: Bytes,
    pub(crate) random_access: RandomAccess,
    pub(crate) params: Option<CodecParameters>,
    /// The planes of its picture, where a sample may differ by one.
    pub(crate) near: Option<Bytes>,
}

/// Brings a stream into the framing that the back end wants, once, as a caller does. Packet `i` has the id
/// `first + 3 i`: a decoder that counts instead of handing ids back is found out.
pub(crate) fn prepare(stream: &TestStream, factory: &dyn DecoderFactory, first: u64) -> Vec<Ready> {
    let mut ready = Vec::with_capacity(stream.packets.len());
    for (index, packet) in stream.packets.iter().enumerate() {
        let mut framer = Framer::new(packet.framing, factory.framing());
        let data = framer.convert(packet.data.clone()).data;
        let params = packet.params.clone().map(|params| CodecParameters { framing: framer.output(), ..params });
        let id = first + 3 * index as u64;
        let place = stream.order.iter().position(|packet| *packet == index);
        let near = place.and_then(|place| stream.planes.get(place)).cloned();
        ready.push(Ready { id, data, random_access: packet.random_access, params, near });
    }
    ready
}

/// A picture that came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) id: u64,
    pub(crate) damaged: bool,
    /// The MD5, and for monochrome that with grey chroma planes.
    pub(crate) sums: Vec<(usize, [u8; 16])>,
}

/// What a caller does besides pushing packet after packet.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Script {
    /// Flushes before each IDR picture but the first.
    pub(crate) flush_before_idr: bool,
    /// After this many packets: `reset`, and from the beginning.
    pub(crate) reset_after: Option<usize>,
    /// At this picture the sink breaks; then as for `reset_after`.
    pub(crate) break_at: Option<usize>,
    /// Bounds for `open`.
    pub(crate) side: Option<u32>,
    /// Bounds for packets.
    pub(crate) packet_bytes: Option<usize>,
}

/// What happened.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) shown: Vec<Shown>,
    pub(crate) errors: Vec<(u64, DecodeError)>,
    /// The back end's reason against parameters that came up.
    pub(crate) refused: Option<String>,
    /// A panic that the back end let through.
    pub(crate) panic: Option<String>,
    /// Things that break the contract whatever the stream.
    pub(crate) breaches: Vec<String>,
    /// Calls of `open`.
    pub(crate) opened: usize,
}

struct Recorder<'a> {
    run: &'a mut Run,
    break_at: Option<usize>,
    broken: bool,
    scratch: Vec<u8>,
    near: &'a BTreeMap<u64, Bytes>,
}

impl PictureSink for Recorder<'_> {
    fn picture(&mut self, picture: Picture<'_>) -> ControlFlow<()> {
        if self.broken {
            self.run.breaches.push("a picture after the sink broke".to_owned());
            return ControlFlow::Break(());
        }
        self.scratch.clear();
        let mut sums = Vec::new();
        match picture.write_packed(&mut self.scratch) {
            Ok(()) => {
                let near = self.near.get(&picture.id.0).filter(|near| within_one(near, &self.scratch));
                let bytes = near.map_or(self.scratch.as_slice(), |near| near);
                sums.push((bytes.len(), Md5::digest(bytes).into()));
            }
            Err(error) => self.run.breaches.push(format!("packet {}: {error}", picture.id.0)),
        }
        if picture.format.chroma == ChromaSampling::Monochrome {
            grey_chroma(&picture, &mut self.scratch);
            sums.push((self.scratch.len(), Md5::digest(&self.scratch).into()));
        }
        let count = self.run.shown.len();
        self.run.shown.push(Shown { id: picture.id.0, damaged: picture.damaged, sums });
        if self.break_at == Some(count) {
            self.broken = true;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// Whether each sample of eight bits differs by one at most.
fn within_one(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.abs_diff(*other) <= 1)
}

/// Appends two planes of mid grey: FFmpeg gives monochrome H.264 as 4:2:0.
fn grey_chroma(picture: &Picture<'_>, out: &mut Vec<u8>) {
    let chroma = picture.visible.width.div_ceil(2) as usize * picture.visible.height.div_ceil(2) as usize;
    match picture.format.depth.bits() {
        8 => out.extend(std::iter::repeat_n(128, 2 * chroma)),
        bits => out.extend(std::iter::repeat_n((1_u16 << (bits - 1)).to_le_bytes(), 2 * chroma).flatten()),
    }
}

/// A session with one back end.
struct Player<'a> {
    factory: &'a dyn DecoderFactory,
    options: DecodeOptions,
    decoder: Option<Box<dyn VideoDecoder>>,
    params: Option<CodecParameters>,
    break_at: Option<usize>,
    broken: bool,
    /// For the next random access point.
    waiting: bool,
    /// Planes that pictures are held against, by packet.
    near: BTreeMap<u64, Bytes>,
    run: Run,
}

impl Player<'_> {
    /// Calls into the back end, with panics that it lets through written down.
    fn call<R>(&mut self, f: impl FnOnce(&mut dyn VideoDecoder, &mut dyn PictureSink) -> R) -> Option<R> {
        let decoder = self.decoder.as_mut()?;
        let mut recorder = Recorder {
            run: &mut self.run,
            break_at: self.break_at,
            broken: false,
            scratch: Vec::new(),
            near: &self.near,
        };
        let result = catch_unwind(AssertUnwindSafe(|| f(decoder.as_mut(), &mut recorder)));
        self.broken |= recorder.broken;
        match result {
            Ok(result) => Some(result),
            Err(payload) => {
                let text = payload.downcast_ref::<String>().cloned();
                let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                self.run.panic.get_or_insert(text.unwrap_or_default());
                self.decoder = None;
                None
            }
        }
    }

    /// Opens a decoder for the parameters last told.
    fn open(&mut self, id: u64) {
        let Some(params) = &self.params else { return };
        self.run.opened += 1;
        let opened = catch_unwind(AssertUnwindSafe(|| self.factory.open(params, &self.options)));
        match opened {
            Ok(Ok(decoder)) => self.decoder = Some(decoder),
            Ok(Err(error)) => self.run.errors.push((id, error)),
            Err(_) => self.run.panic = Some("in open".to_owned()),
        }
    }

    fn flush(&mut self, id: u64) {
        if let Some(Err(error)) = self.call(|decoder, sink| decoder.flush(sink)) {
            self.run.errors.push((id, error));
        }
    }

    fn reset(&mut self, id: u64) {
        if let Some(Err(error)) = self.call(|decoder, _| decoder.reset()) {
            self.run.errors.push((id, error));
            self.decoder = None;
        }
    }

    /// Pushes a packet, with all that a caller does around it.
    fn push(&mut self, packet: &Ready, first: bool) {
        let start = first || packet.random_access == RandomAccess::Idr;
        let changed = packet.params.as_ref().filter(|params| self.params.as_ref() != Some(params));
        if let Some(params) = changed {
            if let Support::No(reason) = self.factory.supports(params) {
                self.run.refused = Some(reason);
                return;
            }
            // The old decoder hands out what it has.
            self.flush(packet.id);
            self.params = Some(params.clone());
            self.open(packet.id);
        } else if start && self.decoder.is_none() {
            self.open(packet.id);
        }
        self.waiting &= !start;
        if self.waiting {
            return;
        }
        let recovery_point = matches!(packet.random_access, RandomAccess::RecoveryPoint { .. });
        let pushed = Packet {
            id: PacketId(packet.id),
            data: packet.data.clone(),
            random_access: start || recovery_point,
            wanted: true,
        };
        match self.call(|decoder, sink| decoder.decode(pushed, sink)) {
            Some(Ok(())) => {}
            Some(Err(error)) => self.waiting = self.recover(packet.id, error),
            None => self.waiting = true,
        }
    }

    /// Does what an error asks for, and tells whether packets up to the next random access point are to be left.
    fn recover(&mut self, id: u64, error: DecodeError) -> bool {
        let recovery = error.recovery;
        self.run.errors.push((id, error));
        match recovery {
            Recovery::NextPacket => false,
            Recovery::NextRandomAccess => {
                // What came before the damage and is held back is wanted.
                self.flush(id);
                self.reset(id);
                true
            }
            Recovery::Reopen => {
                self.decoder = None;
                true
            }
        }
    }
}

/// One thing that the caller does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Push(usize),
    Flush,
    /// `reset`; nothing shown before counts.
    Restart,
}

/// What the script says, step by step.
fn plan(packets: &[Ready], script: &Script) -> Vec<Step> {
    let mut steps = Vec::new();
    let whole = |steps: &mut Vec<Step>, count: usize| {
        for (index, packet) in packets.iter().enumerate().take(count) {
            if script.flush_before_idr && index > 0 && packet.random_access == RandomAccess::Idr {
                steps.push(Step::Flush);
            }
            steps.push(Step::Push(index));
        }
    };
    if let Some(count) = script.reset_after {
        whole(&mut steps, count);
        steps.push(Step::Restart);
    }
    if script.break_at.is_some() {
        whole(&mut steps, packets.len());
        steps.extend([Step::Flush, Step::Restart]);
    }
    whole(&mut steps, packets.len());
    steps.push(Step::Flush);
    steps
}

/// Plays `packets` through a decoder of `factory`.
pub(crate) fn play(factory: &dyn DecoderFactory, packets: &[Ready], script: Script) -> Run {
    let mut options = DecodeOptions::default();
    options.limits.side = script.side.unwrap_or(options.limits.side);
    options.limits.packet_bytes = script.packet_bytes.unwrap_or(options.limits.packet_bytes);
    let mut player = Player {
        factory,
        options,
        decoder: None,
        params: None,
        break_at: script.break_at,
        broken: false,
        waiting: false,
        near: packets.iter().filter_map(|packet| Some((packet.id, packet.near.clone()?))).collect(),
        run: Run::default(),
    };
    let mut id = 0;
    for step in plan(packets, &script) {
        match step {
            Step::Restart => {
                player.run.shown.clear();
                (player.broken, player.break_at, player.waiting) = (false, None, false);
                player.reset(id);
            }
            // After the sink broke the caller drops what it had in mind.
            _ if player.broken => {}
            Step::Flush => player.flush(id),
            Step::Push(index) => {
                let Some(packet) = packets.get(index) else { continue };
                id = packet.id;
                player.push(packet, index == 0);
                if player.run.refused.is_some() {
                    break;
                }
            }
        }
    }
    player.run
}

/// Whether an error is one of a bound.
pub(crate) fn is_limit(error: &DecodeError) -> bool {
    matches!(error.kind, DecodeErrorKind::Limit(_))
}
