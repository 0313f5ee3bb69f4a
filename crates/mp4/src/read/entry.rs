//! From a sample entry (ISO/IEC 14496-12 §8.5.2) to what a Matroska track says of the same: CodecID, CodecPrivate, size,
//! aspect, colours.

use bytes::Bytes;
use kineframe_ebml::Error;
use kineframe_matroska::{Audio, Colour, TrackEntry, TrackType, Video};
use mp4_atom::{Atom, Colr, Esds, Pasp, VpcC};

use super::boxes::{Child, Path, children, error, leaf};
use kineframe_ebml::ErrorKind;

/// Bytes of a visual sample entry before its boxes, and of an audio one.
const VISUAL: usize = 78;
const AUDIO: usize = 28;
/// Width to height of a sample, and colours, where a track has none of its own.
const NO_BOXES: &[Child] = &[];

/// Fills in what the sample entry `child` says. The track has its number, type and audio rate already.
///
/// # Errors
/// The entry is cut; the track then has no codec that anyone knows.
pub(super) fn read(entry: &mut TrackEntry, child: &Child, path: &Path) -> Result<(), Error> {
    let body = &child.body;
    match entry.track_type {
        TrackType::VIDEO => visual(entry, child, path),
        TrackType::AUDIO => audio(entry, child, path),
        _ => {
            entry.codec_id = match &child.kind {
                b"tx3g" => "S_TEXT/TX3G".to_owned(),
                b"wvtt" => "S_TEXT/WEBVTT".to_owned(),
                kind => format!("S_{}", String::from_utf8_lossy(kind).trim()),
            };
            entry.codec_private = Some(body.clone()).filter(|body| !body.is_empty());
            Ok(())
        }
    }
}

fn cut(child: &Child, path: &Path) -> Error {
    let mut path = path.to_vec();
    path.push(child.kind);
    error(child.offset, &path, ErrorKind::Truncated)
}

fn find<'a>(boxes: &'a [Child], kind: &[u8; 4]) -> Option<&'a Child> {
    boxes.iter().find(|known| &known.kind == kind)
}

fn inside(path: &Path, child: &Child) -> Vec<[u8; 4]> {
    let mut path = path.to_vec();
    path.push(child.kind);
    path
}

fn visual(entry: &mut TrackEntry, child: &Child, path: &Path) -> Result<(), Error> {
    let body = &child.body;
    let number = |at: usize| body.get(at..at + 2).and_then(|bytes| bytes.first_chunk::<2>());
    let (Some(width), Some(height)) = (number(24), number(26)) else { return Err(cut(child, path)) };
    let mut video = Video {
        pixel_width: u16::from_be_bytes(*width).into(),
        pixel_height: u16::from_be_bytes(*height).into(),
        ..entry.video.take().unwrap_or_default()
    };
    let path = &inside(path, child)[..];
    // What is wrong behind the boxes that matter is no loss.
    let boxes = match body.len() > VISUAL {
        true => children(&body.slice(VISUAL..), child.body_offset.saturating_add(VISUAL as u64), path).0,
        false => NO_BOXES.to_vec(),
    };
    let raw = |kind| find(&boxes, kind).map(|found| found.body.clone());
    let (codec_id, private) = match &child.kind {
        b"avc1" | b"avc2" | b"avc3" | b"avc4" => ("V_MPEG4/ISO/AVC", raw(b"avcC")),
        b"hvc1" | b"hev1" | b"dvh1" | b"dvhe" => ("V_MPEGH/ISO/HEVC", raw(b"hvcC")),
        b"av01" => ("V_AV1", raw(b"av1C")),
        b"vp08" => ("V_VP8", None),
        b"vp09" => ("V_VP9", find(&boxes, b"vpcC").and_then(vp9_features)),
        b"jpeg" | b"mjpa" | b"mjpb" => ("V_MJPEG", None),
        b"mp4v" => {
            let esds = find(&boxes, b"esds").map(|esds| leaf::<Esds>(esds, path)).transpose()?;
            let config = esds.map(|esds| esds.es_desc.dec_config);
            let object = config.as_ref().map_or(0x20, |config| config.object_type_indication);
            let specific = config.and_then(|config| config.dec_specific).map(|specific| Bytes::from(specific.raw));
            match object {
                0x6c => ("V_MJPEG", None),
                0x6a => ("V_MPEG1", specific),
                0x60..=0x65 => ("V_MPEG2", specific),
                _ => ("V_MPEG4/ISO/ASP", specific),
            }
        }
        // What Matroska has no name for is carried as the sample entry, whole.
        _ => ("V_QUICKTIME", Some(whole(child))),
    };
    entry.codec_id = codec_id.to_owned();
    entry.codec_private = private;
    if let Some(Pasp { h_spacing, v_spacing }) = find(&boxes, b"pasp").and_then(|pasp| leaf(pasp, path).ok())
        && h_spacing != v_spacing
        && h_spacing != 0
        && v_spacing != 0
    {
        let across = video.pixel_width.saturating_mul(h_spacing.into());
        let down = video.pixel_height.saturating_mul(v_spacing.into());
        let divisor = crate::write::greatest_common_divisor(across, down).max(1);
        // 3: an aspect ratio, and no number of pixels (RFC 9559 §5.1.4.1.28.14).
        video.display_unit = 3;
        (video.display_width, video.display_height) = (Some(across / divisor), Some(down / divisor));
    }
    video.colour = find(&boxes, b"colr").and_then(|colr| leaf(colr, path).ok()).and_then(|colr| colour(&colr));
    entry.video = Some(video);
    Ok(())
}

fn colour(colr: &Colr) -> Option<Colour> {
    let (primaries, transfer, matrix, range) = match *colr {
        Colr::Nclx { colour_primaries: p, transfer_characteristics: t, matrix_coefficients: m, full_range_flag } => {
            (p, t, m, Some(if full_range_flag { 2 } else { 1 }))
        }
        Colr::Nclc { colour_primaries: p, transfer_characteristics: t, matrix_coefficients: m } => (p, t, m, None),
        _ => return None,
    };
    // 2 is unspecified in both.
    let code = |code: u16| Some(u64::from(code)).filter(|code| *code != 2);
    Some(Colour {
        matrix_coefficients: code(matrix),
        transfer_characteristics: code(transfer),
        primaries: code(primaries),
        range,
        ..Colour::default()
    })
}

/// The features of a `vpcC` record as Matroska lists them.
fn vp9_features(child: &Child) -> Option<Bytes> {
    let VpcC { profile, level, bit_depth, chroma_subsampling, .. } = VpcC::decode_body(&mut &child.body[..]).ok()?;
    let mut list = vec![1, 1, profile];
    if level != 0 {
        list.extend_from_slice(&[2, 1, level]);
    }
    list.extend_from_slice(&[3, 1, bit_depth, 4, 1, chroma_subsampling]);
    Some(list.into())
}

fn audio(entry: &mut TrackEntry, child: &Child, path: &Path) -> Result<(), Error> {
    let body = &child.body;
    let number =
        |at: usize| body.get(at..at + 2).and_then(|bytes| bytes.first_chunk::<2>()).map(|n| u16::from_be_bytes(*n));
    let (Some(version), Some(channels), Some(size), Some(rate)) = (number(8), number(16), number(18), number(24))
    else {
        return Err(cut(child, path));
    };
    let path = &inside(path, child)[..];
    // QuickTime's versions 1 and 2 have more fields. Where no box follows the longer form, it is ISO's version 1, which
    // has none.
    let boxes_at = |at: usize| match body.len() > at {
        true => children(&body.slice(at..), child.body_offset.saturating_add(at as u64), path),
        false => (Vec::new(), None),
    };
    let mut boxes = match version {
        1 => match boxes_at(AUDIO + 16) {
            (found, None) if !found.is_empty() => found,
            _ => boxes_at(AUDIO).0,
        },
        2 => boxes_at(AUDIO + 36).0,
        _ => boxes_at(AUDIO).0,
    };
    // QuickTime keeps `esds` one level deeper.
    if let Some(wave) = find(&boxes, b"wave").cloned() {
        boxes.extend(children(&wave.body, wave.body_offset, path).0);
    }
    let known = entry.audio.map_or(0.0, |audio| audio.sampling_frequency);
    let mut audio = Audio {
        sampling_frequency: if rate == 0 { known } else { rate.into() },
        channels: channels.into(),
        bit_depth: None,
    };
    if version == 2 {
        // The rate as a double, and the number of channels.
        if let Some(rate) = body.get(32..40).and_then(|bytes| bytes.first_chunk::<8>()) {
            audio.sampling_frequency = f64::from_be_bytes(*rate);
        }
        if let Some(count) = body.get(40..44).and_then(|bytes| bytes.first_chunk::<4>()) {
            audio.channels = u32::from_be_bytes(*count).into();
        }
    }
    let pcm = find(&boxes, b"pcmC").and_then(|pcm| Some((pcm.body.get(4)? & 1 == 1, u64::from(*pcm.body.get(5)?))));
    // QuickTime says little endian in a box of its own, and what `lpcm` holds in the fields of version 2.
    let enda = find(&boxes, b"enda").is_some_and(|enda| enda.body.get(..2) == Some(&[0, 1]));
    let linear = (version == 2 && &child.kind == b"lpcm").then(|| Linear::read(body)).flatten();
    let (little, bits) = match linear {
        Some(linear) => (linear.little, linear.bits),
        None => pcm.unwrap_or((enda, size.into())),
    };
    let integer = |little| if little { "A_PCM/INT/LIT" } else { "A_PCM/INT/BIG" };
    let (codec_id, private) = match &child.kind {
        b"mp4a" => {
            let esds = find(&boxes, b"esds").map(|esds| leaf::<Esds>(esds, path)).transpose()?;
            let config = esds.map(|esds| esds.es_desc.dec_config);
            let object = config.as_ref().map_or(0x40, |config| config.object_type_indication);
            let specific = config.and_then(|config| config.dec_specific).map(|specific| Bytes::from(specific.raw));
            match object {
                0x69 | 0x6b => ("A_MPEG/L3", None),
                0xa5 => ("A_AC3", None),
                0xa6 => ("A_EAC3", None),
                0xa9 => ("A_DTS", None),
                _ => ("A_AAC", specific),
            }
        }
        b".mp3" => ("A_MPEG/L3", None),
        b"Opus" => {
            let head = find(&boxes, b"dOps").and_then(|config| opus_head(&config.body));
            audio.sampling_frequency = 48_000.0;
            ("A_OPUS", head)
        }
        b"fLaC" => {
            // Behind version and flags the blocks as in a FLAC file.
            let blocks = find(&boxes, b"dfLa").and_then(|config| config.body.get(4..));
            ("A_FLAC", blocks.map(|blocks| Bytes::from([b"fLaC", blocks].concat())))
        }
        b"ac-3" => ("A_AC3", None),
        b"ec-3" => ("A_EAC3", None),
        b"alaw" => ("A_MS/ACM", Some(wave_format(6, &audio))),
        b"ulaw" => ("A_MS/ACM", Some(wave_format(7, &audio))),
        b"ipcm" => (integer(little), None),
        // Bytes with a sign, and floats that begin with it, have no name in Matroska: they stay QuickTime's.
        b"sowt" if bits != 8 => (integer(true), None),
        b"twos" if bits != 8 => (integer(false), None),
        b"raw " if bits == 8 => (integer(true), None),
        b"in24" | b"in32" => (integer(little), None),
        b"fpcm" | b"fl32" | b"fl64" if little => ("A_PCM/FLOAT/IEEE", None),
        b"lpcm" => match linear {
            Some(Linear { float: true, little: true, .. }) => ("A_PCM/FLOAT/IEEE", None),
            Some(Linear { float: false, signed, bits, .. }) if signed == (bits > 8) => (integer(little), None),
            _ => ("A_QUICKTIME", Some(whole(child))),
        },
        _ => ("A_QUICKTIME", Some(whole(child))),
    };
    if codec_id.starts_with("A_PCM") {
        let fixed = match &child.kind {
            b"in24" => 24,
            b"in32" | b"fl32" => 32,
            b"fl64" => 64,
            _ => bits,
        };
        audio.bit_depth = Some(fixed);
    }
    entry.codec_id = codec_id.to_owned();
    entry.codec_private = private;
    entry.audio = Some(audio);
    Ok(())
}

/// What `lpcm` holds: QuickTime's sound description of version 2.
#[derive(Debug, Clone, Copy)]
struct Linear {
    bits: u64,
    float: bool,
    little: bool,
    signed: bool,
}

impl Linear {
    /// From the fields behind the number of channels: `constBitsPerChannel` and `formatSpecificFlags`.
    fn read(body: &[u8]) -> Option<Linear> {
        let number = |at: usize| body.get(at..)?.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes));
        let (bits, flags) = (number(48)?, number(52)?);
        Some(Linear { bits: bits.into(), float: flags & 1 != 0, little: flags & 2 == 0, signed: flags & 4 != 0 })
    }
}

/// The sample entry with its header, as the QuickTime mappings of Matroska carry it.
fn whole(child: &Child) -> Bytes {
    let size = u32::try_from(child.body.len() + 8).unwrap_or(0);
    Bytes::from([&size.to_be_bytes(), &child.kind, &child.body[..]].concat())
}

/// WAVEFORMATEX of G.711.
fn wave_format(tag: u16, audio: &Audio) -> Bytes {
    let channels = u16::try_from(audio.channels).unwrap_or(u16::MAX);
    // A cast saturates.
    let rate = audio.sampling_frequency as u32;
    let mut out = Vec::with_capacity(18);
    out.extend_from_slice(&tag.to_le_bytes());
    out.extend_from_slice(&channels.to_le_bytes());
    out.extend_from_slice(&rate.to_le_bytes());
    out.extend_from_slice(&rate.saturating_mul(channels.into()).to_le_bytes());
    out.extend_from_slice(&channels.to_le_bytes());
    out.extend_from_slice(&8u16.to_le_bytes());
    out.extend_from_slice(&0u16.to_le_bytes());
    out.into()
}

/// OpusHead (RFC 7845 §5.1) of a `dOps` record: little endian, version 1.
fn opus_head(config: &[u8]) -> Option<Bytes> {
    let ([_version, channels, s0, s1, r0, r1, r2, r3, g0, g1, family], map) = config.split_first_chunk::<11>()?;
    let mut out = b"OpusHead".to_vec();
    out.extend_from_slice(&[1, *channels, *s1, *s0, *r3, *r2, *r1, *r0, *g1, *g0, *family]);
    if *family != 0 {
        out.extend_from_slice(map.get(..usize::from(*channels).checked_add(2)?)?);
    }
    Some(out.into())
}
