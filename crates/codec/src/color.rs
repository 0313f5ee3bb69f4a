//! What the sample values of a picture mean (ITU-T H.273, the parts that decide R'G'B' codes).

/// Which formula turns Y'CbCr into R'G'B' (`MatrixCoefficients` of H.273 §8.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MatrixCoefficients {
    /// The planes are G, B, R and nothing is to be done (code 0).
    Identity,
    /// BT.601, both the 525-line and the 625-line form (codes 5 and 6): Kr 0.299, Kb 0.114.
    Bt601,
    /// BT.709 (code 1): Kr 0.2126, Kb 0.0722.
    Bt709,
    /// FCC (code 4): Kr 0.30, Kb 0.11.
    Fcc,
    /// SMPTE 240M (code 7): Kr 0.212, Kb 0.087.
    Smpte240,
    /// BT.2020 with non-constant luminance (code 9): Kr 0.2627, Kb 0.0593.
    Bt2020,
    /// A code that this crate has no name for.
    Other(u8),
}

impl MatrixCoefficients {
    /// The matrix for a code point of H.273 table 4; `None` for 2, "unspecified".
    pub fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Identity,
            1 => Self::Bt709,
            2 => return None,
            4 => Self::Fcc,
            5 | 6 => Self::Bt601,
            7 => Self::Smpte240,
            9 => Self::Bt2020,
            other => Self::Other(other),
        })
    }
}

/// Which codes the samples use (`VideoFullRangeFlag` of H.273 §8.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ColorRange {
    /// 16 to 235 for luma and 16 to 240 for chroma, scaled to the bit depth.
    Limited,
    /// Every code.
    Full,
}

/// Where a chroma sample lies among its luma samples (`Chroma420SampleLocType` of H.273 §8.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChromaSiting {
    /// Type 0: on the left luma column, between two lines. The default of H.264 and H.265.
    Left,
    /// Type 1: in the middle of four luma samples, as JPEG has it.
    Center,
    /// Type 2: on the top left luma sample.
    TopLeft,
    /// Type 3: on the top line, between two columns.
    Top,
    /// Type 4: on the bottom line, on the left column.
    BottomLeft,
    /// Type 5: on the bottom line, between two columns.
    Bottom,
}

/// What a stream says about its colours; `None` where it leaves a thing open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ColorSpace {
    /// How Y'CbCr becomes R'G'B'.
    pub matrix: Option<MatrixCoefficients>,
    /// Which codes are used.
    pub range: Option<ColorRange>,
    /// Where chroma samples lie; matters for 4:2:0 and 4:2:2.
    pub siting: Option<ChromaSiting>,
    /// `ColourPrimaries` code of H.273; carried along, never converted.
    pub primaries: Option<u8>,
    /// `TransferCharacteristics` code of H.273; carried along, never converted.
    pub transfer: Option<u8>,
}

impl ColorSpace {
    /// Takes from `fallback` what `self` leaves open.
    pub fn or(self, fallback: ColorSpace) -> ColorSpace {
        ColorSpace {
            matrix: self.matrix.or(fallback.matrix),
            range: self.range.or(fallback.range),
            siting: self.siting.or(fallback.siting),
            primaries: self.primaries.or(fallback.primaries),
            transfer: self.transfer.or(fallback.transfer),
        }
    }

    /// The matrix in force on a picture of `lines` lines: BT.709 from 720 lines up, else BT.601, where the
    /// stream is silent.
    pub fn matrix_or_default(&self, lines: u32) -> MatrixCoefficients {
        self.matrix.unwrap_or(if lines >= 720 { MatrixCoefficients::Bt709 } else { MatrixCoefficients::Bt601 })
    }

    /// The range in force: limited where the stream is silent.
    pub fn range_or_default(&self) -> ColorRange {
        self.range.unwrap_or(ColorRange::Limited)
    }
}
