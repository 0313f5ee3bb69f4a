//! The arithmetic decoder of CABAC (H.264 §9.3.1.2, §9.3.3.2).

use super::cabac_tables::{CONTEXTS, INIT, NEXT_LPS, RANGE_LPS};

/// A context: the state of its probability times 2, and the more probable symbol.
type Context = u8;

/// For each context: `rangeTabLPS` of the four quarters of the range.
const RANGES: [[u8; 4]; 128] = {
    let mut table = [[0; 4]; 128];
    let mut context = 0;
    while context < 128 {
        table[context] = RANGE_LPS[context / 2];
        context += 1;
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
    /// `codIOffset`, and below it `ahead` bits of the data that are not read yet.
    value: u64,
    ahead: u32,
    /// `codIRange`.
    range: u32,
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
        let interval = Interval { next: start, value: 0, ahead: 0, range: 0 };
        let mut decoder = Arithmetic { data, interval, contexts };
        decoder.restart(start);
        decoder
    }

    /// Begins again at a byte, with the contexts as they are.
    pub(crate) fn restart(&mut self, byte: usize) {
        self.interval = Interval { next: byte, value: 0, ahead: 32 - 9, range: 510 };
        self.interval.value = self.interval.take(self.data);
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
        interval.range -= 2;
        if interval.value >= u64::from(interval.range) << interval.ahead {
            return true;
        }
        interval.narrow(self.data, interval.range);
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
    #[inline(always)]
    fn take(&mut self, data: &[u8]) -> u64 {
        let bytes = match data.get(self.next..).and_then(|rest| rest.first_chunk::<4>()) {
            Some(bytes) => *bytes,
            None => last_bytes(data, self.next),
        };
        self.next += 4;
        u32::from_be_bytes(bytes).into()
    }

    /// Takes a range (at most 510, not 0), doubled until it is at least 256, and the bits for that. At least 8 bits are
    /// left ahead, as many as one bin can want.
    #[inline(always)]
    fn narrow(&mut self, data: &[u8], range: u32) {
        // The last bit changes nothing about the count, and tells the compiler that there is one.
        let shift = (range | 1).leading_zeros() - 23;
        self.range = range << shift;
        self.ahead -= shift;
        self.fill(data);
    }

    #[inline(always)]
    fn fill(&mut self, data: &[u8]) {
        if self.ahead < 8 {
            self.value = self.value << 32 | self.take(data);
            self.ahead += 32;
        }
    }

    #[inline(always)]
    fn bin(&mut self, data: &[u8], slot: &mut Context) -> bool {
        let state = usize::from(*slot & 127);
        let less = u32::from(RANGES[state][(self.range >> 6 & 3) as usize]);
        let more = self.range - less;
        let bound = u64::from(more) << self.ahead;
        let is_more = self.value < bound;
        // Without branches: which of the two it is cannot be foreseen.
        let mask = u64::from(is_more).wrapping_sub(1);
        self.value -= bound & mask;
        *slot = NEXT[state][usize::from(is_more)];
        self.narrow(data, if is_more { more } else { less });
        (state & 1 == 1) == is_more
    }

    #[inline(always)]
    fn bypass(&mut self, data: &[u8]) -> bool {
        self.ahead -= 1;
        let bound = u64::from(self.range) << self.ahead;
        let bin = self.value >= bound;
        if bin {
            self.value -= bound;
        }
        self.fill(data);
        bin
    }
}

/// Four bytes from `at` on, of which some lie behind the end.
#[cold]
fn last_bytes(data: &[u8], at: usize) -> [u8; 4] {
    std::array::from_fn(|index| data.get(at + index).copied().unwrap_or(0))
}
