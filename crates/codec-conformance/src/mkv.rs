//! Packets out of a Matroska file.

use bytes::Bytes;
use kineframe_bitstream::identify;
use kineframe_codec::Codec;
use kineframe_matroska::{DemuxOptions, Demuxer, Event, Recover};

/// `CodecPrivate` and the packets of the first H.264 track, as far as the file can be read.
pub(crate) fn h264_packets(file: &Bytes) -> Option<(Bytes, Vec<Bytes>)> {
    let mut demuxer = Demuxer::new(DemuxOptions::default().recover(Recover::Resync));
    demuxer.push(file.clone());
    demuxer.finish();
    let mut found = None;
    let mut packets = Vec::new();
    while let Ok(Some(event)) = demuxer.next_event() {
        match event {
            Event::Tracks(tracks) if found.is_none() => {
                found = tracks.entries.iter().find_map(|entry| {
                    let track = identify(&entry.codec_id, &entry.codec_private.clone().unwrap_or_default())?;
                    (track.codec == Codec::H264).then_some((entry.number, track.private))
                });
            }
            Event::Block(block) if found.as_ref().is_some_and(|(number, _)| *number == block.track_number) => {
                packets.extend(block.frames.into_iter().filter_map(|frame| frame.data.ok()));
            }
            _ => {}
        }
    }
    let (_, private) = found.filter(|_| !packets.is_empty())?;
    Some((private, packets))
}
