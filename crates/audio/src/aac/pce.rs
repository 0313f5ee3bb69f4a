//! The program config element (ISO/IEC 14496-3 §4.4.1.1), which orders channels where no configuration fits.

use crate::bits::{BitReader, BitWriter};

/// A program config element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element {
    /// As the first element of a raw data block, in whole bytes.
    pub block: Vec<u8>,
    /// Channels that it orders.
    pub channels: u16,
}

/// `ID_PCE` of a raw data block (table 4.85).
const ID_PCE: u32 = 5;

/// Reads one and writes it again behind its identifier: its comment starts at a whole byte, which is another one there.
pub(super) fn read(bits: &mut BitReader<'_>) -> Option<Element> {
    let mut out = BitWriter::default();
    out.put(3, ID_PCE);
    let copy = |bits: &mut BitReader<'_>, out: &mut BitWriter, count| {
        let value = bits.take(count)?;
        out.put(count, value);
        Some(value)
    };
    // Instance tag, object type, sampling frequency index.
    copy(bits, &mut out, 4 + 2 + 4)?;
    let mut front_side_back = [0; 3];
    for count in &mut front_side_back {
        *count = copy(bits, &mut out, 4)?;
    }
    let (lfe, data, coupling) = (copy(bits, &mut out, 2)?, copy(bits, &mut out, 3)?, copy(bits, &mut out, 4)?);
    // Mono mixdown, stereo mixdown, matrix mixdown.
    for len in [4, 4, 3] {
        if copy(bits, &mut out, 1)? == 1 {
            copy(bits, &mut out, len)?;
        }
    }
    let mut channels = lfe;
    for _ in 0..front_side_back.iter().sum() {
        // A pair has two channels.
        channels += 1 + copy(bits, &mut out, 1)?;
        copy(bits, &mut out, 4)?;
    }
    for _ in 0..lfe + data {
        copy(bits, &mut out, 4)?;
    }
    for _ in 0..coupling {
        copy(bits, &mut out, 5)?;
    }
    bits.align();
    out.align();
    let comment = copy(bits, &mut out, 8)?;
    for _ in 0..comment {
        copy(bits, &mut out, 8)?;
    }
    Some(Element { block: out.finish(), channels: u16::try_from(channels).ok()? })
}
