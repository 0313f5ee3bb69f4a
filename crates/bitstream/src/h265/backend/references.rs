//! Which pictures are built on references that are missing or damaged.
//!
//! Each H.265 picture names the pictures that it may refer to, by order count (§8.3.2). The decoded picture buffer is
//! followed by these names alone: a picture that predicts from others is damaged where one that it may use is not there
//! or is damaged itself. That errs to the safe side by little: a picture need not use all that it may.
//!
//! A recovery point SEI message that promises exact pictures (§D.3.8) ends a loss: from the order count that it names
//! on, what lies before that does not matter, as long as nothing was lost between the message and there.

use crate::h265::{OutputOrder, RecoveryPoint, SliceHeader, Sps};

/// A picture that later ones may refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reference {
    count: i64,
    damaged: bool,
}

/// A recovery point: where its message stands, and from where on pictures are right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Recovery {
    from: i64,
    right: i64,
}

/// The decoded picture buffer, without its pictures.
#[derive(Debug, Clone, Default)]
pub(super) struct References {
    held: Vec<Reference>,
    recovery: Option<Recovery>,
}

impl References {
    /// Takes in the next picture: what it does not keep is gone. Whether all that it may use is sound.
    pub(super) fn begin(
        &mut self,
        sps: &Sps,
        slice: &SliceHeader,
        order: OutputOrder,
        begins_sequence: bool,
        point: Option<RecoveryPoint>,
    ) -> bool {
        if begins_sequence {
            *self = References::default();
        }
        if let Some(point) = point.filter(|point| point.exact) {
            self.recovery = Some(Recovery { from: order.count, right: order.count + i64::from(point.poc) });
        }
        let max = 1_i64 << sps.poc_lsb_bits.min(16);
        let short = slice.short_term.entries().map(|(delta, used)| (order.count + i64::from(delta), None, used));
        let long = slice.long_term.iter().map(|entry| {
            let lsb = i64::from(entry.lsb);
            match entry.msb_cycle {
                Some(cycle) => {
                    let count = order.count - i64::from(cycle) * max - order.count.rem_euclid(max) + lsb;
                    (count, None, entry.used)
                }
                None => (lsb, Some(max), entry.used),
            }
        });
        let (mut kept, mut sound) = (Vec::new(), true);
        for (count, modulus, used) in short.chain(long) {
            let names = |held: &&Reference| match modulus {
                Some(modulus) => held.count.rem_euclid(modulus) == count,
                None => held.count == count,
            };
            let found = self.held.iter().find(names).copied();
            if used && found.is_none_or(|reference| reference.damaged) {
                let at = found.map_or(count, |reference| reference.count);
                sound &= self.excuses(at, order.count);
            }
            kept.extend(found.filter(|found| !kept.contains(found)));
        }
        self.held = kept;
        sound
    }

    /// Whether a picture at `count` may well refer to what is missing at `at`.
    fn excuses(&mut self, at: i64, count: i64) -> bool {
        match self.recovery {
            Some(recovery) if count >= recovery.right => at < recovery.right,
            Some(recovery) if count > recovery.from && at >= recovery.from && !self.has(at) => {
                // Something went missing while pictures were being refreshed.
                self.recovery = None;
                false
            }
            _ => false,
        }
    }

    fn has(&self, count: i64) -> bool {
        self.held.iter().any(|held| held.count == count)
    }

    /// The picture is decoded and may be referred to.
    pub(super) fn decoded(&mut self, order: OutputOrder, damaged: bool) {
        self.held.retain(|held| held.count != order.count);
        self.held.push(Reference { count: order.count, damaged });
    }

    /// The picture could not be decoded, or not all of it.
    pub(super) fn lost(&mut self, order: OutputOrder) {
        if self.recovery.is_some_and(|recovery| (recovery.from..recovery.right).contains(&order.count)) {
            self.recovery = None;
        }
        for held in self.held.iter_mut().filter(|held| held.count == order.count) {
            held.damaged = true;
        }
    }
}
