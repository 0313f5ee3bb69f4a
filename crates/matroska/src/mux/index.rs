//! Cues and SeekHead, and what is put in place when all is written.

use bytes::{Bytes, BytesMut};
use kineframe_ebml::{ElementId, ElementSize, Error, SizeWidth, Writer, encode_header};

use super::Patch;
use super::head::DURATION_LEN;
use crate::ids;

/// Room for a SeekHead with [`SEEKS`] entries and a Void behind it.
pub(super) const SEEK_HEAD_ROOM: usize = 4 + 8 + SEEKS * SEEK_LEN + 2;
const SEEKS: usize = 6;
/// Seek, SeekID of four bytes, SeekPosition of eight.
const SEEK_LEN: usize = 3 + 7 + 11;

/// Where the Top-Level Elements stand, and the key frames.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Where the Segment's header stands, and its data begins.
    pub(super) segment_header: u64,
    pub(super) segment_data: u64,
    /// Where the room for the Duration is.
    pub(super) duration: Option<u64>,
    elements: Vec<(ElementId, u64)>,
    cues: Vec<Cue>,
}

#[derive(Debug)]
struct Cue {
    time: u64,
    /// The Cluster, from the start of the output; the block, from the start of the Cluster's data.
    cluster: u64,
    relative: u64,
}

impl Index {
    /// A Top-Level Element that starts at `at`. Those of which there can be many are told once.
    pub(super) fn add(&mut self, id: ElementId, at: u64) {
        if self.elements.iter().all(|(known, _)| *known != id) {
            self.elements.push((id, at));
        }
    }

    pub(super) fn cue(&mut self, time: u64, cluster: u64, relative: u64) {
        self.cues.push(Cue { time, cluster, relative });
    }

    /// Cues (RFC 9559 §5.1.5), by time. `false`: there is none to write.
    pub(super) fn cues(&mut self, out: &mut BytesMut, track: u64) -> Result<bool, Error> {
        self.cues.sort_by_key(|cue| cue.time);
        if self.cues.is_empty() {
            return Ok(false);
        }
        let base = self.segment_data;
        Writer::new(out).master(ids::CUES, SizeWidth::Minimal, |out| {
            self.cues.iter().try_for_each(|cue| {
                out.master(ids::CUE_POINT, SizeWidth::Fixed(1), |out| {
                    out.unsigned(ids::CUE_TIME, cue.time)?;
                    out.master(ids::CUE_TRACK_POSITIONS, SizeWidth::Fixed(1), |out| {
                        out.unsigned(ids::CUE_TRACK, track)?;
                        out.unsigned(ids::CUE_CLUSTER_POSITION, cue.cluster - base)?;
                        out.unsigned(ids::CUE_RELATIVE_POSITION, cue.relative)
                    })
                })
            })
        })?;
        Ok(true)
    }

    /// SeekHead, the Segment's size and the Duration, for an output of `length` bytes.
    pub(super) fn patches(&self, length: u64, duration: Option<u64>) -> Result<Vec<Patch>, Error> {
        let at = |kind| Error::new(self.segment_header, kind);
        let size = ElementSize::Known(length - self.segment_data);
        let segment = encode_header(ids::SEGMENT, size, SizeWidth::Fixed(8)).map_err(at)?;
        let mut seek_head = BytesMut::with_capacity(SEEK_HEAD_ROOM);
        let mut writer = Writer::new(&mut seek_head);
        writer.master(ids::SEEK_HEAD, SizeWidth::Minimal, |out| {
            self.elements.iter().take(SEEKS).try_for_each(|(id, position)| {
                out.master(ids::SEEK, SizeWidth::Fixed(1), |out| {
                    out.binary(ids::SEEK_ID, &id.0.to_be_bytes()[4 - id.len()..])?;
                    out.unsigned_fixed(ids::SEEK_POSITION, position - self.segment_data, 8)
                })
            })
        })?;
        let rest = SEEK_HEAD_ROOM - seek_head.len(); // at least two bytes, by the constant
        Writer::new(&mut seek_head).void(rest)?;
        let mut patches = vec![
            Patch { offset: self.segment_header, bytes: Bytes::copy_from_slice(&segment) },
            Patch { offset: self.segment_data, bytes: seek_head.freeze() },
        ];
        if let (Some(offset), Some(ticks)) = (self.duration, duration.filter(|ticks| *ticks > 0)) {
            let mut out = BytesMut::with_capacity(DURATION_LEN);
            Writer::new(&mut out).float(ids::DURATION, ticks as f64)?;
            patches.push(Patch { offset, bytes: out.freeze() });
        }
        Ok(patches)
    }
}
