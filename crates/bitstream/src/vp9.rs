//! VP9: superframes, the uncompressed header, and whether the data of a frame can be what it holds (VP9 Bitstream &
//! Decoding Process Specification 0.6, §6 and annex B).

use bytes::Bytes;
use kineframe_codec::{BitDepth, ChromaSampling, Codec, CodecParameters, ColorSpace, PixelFormat, Size};

use crate::frames::CodedFrame;
use crate::{BitReader, Error, ErrorKind};

mod data;
mod header;

pub use data::DataCheck;
use header::{FrameKind, Opening};

const UNIT: &str = "VP9 header";

/// How the chroma planes of VP9 are sampled; one more than other codecs have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subsampling {
    /// One of the usual ones.
    Usual(ChromaSampling),
    /// 4:4:0: all columns, half the lines.
    Yuv440,
}

/// What a key frame says of all frames up to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ColorConfig {
    /// `profile`, 0 to 3.
    pub profile: u8,
    /// Bits of a sample.
    pub depth: u8,
    /// Chroma planes.
    pub subsampling: Subsampling,
    /// What the samples mean.
    pub color: ColorSpace,
}

impl ColorConfig {
    /// Depth and planes; `None` for 4:4:0.
    pub fn format(&self) -> Option<PixelFormat> {
        let Subsampling::Usual(chroma) = self.subsampling else { return None };
        Some(PixelFormat { chroma, depth: BitDepth::new(self.depth)? })
    }

    /// As the codec feature metadata that WebM keeps in `CodecPrivate`: profile, bit depth, chroma subsampling, each
    /// with its number and length in front.
    pub fn to_features(&self) -> Bytes {
        let chroma = match self.subsampling {
            Subsampling::Usual(ChromaSampling::Yuv422) => 2,
            Subsampling::Usual(ChromaSampling::Yuv444) => 3,
            Subsampling::Usual(_) => 1,
            Subsampling::Yuv440 => 4,
        };
        Bytes::copy_from_slice(&[1, 1, self.profile, 3, 1, self.depth, 4, 1, chroma])
    }

    /// From codec feature metadata; `None` where profile or depth are missing. A missing subsampling is 4:2:0.
    pub fn of_features(features: &[u8]) -> Option<ColorConfig> {
        let (mut profile, mut depth, mut chroma) = (None, None, 1);
        let mut rest = features;
        while let [number, length, tail @ ..] = rest {
            let value = tail.get(..usize::from(*length))?;
            match (number, value) {
                (1, [value]) => profile = Some(*value),
                (3, [value]) => depth = Some(*value),
                (4, [value]) => chroma = *value,
                _ => {}
            }
            rest = tail.get(usize::from(*length)..)?;
        }
        let subsampling = match chroma {
            0 | 1 => Subsampling::Usual(ChromaSampling::Yuv420),
            2 => Subsampling::Usual(ChromaSampling::Yuv422),
            3 => Subsampling::Usual(ChromaSampling::Yuv444),
            4 => Subsampling::Yuv440,
            _ => return None,
        };
        Some(ColorConfig { profile: profile?, depth: depth?, subsampling, color: ColorSpace::default() })
    }
}

/// Whether a decoder of all of VP9 that has no 4:4:0 planes to give is exact on these parameters, or why not.
///
/// # Errors
/// The reason, for a person.
pub fn check_exact(params: &CodecParameters) -> Result<ColorConfig, String> {
    if params.codec != Codec::VP9 {
        return Err("decodes VP9 only".to_owned());
    }
    let config = params.parameter_sets.first().and_then(|features| ColorConfig::of_features(features));
    let config = config.ok_or("no key frame has told profile and depth")?;
    match config.format() {
        Some(_) => Ok(config),
        None => Err("4:4:0 chroma".to_owned()),
    }
}

/// The frames of a packet (annex B): several where an index at its end says so. The index is left out.
pub fn superframe(packet: &[u8]) -> Vec<&[u8]> {
    frames(packet).0
}

/// The frames of a packet, and whether they are what its index says.
fn frames(packet: &[u8]) -> (Vec<&[u8]>, bool) {
    let single = || (if packet.is_empty() { Vec::new() } else { vec![packet] }, true);
    let Some(marker) = packet.last().filter(|marker| *marker >> 5 == 0b110) else { return single() };
    let (count, bytes) = (usize::from(marker & 7) + 1, usize::from(marker >> 3 & 3) + 1);
    let index = 2 + count * bytes;
    let Some(start) = packet.len().checked_sub(index) else { return single() };
    if packet.get(start) != Some(marker) {
        return single();
    }
    let (mut frames, mut rest) = (Vec::new(), packet.get(..start).unwrap_or_default());
    for entry in packet.get(start + 1..packet.len() - 1).unwrap_or_default().chunks(bytes) {
        let size = entry.iter().rev().fold(0_usize, |size, byte| size << 8 | usize::from(*byte));
        let Some((frame, behind)) = rest.split_at_checked(size) else { return (frames, false) };
        rest = behind;
        if !frame.is_empty() {
            frames.push(frame);
        }
    }
    (frames, rest.iter().all(|byte| *byte == 0))
}

/// Follows a track. By default nothing is known of it.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    config: Option<ColorConfig>,
    /// Of the eight reference slots.
    sizes: [Option<Size>; 8],
    /// Of the last key frame.
    size: Option<Size>,
    generation: u64,
    /// What data is read with, once it is.
    data: Option<Box<DataCheck>>,
}

impl Stream {
    /// The frames of a packet, in decoding order.
    ///
    /// # Errors
    /// A header that cannot be read, a packet without a frame: whatever was in it is lost.
    pub fn packet(&mut self, packet: &[u8]) -> Result<Vec<CodedFrame>, Error> {
        let frames = superframe(packet);
        let outcome = if frames.is_empty() {
            Err(Error { unit: UNIT, field: "frame_marker", bit: 0, kind: ErrorKind::Truncated })
        } else {
            frames.into_iter().map(|frame| self.frame(frame)).collect()
        };
        if let (Err(_), Some(data)) = (&outcome, &mut self.data) {
            data.lose();
        }
        outcome
    }

    /// Reads the data of the frames of a packet. Each packet of a track goes through it, in order and after
    /// [`packet`](Self::packet).
    ///
    /// # Errors
    /// See [`DataCheck::check`].
    pub fn check_data(&mut self, packet: &[u8]) -> Result<(), Error> {
        self.data.get_or_insert_default().check(packet)
    }

    /// What the last key frame said.
    pub fn config(&self) -> Option<&ColorConfig> {
        self.config.as_ref()
    }

    /// The size of the last key frame.
    pub fn size(&self) -> Option<Size> {
        self.size
    }

    /// Goes up when a key frame says something new.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    fn frame(&mut self, frame: &[u8]) -> Result<CodedFrame, Error> {
        let head = match Opening::read(&mut BitReader::plain(UNIT, frame), &self.sizes)? {
            Opening::Shows(slot) => {
                let size = self.sizes.get(usize::from(slot)).copied().flatten();
                return Ok(CodedFrame {
                    shown: true,
                    clean: false,
                    size,
                    uses: 0,
                    refreshes: 0,
                    state: true,
                    shows: Some(slot),
                });
            }
            Opening::Frame(head) => head,
        };
        let (size, key) = (Some(head.size), head.kind == FrameKind::Key);
        if key && (self.config != head.color || self.size != size) {
            (self.config, self.size) = (head.color, size);
            self.generation += 1;
        }
        for (slot, held) in self.sizes.iter_mut().enumerate() {
            if head.refreshes >> slot & 1 == 1 {
                *held = size;
            }
        }
        // The motion vectors of the frame before, and probabilities, outlive a frame that takes no slot: whether the
        // next one uses them, that one says.
        Ok(CodedFrame {
            shown: head.shown,
            clean: key,
            size,
            uses: head.uses(),
            refreshes: head.refreshes,
            state: true,
            shows: None,
        })
    }
}

#[cfg(test)]
mod tests;
