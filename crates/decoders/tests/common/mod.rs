//! The simplest session there can be: the first exact back end decodes, and when it gives up the next one replays
//! from the last random access point.
#![allow(dead_code)]

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use kineframe_bitstream::Framer;
use kineframe_bitstream::h264::{AccessUnits, RandomAccess, Stream};
use kineframe_codec::{
    BitDepth, ChromaSampling, CodecParameters, DecodeOptions, DecoderFactory, Decoders, Packet, PacketId, Picture,
    Recovery, VideoDecoder,
};
use kineframe_matroska::{DemuxOptions, Demuxer, Event};
use md5::{Digest, Md5};

/// A track of one document.
#[derive(Debug, Default, Clone)]
pub struct Track {
    pub private: Bytes,
    pub packets: Vec<Bytes>,
}

pub fn elementary(stream: Vec<u8>) -> Track {
    Track { private: Bytes::new(), packets: AccessUnits::new(stream.into()).collect() }
}

/// The first H.264 track of each EBML document of a body.
pub fn documents(body: Vec<u8>) -> Vec<Track> {
    let mut demuxer = Demuxer::new(DemuxOptions::default());
    demuxer.push(body.into());
    demuxer.finish();
    let mut documents: Vec<(Option<u64>, Track)> = Vec::new();
    loop {
        match demuxer.next_event() {
            Ok(Some(Event::EbmlHeader(_))) => documents.push(Default::default()),
            Ok(Some(Event::Tracks(tracks))) => {
                let video = tracks.entries.iter().find(|entry| entry.codec_id == "V_MPEG4/ISO/AVC");
                if let (Some(video), Some(document)) = (video, documents.last_mut()) {
                    document.0 = Some(video.number);
                    document.1.private = video.codec_private.clone().unwrap_or_default();
                }
            }
            Ok(Some(Event::Block(block))) => {
                if let Some(document) = documents.last_mut().filter(|(track, _)| *track == Some(block.track_number)) {
                    document.1.packets.extend(block.frames.into_iter().filter_map(|frame| frame.data.ok()));
                }
            }
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(_) => break,
        }
    }
    documents.into_iter().map(|(_, track)| track).collect()
}

/// The checksums of a framemd5 file, in order.
pub fn truth(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| Some(line.rsplit(',').next()?.trim().to_owned())).collect()
}

/// The truth of an elementary stream, where it is one of the decoder's planes.
pub fn planes_truth(stream: &Path) -> Vec<String> {
    let mut truth = truth(&stream.with_extension("framemd5"));
    if stream.file_stem().is_some_and(|name| name == "gen_colour_change") {
        // Its second half is the first once more, called full range; the tool that wrote the truth converted that
        // half back to limited range. Alone, its planes are those of the first half.
        truth.truncate(12);
        truth.extend_from_within(..);
    }
    truth
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub packet: u64,
    pub md5: String,
    pub damaged: bool,
    pub by: String,
}

#[derive(Debug, Default)]
pub struct Played {
    pub shown: Vec<Shown>,
    pub notes: Vec<String>,
}

impl Played {
    pub fn sums(&self) -> Vec<&str> {
        self.shown.iter().map(|shown| shown.md5.as_str()).collect()
    }
}

struct Open {
    decoder: Box<dyn VideoDecoder>,
    framer: Framer,
    name: String,
}

fn open(factory: &Arc<dyn DecoderFactory>, params: &CodecParameters) -> Result<Open, String> {
    let framer = Framer::new(params.framing, factory.framing());
    let params = CodecParameters { framing: framer.output(), ..params.clone() };
    let decoder = factory.open(&params, &DecodeOptions::default()).map_err(|error| error.to_string())?;
    Ok(Open { decoder, framer, name: factory.name().to_owned() })
}

/// Collects pictures, each packet's once.
struct Collector<'a> {
    played: &'a mut Played,
    seen: &'a mut HashSet<u64>,
    name: String,
    buffer: Vec<u8>,
}

impl Collector<'_> {
    fn take(&mut self, picture: Picture<'_>) -> ControlFlow<()> {
        if self.seen.insert(picture.id.0) {
            self.buffer.clear();
            picture.write_packed(&mut self.buffer).expect("planes that hold the picture");
            if picture.format.chroma == ChromaSampling::Monochrome {
                // The truth of a monochrome stream is of 4:2:0 with grey chroma.
                let chroma =
                    2 * picture.visible.width.div_ceil(2) as usize * picture.visible.height.div_ceil(2) as usize;
                let grey = 1_u16 << (picture.format.depth.bits() - 1);
                match picture.format.depth {
                    BitDepth::EIGHT => self.buffer.extend(std::iter::repeat_n(grey as u8, chroma)),
                    _ => self.buffer.extend(std::iter::repeat_n(grey.to_le_bytes(), chroma).flatten()),
                }
            }
            let md5 = Md5::digest(&self.buffer).iter().map(|byte| format!("{byte:02x}")).collect();
            let shown = Shown { packet: picture.id.0, md5, damaged: picture.damaged, by: self.name.clone() };
            self.played.shown.push(shown);
        }
        ControlFlow::Continue(())
    }
}

/// Plays a track. `forced`: the first back end of the list, whether or not it is exact.
pub fn play(decoders: &Decoders, track: &Track, forced: bool) -> Played {
    let mut played = Played::default();
    let mut seen = HashSet::new();
    let mut stream = Stream::new(&track.private);
    let mut current: Option<Open> = None;
    let mut choices: Vec<Arc<dyn DecoderFactory>> = Vec::new();
    let mut rank = 0;
    let mut generation = None;
    let mut params = stream.parameters();
    let mut start = 0;
    for index in 0..track.packets.len() {
        let data = &track.packets[index];
        let unit = stream.packet(data);
        // Groups of pictures that an IDR picture opens are closed. At other places a decoder may start, where there
        // is no choice, but one that is running must not be left.
        let entry = unit.is_idr() || generation.is_none() && unit.random_access != RandomAccess::None;
        if entry && (generation != Some(stream.generation()) || rank > 0) {
            if generation != Some(stream.generation()) {
                params = stream.parameters();
                choices = if forced { decoders.0.clone() } else { decoders.exact(&params) };
                if choices.is_empty() {
                    let reasons = decoders.choose(&params).err().unwrap_or_default();
                    let reasons: Vec<_> = reasons.iter().map(|r| format!("{}: {}", r.factory, r.reason)).collect();
                    played.notes.push(format!("nobody: {}", reasons.join("; ")));
                }
            }
            generation = Some(stream.generation());
            rank = 0;
            if let Some(mut old) = current.take() {
                let mut out =
                    Collector { played: &mut played, seen: &mut seen, name: old.name.clone(), buffer: vec![] };
                let _ = old.decoder.flush(&mut |picture: Picture<'_>| out.take(picture));
            }
            match choices.first().map(|factory| open(factory, &params)) {
                Some(Ok(opened)) => current = Some(opened),
                Some(Err(error)) => played.notes.push(error),
                None => {}
            }
        }
        if entry {
            start = index;
        }
        let mut next = index;
        while let Some(opened) = &mut current {
            let mut failed = None;
            let mut out = Collector { played: &mut played, seen: &mut seen, name: opened.name.clone(), buffer: vec![] };
            for replayed in next..=index {
                // A copy of its own, so that it can be framed in place.
                let data = opened.framer.convert(Bytes::copy_from_slice(&track.packets[replayed])).data;
                let random_access = if replayed == index { entry } else { replayed == start };
                let packet = Packet { id: PacketId(replayed as u64), data, random_access, wanted: true };
                if let Err(error) = opened.decoder.decode(packet, &mut |picture: Picture<'_>| out.take(picture)) {
                    out.played.notes.push(format!("packet {replayed}: {error}"));
                    if error.recovery != Recovery::NextPacket {
                        failed = Some(error.recovery);
                        break;
                    }
                }
            }
            if failed.is_none() {
                break;
            }
            rank += 1;
            next = start;
            current = None;
            if let Some(factory) = choices.get(rank) {
                match open(factory, &params) {
                    Ok(opened) => current = Some(opened),
                    Err(error) => played.notes.push(error),
                }
            } else {
                generation = None;
            }
        }
    }
    if let Some(mut old) = current.take() {
        let mut out = Collector { played: &mut played, seen: &mut seen, name: old.name.clone(), buffer: vec![] };
        let _ = old.decoder.flush(&mut |picture: Picture<'_>| out.take(picture));
    }
    played
}
