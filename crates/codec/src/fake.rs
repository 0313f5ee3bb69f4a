//! A back end for tests of callers: it decodes nothing and does as it is told.
//!
//! Each wanted packet gives a monochrome picture of 16×16 samples that all have the value of the packet's first
//! byte (0 where it is empty). Delay, refusal, errors and panics are set on the factory.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::{
    BitDepth, ChromaSampling, CodecParameters, ColorSpace, DecodeError, DecodeErrorKind, DecodeOptions, DecoderFactory,
    Framing, Packet, PacketId, Picture, PictureSink, PixelFormat, Plane, Recovery, Rect, Samples, Size, Support,
    VideoDecoder, guard,
};

/// Opens fake decoders.
#[derive(Debug, Default)]
pub struct FakeFactory {
    name: String,
    refusal: Option<String>,
    framing: Option<Framing>,
    hold_back: usize,
    failures: BTreeMap<PacketId, (DecodeErrorKind, Recovery)>,
    panics: Vec<PacketId>,
    counts: Arc<Counts>,
}

/// What fake decoders were asked to do, over all of one factory's.
#[derive(Debug, Default)]
pub struct Counts {
    opened: AtomicUsize,
    reset: AtomicUsize,
    decoded: Mutex<Vec<PacketId>>,
}

impl Counts {
    /// Decoders opened.
    pub fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }

    /// Calls of `reset`.
    pub fn resets(&self) -> usize {
        self.reset.load(Ordering::Relaxed)
    }

    /// Packets that reached a decoder, in order.
    pub fn decoded(&self) -> Vec<PacketId> {
        self.decoded.lock().map(|ids| ids.clone()).unwrap_or_default()
    }
}

impl FakeFactory {
    /// A back end that takes every stream and holds nothing back.
    pub fn new(name: &str) -> Self {
        FakeFactory { name: name.to_owned(), ..Default::default() }
    }

    /// Says no to every stream, for this reason.
    pub fn refusing(mut self, reason: &str) -> Self {
        self.refusal = Some(reason.to_owned());
        self
    }

    /// Wants this framing; `Either` where this is not called.
    pub fn framing_of(mut self, framing: Framing) -> Self {
        self.framing = Some(framing);
        self
    }

    /// Holds back this many pictures, until more come or `flush` is called.
    pub fn holding_back(mut self, pictures: usize) -> Self {
        self.hold_back = pictures;
        self
    }

    /// Fails at this packet.
    pub fn failing_at(mut self, id: PacketId, kind: DecodeErrorKind, recovery: Recovery) -> Self {
        self.failures.insert(id, (kind, recovery));
        self
    }

    /// Panics inside at this packet, which is caught as every back end must.
    pub fn panicking_at(mut self, id: PacketId) -> Self {
        self.panics.push(id);
        self
    }

    /// What the decoders were asked to do; may be kept when the factory has gone into a list.
    pub fn counts(&self) -> Arc<Counts> {
        self.counts.clone()
    }
}

impl DecoderFactory for FakeFactory {
    fn name(&self) -> &str {
        &self.name
    }

    fn framing(&self) -> Framing {
        self.framing.unwrap_or(Framing::Either)
    }

    fn supports(&self, _params: &CodecParameters) -> Support {
        match &self.refusal {
            None => Support::Exact,
            Some(reason) => Support::No(reason.clone()),
        }
    }

    fn open(&self, params: &CodecParameters, options: &DecodeOptions) -> Result<Box<dyn VideoDecoder>, DecodeError> {
        if let Some(reason) = &self.refusal {
            let kind = DecodeErrorKind::Unsupported(reason.clone());
            return Err(DecodeError::new(&self.name, kind, Recovery::Reopen));
        }
        if let Some(size) = params.size {
            options.limits.check_size(&self.name, size)?;
        }
        self.counts.opened.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(FakeDecoder {
            name: self.name.clone(),
            hold_back: self.hold_back,
            color: params.color,
            options: options.clone(),
            failures: self.failures.clone(),
            panics: self.panics.clone(),
            counts: self.counts.clone(),
            held: VecDeque::new(),
        }))
    }
}

struct FakeDecoder {
    name: String,
    hold_back: usize,
    color: ColorSpace,
    options: DecodeOptions,
    failures: BTreeMap<PacketId, (DecodeErrorKind, Recovery)>,
    panics: Vec<PacketId>,
    counts: Arc<Counts>,
    held: VecDeque<(PacketId, u8)>,
}

impl FakeDecoder {
    fn show(&mut self, keep: usize, sink: &mut dyn PictureSink) {
        while self.held.len() > keep {
            let Some((id, value)) = self.held.pop_front() else { return };
            let samples = [value; 256];
            let planes = [Plane { samples: Samples::U8(&samples), stride: 16 }];
            let flow = sink.picture(Picture {
                id,
                visible: Rect::whole(Size { width: 16, height: 16 }),
                format: PixelFormat { chroma: ChromaSampling::Monochrome, depth: BitDepth::EIGHT },
                color: self.color,
                damaged: false,
                planes: &planes,
                shared: None,
            });
            if flow == ControlFlow::Break(()) {
                return;
            }
        }
    }
}

impl VideoDecoder for FakeDecoder {
    fn decode(&mut self, packet: Packet, sink: &mut dyn PictureSink) -> Result<(), DecodeError> {
        self.options.limits.check_packet(&self.name, packet.data.len())?;
        if let Ok(mut decoded) = self.counts.decoded.lock() {
            decoded.push(packet.id);
        }
        if let Some((kind, recovery)) = self.failures.get(&packet.id) {
            return Err(DecodeError::new(&self.name, kind.clone(), *recovery));
        }
        guard(&self.name, || {
            assert!(!self.panics.contains(&packet.id), "told to panic at packet {}", packet.id.0);
            Ok(())
        })?;
        if packet.wanted {
            self.held.push_back((packet.id, packet.data.first().copied().unwrap_or(0)));
        }
        self.show(self.hold_back, sink);
        Ok(())
    }

    fn flush(&mut self, sink: &mut dyn PictureSink) -> Result<(), DecodeError> {
        self.show(0, sink);
        Ok(())
    }

    fn reset(&mut self) -> Result<(), DecodeError> {
        self.counts.reset.fetch_add(1, Ordering::Relaxed);
        self.held.clear();
        Ok(())
    }
}
