//! Fragments as a producer sends them: one EBML Header and one Segment, a Cluster for each fragment.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use kineframe::ebml::{ElementSize, SizeWidth, Writer, encode_header};
use kineframe::fragment::{Frame, tag};
use kineframe::matroska::{MuxOptions, Muxer, SimpleTag, Sink, TagValue, Tracks, ids};

use crate::outcome::Failure;

/// A fragment of a file, as it is to be sent.
#[derive(Debug)]
pub struct Outgoing {
    /// Its tracks.
    pub tracks: Arc<Tracks>,
    /// Its time in milliseconds: since the Unix epoch where the file says so, else on the file's own scale.
    pub time_ms: i64,
    /// `time_ms` is since the Unix epoch.
    pub wall: bool,
    /// Its frames in stored order.
    pub frames: Vec<Sample>,
    /// The producer's tags.
    pub tags: Vec<SimpleTag>,
    /// From its first frame to the end of its last, in milliseconds.
    pub duration_ms: i64,
}

/// A frame of a fragment.
#[derive(Debug)]
pub struct Sample {
    /// Its track.
    pub track: u64,
    /// Milliseconds from the fragment's time.
    pub offset_ms: i64,
    /// Decoding can start here.
    pub keyframe: bool,
    /// The encoded frame.
    pub data: Bytes,
    /// Where it stands in the input.
    pub position: u64,
}

impl Sample {
    /// A frame of an input, at so many milliseconds.
    pub fn of(frame: &Frame, offset_ms: i64) -> Self {
        Sample {
            track: frame.track_number,
            offset_ms,
            keyframe: frame.keyframe,
            data: frame.data.clone(),
            position: frame.position,
        }
    }
}

/// EBML Header, Segment, Info and Tracks: what an upload begins with.
///
/// # Errors
/// Tracks that cannot be written.
pub fn head(tracks: &Tracks) -> Result<Vec<Bytes>, Failure> {
    let mut options = MuxOptions::default();
    options.sink = Sink::Stream;
    let muxer = Muxer::new(options, &tracks.entries);
    Ok(muxer.map_err(|error| Failure::Work(format!("the tracks cannot be sent: {error}")))?.take_chunks())
}

/// The beginning of a Cluster. Its size is left open, as producers do that send frames as they come.
pub fn cluster(timestamp_ms: u64) -> Result<Bytes, Failure> {
    let mut out = BytesMut::new();
    let header = encode_header(ids::CLUSTER, ElementSize::Unknown, SizeWidth::Fixed(8));
    out.put_slice(&header.map_err(|error| unwritable(&error))?);
    Writer::new(&mut out).unsigned(ids::TIMESTAMP, timestamp_ms).map_err(|error| unwritable(&error))?;
    Ok(out.freeze())
}

/// A frame as a SimpleBlock: its header, and the payload by handle.
///
/// # Errors
/// It lies too far from its Cluster's Timestamp for the 16 bits of a block.
pub fn block(frame: &Sample) -> Result<[Bytes; 2], Failure> {
    let relative = i16::try_from(frame.offset_ms).map_err(|_| {
        Failure::Work(format!(
            "byte {}: a frame {} ms from its fragment's start; a fragment has at most 20 s: cut it with \
             --fragment-duration",
            frame.position, frame.offset_ms
        ))
    })?;
    let mut head = BytesMut::new();
    // The track number as an EBML size, the time, the flags (RFC 9559 §10.1).
    let number = track_number(frame.track);
    let size = (number.len() + 3).saturating_add(frame.data.len()) as u64;
    let header = encode_header(ids::SIMPLE_BLOCK, ElementSize::Known(size), SizeWidth::Minimal);
    head.put_slice(&header.map_err(|error| unwritable(&error))?);
    head.put_slice(&number);
    head.put_i16(relative);
    head.put_u8(if frame.keyframe { 0x80 } else { 0 });
    Ok([head.freeze(), frame.data.clone()])
}

fn track_number(number: u64) -> Vec<u8> {
    // One byte holds up to 126, eight everything that a Matroska file can name.
    match u8::try_from(number) {
        Ok(number) if number < 0x7f => vec![0x80 | number],
        _ => (number & 0x00ff_ffff_ffff_ffff | 1 << 56).to_be_bytes().to_vec(),
    }
}

/// The tags of a fragment, which stand behind its Cluster; nothing for none.
///
/// # Errors
/// Text that holds a NUL.
pub fn tags(tags: &[SimpleTag]) -> Result<Option<Bytes>, Failure> {
    if tags.is_empty() {
        return Ok(None);
    }
    let mut out = BytesMut::new();
    let written = Writer::new(&mut out).master(ids::TAGS, SizeWidth::Minimal, |all| {
        for tag in tags {
            all.master(ids::TAG, SizeWidth::Minimal, |one| {
                one.master(ids::SIMPLE_TAG, SizeWidth::Minimal, |simple| {
                    simple.utf8(ids::TAG_NAME, &tag.name)?;
                    match &tag.value {
                        TagValue::String(text) => simple.utf8(ids::TAG_STRING, text),
                        TagValue::Binary(bytes) => simple.binary(ids::TAG_BINARY, bytes),
                        TagValue::Absent => Ok(()),
                    }
                })
            })?;
        }
        Ok(())
    });
    written.map_err(|error| Failure::Work(format!("the tags cannot be sent: {error}")))?;
    Ok(Some(out.freeze()))
}

fn unwritable(error: &dyn std::fmt::Display) -> Failure {
    Failure::Work(format!("a fragment cannot be sent: {error}"))
}

/// Whether a tag is one that the service writes itself, and so is not sent.
pub fn is_of_the_service(name: &str) -> bool {
    const NAMES: [&str; 11] = [
        tag::FRAGMENT_NUMBER,
        tag::SERVER_TIMESTAMP,
        tag::SERVER_SIDE_TIMESTAMP,
        tag::PRODUCER_TIMESTAMP,
        tag::PRODUCER_SIDE_TIMESTAMP,
        tag::MILLIS_BEHIND_NOW,
        tag::CONTINUATION_TOKEN,
        tag::ERROR_CODE,
        tag::ERROR_ID,
        tag::EXCEPTION_ERROR_CODE,
        tag::EXCEPTION_MESSAGE,
    ];
    NAMES.contains(&name)
}
