//! `Tracks` (RFC 9559 §5.1.4), gathered whole.

use bytes::Bytes;
use kineframe_ebml::{Child, ElementHeader, ErrorKind, Limits, children};

use super::masters::{Problem, Problems};
use crate::{Audio, Colour, ContentEncoding, TrackEntry, TrackType, Tracks, Video, ids};

/// A Tracks element. A TrackEntry whose children do not fit together is left out: its values could be another's.
pub(super) fn tracks(header: &ElementHeader, data: Bytes, limits: &Limits) -> (Tracks, Option<Problem>) {
    let mut problems = Problems::default();
    let mut entries = Vec::new();
    problems.checksum(header, &data);
    problems.each(header, children(data.clone(), header.data_offset(), limits).within(header.id), |problems, child| {
        if child.id() == ids::TRACK_ENTRY {
            entries.extend(track_entry(problems, &child));
        }
    });
    (Tracks { entries, raw: data }, problems.into_first())
}

fn track_entry(problems: &mut Problems, element: &Child<Bytes>) -> Option<TrackEntry> {
    let mut entry = TrackEntry {
        number: 0,
        uid: None,
        track_type: TrackType(0),
        codec_id: String::new(),
        codec_private: None,
        name: None,
        language: None,
        enabled: true,
        default: true,
        default_duration: None,
        codec_delay: 0,
        video: None,
        audio: None,
        encodings: Vec::new(),
        raw: element.data.clone(),
    };
    let mut whole = true;
    whole &= problems.each_in(element, |problems, child| match child.id() {
        ids::TRACK_NUMBER => entry.number = problems.unsigned(&child).unwrap_or(0),
        ids::TRACK_UID => entry.uid = problems.unsigned(&child),
        ids::TRACK_TYPE => entry.track_type = TrackType(problems.unsigned(&child).unwrap_or(0)),
        ids::CODEC_ID => entry.codec_id = Problems::text(&child),
        ids::CODEC_PRIVATE => entry.codec_private = Some(child.data.clone()),
        ids::NAME => entry.name = Some(Problems::text(&child)).filter(|name| !name.is_empty()),
        ids::LANGUAGE => entry.language = Some(Problems::text(&child)),
        ids::FLAG_ENABLED => entry.enabled = flag(problems, &child, true),
        ids::FLAG_DEFAULT => entry.default = flag(problems, &child, true),
        ids::DEFAULT_DURATION => {
            entry.default_duration = problems.unsigned(&child).and_then(std::num::NonZeroU64::new);
        }
        ids::CODEC_DELAY => entry.codec_delay = problems.unsigned(&child).unwrap_or(0),
        ids::VIDEO => match video(problems, &child) {
            Some(video) => entry.video = Some(video),
            None => whole = false,
        },
        ids::AUDIO => match audio(problems, &child) {
            Some(audio) => entry.audio = Some(audio),
            None => whole = false,
        },
        ids::CONTENT_ENCODINGS => match encodings(problems, &child) {
            Some(encodings) => entry.encodings = encodings,
            None => whole = false,
        },
        _ => {}
    });
    if !whole {
        return None;
    }
    if entry.number == 0 {
        problems.note(&element.header, element.error(ErrorKind::Missing("a TrackNumber that is not 0")), false);
        return None;
    }
    Some(entry)
}

/// A flag; an empty element has the default value (RFC 8794 §6.1).
fn flag(problems: &mut Problems, child: &Child<Bytes>, default: bool) -> bool {
    if child.data.is_empty() { default } else { problems.unsigned(child).map_or(default, |value| value != 0) }
}

/// A Video element; `None` where its children do not fit together.
fn video(problems: &mut Problems, element: &Child<Bytes>) -> Option<Video> {
    let mut video = Video::default();
    let mut whole = true;
    whole &= problems.each_in(element, |problems, child| match child.id() {
        ids::PIXEL_WIDTH => video.pixel_width = problems.unsigned(&child).unwrap_or(0),
        ids::PIXEL_HEIGHT => video.pixel_height = problems.unsigned(&child).unwrap_or(0),
        ids::DISPLAY_WIDTH => video.display_width = problems.unsigned(&child),
        ids::DISPLAY_HEIGHT => video.display_height = problems.unsigned(&child),
        ids::DISPLAY_UNIT => video.display_unit = problems.unsigned(&child).unwrap_or(0),
        ids::FLAG_INTERLACED => video.interlaced = problems.unsigned(&child).unwrap_or(0),
        ids::COLOUR => {
            let mut colour = Colour::default();
            whole &= problems.each_in(&child, |problems, child| {
                let field = match child.id() {
                    ids::MATRIX_COEFFICIENTS => &mut colour.matrix_coefficients,
                    ids::BITS_PER_CHANNEL => &mut colour.bits_per_channel,
                    ids::CHROMA_SITING_HORZ => &mut colour.chroma_siting_horz,
                    ids::CHROMA_SITING_VERT => &mut colour.chroma_siting_vert,
                    ids::RANGE => &mut colour.range,
                    ids::TRANSFER_CHARACTERISTICS => &mut colour.transfer_characteristics,
                    ids::PRIMARIES => &mut colour.primaries,
                    _ => return,
                };
                *field = problems.unsigned(&child);
            });
            video.colour = Some(colour);
        }
        ids::PROJECTION => {
            whole &= problems.each_in(&child, |problems, child| {
                if child.id() == ids::PROJECTION_POSE_ROLL {
                    let roll = problems.value(&child, child.float());
                    video.pose_roll = roll.filter(|roll| roll.is_finite()).unwrap_or(0.0);
                }
            });
        }
        _ => {}
    });
    whole.then_some(video)
}

/// An Audio element; `None` where its children do not fit together.
fn audio(problems: &mut Problems, element: &Child<Bytes>) -> Option<Audio> {
    let mut audio = Audio { sampling_frequency: 8000.0, channels: 1, bit_depth: None };
    let whole = problems.each_in(element, |problems, child| match child.id() {
        _ if child.data.is_empty() => {}
        ids::SAMPLING_FREQUENCY => {
            if let Some(rate) = problems.value(&child, child.float()).filter(|rate| rate.is_finite() && *rate > 0.0) {
                audio.sampling_frequency = rate;
            }
        }
        ids::CHANNELS => audio.channels = problems.unsigned(&child).unwrap_or(1),
        ids::BIT_DEPTH => audio.bit_depth = problems.unsigned(&child),
        _ => {}
    });
    whole.then_some(audio)
}

/// ContentEncodings (RFC 9559 §5.1.4.1.31) in the order in which a reader undoes them: highest order first.
fn encodings(problems: &mut Problems, element: &Child<Bytes>) -> Option<Vec<ContentEncoding>> {
    let mut list: Vec<(u64, ContentEncoding)> = Vec::new();
    let mut whole = true;
    whole &= problems.each_in(element, |problems, child| {
        if child.id() == ids::CONTENT_ENCODING {
            match encoding(problems, &child) {
                Some(encoding) => list.push(encoding),
                None => whole = false,
            }
        }
    });
    list.sort_by_key(|(order, _)| std::cmp::Reverse(*order));
    whole.then(|| list.into_iter().map(|(_, encoding)| encoding).collect())
}

fn encoding(problems: &mut Problems, element: &Child<Bytes>) -> Option<(u64, ContentEncoding)> {
    let (mut order, mut scope, mut ty) = (0, 1, 0);
    let (mut algorithm, mut settings) = (0, Bytes::new());
    let mut whole = true;
    whole &= problems.each_in(element, |problems, child| match child.id() {
        ids::CONTENT_ENCODING_ORDER => order = problems.unsigned(&child).unwrap_or(0),
        ids::CONTENT_ENCODING_SCOPE if !child.data.is_empty() => scope = problems.unsigned(&child).unwrap_or(1),
        ids::CONTENT_ENCODING_TYPE => ty = problems.unsigned(&child).unwrap_or(u64::MAX),
        ids::CONTENT_COMPRESSION => {
            whole &= problems.each_in(&child, |problems, child| match child.id() {
                ids::CONTENT_COMP_ALGO => algorithm = problems.unsigned(&child).unwrap_or(u64::MAX),
                ids::CONTENT_COMP_SETTINGS => settings = child.data.clone(),
                _ => {}
            });
        }
        _ => {}
    });
    let encoding = match (ty, algorithm) {
        (0, 0) => ContentEncoding::Zlib { scope },
        (0, 3) => ContentEncoding::HeaderStripping { scope, settings },
        (0, 1) => ContentEncoding::Other { what: "bzlib compression" },
        (0, 2) => ContentEncoding::Other { what: "lzo1x compression" },
        (0, _) => ContentEncoding::Other { what: "a compression that RFC 9559 does not name" },
        (1, _) => ContentEncoding::Other { what: "encryption" },
        _ => ContentEncoding::Other { what: "a content encoding that RFC 9559 does not name" },
    };
    whole.then_some((order, encoding))
}
