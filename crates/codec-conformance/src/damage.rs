//! Damage to one packet, the same for the same seed.

use std::fmt;

/// What is done to the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Damage {
    /// Its end is missing.
    Cut,
    /// Some of its bits are flipped.
    Flipped,
    /// It is not there.
    Dropped,
    /// A part of it is zero.
    Zeroed,
}

impl Damage {
    /// All kinds.
    pub const ALL: [Damage; 4] = [Damage::Cut, Damage::Flipped, Damage::Dropped, Damage::Zeroed];

    /// Applies it; `None` where nothing is left of the packet.
    pub(crate) fn apply(self, packet: &[u8], random: &mut Random) -> Option<Vec<u8>> {
        let mut bytes = packet.to_vec();
        // Past the first start code or length and the NAL header, so that it is a slice that is hurt in most cases.
        let from = bytes.len().min(6);
        let span = bytes.len() - from;
        match self {
            Damage::Cut => bytes.truncate(from + random.below(span)),
            Damage::Flipped => {
                for _ in 0..8.min(span) {
                    let at = from + random.below(span);
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << random.below(8);
                    }
                }
            }
            Damage::Dropped => return None,
            Damage::Zeroed => {
                let start = from + random.below(span);
                let end = (start + 1 + random.below(64)).min(bytes.len());
                bytes.get_mut(start..end).unwrap_or_default().fill(0);
            }
        }
        Some(bytes)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Damage::Cut => "cut",
            Damage::Flipped => "flipped",
            Damage::Dropped => "dropped",
            Damage::Zeroed => "zeroed",
        })
    }
}

/// A small generator of numbers (SplitMix64): the same everywhere for the same seed.
#[derive(Debug, Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `bound`, or 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { (self.next() % bound as u64) as usize }
    }
}
