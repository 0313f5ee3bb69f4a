//! Element IDs (RFC 8794 §5).

use std::fmt;

/// An Element ID with its length marker, as RFC 8794 and RFC 9559 print them: `0x1A45DFA3`.
///
/// Open: IDs that no schema knows are carried like any other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ElementId(pub u32);

impl ElementId {
    /// `EBML`, the header of an EBML Document (RFC 8794 §11.2.1).
    pub const EBML: ElementId = ElementId(0x1A45_DFA3);
    /// `Void` (RFC 8794 §11.3.2), a Global Element.
    pub const VOID: ElementId = ElementId(0xEC);
    /// `CRC-32` (RFC 8794 §11.3.1), a Global Element.
    pub const CRC32: ElementId = ElementId(0xBF);

    /// The one ID in use whose VINT_DATA is all zero. RFC 8794 §5 reserves it, but RFC 9559 gives it to
    /// `ChapterDisplay`, which files with chapters hold, so it is read and written.
    pub(crate) const ALL_ZERO: ElementId = ElementId(0x80);

    /// Bytes that the ID takes, 1 to 4.
    #[inline]
    pub const fn len(self) -> usize {
        match self.0 {
            0..=0xFF => 1,
            0x100..=0xFFFF => 2,
            0x1_0000..=0xFF_FFFF => 3,
            _ => 4,
        }
    }

    /// Whether it is an Element ID (RFC 8794 §5): a length marker at the place that its length wants, VINT_DATA
    /// bits that are neither all zero nor all one, and no shorter way to tell the same. IDs that were parsed are.
    ///
    /// `0x80` counts as one against RFC 8794, since RFC 9559 gives it to `ChapterDisplay`.
    #[inline]
    pub const fn is_valid(self) -> bool {
        if self.0 == ElementId::ALL_ZERO.0 {
            return true;
        }
        let bits = 7 * self.len() as u32;
        let marker = self.0 >> bits;
        let data = self.0 & ((1 << bits) - 1);
        // All ones in one width less is reserved there, so that value alone may be told in the next width.
        let least = if bits > 7 { (1 << (bits - 7)) - 1 } else { 1 };
        marker == 1 && data >= least && data != (1 << bits) - 1
    }

    /// Never: an ID has at least one byte.
    pub const fn is_empty(self) -> bool {
        false
    }

    /// `Void` or `CRC-32`, which may stand in any master element.
    pub const fn is_global(self) -> bool {
        matches!(self, ElementId::VOID | ElementId::CRC32)
    }
}

impl fmt::Debug for ElementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for ElementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:X}", self.0)
    }
}
