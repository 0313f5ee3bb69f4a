//! The part of video usability information that H.264 and H.265 share (annex E of either): what comes before timing.

use kineframe_codec::{ChromaSiting, ColorRange, ColorSpace, MatrixCoefficients};

use crate::{BitReader, Error};

/// Aspect and colour, as the video usability information of an SPS states them. Fields that the stream leaves out are `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub struct Usability {
    /// Width to height of a sample, where both are stated and not 0.
    pub sample_aspect_ratio: Option<(u16, u16)>,
    /// `video_full_range_flag`.
    pub full_range: Option<bool>,
    /// `colour_primaries`, a code of H.273; 2 is "unspecified".
    pub primaries: Option<u8>,
    /// `transfer_characteristics`, a code of H.273; 2 is "unspecified".
    pub transfer: Option<u8>,
    /// `matrix_coefficients`, a code of H.273; 2 is "unspecified".
    pub matrix: Option<u8>,
    /// `chroma_sample_loc_type_top_field`, 0 to 5.
    pub chroma_location: Option<u8>,
}

/// Sample aspect ratios of table E-1, from `aspect_ratio_idc` 1 on.
const RATIOS: [(u16, u16); 16] = [
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];

impl Usability {
    /// Reads from the first element up to `chroma_sample_loc_type_bottom_field`. What was read before an error stands.
    pub(crate) fn fill(&mut self, bits: &mut BitReader<'_>) -> Result<(), Error> {
        if bits.flag("aspect_ratio_info_present_flag")? {
            let idc = bits.byte(8, "aspect_ratio_idc")?;
            let ratio = if idc == 255 {
                Some((bits.bits(16, "sar_width")? as u16, bits.bits(16, "sar_height")? as u16))
            } else {
                usize::from(idc).checked_sub(1).and_then(|index| RATIOS.get(index)).copied()
            };
            self.sample_aspect_ratio = ratio.filter(|(width, height)| *width > 0 && *height > 0);
        }
        if bits.flag("overscan_info_present_flag")? {
            bits.flag("overscan_appropriate_flag")?;
        }
        if bits.flag("video_signal_type_present_flag")? {
            bits.bits(3, "video_format")?;
            self.full_range = Some(bits.flag("video_full_range_flag")?);
            if bits.flag("colour_description_present_flag")? {
                self.primaries = Some(bits.byte(8, "colour_primaries")?);
                self.transfer = Some(bits.byte(8, "transfer_characteristics")?);
                self.matrix = Some(bits.byte(8, "matrix_coefficients")?);
            }
        }
        if bits.flag("chroma_loc_info_present_flag")? {
            self.chroma_location = Some(bits.ue_max("chroma_sample_loc_type_top_field", 5)? as u8);
            bits.ue_max("chroma_sample_loc_type_bottom_field", 5)?;
        }
        Ok(())
    }

    /// What it says about colour; codes 2, "unspecified", stay open.
    pub fn color(&self) -> ColorSpace {
        ColorSpace {
            matrix: self.matrix.and_then(MatrixCoefficients::from_code),
            range: self.full_range.map(|full| if full { ColorRange::Full } else { ColorRange::Limited }),
            siting: self.chroma_location.and_then(siting),
            primaries: self.primaries.filter(|code| *code != 2),
            transfer: self.transfer.filter(|code| *code != 2),
        }
    }
}

/// The siting of a `chroma_sample_loc_type` (figure E-1).
fn siting(code: u8) -> Option<ChromaSiting> {
    Some(match code {
        0 => ChromaSiting::Left,
        1 => ChromaSiting::Center,
        2 => ChromaSiting::TopLeft,
        3 => ChromaSiting::Top,
        4 => ChromaSiting::BottomLeft,
        5 => ChromaSiting::Bottom,
        _ => return None,
    })
}
