//! Packets out of files: elementary streams, IVF, Matroska.

use bytes::Bytes;
use kineframe_bitstream::{Identified, av1, identify, mjpeg};
use kineframe_codec::Codec;
use kineframe_matroska::{DemuxOptions, Demuxer, Event, Recover};

use crate::kit::{TestStream, TruePicture};

/// Extensions of elementary streams.
pub(crate) const ELEMENTARY: [&str; 6] = ["264", "265", "ivf", "obu", "mjpeg", "jpg"];

/// The stream in a file with this extension; `None` where there is none of a known codec.
pub(crate) fn stream(name: &str, kind: &str, bytes: &Bytes, truth: Vec<TruePicture>) -> Option<TestStream> {
    match kind {
        "264" => Some(TestStream::h264(name, bytes, truth)),
        "265" => Some(TestStream::h265(name, bytes, truth)),
        "ivf" => {
            let (codec, packets) = ivf(bytes)?;
            let track = Identified { codec, private: Bytes::new() };
            Some(TestStream::frames(name, &track, packets, truth))
        }
        "obu" => {
            let track = Identified { codec: Codec::AV1, private: Bytes::new() };
            Some(TestStream::frames(name, &track, av1::TemporalUnits::new(bytes.clone()), truth))
        }
        "mjpeg" | "jpg" => {
            let track = Identified { codec: Codec::MJPEG, private: Bytes::new() };
            let images: Vec<Bytes> =
                if kind == "jpg" { vec![bytes.clone()] } else { mjpeg::Images::new(bytes.clone()).collect() };
            Some(TestStream::frames(name, &track, images, truth))
        }
        _ => matroska(name, bytes, truth),
    }
}

/// The codec and the frames of an IVF file: a header of 32 bytes, and before each frame its length and time stamp in 12.
fn ivf(file: &Bytes) -> Option<(Codec, Vec<Bytes>)> {
    let codec = match file.get(8..12)? {
        b"AV01" => Codec::AV1,
        b"VP80" => Codec::VP8,
        b"VP90" => Codec::VP9,
        _ => return None,
    };
    let mut at = usize::from(u16::from_le_bytes(*file.get(6..)?.first_chunk()?));
    let mut frames = Vec::new();
    while let Some(length) = file.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
        let start = at.checked_add(12)?;
        let end = start.checked_add(u32::from_le_bytes(*length) as usize)?.min(file.len());
        if start >= end {
            // An empty frame is none; at the end of the file nothing is left of it.
            at = start;
            continue;
        }
        frames.push(file.slice(start..end));
        at = end;
    }
    Some((codec, frames))
}

/// The first video track of a known codec, as far as the file can be read.
fn matroska(name: &str, file: &Bytes, truth: Vec<TruePicture>) -> Option<TestStream> {
    let mut demuxer = Demuxer::new(DemuxOptions::default().recover(Recover::Resync));
    demuxer.push(file.clone());
    demuxer.finish();
    let mut found: Option<(u64, Identified)> = None;
    let mut packets = Vec::new();
    while let Ok(Some(event)) = demuxer.next_event() {
        match event {
            Event::Tracks(tracks) if found.is_none() => {
                found = tracks.entries.iter().find_map(|entry| {
                    let private = entry.codec_private.clone().unwrap_or_default();
                    Some((entry.number, identify(&entry.codec_id, &private)?))
                });
            }
            Event::Block(block) if found.as_ref().is_some_and(|(number, _)| *number == block.track_number) => {
                packets.extend(block.frames.into_iter().filter_map(|frame| frame.data.ok()));
            }
            _ => {}
        }
    }
    let (_, track) = found.filter(|_| !packets.is_empty())?;
    match track.codec {
        Codec::H264 => Some(TestStream::of_packets(name, &track.private, packets.into_iter(), truth)),
        Codec::H265 => Some(TestStream::of_h265_packets(name, &track.private, packets.into_iter(), truth)),
        Codec::AV1 | Codec::VP8 | Codec::VP9 | Codec::MJPEG => {
            packets.retain(|packet| !packet.is_empty());
            Some(TestStream::frames(name, &track, packets, truth))
        }
        _ => None,
    }
}
