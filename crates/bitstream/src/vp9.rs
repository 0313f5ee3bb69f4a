//! VP9: superframes and the uncompressed header (VP9 Bitstream & Decoding Process Specification 0.6, §6.2 and annex B).

use bytes::Bytes;
use kineframe_codec::{
    BitDepth, ChromaSampling, ChromaSiting, Codec, CodecParameters, ColorRange, ColorSpace, MatrixCoefficients,
    PixelFormat, Size,
};

use crate::frames::CodedFrame;
use crate::{BitReader, Error, ErrorKind};

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
    let whole = || if packet.is_empty() { Vec::new() } else { vec![packet] };
    let Some(marker) = packet.last().filter(|marker| *marker >> 5 == 0b110) else { return whole() };
    let (count, bytes) = (usize::from(marker & 7) + 1, usize::from(marker >> 3 & 3) + 1);
    let index = 2 + count * bytes;
    let Some(start) = packet.len().checked_sub(index) else { return whole() };
    if packet.get(start) != Some(marker) {
        return whole();
    }
    let (mut frames, mut at) = (Vec::new(), 0_usize);
    for entry in packet.get(start + 1..packet.len() - 1).unwrap_or_default().chunks(bytes) {
        let size = entry.iter().rev().fold(0_usize, |size, byte| size << 8 | usize::from(*byte));
        let Some(frame) = at.checked_add(size).filter(|end| *end <= start).and_then(|end| packet.get(at..end)) else {
            break;
        };
        at += size;
        if !frame.is_empty() {
            frames.push(frame);
        }
    }
    frames
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
}

impl Stream {
    /// The frames of a packet, in decoding order.
    ///
    /// # Errors
    /// A header that cannot be read, a packet without a frame: whatever was in it is lost.
    pub fn packet(&mut self, packet: &[u8]) -> Result<Vec<CodedFrame>, Error> {
        let frames = superframe(packet);
        if frames.is_empty() {
            return Err(Error { unit: UNIT, field: "frame_marker", bit: 0, kind: ErrorKind::Truncated });
        }
        frames.into_iter().map(|frame| self.frame(frame)).collect()
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
        let mut bits = BitReader::plain(UNIT, frame);
        let marker = bits.byte(2, "frame_marker")?;
        bits.within("frame_marker", marker, 2, 2)?;
        let profile = bits.byte(1, "profile_low_bit")? | bits.byte(1, "profile_high_bit")? << 1;
        if profile == 3 {
            zero(&mut bits)?;
        }
        if bits.flag("show_existing_frame")? {
            let slot = bits.byte(3, "frame_to_show_map_idx")?;
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
        let key = !bits.flag("frame_type")?;
        let shown = bits.flag("show_frame")?;
        let resilient = bits.flag("error_resilient_mode")?;
        let (mut uses, mut refreshes) = (0, 0xff);
        let size = if key {
            sync(&mut bits)?;
            let config = color_config(&mut bits, profile)?;
            let size = frame_size(&mut bits)?;
            if self.config != Some(config) || self.size != Some(size) {
                (self.config, self.size) = (Some(config), Some(size));
                self.generation += 1;
            }
            size
        } else {
            let intra_only = !shown && bits.flag("intra_only")?;
            if !resilient {
                bits.bits(2, "reset_frame_context")?;
            }
            if intra_only {
                sync(&mut bits)?;
                if profile > 0 {
                    color_config(&mut bits, profile)?;
                }
                refreshes = bits.byte(8, "refresh_frame_flags")?;
                frame_size(&mut bits)?
            } else {
                refreshes = bits.byte(8, "refresh_frame_flags")?;
                let mut slots = [0; 3];
                for slot in &mut slots {
                    *slot = bits.byte(3, "ref_frame_idx")?;
                    uses |= 1 << *slot;
                    bits.flag("ref_frame_sign_bias")?;
                }
                self.size_with_refs(&mut bits, slots)?
            }
        };
        for (slot, held) in self.sizes.iter_mut().enumerate() {
            if refreshes >> slot & 1 == 1 {
                *held = Some(size);
            }
        }
        // The motion vectors of the frame before, and probabilities, outlive a frame that takes no slot: whether the
        // next one uses them, that one says.
        Ok(CodedFrame { shown, clean: key, size: Some(size), uses, refreshes, state: true, shows: None })
    }

    /// `frame_size_with_refs()` (§6.2.2.2).
    fn size_with_refs(&self, bits: &mut BitReader<'_>, slots: [u8; 3]) -> Result<Size, Error> {
        for slot in slots {
            if bits.flag("found_ref")? {
                let held = self.sizes.get(usize::from(slot)).copied().flatten();
                return held.ok_or_else(|| bits.error("found_ref", ErrorKind::Missing(slot.into())));
            }
        }
        frame_size(bits)
    }
}

fn zero(bits: &mut BitReader<'_>) -> Result<(), Error> {
    let bit = bits.byte(1, "reserved_zero")?;
    bits.within("reserved_zero", bit, 0, 0).map(drop)
}

fn sync(bits: &mut BitReader<'_>) -> Result<(), Error> {
    let code = bits.bits(24, "frame_sync_code")?;
    bits.within("frame_sync_code", code, 0x49_8342, 0x49_8342).map(drop)
}

fn frame_size(bits: &mut BitReader<'_>) -> Result<Size, Error> {
    let width = bits.bits(16, "frame_width_minus_1")? + 1;
    Ok(Size { width, height: bits.bits(16, "frame_height_minus_1")? + 1 })
}

/// `color_config()` (§6.2.2.1).
fn color_config(bits: &mut BitReader<'_>, profile: u8) -> Result<ColorConfig, Error> {
    let depth = match profile {
        2.. if bits.flag("ten_or_twelve_bit")? => 12,
        2.. => 10,
        _ => 8,
    };
    let space = bits.bits(3, "color_space")?;
    let full_chroma = profile & 1 == 1;
    let (range, subsampling) = if space == 7 {
        if !full_chroma {
            return Err(bits.error("color_space", ErrorKind::Kind));
        }
        zero(bits)?;
        (ColorRange::Full, Subsampling::Usual(ChromaSampling::Yuv444))
    } else {
        let range = if bits.flag("color_range")? { ColorRange::Full } else { ColorRange::Limited };
        let mut subsampling = Subsampling::Usual(ChromaSampling::Yuv420);
        if full_chroma {
            subsampling = match (bits.flag("subsampling_x")?, bits.flag("subsampling_y")?) {
                (true, true) => return Err(bits.error("subsampling_y", ErrorKind::Kind)),
                (true, false) => Subsampling::Usual(ChromaSampling::Yuv422),
                (false, true) => Subsampling::Yuv440,
                (false, false) => Subsampling::Usual(ChromaSampling::Yuv444),
            };
            zero(bits)?;
        }
        (range, subsampling)
    };
    let matrix = match space {
        1 | 3 => Some(MatrixCoefficients::Bt601),
        2 => Some(MatrixCoefficients::Bt709),
        4 => Some(MatrixCoefficients::Smpte240),
        5 => Some(MatrixCoefficients::Bt2020),
        7 => Some(MatrixCoefficients::Identity),
        _ => None,
    };
    // Chroma lies as in MPEG-2 where nothing else is said.
    let siting = (subsampling == Subsampling::Usual(ChromaSampling::Yuv420)).then_some(ChromaSiting::Left);
    let color = ColorSpace { matrix, range: Some(range), siting, primaries: None, transfer: None };
    Ok(ColorConfig { profile, depth, subsampling, color })
}

#[cfg(test)]
mod tests;
