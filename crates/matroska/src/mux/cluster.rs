//! A Cluster that is being filled (RFC 9559 §5.1.3).

use bytes::{BufMut, Bytes, BytesMut};
use kineframe_ebml::{ElementSize, Error, SizeWidth, Writer, encode_header};

use super::MuxFrame;
use crate::ids;

/// Frames that will stand in one Cluster. Their times relative to it are known when it is full.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    frames: Vec<Pending>,
    bytes: u64,
    earliest: i64,
    latest: i64,
}

#[derive(Debug)]
struct Pending {
    frame: MuxFrame,
    cue: bool,
    /// The time of the frame of this track before it.
    previous: Option<i64>,
}

impl Cluster {
    /// Bytes of frames in it.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the frame can stand in it too. A key frame that is sought starts one of its own, unless the Cluster is
    /// very short still.
    pub(super) fn has_room_for(&self, frame: &MuxFrame, cue: bool, span: i64, bytes: u64) -> bool {
        if self.frames.is_empty() {
            return true;
        }
        let time = frame.timestamp.0;
        let spanned = self.latest.max(time) - self.earliest.min(time); // neither is negative
        let full = self.bytes.saturating_add(frame.data.len() as u64) > bytes;
        spanned <= span && !full && !(cue && spanned > span / 5)
    }

    pub(super) fn add(&mut self, frame: MuxFrame, cue: bool, previous: Option<i64>) {
        let time = frame.timestamp.0;
        let first = self.frames.is_empty();
        self.earliest = if first { time } else { self.earliest.min(time) };
        self.latest = if first { time } else { self.latest.max(time) };
        self.bytes += frame.data.len() as u64;
        self.frames.push(Pending { frame, cue, previous });
    }

    /// Its bytes as chunks, and for each frame that goes into the Cues its time and where, from the start of the
    /// Cluster's data, its block stands.
    #[allow(clippy::type_complexity)]
    pub(super) fn encode(self, at: u64) -> Result<(Vec<Bytes>, Vec<(u64, u64)>), Error> {
        if self.frames.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let start = self.earliest.unsigned_abs();
        let mut headers = BytesMut::new();
        let mut ends = Vec::with_capacity(self.frames.len());
        let mut cues = Vec::new();
        let mut data = 0u64;
        Writer::new(&mut headers).unsigned(ids::TIMESTAMP, start)?;
        for pending in &self.frames {
            let place = headers.len() as u64 + data;
            if pending.cue {
                cues.push((pending.frame.timestamp.0.unsigned_abs(), place));
            }
            pending.header(&mut headers, self.earliest)?;
            ends.push(headers.len());
            data += pending.frame.data.len() as u64;
        }
        let size = ElementSize::Known(headers.len() as u64 + data);
        let header = encode_header(ids::CLUSTER, size, SizeWidth::Minimal).map_err(|kind| Error::new(at, kind))?;
        let headers = headers.freeze();
        let mut chunks = Vec::with_capacity(2 * self.frames.len() + 1);
        chunks.push(Bytes::copy_from_slice(&header));
        let mut from = 0;
        for (pending, end) in self.frames.into_iter().zip(ends) {
            chunks.push(headers.slice(from..end));
            chunks.push(pending.frame.data);
            from = end;
        }
        Ok((chunks, cues))
    }
}

impl Pending {
    /// The header of its SimpleBlock, or of its BlockGroup with all that precedes the frame (RFC 9559 §10.1, §10.2).
    fn header(&self, out: &mut BytesMut, cluster: i64) -> Result<(), Error> {
        let frame = &self.frame;
        let relative = (frame.timestamp.0 - cluster) as i16; // within a Cluster's span, which fits
        let mut block = BytesMut::new();
        let number = frame.track_number;
        let width = (1..8).find(|width| number < (1 << (7 * width)) - 1).unwrap_or(8u32);
        let vint = (number | 1 << (7 * width)).to_be_bytes();
        block.put_slice(&vint[8 - width as usize..]);
        block.put_i16(relative);
        let mut flags = if frame.invisible { 0x08 } else { 0 };
        let len = |block: &BytesMut| block.len() as u64 + 1 + frame.data.len() as u64;
        let Some(duration) = frame.duration else {
            flags |= if frame.keyframe { 0x80 } else { 0 } | u8::from(frame.discardable);
            Writer::new(out).header(ids::SIMPLE_BLOCK, len(&block))?;
            out.put_slice(&block);
            out.put_u8(flags);
            return Ok(());
        };
        // The Block stands last, so that the frame ends the BlockGroup.
        let mut children = BytesMut::new();
        let mut writer = Writer::new(&mut children);
        writer.unsigned(ids::BLOCK_DURATION, duration)?;
        if !frame.keyframe {
            // Which frame it needs is the codec's matter: that before it stands for all.
            let reference = self.previous.map_or(-1, |previous| previous - frame.timestamp.0);
            writer.signed(ids::REFERENCE_BLOCK, if reference == 0 { -1 } else { reference })?;
        }
        writer.header(ids::BLOCK, len(&block))?;
        children.put_slice(&block);
        children.put_u8(flags);
        Writer::new(out).header(ids::BLOCK_GROUP, children.len() as u64 + frame.data.len() as u64)?;
        out.put_slice(&children);
        Ok(())
    }
}
