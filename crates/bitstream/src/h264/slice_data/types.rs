//! What macroblock types stand for (H.264 tables 7-11, 7-13, 7-14, 7-17, 7-18).

/// A coded macroblock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MbType {
    /// 4×4 or 8×8 blocks, each with a mode of its own.
    Intra,
    /// The prediction mode, whether all luma blocks have coefficients, and `CodedBlockPatternChroma`.
    Intra16 { mode: u8, luma: bool, chroma: u8 },
    /// Samples as they are.
    Pcm,
    /// `B_Direct_16x16`.
    Direct,
    /// One or two partitions with the lists that each uses, as bits.
    Parts(Shape, [u8; 2]),
    /// Four quarters, each with a type of its own.
    Quarters,
    /// The same, all of them from the first reference (`P_8x8ref0`).
    QuartersOfFirst,
}

/// How a macroblock, or a quarter of one, is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Whole,
    /// One above the other.
    Rows,
    /// Side by side.
    Columns,
    /// Of quarters alone: four.
    Quarters,
}

impl MbType {
    /// Table 7-11.
    pub(super) fn intra(code: u32) -> Option<MbType> {
        Some(match code {
            0 => Self::Intra,
            1..=24 => {
                let code = code as u8 - 1;
                Self::Intra16 { mode: code % 4, luma: code >= 12, chroma: code / 4 % 3 }
            }
            25 => Self::Pcm,
            _ => return None,
        })
    }

    /// Table 7-13, and 7-11 behind it.
    pub(super) fn p(code: u32) -> Option<MbType> {
        Some(match code {
            0 => Self::Parts(Shape::Whole, [1, 0]),
            1 => Self::Parts(Shape::Rows, [1, 1]),
            2 => Self::Parts(Shape::Columns, [1, 1]),
            3 => Self::Quarters,
            4 => Self::QuartersOfFirst,
            _ => return Self::intra(code - 5),
        })
    }

    /// Table 7-14, and 7-11 behind it.
    pub(super) fn b(code: u32) -> Option<MbType> {
        /// The lists of both partitions, for types 4 to 21 in pairs.
        const LISTS: [[u8; 2]; 9] = [[1, 1], [2, 2], [1, 2], [2, 1], [1, 3], [2, 3], [3, 1], [3, 2], [3, 3]];
        Some(match code {
            0 => Self::Direct,
            1..=3 => Self::Parts(Shape::Whole, [code as u8, 0]),
            4..=21 => {
                let shape = if code & 1 == 0 { Shape::Rows } else { Shape::Columns };
                Self::Parts(shape, LISTS[(code as usize - 4) / 2])
            }
            22 => Self::Quarters,
            _ => return Self::intra(code - 23),
        })
    }

    pub(super) fn is_intra(self) -> bool {
        matches!(self, Self::Intra | Self::Intra16 { .. } | Self::Pcm)
    }
}

/// A quarter of a macroblock: how it is cut, and its lists as bits; none where it is direct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quarter {
    pub shape: Shape,
    pub lists: u8,
}

impl Quarter {
    /// Table 7-17.
    pub(super) fn p(code: u32) -> Option<Quarter> {
        const SHAPES: [Shape; 4] = [Shape::Whole, Shape::Rows, Shape::Columns, Shape::Quarters];
        Some(Quarter { shape: *SHAPES.get(code as usize)?, lists: 1 })
    }

    /// Table 7-18.
    pub(super) fn b(code: u32) -> Option<Quarter> {
        const TYPES: [(Shape, u8); 13] = [
            (Shape::Quarters, 0),
            (Shape::Whole, 1),
            (Shape::Whole, 2),
            (Shape::Whole, 3),
            (Shape::Rows, 1),
            (Shape::Columns, 1),
            (Shape::Rows, 2),
            (Shape::Columns, 2),
            (Shape::Rows, 3),
            (Shape::Columns, 3),
            (Shape::Quarters, 1),
            (Shape::Quarters, 2),
            (Shape::Quarters, 3),
        ];
        TYPES.get(code as usize).map(|&(shape, lists)| Quarter { shape, lists })
    }

    pub(super) fn is_direct(self) -> bool {
        self.lists == 0
    }
}
