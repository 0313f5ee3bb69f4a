//! The arithmetic decoder of CABAC (H.264 §9.3.1.2, §9.3.3.2).

use super::cabac_tables::{CONTEXTS, INIT, NEXT_LPS, RANGE_LPS};

/// A context: the state of its probability times 2, and the more probable symbol.
type Context = u8;

/// For each state: `rangeTabLPS` of the four quarters of the range, in the bytes of a word.
const RANGES: [u32; 64] = {
    let mut table = [0; 64];
    let mut state = 0;
    while state < 64 {
        table[state] = u32::from_le_bytes(RANGE_LPS[state]);
        state += 1;
    }
    table
};

/// The next context after the less probable symbol, and after the more probable one.
const NEXT: [[Context; 2]; 128] = {
    let mut table = [[0; 2]; 128];
    let mut context = 0;
    while context < 128 {
        let (state, symbol) = (context / 2, context as u8 % 2);
        let flipped = if state == 0 { 1 - symbol } else { symbol };
        let more = if state >= 62 { state } else { state + 1 };
        table[context] = [NEXT_LPS[state] * 2 + flipped, more as u8 * 2 + symbol];
        context += 1;
    }
    table
};

/// Contexts in the state's array: a power of two, so that no index is beyond it.
const SLOTS: usize = 512;

/// Reads bins from slice data. Behind its end there are zeros; [`position`](Self::position) tells.
pub(super) struct Arithmetic<'a> {
    data: &'a [u8],
    /// The next byte to take.
    next: usize,
    /// `codIOffset`, and below it `ahead` bits of the data that are not read yet.
    value: u64,
    ahead: u32,
    /// `codIRange`.
    range: u32,
    contexts: [Context; SLOTS],
}

impl<'a> Arithmetic<'a> {
    /// Begins at a byte of `data`, with the contexts of `model`: 0 for I slices, otherwise `cabac_init_idc` + 1.
    pub(super) fn new(data: &'a [u8], start: usize, model: usize, qp: i32) -> Self {
        let mut contexts = [0; SLOTS];
        let qp = qp.clamp(0, 51);
        for (context, (m, n)) in contexts.iter_mut().zip(INIT[model.min(3)]) {
            let state = (((i32::from(m) * qp) >> 4) + i32::from(n)).clamp(1, 126);
            *context = if state <= 63 { (63 - state) * 2 } else { (state - 64) * 2 + 1 } as Context;
        }
        const { assert!(CONTEXTS <= SLOTS) };
        let mut decoder = Arithmetic { data, next: start, value: 0, ahead: 0, range: 0, contexts };
        decoder.restart(start);
        decoder
    }

    /// Begins again at a byte, with the contexts as they are.
    pub(super) fn restart(&mut self, byte: usize) {
        self.next = byte;
        (self.value, self.ahead, self.range) = (0, 0, 510);
        self.value = self.take();
        self.ahead = 32 - 9;
    }

    /// The bit after the last one read.
    pub(super) fn position(&self) -> u64 {
        (self.next as u64 * 8).saturating_sub(self.ahead.into())
    }

    pub(super) fn data(&self) -> &'a [u8] {
        self.data
    }

    #[inline]
    fn take(&mut self) -> u64 {
        let bytes = match self.data.get(self.next..).and_then(|rest| rest.first_chunk::<4>()) {
            Some(bytes) => *bytes,
            None => std::array::from_fn(|index| self.data.get(self.next + index).copied().unwrap_or(0)),
        };
        self.next += 4;
        u32::from_be_bytes(bytes).into()
    }

    /// Leaves at least 8 bits ahead, as many as one bin can want.
    #[inline]
    fn fill(&mut self) {
        if self.ahead < 8 {
            self.value = self.value << 32 | self.take();
            self.ahead += 32;
        }
    }

    /// `DecodeDecision`.
    #[inline]
    pub(super) fn bin(&mut self, context: usize) -> bool {
        let slot = &mut self.contexts[context % SLOTS];
        let state = *slot & 127;
        let less = RANGES[usize::from(state >> 1)] >> (8 * (self.range >> 6 & 3)) & 0xff;
        let more = self.range - less;
        let bound = u64::from(more) << self.ahead;
        let is_more = self.value < bound;
        // Without branches: which of the two it is cannot be foreseen.
        let mask = u64::from(is_more).wrapping_sub(1);
        self.value -= bound & mask;
        let range = if is_more { more } else { less };
        *slot = NEXT[usize::from(state)][usize::from(is_more)];
        let shift = range.leading_zeros() - 23;
        self.range = range << shift;
        self.ahead -= shift;
        self.fill();
        (state & 1 == 1) == is_more
    }

    /// `DecodeBypass`.
    #[inline]
    pub(super) fn bypass(&mut self) -> bool {
        self.ahead -= 1;
        let bound = u64::from(self.range) << self.ahead;
        let bin = self.value >= bound;
        if bin {
            self.value -= bound;
        }
        self.fill();
        bin
    }

    /// `DecodeTerminate`. After a 1 the last bit read is the last one that the encoder wrote, a 1.
    #[inline]
    pub(super) fn terminate(&mut self) -> bool {
        self.range -= 2;
        if self.value >= u64::from(self.range) << self.ahead {
            return true;
        }
        let shift = self.range.leading_zeros() - 23;
        self.range <<= shift;
        self.ahead -= shift;
        self.fill();
        false
    }
}
