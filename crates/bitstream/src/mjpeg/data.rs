//! Whether the scans of an image are what an encoder makes (T.81 annex F, sequential Huffman coding).
//!
//! Huffman codes find their way back into step soon after damage, so a decoder shows the rest of the image in other places
//! or with other brightness and says nothing. Here all codes are read and nothing is made of them: codes and runs that do
//! not exist, coefficients out of range, restart markers out of turn, and scans that end before their last block or go on
//! behind it. Progressive images are not read.

use kineframe_codec::Size;

use super::tables::DEFAULT_HUFFMAN_TABLES;
use super::{error, scan};
use crate::{Error, ErrorKind};

/// Codes up to this length are looked up at once.
const SHORT: u32 = 9;

/// A Huffman table (annex C).
#[derive(Clone)]
struct Table {
    /// For each beginning of a code: its length and its value, 0 where it is longer.
    short: [(u8, u8); 1 << SHORT],
    /// For each length: the code behind the last one, as high as 16 bits are, and where the last value stands from it.
    longer: [(u32, i32); 17],
    values: Vec<u8>,
}

impl Table {
    /// From the lengths and values of a segment; `None` where there are more codes than bits can tell apart.
    fn new(counts: &[u8; 16], values: &[u8]) -> Option<Table> {
        let mut table = Table { short: [(0, 0); 1 << SHORT], longer: [(0, 0); 17], values: values.to_vec() };
        let (mut code, mut index) = (0_u32, 0_usize);
        for (length, count) in (1..=16_u32).zip(counts) {
            for _ in 0..*count {
                let value = *values.get(index)?;
                index += 1;
                if length <= SHORT {
                    let start = (code << (SHORT - length)) as usize;
                    table.short.get_mut(start..start + (1 << (SHORT - length)))?.fill((length as u8, value));
                }
                code += 1;
            }
            if code > 1 << length {
                return None;
            }
            // Both are small: at most 256 codes.
            table.longer[length as usize] = (code << (16 - length), index as i32 - code as i32);
            code <<= 1;
        }
        Some(table)
    }

    /// The length and value of the code that these 16 bits begin with.
    #[inline]
    fn find(&self, bits: u32) -> Option<(u32, u8)> {
        let (length, value) = self.short[(bits >> (16 - SHORT)) as usize % (1 << SHORT)];
        if length > 0 {
            return Some((length.into(), value));
        }
        let length = (SHORT + 1..=16).find(|length| bits < self.longer[*length as usize % 17].0)?;
        let code = i32::try_from(bits >> (16 - length)).ok()?;
        let index = usize::try_from(code + self.longer[length as usize % 17].1).ok()?;
        Some((length, *self.values.get(index)?))
    }
}

/// Entropy-coded data, the zeros that stand behind each 0xff taken out. Behind the end there are zeros.
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    /// The next bits, from the highest on.
    buffer: u64,
    /// How many of them are there, and how many of these are behind the end.
    have: u32,
    behind: u32,
}

impl Bits<'_> {
    /// The next byte, or `None` at a marker or the end.
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.data.get(self.at)?;
        if byte == 0xff {
            if self.data.get(self.at + 1) != Some(&0) {
                return None;
            }
            self.at += 1;
        }
        self.at += 1;
        Some(byte)
    }

    #[inline]
    fn fill(&mut self) {
        while self.have <= 56 {
            let byte = self.byte();
            self.behind += if byte.is_none() { 8 } else { 0 };
            self.buffer |= u64::from(byte.unwrap_or(0)) << (56 - self.have);
            self.have += 8;
        }
    }

    #[inline]
    fn skip(&mut self, count: u32) {
        self.buffer <<= count;
        self.have -= count;
    }

    /// A code and the bits behind it that it names: its value, and the coefficient (`EXTEND`, §F.2.2.1).
    #[inline]
    fn coefficient(&mut self, table: &Table, field: &'static str, most: u8) -> Result<(u8, i32), Error> {
        if self.have < 32 {
            self.fill();
        }
        let Some((length, value)) = table.find((self.buffer >> 48) as u32) else {
            return Err(error(field, self.at, ErrorKind::Kind));
        };
        self.skip(length);
        let size = value & 15;
        if size > most {
            return Err(error(field, self.at, ErrorKind::Range { value: size.into(), min: 0, max: most.into() }));
        }
        if size == 0 {
            return Ok((value, 0));
        }
        // At most 15 bits.
        let bits = (self.buffer >> (64 - u32::from(size))) as i32;
        self.skip(size.into());
        Ok((value, if bits >> (size - 1) == 0 { bits + 1 - (1 << size) } else { bits }))
    }

    /// Ends the data: where its marker is, and whether nothing is left but what fills up a buffer, zeros or ones.
    fn end(&mut self) -> (usize, bool) {
        let mut left = (self.have - self.behind) / 8;
        self.skip((self.have - self.behind) % 8);
        let mut sound = true;
        while left > 0 {
            sound &= matches!(self.buffer >> 56, 0 | 0xff);
            self.skip(8);
            left -= 1;
        }
        while let Some(byte) = self.byte() {
            sound &= matches!(byte, 0 | 0xff);
        }
        // Fill bytes in front of the marker.
        while self.data.get(self.at..self.at + 2) == Some(&[0xff, 0xff]) {
            self.at += 1;
        }
        (self.at, sound)
    }
}

/// A component of the frame.
#[derive(Clone, Copy)]
struct Component {
    id: u8,
    across: u32,
    down: u32,
    /// It has come in a scan.
    seen: bool,
}

/// What the segments up to a scan have said.
struct Image {
    size: Size,
    depth: u8,
    components: Vec<Component>,
    /// Tables by their number, of DC and of AC coefficients.
    tables: [[Option<Table>; 4]; 2],
    /// MCUs from one restart marker to the next, 0 for none.
    interval: u16,
    /// Where something was left behind the last block of a scan.
    left: Option<usize>,
}

/// Reads the scans of the first image in a packet. Gives the byte at which something is left behind one.
///
/// # Errors
/// The first rule that is broken.
pub(super) fn check(packet: &[u8]) -> Result<Option<usize>, Error> {
    let start = packet.windows(2).position(|pair| pair == [0xff, 0xd8]);
    let mut at = start.ok_or_else(|| error("SOI", 0, ErrorKind::Truncated))? + 2;
    let mut image = Image {
        size: Size { width: 0, height: 0 },
        depth: 8,
        components: Vec::new(),
        tables: Default::default(),
        interval: 0,
        left: None,
    };
    image.tables(DEFAULT_HUFFMAN_TABLES.get(4..).unwrap_or_default(), 0)?;
    loop {
        if packet.get(at..at + 2) == Some(&[0xff, 0xd9]) {
            break;
        }
        let (marker, range) = scan::segment(packet, at)?;
        let body = packet.get(range.start + 4..range.end).unwrap_or_default();
        at = range.end;
        match marker {
            0xc0 | 0xc1 => image.frame(body, range.start)?,
            // Progressive, lossless, arithmetic; a number of lines that comes later.
            0xc2..=0xc3 | 0xc5..=0xcf | 0xdc => return Ok(None),
            0xc4 => image.tables(body, range.start)?,
            0xdd => image.interval = body.first_chunk().map_or(0, |interval| u16::from_be_bytes(*interval)),
            0xda => at = image.scan(body, packet, at)?,
            _ => {}
        }
    }
    match image.components.iter().find(|component| !component.seen) {
        None if !image.components.is_empty() => Ok(image.left),
        missing => Err(error("SOS", at, ErrorKind::Missing(missing.map_or(0, |component| component.id.into())))),
    }
}

impl Image {
    fn frame(&mut self, body: &[u8], at: usize) -> Result<(), Error> {
        let truncated = || error("SOF", at, ErrorKind::Truncated);
        let (head, rest) = body.split_first_chunk::<6>().ok_or_else(truncated)?;
        let [depth, height_high, height_low, width_high, width_low, count] = *head;
        let side = |high, low| u32::from(u16::from_be_bytes([high, low]));
        self.size = Size { width: side(width_high, width_low), height: side(height_high, height_low) };
        self.depth = depth;
        let component = |part: &[u8]| match part {
            [id, sampling, _] => {
                Component { id: *id, across: u32::from(sampling >> 4), down: u32::from(sampling & 15), seen: false }
            }
            _ => Component { id: 0, across: 0, down: 0, seen: false },
        };
        self.components = rest.chunks_exact(3).take(count.min(4).into()).map(component).collect();
        let valid = self.components.iter().all(|part| (1..=4).contains(&part.across) && (1..=4).contains(&part.down));
        if valid && self.components.len() == usize::from(count) { Ok(()) } else { Err(truncated()) }
    }

    fn tables(&mut self, mut body: &[u8], at: usize) -> Result<(), Error> {
        while let Some((which, rest)) = body.split_first() {
            let truncated = || error("DHT", at, ErrorKind::Truncated);
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or_else(truncated)?;
            let total = counts.iter().map(|count| usize::from(*count)).sum();
            let (values, rest) = rest.split_at_checked(total).ok_or_else(truncated)?;
            let place =
                self.tables.get_mut(usize::from(which >> 4)).and_then(|class| class.get_mut(usize::from(which & 15)));
            let table = Table::new(counts, values).ok_or_else(|| error("DHT", at, ErrorKind::Kind))?;
            *place.ok_or_else(|| error("DHT", at, ErrorKind::Kind))? = Some(table);
            body = rest;
        }
        Ok(())
    }

    /// Reads a scan with this header, whose data begin at `at`; where the marker behind it is.
    fn scan(&mut self, header: &[u8], packet: &[u8], at: usize) -> Result<usize, Error> {
        let broken = |kind| error("SOS", at, kind);
        let (count, rest) = header.split_first().ok_or_else(|| broken(ErrorKind::Truncated))?;
        let selectors = rest.get(..2 * usize::from(*count)).ok_or_else(|| broken(ErrorKind::Truncated))?;
        let most = |side: fn(&Component) -> u32| self.components.iter().map(side).max().unwrap_or(1);
        let (across, down) = (most(|part| part.across), most(|part| part.down));
        let alone = *count == 1;
        let mut mcus = u64::from(self.size.width.div_ceil(8 * across)) * u64::from(self.size.height.div_ceil(8 * down));
        // Of each component of an MCU: how many blocks, with which tables.
        let mut parts = Vec::with_capacity(4);
        for selector in selectors.chunks_exact(2).take(4) {
            let &[id, which] = selector else { continue };
            let component = self.components.iter_mut().find(|component| component.id == id);
            let component = component.ok_or_else(|| broken(ErrorKind::Missing(id.into())))?;
            component.seen = true;
            let mut blocks = component.across * component.down;
            if alone {
                let side = |size: u32, own: u32, most: u32| u64::from((size * own).div_ceil(most).div_ceil(8));
                mcus = side(self.size.width, component.across, across) * side(self.size.height, component.down, down);
                blocks = 1;
            }
            let table = |class: usize, which: u8| {
                let table = self.tables.get(class).and_then(|class| class.get(usize::from(which)));
                table.and_then(Option::as_ref).ok_or_else(|| broken(ErrorKind::Missing(which.into())))
            };
            parts.push((blocks, table(0, which >> 4)?, table(1, which & 15)?));
        }
        if parts.is_empty() {
            // Nothing would end the loop below before all MCUs of the frame.
            return Err(broken(ErrorKind::Range { value: 0, min: 1, max: 4 }));
        }
        let limits = if self.depth > 8 { Limits { dc: 15, ac: 14 } } else { Limits { dc: 11, ac: 10 } };
        let mut bits = Bits { data: packet, at, buffer: 0, have: 0, behind: 0 };
        let (mut mean, mut restarts) = ([0_i32; 4], 0_u8);
        for mcu in 0..mcus {
            if self.interval > 0 && mcu > 0 && mcu % u64::from(self.interval) == 0 {
                let (marker, sound) = bits.end();
                if !sound || packet.get(marker + 1) != Some(&(0xd0 | restarts)) {
                    return Err(error("RST", marker, ErrorKind::Kind));
                }
                restarts = (restarts + 1) % 8;
                bits = Bits { data: packet, at: marker + 2, buffer: 0, have: 0, behind: 0 };
                mean = [0; 4];
            }
            for ((blocks, dc, ac), mean) in parts.iter().zip(&mut mean) {
                for _ in 0..*blocks {
                    *mean += block(&mut bits, dc, ac, &limits)?;
                    if mean.unsigned_abs() >> limits.dc > 0 {
                        let max = (1 << limits.dc) - 1;
                        let kind = ErrorKind::Range { value: (*mean).into(), min: -max, max };
                        return Err(error("DC", bits.at, kind));
                    }
                    if bits.behind > bits.have {
                        return Err(error("entropy_coded_segment", bits.at, ErrorKind::Truncated));
                    }
                }
            }
        }
        let (mut end, sound) = bits.end();
        self.left = self.left.or((!sound).then_some(end));
        // A restart marker behind the last MCU says nothing.
        if matches!(packet.get(end + 1), Some(0xd0..=0xd7)) {
            end += 2;
        }
        Ok(end)
    }
}

/// Most bits of coefficients (tables F.1 and F.2, F.6 and F.7).
struct Limits {
    dc: u8,
    ac: u8,
}

/// Reads a block (§F.2.2); by how much its mean differs from that of the block before.
#[inline]
fn block(bits: &mut Bits<'_>, dc: &Table, ac: &Table, limits: &Limits) -> Result<i32, Error> {
    let (_, difference) = bits.coefficient(dc, "DC", limits.dc)?;
    let mut index = 1_u32;
    while index < 64 {
        let (value, coefficient) = bits.coefficient(ac, "AC", limits.ac)?;
        if coefficient != 0 {
            index += u32::from(value >> 4) + 1;
        } else if value == 0 {
            break;
        } else if value == 0xf0 {
            index += 16;
        } else {
            return Err(error("AC", bits.at, ErrorKind::Kind));
        }
    }
    if index <= 64 { Ok(difference) } else { Err(error("AC", bits.at, ErrorKind::Kind)) }
}
