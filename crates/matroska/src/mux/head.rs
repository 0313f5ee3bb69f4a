//! EBML Header, Info, Tracks and Tags as bytes.

use bytes::{Bytes, BytesMut};
use kineframe_ebml::{ElementId, Error, ErrorKind, Limits, SizeWidth, Writer, children};

use super::{MuxOptions, Sink};
use crate::demux::encoding::{self, Scope};
use crate::{ContentEncoding, SimpleTag, TagValue, TrackEntry, ids};

/// Most bytes of a CodecPrivate whose encoding is undone.
const CODEC_PRIVATE: u64 = 16 << 20;
/// Bytes of a Duration element.
pub(super) const DURATION_LEN: usize = 11;

pub(super) fn ebml_header(out: &mut BytesMut, doc_type: &str) -> Result<(), Error> {
    Writer::new(out).master(ids::EBML, SizeWidth::Minimal, |ebml| {
        ebml.unsigned(ids::EBML_VERSION, 1)?;
        ebml.unsigned(ids::EBML_READ_VERSION, 1)?;
        ebml.unsigned(ids::EBML_MAX_ID_LENGTH, 4)?;
        ebml.unsigned(ids::EBML_MAX_SIZE_LENGTH, 8)?;
        ebml.string(ids::DOC_TYPE, doc_type)?;
        ebml.unsigned(ids::DOC_TYPE_VERSION, 4)?;
        ebml.unsigned(ids::DOC_TYPE_READ_VERSION, 2)
    })
}

/// Writes Info and says where its Duration, or the room for it, stands.
pub(super) fn info(out: &mut BytesMut, options: &MuxOptions) -> Result<Option<u64>, Error> {
    let seekable = options.sink == Sink::Seekable;
    Writer::new(out).master(ids::INFO, SizeWidth::Minimal, |info| {
        info.unsigned(ids::TIMESTAMP_SCALE, options.timestamp_scale.0.get())?;
        if let Some(uuid) = &options.segment_uuid {
            info.binary(ids::SEGMENT_UUID, uuid)?;
        }
        if let Some(date) = options.date_utc {
            info.date(ids::DATE_UTC, date)?;
        }
        if let Some(title) = &options.title {
            info.utf8(ids::TITLE, title)?;
        }
        info.utf8(ids::MUXING_APP, concat!("kineframe-matroska ", env!("CARGO_PKG_VERSION")))?;
        info.utf8(ids::WRITING_APP, &options.writing_app)?;
        // Last, so that its place is known from the end.
        match options.duration {
            _ if seekable => info.void(DURATION_LEN),
            Some(ticks) if ticks.is_finite() && ticks > 0.0 => info.float(ids::DURATION, ticks),
            _ => Ok(()),
        }
    })?;
    Ok(seekable.then(|| (out.len() - DURATION_LEN) as u64))
}

pub(super) fn tracks(out: &mut BytesMut, entries: &[TrackEntry], decoded: bool) -> Result<(), Error> {
    Writer::new(out).master(ids::TRACKS, SizeWidth::Minimal, |tracks| {
        entries.iter().try_for_each(|entry| {
            tracks.master(ids::TRACK_ENTRY, SizeWidth::Minimal, |out| match entry.raw.is_empty() {
                true => fields(out, entry),
                false => stored(out, entry, decoded),
            })
        })
    })
}

/// The element as it was stored, without what no longer holds.
fn stored(out: &mut Writer<'_, BytesMut>, entry: &TrackEntry, decoded: bool) -> Result<(), Error> {
    let private = match entry.codec_private.as_ref() {
        Some(private) if decoded && encoding::covers(&entry.encodings, Scope::CodecPrivate) => {
            let mut budget = CODEC_PRIVATE;
            Some(encoding::undo(&entry.encodings, Scope::CodecPrivate, private, 0, &mut budget)?)
        }
        private => private.cloned(),
    };
    let mut has_uid = false;
    for child in children(&entry.raw[..], 0, &Limits::default()) {
        let child = child?;
        match child.id() {
            // A checksum would no longer fit, and there is no need for room.
            ElementId::CRC32 | ElementId::VOID => {}
            ids::CONTENT_ENCODINGS if decoded => {}
            ids::CODEC_PRIVATE => out.binary(ids::CODEC_PRIVATE, private.as_deref().unwrap_or_default())?,
            // The entry's number counts: a caller may have changed it.
            ids::TRACK_NUMBER => out.unsigned(ids::TRACK_NUMBER, entry.number)?,
            ids::TRACK_UID => {
                // Not 0, by RFC 9559 §5.1.4.1.2.
                has_uid = true;
                out.unsigned(ids::TRACK_UID, entry.uid.filter(|uid| *uid != 0).unwrap_or(entry.number))?;
            }
            // Text ends at a NUL that a producer has filled up with.
            ids::CODEC_ID => out.binary(ids::CODEC_ID, entry.codec_id.as_bytes())?,
            ids::NAME => out.binary(ids::NAME, entry.name.as_deref().unwrap_or_default().as_bytes())?,
            id => out.binary(id, child.data)?,
        }
    }
    if !has_uid {
        out.unsigned(ids::TRACK_UID, entry.number)?;
    }
    Ok(())
}

/// The element from its fields.
fn fields(out: &mut Writer<'_, BytesMut>, entry: &TrackEntry) -> Result<(), Error> {
    out.unsigned(ids::TRACK_NUMBER, entry.number)?;
    out.unsigned(ids::TRACK_UID, entry.uid.filter(|uid| *uid != 0).unwrap_or(entry.number))?;
    out.unsigned(ids::TRACK_TYPE, entry.track_type.0)?;
    out.unsigned(ids::FLAG_LACING, 0)?;
    out.binary(ids::CODEC_ID, entry.codec_id.as_bytes())?;
    if !entry.enabled {
        out.unsigned(ids::FLAG_ENABLED, 0)?;
    }
    if !entry.default {
        out.unsigned(ids::FLAG_DEFAULT, 0)?;
    }
    if let Some(private) = &entry.codec_private {
        out.binary(ids::CODEC_PRIVATE, private)?;
    }
    if let Some(name) = &entry.name {
        out.utf8(ids::NAME, name)?;
    }
    if let Some(language) = &entry.language {
        out.string(ids::LANGUAGE, language)?;
    }
    if let Some(duration) = entry.default_duration {
        out.unsigned(ids::DEFAULT_DURATION, duration.get())?;
    }
    if entry.codec_delay != 0 {
        out.unsigned(ids::CODEC_DELAY, entry.codec_delay)?;
    }
    if let Some(video) = &entry.video {
        out.master(ids::VIDEO, SizeWidth::Minimal, |out| {
            out.unsigned(ids::PIXEL_WIDTH, video.pixel_width)?;
            out.unsigned(ids::PIXEL_HEIGHT, video.pixel_height)?;
            let colour = video.colour.unwrap_or_default();
            optional(out, ids::DISPLAY_WIDTH, video.display_width)?;
            optional(out, ids::DISPLAY_HEIGHT, video.display_height)?;
            optional(out, ids::DISPLAY_UNIT, Some(video.display_unit).filter(|unit| *unit != 0))?;
            optional(out, ids::FLAG_INTERLACED, Some(video.interlaced).filter(|interlaced| *interlaced != 0))?;
            if colour != crate::Colour::default() {
                out.master(ids::COLOUR, SizeWidth::Minimal, |out| {
                    optional(out, ids::MATRIX_COEFFICIENTS, colour.matrix_coefficients)?;
                    optional(out, ids::BITS_PER_CHANNEL, colour.bits_per_channel)?;
                    optional(out, ids::CHROMA_SITING_HORZ, colour.chroma_siting_horz)?;
                    optional(out, ids::CHROMA_SITING_VERT, colour.chroma_siting_vert)?;
                    optional(out, ids::RANGE, colour.range)?;
                    optional(out, ids::TRANSFER_CHARACTERISTICS, colour.transfer_characteristics)?;
                    optional(out, ids::PRIMARIES, colour.primaries)
                })?;
            }
            if video.pose_roll != 0.0 {
                out.master(ids::PROJECTION, SizeWidth::Minimal, |out| {
                    out.float(ids::PROJECTION_POSE_ROLL, video.pose_roll)
                })?;
            }
            Ok(())
        })?;
    }
    if let Some(audio) = &entry.audio {
        out.master(ids::AUDIO, SizeWidth::Minimal, |out| {
            out.float(ids::SAMPLING_FREQUENCY, audio.sampling_frequency)?;
            out.unsigned(ids::CHANNELS, audio.channels)?;
            optional(out, ids::BIT_DEPTH, audio.bit_depth)
        })?;
    }
    if entry.encodings.is_empty() { Ok(()) } else { encodings(out, &entry.encodings) }
}

fn optional(out: &mut Writer<'_, BytesMut>, id: ElementId, value: Option<u64>) -> Result<(), Error> {
    value.map_or(Ok(()), |value| out.unsigned(id, value))
}

/// ContentEncodings, for frames that are written as they were stored. The first to be undone has the highest order.
fn encodings(out: &mut Writer<'_, BytesMut>, list: &[ContentEncoding]) -> Result<(), Error> {
    out.master(ids::CONTENT_ENCODINGS, SizeWidth::Minimal, |out| {
        list.iter().rev().zip(0u64..).try_for_each(|(encoding, order)| {
            let (scope, algorithm, settings) = match encoding {
                ContentEncoding::Zlib { scope } => (*scope, 0, Bytes::new()),
                ContentEncoding::HeaderStripping { scope, settings } => (*scope, 3, settings.clone()),
                ContentEncoding::Other { what } => return Err(Error::new(0, ErrorKind::Unsupported(what))),
            };
            out.master(ids::CONTENT_ENCODING, SizeWidth::Minimal, |out| {
                out.unsigned(ids::CONTENT_ENCODING_ORDER, order)?;
                out.unsigned(ids::CONTENT_ENCODING_SCOPE, scope)?;
                out.unsigned(ids::CONTENT_ENCODING_TYPE, 0)?;
                out.master(ids::CONTENT_COMPRESSION, SizeWidth::Minimal, |out| {
                    out.unsigned(ids::CONTENT_COMP_ALGO, algorithm)?;
                    if settings.is_empty() { Ok(()) } else { out.binary(ids::CONTENT_COMP_SETTINGS, &settings) }
                })
            })
        })
    })
}

/// One Tag without a target; names `a/b` after `a` become nested SimpleTags again.
pub(super) fn tags(out: &mut BytesMut, list: &[SimpleTag]) -> Result<(), Error> {
    Writer::new(out).master(ids::TAGS, SizeWidth::Minimal, |out| {
        out.master(ids::TAG, SizeWidth::Minimal, |out| {
            out.binary(ids::TARGETS, &[])?;
            let mut rest = list;
            while !rest.is_empty() {
                rest = simple_tag(out, rest, "", 0)?;
            }
            Ok(())
        })
    })
}

/// Most SimpleTags inside each other that are written.
const NESTED: usize = 12;

/// Writes the first tag of `list` with those inside it, and returns the others.
fn simple_tag<'a>(
    out: &mut Writer<'_, BytesMut>,
    list: &'a [SimpleTag],
    parent: &str,
    depth: usize,
) -> Result<&'a [SimpleTag], Error> {
    let Some((tag, mut rest)) = list.split_first() else { return Ok(list) };
    out.master(ids::SIMPLE_TAG, SizeWidth::Minimal, |out| {
        out.utf8(ids::TAG_NAME, tag.name.strip_prefix(parent).unwrap_or(&tag.name))?;
        match &tag.value {
            TagValue::String(text) => out.utf8(ids::TAG_STRING, text)?,
            TagValue::Binary(data) => out.binary(ids::TAG_BINARY, data)?,
            TagValue::Absent => {}
        }
        let inside = format!("{}/", tag.name);
        while depth < NESTED && rest.first().is_some_and(|next| next.name.starts_with(&inside)) {
            rest = simple_tag(out, rest, &inside, depth + 1)?;
        }
        Ok(())
    })?;
    Ok(rest)
}
