//! The coefficients of a macroblock (RFC 6386 §13).

use super::bool_decoder::BoolDecoder;

/// Odds by type of block, band, what lies around, and node of the tree.
pub(super) type Coefficients = [[[[u8; 11]; 3]; 8]; 4];

/// Odds of one type of block, by the place of the coefficient in place of its band.
type Plane = [[[u8; 11]; 3]; 16];

/// The band of each place (§13.3).
const BANDS: [u8; 16] = [0, 1, 2, 3, 6, 4, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7];

/// What the blocks of one macroblock leave for the contexts of those next to it: 1 where they have coefficients.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Context {
    luma: [u8; 4],
    chroma: [[u8; 2]; 2],
    y2: u8,
}

impl Context {
    /// A macroblock without coefficients; one without a block of luma DCs leaves what is known of those (§13.3).
    pub(super) fn skip(&mut self, has_y2: bool) {
        let y2 = if has_y2 { 0 } else { self.y2 };
        *self = Context { y2, ..Context::default() };
    }
}

/// A coefficient beyond what the last category holds (§13.2: 67 to 2048).
#[derive(Debug)]
pub(super) struct TooLarge(pub(super) u16);

/// The odds of a frame, ready to be read with.
#[derive(Debug, Clone)]
pub(super) struct Tokens {
    luma_behind_y2: Plane,
    y2: Plane,
    chroma: Plane,
    luma: Plane,
}

impl Default for Tokens {
    fn default() -> Self {
        let none = [[[0; 11]; 3]; 16];
        Tokens { luma_behind_y2: none, y2: none, chroma: none, luma: none }
    }
}

impl Tokens {
    pub(super) fn set(&mut self, coefficients: &Coefficients) {
        let [behind_y2, y2, chroma, luma] = coefficients;
        let planes = [&mut self.luma_behind_y2, &mut self.y2, &mut self.chroma, &mut self.luma];
        for (plane, bands) in planes.into_iter().zip([behind_y2, y2, chroma, luma]) {
            for (place, band) in plane.iter_mut().zip(BANDS) {
                // A constant, and less than 8.
                *place = bands[usize::from(band)];
            }
        }
    }

    /// Reads the blocks of a macroblock.
    pub(super) fn macroblock(
        &self,
        bits: &mut BoolDecoder<'_>,
        above: &mut Context,
        left: &mut Context,
        has_y2: bool,
    ) -> Result<(), TooLarge> {
        let (luma, first) = if has_y2 {
            let any = block(bits, &self.y2, 0, above.y2 + left.y2)?;
            (above.y2, left.y2) = (any, any);
            (&self.luma_behind_y2, 1)
        } else {
            (&self.luma, 0)
        };
        for left in &mut left.luma {
            for above in &mut above.luma {
                let any = block(bits, luma, first, *above + *left)?;
                (*above, *left) = (any, any);
            }
        }
        for (above, left) in above.chroma.iter_mut().zip(&mut left.chroma) {
            for left in left {
                for above in &mut *above {
                    let any = block(bits, &self.chroma, 0, *above + *left)?;
                    (*above, *left) = (any, any);
                }
            }
        }
        Ok(())
    }
}

/// Reads a block from this place on; 1 where it has a token before its end.
fn block(bits: &mut BoolDecoder<'_>, plane: &Plane, first: usize, context: u8) -> Result<u8, TooLarge> {
    let mut places = plane.iter().skip(first);
    let Some(place) = places.next() else { return Ok(0) };
    let mut odds = match context {
        0 => &place[0],
        1 => &place[1],
        _ => &place[2],
    };
    if !bits.read(odds[0]) {
        return Ok(0);
    }
    loop {
        // Behind a zero the block cannot end.
        while !bits.read(odds[1]) {
            let Some(place) = places.next() else { return Ok(1) };
            odds = &place[0];
        }
        let large = bits.read(odds[2]);
        if large {
            magnitude(bits, odds)?;
        }
        bits.flag();
        let Some(place) = places.next() else { return Ok(1) };
        odds = if large { &place[2] } else { &place[1] };
        if !bits.read(odds[0]) {
            return Ok(1);
        }
    }
}

/// What is behind "more than one" (§13.2).
#[inline(always)]
fn magnitude(bits: &mut BoolDecoder<'_>, odds: &[u8; 11]) -> Result<(), TooLarge> {
    if !bits.read(odds[3]) {
        if bits.read(odds[4]) {
            bits.read(odds[5]);
        }
        return Ok(());
    }
    let extra: &[u8] = if !bits.read(odds[6]) {
        if bits.read(odds[7]) { &[165, 145] } else { &[159] }
    } else if !bits.read(odds[8]) {
        if bits.read(odds[9]) { &[176, 155, 140, 135] } else { &[173, 148, 140] }
    } else if !bits.read(odds[10]) {
        &[180, 157, 141, 134, 130]
    } else {
        let extra = [254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129];
        let value = 67 + extra.into_iter().fold(0_u16, |value, odds| value << 1 | u16::from(bits.read(odds)));
        return if value <= 2048 { Ok(()) } else { Err(TooLarge(value)) };
    };
    for odds in extra {
        bits.read(*odds);
    }
    Ok(())
}
