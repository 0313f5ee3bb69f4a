//! Groups of pictures through back ends: the first that is exact decodes; when it gives up, the next one starts over
//! at the group's beginning, and what was shown already is held back.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use kineframe_bitstream::{Converted, Framer};
use kineframe_codec::{
    CodecParameters, DecodeError, DecodeOptions, DecoderFactory, Decoders, Framing, NalFraming, Packet, PacketId,
    Picture, PictureSink, Recovery, Refusal, Size, Support, VideoDecoder,
};

use crate::info::PictureInfo;
use crate::selection::Damaged;
use crate::summary::{DropReason, Notice, Undecodable};
use crate::work::PictureWork;

/// Wanted pictures that may be on their way at once. A decoder holds back 16 frames at most; what is older will
/// not come any more.
const MAX_PENDING: usize = 1024;

/// An encoded frame on its way to a decoder.
#[derive(Debug)]
pub(crate) struct Unit {
    pub data: Bytes,
    pub random_access: bool,
    pub wanted: bool,
    /// What it may be built on was lost.
    pub suspect: bool,
    /// No slice of it can be read. What else is in the packet still reaches the decoder.
    pub unreadable: bool,
    /// How its NAL units are told apart.
    pub framing: NalFraming,
    pub info: Arc<PictureInfo>,
    /// In force at this frame. Equal handles mean that nothing has changed.
    pub params: Arc<CodecParameters>,
}

/// What a session tells, in order.
#[derive(Debug)]
pub(crate) enum Outcome<T> {
    Picture { info: Arc<PictureInfo>, size: Size, damaged: bool, decoder: Arc<str>, output: T, weight: usize },
    Notice(Notice),
    Dropped(DropReason, u64),
    Decoded,
    Copied(u64),
}

impl<T> Outcome<T> {
    /// About how many bytes it holds.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Picture { weight, .. } => *weight,
            _ => 0,
        }
    }
}

/// Where a session puts what it has to tell. `Break` ends the work.
pub(crate) trait Outlet<T> {
    fn put(&mut self, outcome: Outcome<T>) -> ControlFlow<()>;
}

/// What all sessions of a read share.
#[derive(Debug)]
pub(crate) struct Setup {
    pub decoders: Decoders,
    pub decode: DecodeOptions,
    pub damaged: Damaged,
    /// Bytes of a group that are kept for a replay.
    pub replay_bytes: usize,
}

/// Decodes one group after the other.
pub(crate) struct Session<W> {
    setup: Arc<Setup>,
    work: W,
    /// The parameters last asked about, and who is exact on them.
    asked: Option<(Arc<CodecParameters>, Vec<Candidate>)>,
    open: Option<Open>,
    /// Rises over all groups, so that a late picture of one is never taken for a picture of the next.
    next_id: u64,
    group: Group,
}

#[derive(Clone)]
struct Candidate {
    factory: Arc<dyn DecoderFactory>,
    name: Arc<str>,
}

struct Open {
    /// Its place among the candidates.
    rank: usize,
    params: Arc<CodecParameters>,
    decoder: Box<dyn VideoDecoder>,
    /// What it was told of the framing, and gets.
    framing: NalFraming,
}

/// The group being decoded.
#[derive(Default)]
struct Group {
    begun: bool,
    /// Wanted pictures that were not shown yet, by packet.
    pending: BTreeMap<u64, Pending>,
    /// The packets so far, for the next back end, as the stream has them or converted.
    replay: Vec<Kept>,
    replay_bytes: usize,
    /// The packets are not complete any more: there is no way back.
    past_bound: bool,
    /// Nothing of it can be decoded any more, for this reason.
    lost: Option<DropReason>,
}

struct Pending {
    info: Arc<PictureInfo>,
    suspect: bool,
}

struct Kept {
    packet: Packet,
    framing: NalFraming,
}

impl<W: PictureWork> Session<W> {
    pub(crate) fn new(setup: Arc<Setup>, work: W) -> Self {
        Session { setup, work, asked: None, open: None, next_id: 0, group: Group::default() }
    }

    /// Takes the next frame of a group; the first one is a random access point.
    pub(crate) fn unit(&mut self, unit: Unit, out: &mut dyn Outlet<W::Output>) -> ControlFlow<()> {
        if !self.group.begun {
            self.group.begun = true;
            self.begin(&unit, out)?;
        }
        if let Some(reason) = self.group.lost {
            return out.put(Outcome::Dropped(reason, 1));
        }
        out.put(Outcome::Decoded)?;
        if unit.unreadable {
            out.put(Outcome::Dropped(DropReason::Undecodable, 1))?;
        }
        let id = self.next_id;
        self.next_id += 1;
        let Some(open) = &mut self.open else { return ControlFlow::Continue(()) };
        let converted = to_framing(unit.framing, open.framing, unit.data);
        if converted.copied > 0 {
            out.put(Outcome::Copied(converted.copied as u64))?;
        }
        let packet =
            Packet { id: PacketId(id), data: converted.data, random_access: unit.random_access, wanted: unit.wanted };
        if unit.wanted {
            if self.group.pending.len() >= MAX_PENDING {
                self.group.pending.pop_first();
                out.put(Outcome::Dropped(DropReason::NotShown, 1))?;
            }
            let pending = Pending { info: unit.info.clone(), suspect: unit.suspect };
            self.group.pending.insert(id, pending);
        }
        let framing = open.framing;
        self.group.keep(&packet, framing, self.setup.replay_bytes);
        let result = self.decode(packet, out)?;
        match result {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => self.failed(Some(id), &unit.info, error, out),
        }
    }

    /// The group is over: what is held back comes out.
    pub(crate) fn end(&mut self, out: &mut dyn Outlet<W::Output>) -> ControlFlow<()> {
        if self.group.lost.is_none()
            && let Some(info) = self.group.pending.last_key_value().map(|(_, pending)| pending.info.clone())
            && let Err(error) = self.flush(out)?
        {
            self.failed(None, &info, error, out)?;
        } else if self.group.pending.is_empty() && self.open.is_some() {
            // Nothing wanted is held back. The decoder starts afresh at the next group all the same.
            let _ = self.flush(out)?;
        }
        let group = std::mem::take(&mut self.group);
        if !group.pending.is_empty() {
            let reason = if group.lost.is_some() { DropReason::Undecodable } else { DropReason::NotShown };
            out.put(Outcome::Dropped(reason, group.pending.len() as u64))?;
        }
        ControlFlow::Continue(())
    }

    /// Makes the first candidate ready for the group that begins with this frame.
    fn begin(&mut self, unit: &Unit, out: &mut dyn Outlet<W::Output>) -> ControlFlow<()> {
        let known = self.asked.as_ref().is_some_and(|(asked, _)| same(asked, &unit.params));
        if !known {
            let (exact, refusals) = ask(&self.setup.decoders, &unit.params);
            if exact.is_empty() {
                out.put(Outcome::Notice(Notice::NoDecoder(Undecodable {
                    fragment: unit.info.fragment.clone(),
                    track: unit.info.track,
                    codec: unit.params.codec.to_string(),
                    refusals,
                })))?;
            }
            self.asked = Some((unit.params.clone(), exact));
        }
        let ready = self.open.as_ref().is_some_and(|open| open.rank == 0 && same(&open.params, &unit.params));
        if ready {
            return ControlFlow::Continue(());
        }
        self.open = None;
        let mut last = None;
        let candidates = self.asked.as_ref().map_or(0, |(_, candidates)| candidates.len());
        for rank in 0..candidates {
            match self.open_at(rank, &unit.params) {
                Ok(()) => {
                    if let Some(error) = last {
                        let (at, to) = (unit.info.clone(), self.name(rank));
                        out.put(Outcome::Notice(Notice::Switched { at, error, to, replayed: 0 }))?;
                    }
                    return ControlFlow::Continue(());
                }
                Err(error) => last = Some(error),
            }
        }
        self.group.lost = Some(DropReason::NoDecoder);
        if let Some(error) = last {
            let at = unit.info.clone();
            out.put(Outcome::Notice(Notice::Lost { at, error, rest_of_group: true }))?;
        }
        ControlFlow::Continue(())
    }

    fn open_at(&mut self, rank: usize, params: &Arc<CodecParameters>) -> Result<(), DecodeError> {
        let Some(candidate) = self.asked.as_ref().and_then(|(_, candidates)| candidates.get(rank)) else {
            return Ok(());
        };
        let framing = Framer::new(params.framing, candidate.factory.framing()).output();
        let told = CodecParameters { framing, ..params.as_ref().clone() };
        let decoder = candidate.factory.open(&told, &self.setup.decode)?;
        self.open = Some(Open { rank, params: params.clone(), decoder, framing });
        Ok(())
    }

    fn name(&self, rank: usize) -> Arc<str> {
        let candidate = self.asked.as_ref().and_then(|(_, candidates)| candidates.get(rank));
        candidate.map_or_else(|| Arc::from(""), |candidate| candidate.name.clone())
    }

    /// One packet through the open decoder; `Break` only where the outlet breaks.
    fn decode(&mut self, packet: Packet, out: &mut dyn Outlet<W::Output>) -> ControlFlow<(), Result<(), DecodeError>> {
        self.with_decoder(out, |decoder, sink| decoder.decode(packet, sink))
    }

    fn flush(&mut self, out: &mut dyn Outlet<W::Output>) -> ControlFlow<(), Result<(), DecodeError>> {
        self.with_decoder(out, |decoder, sink| decoder.flush(sink))
    }

    fn with_decoder(
        &mut self,
        out: &mut dyn Outlet<W::Output>,
        call: impl FnOnce(&mut dyn VideoDecoder, &mut dyn PictureSink) -> Result<(), DecodeError>,
    ) -> ControlFlow<(), Result<(), DecodeError>> {
        let Some(rank) = self.open.as_ref().map(|open| open.rank) else { return ControlFlow::Continue(Ok(())) };
        let decoder_name = self.name(rank);
        let (work, pending, skip) = (&mut self.work, &mut self.group.pending, self.setup.damaged == Damaged::Skip);
        let mut flow = ControlFlow::Continue(());
        let mut sink = |picture: Picture<'_>| {
            if flow.is_break() {
                return flow;
            }
            // Not wanted, or shown by the back end that gave up.
            let Some(Pending { info, suspect }) = pending.remove(&picture.id.0) else {
                return ControlFlow::Continue(());
            };
            let damaged = picture.damaged || suspect;
            if damaged && skip {
                flow = out.put(Outcome::Dropped(DropReason::Damaged, 1));
                return flow;
            }
            let size = picture.visible.size();
            let output = work.picture(&info, picture);
            let (decoder, weight) = (decoder_name.clone(), work.weight(&output, size));
            flow = out.put(Outcome::Picture { info, size, damaged, decoder, output, weight });
            flow
        };
        let Some(open) = &mut self.open else { return ControlFlow::Continue(Ok(())) };
        let result = call(open.decoder.as_mut(), &mut sink);
        match flow {
            ControlFlow::Continue(()) => ControlFlow::Continue(result),
            ControlFlow::Break(()) => ControlFlow::Break(()),
        }
    }

    /// The open back end failed at packet `id`, or at the flush. The next ones replay the group; where none is left,
    /// what can be saved is saved.
    fn failed(
        &mut self,
        id: Option<u64>,
        at: &Arc<PictureInfo>,
        mut error: DecodeError,
        out: &mut dyn Outlet<W::Output>,
    ) -> ControlFlow<()> {
        let Some((mut rank, params)) = self.open.as_ref().map(|open| (open.rank, open.params.clone())) else {
            return ControlFlow::Continue(());
        };
        let candidates = self.asked.as_ref().map_or(0, |(_, candidates)| candidates.len());
        let stays = rank > 0 && error.recovery == Recovery::NextPacket;
        while !stays && !self.group.past_bound && rank + 1 < candidates {
            rank += 1;
            if let Err(next) = self.open_at(rank, &params) {
                error = next;
                continue;
            }
            match self.replay(at, id.is_none(), out)? {
                Ok(()) => {
                    let (to, replayed) = (self.name(rank), self.group.replay.len() as u64);
                    let at = at.clone();
                    return out.put(Outcome::Notice(Notice::Switched { at, error, to, replayed }));
                }
                Err(next) => error = next,
            }
        }
        let rest_of_group = error.recovery != Recovery::NextPacket;
        if rest_of_group {
            self.group.lost = Some(DropReason::AfterFailure);
            if error.recovery == Recovery::Reopen {
                self.open = None;
            } else {
                // What it holds back is from before the failure. It is opened anew for the next group where it
                // cannot do even that.
                let again =
                    self.flush(out)?.is_ok() && self.open.as_mut().is_some_and(|open| open.decoder.reset().is_ok());
                if !again {
                    self.open = None;
                }
            }
        }
        if let Some(id) = id
            && self.group.pending.remove(&id).is_some()
        {
            out.put(Outcome::Dropped(DropReason::Undecodable, 1))?;
        }
        out.put(Outcome::Notice(Notice::Lost { at: at.clone(), error, rest_of_group }))
    }

    /// All packets of the group so far through the decoder just opened. One that it can do without is lost, and the
    /// replay goes on.
    fn replay(
        &mut self,
        at: &Arc<PictureInfo>,
        flush: bool,
        out: &mut dyn Outlet<W::Output>,
    ) -> ControlFlow<(), Result<(), DecodeError>> {
        for index in 0..self.group.replay.len() {
            let (Some(kept), Some(open)) = (self.group.replay.get(index), &self.open) else { break };
            let mut packet = kept.packet.clone();
            packet.data = to_framing(kept.framing, open.framing, packet.data).data;
            let id = packet.id.0;
            match self.decode(packet, out)? {
                Err(error) if error.recovery == Recovery::NextPacket => {
                    let lost = self.group.pending.remove(&id);
                    if lost.is_some() {
                        out.put(Outcome::Dropped(DropReason::Undecodable, 1))?;
                    }
                    let at = lost.map_or_else(|| at.clone(), |pending| pending.info);
                    out.put(Outcome::Notice(Notice::Lost { at, error, rest_of_group: false }))?;
                }
                Err(error) => return ControlFlow::Continue(Err(error)),
                Ok(()) => {}
            }
        }
        if flush { self.flush(out) } else { ControlFlow::Continue(Ok(())) }
    }
}

impl Group {
    /// Keeps a packet for a replay, as far as the bound allows.
    fn keep(&mut self, packet: &Packet, framing: NalFraming, bound: usize) {
        if self.past_bound {
            return;
        }
        self.replay_bytes = self.replay_bytes.saturating_add(packet.data.len());
        if self.replay_bytes > bound {
            self.past_bound = true;
            self.replay = Vec::new();
            return;
        }
        self.replay.push(Kept { packet: packet.clone(), framing });
    }
}

/// A packet as an open decoder wants it.
fn to_framing(from: NalFraming, to: NalFraming, data: Bytes) -> Converted {
    let want = match to {
        NalFraming::StartCodes => Framing::StartCodes,
        NalFraming::LengthPrefixed(_) => Framing::LengthPrefixed,
        NalFraming::None => Framing::Either,
    };
    Framer::new(from, want).convert(data)
}

fn same(a: &Arc<CodecParameters>, b: &Arc<CodecParameters>) -> bool {
    Arc::ptr_eq(a, b) || a == b
}

/// Asks each back end, told of the framing that it would get.
fn ask(decoders: &Decoders, params: &CodecParameters) -> (Vec<Candidate>, Vec<Refusal>) {
    let (mut exact, mut refusals) = (Vec::new(), Vec::new());
    for factory in &decoders.0 {
        let framing = Framer::new(params.framing, factory.framing()).output();
        match factory.supports(&CodecParameters { framing, ..params.clone() }) {
            Support::Exact => exact.push(Candidate { factory: factory.clone(), name: Arc::from(factory.name()) }),
            Support::No(reason) => refusals.push(Refusal { factory: factory.name().to_owned(), reason }),
        }
    }
    (exact, refusals)
}

#[cfg(test)]
mod tests;
