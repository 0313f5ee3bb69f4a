//! NAL units behind big-endian lengths (ISO/IEC 14496-15).

/// A packet whose NAL units cannot be told apart to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FramingError {
    /// A length reaches beyond the packet.
    #[error("byte {offset}: a NAL unit of {length} bytes in a packet with {left} left")]
    Overrun {
        /// Where the length stands in the packet.
        offset: usize,
        /// What it says.
        length: usize,
        /// Bytes of the packet after it.
        left: usize,
    },
    /// The packet ends inside a length.
    #[error("byte {offset}: the packet ends inside a length of {size} bytes")]
    CutLength {
        /// Where the length stands in the packet.
        offset: usize,
        /// Bytes that it has.
        size: u8,
    },
    /// No start code in a packet of a stream that has them.
    #[error("no start code in a packet of {bytes} bytes")]
    NoStartCode {
        /// The packet's bytes.
        bytes: usize,
    },
}

/// The NAL units of a packet, without their lengths; empty units are left out. After an error there is nothing
/// more.
///
/// ```
/// use kineframe_bitstream::{FramingError, LengthPrefixedUnits};
///
/// let packet = [0, 2, 0x65, 1, 0, 0, 0, 9, 0x41];
/// let units: Vec<_> = LengthPrefixedUnits::new(&packet, 2).collect();
/// let overrun = FramingError::Overrun { offset: 6, length: 9, left: 1 };
/// assert_eq!(units, [Ok(&[0x65, 1][..]), Err(overrun)]);
/// ```
#[derive(Debug, Clone)]
pub struct LengthPrefixedUnits<'a> {
    bytes: &'a [u8],
    size: u8,
    offset: usize,
}

impl<'a> LengthPrefixedUnits<'a> {
    /// The units of `bytes`, with lengths of `size` bytes (1 to 4; others are brought within).
    pub fn new(bytes: &'a [u8], size: u8) -> Self {
        LengthPrefixedUnits { bytes, size: size.clamp(1, 4), offset: 0 }
    }

    /// As the iterator, but as places in the bytes, and with empty units.
    pub(crate) fn next_range(&mut self) -> Option<Result<std::ops::Range<usize>, FramingError>> {
        let offset = self.offset;
        let rest = self.bytes.get(offset..).filter(|rest| !rest.is_empty())?;
        let size = usize::from(self.size);
        let Some((prefix, body)) = rest.split_at_checked(size) else {
            self.offset = self.bytes.len();
            return Some(Err(FramingError::CutLength { offset, size: self.size }));
        };
        // At most four bytes, so it fits where a slice can be that long.
        let length = prefix.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
        if length > body.len() {
            self.offset = self.bytes.len();
            return Some(Err(FramingError::Overrun { offset, length, left: body.len() }));
        }
        self.offset = offset + size + length;
        Some(Ok(offset + size..self.offset))
    }
}

impl<'a> Iterator for LengthPrefixedUnits<'a> {
    type Item = Result<&'a [u8], FramingError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_range()? {
                Ok(range) if range.is_empty() => {}
                Ok(range) => return Some(Ok(self.bytes.get(range)?)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
