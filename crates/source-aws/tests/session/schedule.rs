//! What happens in a session, by seed: who sends how much, and what goes wrong when.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// What happens in a session.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub uploads: Vec<Upload>,
    /// What breaks each read on its way, by the number of the read; those behind the last are left alone.
    pub reads: Vec<Option<(Break, u64)>>,
    /// What the service does wrong.
    pub faults: Vec<Fault>,
    /// What happens to the service, after so many pieces of the producer.
    pub troubles: Vec<(u64, Trouble)>,
}

/// A part of what the producer sends, over a connection of its own.
#[derive(Debug, Clone)]
pub struct Upload {
    pub fragments: u64,
    /// Bytes of a piece.
    pub piece: usize,
    /// Between pieces, in milliseconds.
    pub slow: u64,
    /// After it, in milliseconds.
    pub pause: u64,
}

/// How a read breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    Cut,
    Reset,
}

/// A fault of the service, in one body or request of so many.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    pub kind: &'static str,
    pub chance: f64,
    pub seed: u64,
}

pub const FAULTS: &[&str] =
    &["cut", "stall", "reset", "garbage", "throttle", "expired", "moved", "error:3002", "error:5000"];

impl Fault {
    pub fn spec(&self) -> String {
        format!("{}@p={:.2},seed={}", self.kind, self.chance, self.seed)
    }
}

/// What happens to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Its data endpoint moves.
    Moved,
    /// It wants other credentials.
    Expired,
    /// Its process is killed, and started again with what it had stored.
    Killed,
}

impl Schedule {
    /// The schedule of a seed.
    pub fn of(seed: u64) -> Self {
        tree(seed).current()
    }

    /// Whether bytes come that are not media.
    pub fn is_dirty(&self) -> bool {
        self.faults.iter().any(|fault| fault.kind == "garbage" || fault.kind.starts_with("error"))
    }

    /// Whether the service is a process that is killed.
    pub fn is_killed(&self) -> bool {
        self.troubles.iter().any(|(_, trouble)| *trouble == Trouble::Killed)
    }
}

/// Reduces the schedule of a seed to the least that still fails: with fewer uploads, faults and troubles.
pub fn reduce(seed: u64, fails: impl Fn(&Schedule) -> Option<String>) -> Option<(Schedule, String)> {
    let mut tree = tree(seed);
    let mut least = fails(&tree.current()).map(|why| (tree.current(), why))?;
    // Enough to take out everything one by one, a few times.
    let mut left = 300;
    let mut more = tree.simplify();
    while more && left > 0 {
        left -= 1;
        let current = tree.current();
        more = match fails(&current) {
            Some(why) => {
                least = (current, why);
                tree.simplify()
            }
            None => tree.complicate(),
        };
    }
    Some(least)
}

fn tree(seed: u64) -> impl ValueTree<Value = Schedule> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    schedules(seed % 5 == 4).new_tree(&mut runner).expect("no schedule is refused")
}

fn schedules(killed: bool) -> impl Strategy<Value = Schedule> {
    let upload = (1u64..4, 50usize..3000, prop_oneof![Just(0u64), 1u64..8], prop_oneof![Just(0u64), 1u64..120]);
    let upload = upload.prop_map(|(fragments, piece, slow, pause)| Upload { fragments, piece, slow, pause });
    let broken = prop_oneof![Just(Break::Cut), Just(Break::Reset)];
    // Half of the reads stay whole.
    let read = prop_oneof![Just(None), (broken, 1u64..20_000).prop_map(Some)];
    let fault = (select(FAULTS), 0.05f64..0.4, any::<u16>());
    let fault = fault.prop_map(|(kind, chance, seed)| Fault { kind, chance, seed: seed.into() });
    let trouble = if killed {
        Just(Trouble::Killed).boxed()
    } else {
        prop_oneof![Just(Trouble::Moved), Just(Trouble::Expired)].boxed()
    };
    let troubles = vec((1u64..60, trouble), usize::from(killed)..4);
    (vec(upload, 1..6), vec(read, 0..40), vec(fault, 0..3), troubles)
        .prop_map(|(uploads, reads, faults, troubles)| Schedule { uploads, reads, faults, troubles })
}
