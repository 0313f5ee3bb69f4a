//! The arithmetic decoder of CABAC (H.264 §9.3.1.2, §9.3.3.2).

use std::hint::select_unpredictable;

use super::cabac_tables::{CONTEXTS, INIT, NEXT_LPS, RANGE_LPS};

/// A context: the state of its probability times 2, and the more probable symbol.
type Context = u8;

/// Where the nine bits of `codIRange` and `codIOffset` begin in their words: at the top, so that a doubling is a shift
/// and the doublings that are due are leading zeros.
const TOP: u32 = 64 - 9;

/// For each context: `rangeTabLPS` of the four quarters of the range, 16 bits each from the lowest up, so high in them
/// that a shift by 48 makes them as high as the range is. One word, since a choice within a word takes less time than a
/// place in a table that depends on the range. As long as a byte has values, so that none needs a check.
const RANGES: [u64; 256] = {
    let mut table = [0; 256];
    let mut context = 0;
    while context < 128 {
        let mut quarter = 0;
        while quarter < 4 {
            table[context] |= (RANGE_LPS[context / 2][quarter] as u64) << (TOP - 48 + 16 * quarter as u32);
            quarter += 1;
        }
        context += 1;
    }
    table
};

/// The next context after the more probable symbol, and after the less probable one.
const NEXT: [[Context; 2]; 256] = {
    let mut table = [[0; 2]; 256];
    let mut context = 0;
    while context < 128 {
        let (state, symbol) = (context / 2, context as u8 % 2);
        let flipped = if state == 0 { 1 - symbol } else { symbol };
        let more = if state >= 62 { state } else { state + 1 };
        table[context] = [more as u8 * 2 + symbol, NEXT_LPS[state] * 2 + flipped];
        context += 1;
    }
    table
};

/// Contexts in the state's array: a power of two, so that no index is beyond it.
const SLOTS: usize = 512;

/// The contexts of a slice.
pub(crate) type Contexts = [Context; SLOTS];

/// The context of a state from 1 to 126 (`preCtxState`).
pub(crate) fn context_of(state: i32) -> u8 {
    (if state <= 63 { (63 - state) * 2 } else { (state - 64) * 2 + 1 }) as Context
}

/// Reads bins from slice data. Behind its end there are zeros; [`position`](Self::position) tells.
pub(crate) struct Arithmetic<'a> {
    data: &'a [u8],
    interval: Interval,
    contexts: [Context; SLOTS],
}

/// All that changes at every bin but the contexts: small enough to stay in registers through a loop.
#[derive(Clone, Copy)]
struct Interval {
    /// The next byte to take.
    next: usize,
    /// `codIOffset` at the top, and below it the `ahead` bits of the data that come next.
    value: u64,
    ahead: u32,
    /// `codIRange` at the top.
    range: u64,
}

/// Reads many bins in a row: see [`Arithmetic::run`].
pub(super) struct Run<'r> {
    data: &'r [u8],
    interval: Interval,
    contexts: &'r mut [Context; SLOTS],
}

impl<'a> Arithmetic<'a> {
    /// Begins at a byte of `data`, with the contexts of `model`: 0 for I slices, otherwise `cabac_init_idc` + 1.
    pub(super) fn new(data: &'a [u8], start: usize, model: usize, qp: i32) -> Self {
        let mut contexts = [0; SLOTS];
        let qp = qp.clamp(0, 51);
        for (context, (m, n)) in contexts.iter_mut().zip(INIT[model.min(3)]) {
            let state = (((i32::from(m) * qp) >> 4) + i32::from(n)).clamp(1, 126);
            *context = context_of(state);
        }
        const { assert!(CONTEXTS <= SLOTS) };
        Self::with_contexts(data, start, contexts)
    }

    /// Begins at a byte of `data`, with these contexts.
    pub(crate) fn with_contexts(data: &'a [u8], start: usize, contexts: Contexts) -> Self {
        Arithmetic { data, interval: Interval::start(data, start), contexts }
    }

    /// Begins again at a byte, with the contexts as they are.
    pub(crate) fn restart(&mut self, byte: usize) {
        self.interval = Interval::start(self.data, byte);
    }

    /// The bit after the last one read.
    pub(crate) fn position(&self) -> u64 {
        (self.interval.next as u64 * 8).saturating_sub(self.interval.ahead.into())
    }

    /// The contexts as they are.
    pub(crate) fn contexts(&mut self) -> &mut Contexts {
        &mut self.contexts
    }

    pub(super) fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Many bins in a row, for which what changes at every bin need not go through memory.
    #[inline(always)]
    pub(super) fn run<T>(&mut self, read: impl FnOnce(&mut Run<'_>) -> T) -> T {
        let mut run = Run { data: self.data, interval: self.interval, contexts: &mut self.contexts };
        let out = read(&mut run);
        self.interval = run.interval;
        out
    }

    /// `DecodeDecision`.
    #[inline]
    pub(crate) fn bin(&mut self, context: usize) -> bool {
        self.interval.bin(self.data, &mut self.contexts[context % SLOTS])
    }

    /// `DecodeBypass`.
    #[inline]
    pub(crate) fn bypass(&mut self) -> bool {
        self.interval.bypass(self.data)
    }

    /// `DecodeTerminate`. After a 1 the last bit read is the last one that the encoder wrote, a 1.
    #[inline]
    pub(crate) fn terminate(&mut self) -> bool {
        let interval = &mut self.interval;
        interval.range -= 2 << TOP;
        if interval.value >= interval.range {
            return true;
        }
        interval.double(self.data);
        false
    }
}

impl Run<'_> {
    /// As [`Arithmetic::bin`].
    #[inline(always)]
    pub(super) fn bin(&mut self, context: usize) -> bool {
        self.interval.bin(self.data, &mut self.contexts[context % SLOTS])
    }

    /// As [`Arithmetic::bypass`].
    #[inline(always)]
    pub(super) fn bypass(&mut self) -> bool {
        self.interval.bypass(self.data)
    }
}

impl Interval {
    /// §9.3.1.2, at a byte.
    fn start(data: &[u8], byte: usize) -> Self {
        let mut interval = Interval { next: byte, value: 0, ahead: 64 - 9, range: 510 << TOP };
        interval.value = interval.take(data) << 32 | interval.take(data);
        interval
    }

    #[inline(always)]
    fn take(&mut self, data: &[u8]) -> u64 {
        let bytes = match data.get(self.next..).and_then(|rest| rest.first_chunk::<4>()) {
            Some(bytes) => *bytes,
            None => last_bytes(data, self.next),
        };
        self.next += 4;
        u32::from_be_bytes(bytes).into()
    }

    /// Doubles range and offset until the range is at least 256 again, by 7 bits at most (`RenormD`).
    #[inline(always)]
    fn double(&mut self, data: &[u8]) {
        // The last bit changes nothing about the count, and tells the compiler that there is one.
        let shift = (self.range | 1).leading_zeros();
        self.range <<= shift;
        self.value <<= shift;
        self.ahead -= shift;
        self.fill(data);
    }

    /// Leaves at least 8 bits ahead, as many as one bin can want.
    #[inline(always)]
    fn fill(&mut self, data: &[u8]) {
        if self.ahead < 8 {
            self.value |= self.take(data) << (64 - 9 - 32 - self.ahead);
            self.ahead += 32;
        }
    }

    #[inline(always)]
    fn bin(&mut self, data: &[u8], slot: &mut Context) -> bool {
        let context = usize::from(*slot);
        // Bits 6 and 7 of the range, times 16.
        let less = RANGES[context] >> (self.range >> (TOP + 2) & 0x30) << 48;
        let more = self.range - less;
        // Without branches: which of the two it is cannot be foreseen.
        let is_less = self.value >= more;
        self.value = select_unpredictable(is_less, self.value.wrapping_sub(more), self.value);
        // The more probable part is never below 128 (table 9-44): one doubling is the most.
        let shift = select_unpredictable(is_less, (less | 1).leading_zeros(), u32::from(more < 1 << 63));
        self.range = select_unpredictable(is_less, less, more) << shift;
        self.value <<= shift;
        self.ahead -= shift;
        *slot = NEXT[context][usize::from(is_less)];
        self.fill(data);
        (context & 1 == 1) != is_less
    }

    #[inline(always)]
    fn bypass(&mut self, data: &[u8]) -> bool {
        // Half the range against the offset is the range against the offset doubled.
        let half = self.range >> 1;
        let bin = self.value >= half;
        self.value = select_unpredictable(bin, self.value.wrapping_sub(half), self.value) << 1;
        self.ahead -= 1;
        self.fill(data);
        bin
    }
}

/// Four bytes from `at` on, of which some lie behind the end.
#[cold]
fn last_bytes(data: &[u8], at: usize) -> [u8; 4] {
    std::array::from_fn(|index| data.get(at + index).copied().unwrap_or(0))
}
