//! What is said of a track: its size from the stream's own parameters where they tell it.

use kineframe::bitstream::av1::Av1Config;
use kineframe::bitstream::h264::{AvcConfig, Sps};
use kineframe::bitstream::h265;
use kineframe::fragment::FragmentTail;
use kineframe::matroska::{TrackEntry, TrackType};

use crate::json::TrackObject;

/// The tracks of a fragment with their frames counted.
pub fn objects(tail: &FragmentTail) -> Vec<TrackObject> {
    let entries = tail.head.tracks.iter().flat_map(|tracks| &tracks.entries);
    entries
        .map(|entry| {
            let counted = tail.tracks.iter().find(|track| track.number == entry.number);
            object(entry, counted.map_or(0, |track| track.frames))
        })
        .collect()
}

/// One track.
pub fn object(entry: &TrackEntry, frames: u64) -> TrackObject {
    let size = size(entry);
    TrackObject {
        number: entry.number,
        kind: entry.track_type.name(),
        codec_id: entry.codec_id.clone(),
        name: entry.name.clone(),
        width: size.map(|size| size.0),
        height: size.map(|size| size.1),
        frames,
    }
}

/// The size in samples: what the stream's own parameters say, which a producer's container may not.
fn size(entry: &TrackEntry) -> Option<(u64, u64)> {
    if entry.track_type != TrackType::VIDEO {
        return None;
    }
    if let Some(sps) = sps(entry) {
        let visible = sps.visible();
        return Some((u64::from(visible.width), u64::from(visible.height)));
    }
    if let Some(sps) = hevc(entry) {
        let visible = sps.visible();
        return Some((u64::from(visible.width), u64::from(visible.height)));
    }
    if let Some(sequence) = av1(entry).and_then(|config| config.sequence) {
        return Some((u64::from(sequence.max_size.width), u64::from(sequence.max_size.height)));
    }
    let video = entry.video.as_ref()?;
    (video.pixel_width > 0 && video.pixel_height > 0).then_some((video.pixel_width, video.pixel_height))
}

/// The sequence parameter set that an H.264 track declares in `avcC` form.
fn sps(entry: &TrackEntry) -> Option<Sps> {
    let private = entry.codec_private.as_ref()?;
    if entry.codec_id != "V_MPEG4/ISO/AVC" || private.first() != Some(&1) {
        return None;
    }
    let config = AvcConfig::parse(private).ok()?;
    Sps::parse(config.sps.first()?).ok()
}

/// The sequence parameter set that an H.265 track declares in `hvcC` form.
fn hevc(entry: &TrackEntry) -> Option<h265::Sps> {
    let private = entry.codec_private.as_ref().filter(|_| entry.codec_id == "V_MPEGH/ISO/HEVC")?;
    let config = h265::HevcConfig::parse(private).ok()?;
    config.units().find_map(|unit| h265::Sps::parse(unit).ok())
}

/// What an AV1 track declares.
fn av1(entry: &TrackEntry) -> Option<Av1Config> {
    let private = entry.codec_private.as_ref().filter(|_| entry.codec_id == "V_AV1")?;
    Av1Config::parse(private).ok()
}

/// What the declared parameters say of a track, in a few words.
pub fn codec_words(entry: &TrackEntry) -> String {
    if let Some(sequence) = av1(entry).and_then(|config| config.sequence) {
        let level = format!("{}.{}", 2 + sequence.level / 4, sequence.level % 4);
        let (depth, chroma) = (sequence.format.depth.bits(), sequence.format.chroma);
        return format!("; AV1 profile {} level {level}, {depth} bits, {chroma:?}", sequence.profile);
    }
    if let Some(sps) = hevc(entry) {
        // Thirty times the level.
        let level = format!("{}.{}", sps.profile.level_idc / 30, sps.profile.level_idc % 30 / 3);
        let (depth, chroma) = (sps.bit_depth_luma, sps.chroma);
        return format!("; H.265 profile {} level {level}, {depth} bits, {chroma:?}", sps.profile.profile_idc);
    }
    sps(entry).map_or_else(String::new, |sps| {
        let scan = if sps.frame_mbs_only { "progressive" } else { "interlaced" };
        let level = format!("{}.{}", sps.level_idc / 10, sps.level_idc % 10);
        format!("; H.264 profile {} level {level}, {scan}", sps.profile_idc)
    })
}

/// One track in a few words.
pub fn words(track: &TrackObject) -> String {
    let name = track.name.as_deref().map(|name| format!(" \"{name}\"")).unwrap_or_default();
    let size = match (track.width, track.height) {
        (Some(width), Some(height)) => format!(" {width}x{height}"),
        _ => String::new(),
    };
    format!("{} {}{size}{name}: {}", track.number, track.codec_id, track.frames)
}
