//! Syntax elements in CAVLC (H.264 §9.1, §9.2).

use std::sync::LazyLock;

use super::super::SliceType;
use super::cavlc_tables::{COEFF_TOKEN, Code, RUN_BEFORE, TOTAL_ZEROS, TOTAL_ZEROS_2X2, TOTAL_ZEROS_2X4};
use super::macroblock::{Block, Entropy};
use super::state::{Mb, Near, Slice, place};
use super::types::{MbType, Quarter};
use crate::{Error, ErrorKind};

/// `coded_block_pattern` by code number (table 9-4 a): of intra macroblocks, of others.
#[rustfmt::skip]
const PATTERNS: [[u8; 48]; 2] = [
    [
        47, 31, 15, 0, 23, 27, 29, 30, 7, 11, 13, 14, 39, 43, 45, 46, 16, 3, 5, 10, 12, 19, 21, 26,
        28, 35, 37, 42, 44, 1, 2, 4, 8, 17, 18, 20, 24, 6, 9, 22, 25, 32, 33, 34, 36, 40, 38, 41,
    ],
    [
        0, 16, 1, 2, 4, 8, 32, 3, 5, 10, 12, 15, 47, 7, 11, 13, 14, 6, 9, 31, 35, 37, 42, 44,
        33, 34, 36, 40, 39, 43, 45, 46, 17, 18, 20, 24, 19, 21, 26, 28, 23, 27, 29, 30, 22, 25, 38, 41,
    ],
];

/// The same without chroma (table 9-4 b).
const PATTERNS_LUMA: [[u8; 16]; 2] =
    [[15, 0, 7, 11, 13, 14, 3, 5, 10, 12, 1, 2, 4, 8, 6, 9], [0, 1, 2, 4, 8, 3, 5, 10, 12, 15, 7, 11, 13, 14, 6, 9]];

/// A table of codes: length and value by the next eight bits, and the codes that are longer.
struct Table {
    short: [(u8, u8); 256],
    long: Vec<Code>,
}

impl Table {
    fn new(codes: &[Code]) -> Self {
        let mut table = Table { short: [(0, 0); 256], long: Vec::new() };
        for &(length, word, value) in codes {
            if length > 8 {
                table.long.push((length, word, value));
                continue;
            }
            let first = usize::from(word) << (8 - length);
            table.short.iter_mut().skip(first).take(1 << (8 - length)).for_each(|entry| *entry = (length, value));
        }
        table
    }
}

struct Tables {
    coeff_token: Vec<Table>,
    total_zeros: [Vec<Table>; 3],
    run_before: Vec<Table>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let tables = |codes: &[&[Code]]| codes.iter().map(|codes| Table::new(codes)).collect::<Vec<_>>();
    Tables {
        coeff_token: tables(&COEFF_TOKEN),
        total_zeros: [tables(&TOTAL_ZEROS), tables(&TOTAL_ZEROS_2X2), tables(&TOTAL_ZEROS_2X4)],
        run_before: tables(&RUN_BEFORE),
    }
});

/// Reads macroblocks of a slice. Behind the data there are zeros; [`position`](Self::position) tells.
pub(super) struct Cavlc<'a> {
    data: &'a [u8],
    bit: u64,
}

impl<'a> Cavlc<'a> {
    /// Begins at this bit of `data`.
    pub(super) fn new(data: &'a [u8], bit: u64) -> Self {
        Cavlc { data, bit }
    }

    /// The bit after the last one read.
    pub(super) fn position(&self) -> u64 {
        self.bit
    }

    /// The next 32 bits.
    fn peek(&self) -> u32 {
        let from = usize::try_from(self.bit / 8).unwrap_or(usize::MAX);
        let rest = self.data.get(from..).unwrap_or_default();
        let bytes = match rest.first_chunk::<8>() {
            Some(bytes) => *bytes,
            None => std::array::from_fn(|index| rest.get(index).copied().unwrap_or(0)),
        };
        (u64::from_be_bytes(bytes) << (self.bit % 8) >> 32) as u32
    }

    /// The next `count` bits, at most 32.
    fn bits(&mut self, count: u32) -> u32 {
        let value = if count == 0 { 0 } else { self.peek() >> (32 - count) };
        self.bit += u64::from(count);
        value
    }

    pub(super) fn ue(&mut self, field: &'static str) -> Result<u32, Error> {
        let zeros = self.peek().leading_zeros();
        if zeros > 30 {
            return Err(self.error(field, ErrorKind::Golomb));
        }
        self.bits(zeros);
        Ok(self.bits(zeros + 1) - 1)
    }

    fn se(&mut self, field: &'static str) -> Result<i32, Error> {
        let code = self.ue(field)?;
        let magnitude = code.div_ceil(2) as i32;
        Ok(if code % 2 == 1 { magnitude } else { -magnitude })
    }

    fn code(&mut self, table: Option<&Table>, field: &'static str) -> Result<u8, Error> {
        let next = self.peek();
        if let Some(table) = table {
            let (length, value) = table.short[(next >> 24) as usize % 256];
            if length > 0 {
                self.bit += u64::from(length);
                return Ok(value);
            }
            for &(length, word, value) in &table.long {
                if next >> (32 - u32::from(length)) == u32::from(word) {
                    self.bit += u64::from(length);
                    return Ok(value);
                }
            }
        }
        Err(self.error(field, ErrorKind::Kind))
    }

    /// The levels of a block (§9.2.2).
    fn levels(&mut self, slice: &Slice, total: u8, ones: u8) -> Result<(), Error> {
        self.bits(ones.into());
        let mut length = u32::from(total > 10 && ones < 3);
        for index in ones..total {
            let prefix = self.peek().leading_zeros();
            if prefix > 25 {
                return Err(self.error("level_prefix", ErrorKind::Golomb));
            }
            self.bits(prefix + 1);
            let size = match prefix {
                0..=13 => length,
                14 if length == 0 => 4,
                14 => length,
                _ => prefix - 3,
            };
            let mut code = (prefix.min(15) << length) + self.bits(size);
            if prefix >= 15 && length == 0 {
                code += 15;
            }
            if prefix >= 16 {
                code += (1 << (prefix - 3)) - 4096;
            }
            if index == ones && ones < 3 {
                code += 2;
            }
            let level = code / 2 + 1;
            self.within("level", level.into(), 1, slice.level_max.into())?;
            if length == 0 {
                length = 1;
            }
            if level > 3 << (length - 1) && length < 6 {
                length += 1;
            }
        }
        Ok(())
    }

    /// `residual_block_cavlc()` of at most so many coefficients, by a table of `coeff_token`. How many there are.
    fn block(&mut self, slice: &Slice, token: usize, most: u8) -> Result<u8, Error> {
        let tables = &*TABLES;
        let token = self.code(tables.coeff_token.get(token), "coeff_token")?;
        let (total, ones) = (token / 4, token % 4);
        self.within("coeff_token", total.into(), 0, most.into())?;
        if total == 0 {
            return Ok(0);
        }
        self.levels(slice, total, ones)?;
        let mut zeros = 0;
        if total < most {
            let kind = match most {
                4 => 1,
                8 => 2,
                _ => 0,
            };
            let table = tables.total_zeros.get(kind).and_then(|tables| tables.get(usize::from(total) - 1));
            zeros = self.code(table, "total_zeros")?;
            self.within("total_zeros", zeros.into(), 0, (most - total).into())?;
        }
        for _ in 1..total {
            if zeros == 0 {
                break;
            }
            let run = self.code(tables.run_before.get(usize::from(zeros.min(7)) - 1), "run_before")?;
            self.within("run_before", run.into(), 0, zeros.into())?;
            zeros -= run;
        }
        Ok(total)
    }
}

/// The table of `coeff_token` for nC (§9.2.1) out of what the blocks on the left and above have.
fn token_table(left: Option<u8>, above: Option<u8>) -> usize {
    let count = match (left, above) {
        (Some(left), Some(above)) => (left + above).div_ceil(2),
        (one, other) => one.or(other).unwrap_or(0),
    };
    match count {
        0 | 1 => 0,
        2 | 3 => 1,
        4..=7 => 2,
        _ => 3,
    }
}

impl Entropy for Cavlc<'_> {
    const WHOLE_8X8: bool = false;

    fn error(&self, field: &'static str, kind: ErrorKind) -> Error {
        Error { unit: "slice data", field, bit: self.bit, kind }
    }

    fn mb_type(&mut self, slice: &Slice, _: &Near<'_>) -> Result<MbType, Error> {
        let code = self.ue("mb_type")?;
        let kind = match slice.kind {
            SliceType::P | SliceType::Sp => MbType::p(code),
            SliceType::B => MbType::b(code),
            SliceType::I | SliceType::Si => MbType::intra(code),
        };
        kind.ok_or_else(|| self.error("mb_type", ErrorKind::Kind))
    }

    fn quarter(&mut self, slice: &Slice) -> Result<Quarter, Error> {
        let code = self.ue("sub_mb_type")?;
        let quarter = if slice.kind == SliceType::B { Quarter::b(code) } else { Quarter::p(code) };
        quarter.ok_or_else(|| self.error("sub_mb_type", ErrorKind::Kind))
    }

    fn transform_8x8(&mut self, _: &Near<'_>) -> Result<bool, Error> {
        Ok(self.bits(1) == 1)
    }

    fn intra_mode(&mut self) -> Result<Option<u8>, Error> {
        Ok(if self.bits(1) == 1 { None } else { Some(self.bits(3) as u8) })
    }

    fn chroma_mode(&mut self, _: &Near<'_>) -> Result<u8, Error> {
        let mode = self.ue("intra_chroma_pred_mode")?;
        self.within("intra_chroma_pred_mode", mode.into(), 0, 3)?;
        Ok(mode as u8)
    }

    fn ref_idx(&mut self, _: &Near<'_>, _: &Mb, _: usize, _: usize, active: u8) -> Result<u32, Error> {
        if active == 2 { Ok(1 - self.bits(1)) } else { self.ue("ref_idx") }
    }

    fn mvd(&mut self, _: &Near<'_>, _: &Mb, _: usize, _: usize, _: usize) -> Result<[u8; 2], Error> {
        self.se("mvd")?;
        self.se("mvd")?;
        Ok([0; 2])
    }

    fn coded_block_pattern(&mut self, slice: &Slice, _: &Near<'_>, intra: bool) -> Result<u8, Error> {
        let code = self.ue("coded_block_pattern")? as usize;
        let column = usize::from(!intra);
        let pattern =
            if slice.chroma_blocks > 0 { PATTERNS[column].get(code) } else { PATTERNS_LUMA[column].get(code) };
        pattern.copied().ok_or_else(|| self.error("coded_block_pattern", ErrorKind::Kind))
    }

    fn qp_delta(&mut self) -> Result<i32, Error> {
        self.se("mb_qp_delta")
    }

    fn no_qp_delta(&mut self) {}

    fn pcm(&mut self, bits: u64) -> Result<(), Error> {
        let alignment = (8 - self.bit % 8) % 8;
        if self.bits(alignment as u32) != 0 {
            return Err(self.error("pcm_alignment_zero_bit", ErrorKind::Kind));
        }
        self.bit = self.bit.saturating_add(bits);
        Ok(())
    }

    fn residual(&mut self, slice: &Slice, near: &Near<'_>, mb: &Mb, block: Block) -> Result<u8, Error> {
        let luma = |block: usize| {
            let (x, y) = place(block);
            let count = |place: Option<(&Mb, usize)>| place.map(|(mb, index)| mb.luma[index % 16]);
            token_table(count(near.left_of(mb, x, y)), count(near.above_of(mb, x, y)))
        };
        let (table, most) = match block {
            Block::LumaDc => (luma(0), 16),
            Block::LumaAc(block) => (luma(block), 15),
            Block::Luma(block) | Block::Luma8(block) => (luma(block), 16),
            Block::ChromaDc(_) => (if slice.chroma_blocks == 8 { 5 } else { 4 }, slice.chroma_blocks as u8),
            Block::ChromaAc(plane, block) => {
                let count = |mb: &Mb, block: usize| mb.chroma[plane % 2][block % 8];
                let left =
                    if block & 1 == 1 { Some(count(mb, block - 1)) } else { near.left.map(|mb| count(mb, block + 1)) };
                let above = if block > 1 {
                    Some(count(mb, block - 2))
                } else {
                    near.above.map(|mb| count(mb, slice.chroma_blocks.saturating_sub(2) + block))
                };
                (token_table(left, above), 15)
            }
        };
        self.block(slice, table, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_begins_another() {
        let sets = [&COEFF_TOKEN[..], &TOTAL_ZEROS, &TOTAL_ZEROS_2X2, &TOTAL_ZEROS_2X4, &RUN_BEFORE];
        for codes in sets.into_iter().flatten() {
            let words: Vec<String> = codes
                .iter()
                .map(|&(length, word, _)| format!("{word:0width$b}", width = usize::from(length)))
                .collect();
            for (index, word) in words.iter().enumerate() {
                let others = words.iter().enumerate().filter(|(other, _)| *other != index);
                assert!(others.map(|(_, other)| other).all(|other| !other.starts_with(word.as_str())), "{word}");
            }
        }
    }

    #[test]
    fn every_pattern_has_one_code() {
        for patterns in PATTERNS {
            let mut sorted = patterns;
            sorted.sort_unstable();
            assert!(sorted.iter().copied().eq(0..48));
        }
        for patterns in PATTERNS_LUMA {
            let mut sorted = patterns;
            sorted.sort_unstable();
            assert!(sorted.iter().copied().eq(0..16));
        }
    }

    #[test]
    fn numbers_end_with_the_data() {
        let mut bits = Cavlc::new(&[0b0001_0111], 0);
        assert_eq!(bits.ue("x"), Ok(10));
        assert_eq!(bits.position(), 7);
        assert_eq!(bits.ue("x"), Ok(0));
        assert!(bits.ue("x").is_err(), "zeros without end");
    }
}
