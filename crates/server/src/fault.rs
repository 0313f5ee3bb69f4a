//! Faults on purpose, so that a consumer or a producer can be tried against them.

use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

/// Something that goes wrong on purpose.
///
/// As text: `cut|stall|reset|garbage|throttle|expired|moved|error[:ID]`, then `@bytes=N` or `@p=P`, then optionally
/// `,seed=S` and `,on=get|put`.
///
/// ```
/// use kineframe_server::{Fault, FaultKind, FaultPlace};
///
/// let fault: Fault = "cut@bytes=100000,seed=7".parse()?;
/// assert_eq!((fault.kind, fault.place, fault.seed), (FaultKind::Cut, FaultPlace::Bytes(100_000), 7));
/// # Ok::<(), kineframe_server::InvalidFault>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Fault {
    /// What happens.
    pub kind: FaultKind,
    /// When.
    pub place: FaultPlace,
    /// Makes a run with the same requests the same again. Default 0.
    pub seed: u64,
    /// On which calls. Default [`FaultTarget::Get`].
    pub target: FaultTarget,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// The connection is closed in the middle of a body.
    Cut,
    /// Nothing more comes, while the connection stays open.
    Stall,
    /// The connection is reset (TCP RST).
    Reset,
    /// A few random bytes stand in the body that do not belong there.
    Garbage,
    /// The request is refused with `ClientLimitExceededException`.
    Throttle,
    /// The request is refused with `ExpiredTokenException`, as if its credentials had just expired.
    Expired,
    /// The data endpoint moves: GetDataEndpoint answers another address from then on, and the old one refuses. See
    /// [`Server::move_data_endpoint`](crate::Server::move_data_endpoint).
    Moved,
    /// The service reports this error: in band where media is read, as an acknowledgement where it is put.
    Error(u32),
}

/// When it goes wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum FaultPlace {
    /// In every body, after this many bytes. For `throttle`, `expired` and `moved`: every second request, whatever the
    /// number.
    Bytes(u64),
    /// In one body of so many (a probability), at a random place in its first MiB, the nearer the likelier; for
    /// `throttle`, `expired` and `moved`: one request of so many.
    Probability(f64),
}

/// Which calls a fault hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum FaultTarget {
    /// GetMedia and GetMediaForFragmentList; `throttle`, `expired` and `moved` also other calls that read.
    #[default]
    Get,
    /// PutMedia.
    Put,
}

/// Text that is not a [`Fault`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not a fault: cut, stall, reset, garbage, throttle, expired, moved or error[:ID], then @bytes=N or \
     @p=P, then ,seed=S and ,on=get|put as you like"
)]
pub struct InvalidFault(String);

impl FaultKind {
    /// Whether it befalls a request, before anything is answered.
    fn is_of_request(self) -> bool {
        matches!(self, FaultKind::Throttle | FaultKind::Expired | FaultKind::Moved)
    }
}

impl FromStr for Fault {
    type Err = InvalidFault;

    fn from_str(text: &str) -> Result<Self, InvalidFault> {
        read(text).ok_or_else(|| InvalidFault(text.to_owned()))
    }
}

fn read(text: &str) -> Option<Fault> {
    let (kind, rest) = text.split_once('@')?;
    let kind = match kind.split_once(':') {
        None => match kind {
            "cut" => FaultKind::Cut,
            "stall" => FaultKind::Stall,
            "reset" => FaultKind::Reset,
            "garbage" => FaultKind::Garbage,
            "throttle" => FaultKind::Throttle,
            "expired" => FaultKind::Expired,
            "moved" => FaultKind::Moved,
            "error" => FaultKind::Error(5000),
            _ => return None,
        },
        Some(("error", id)) => FaultKind::Error(id.parse().ok()?),
        Some(_) => return None,
    };
    let mut parts = rest.split(',');
    let place = match parts.next()?.split_once('=')? {
        ("bytes", count) => FaultPlace::Bytes(count.parse().ok()?),
        ("p", chance) => {
            let chance: f64 = chance.parse().ok()?;
            (0.0..=1.0).contains(&chance).then_some(FaultPlace::Probability(chance))?
        }
        _ => return None,
    };
    let mut fault = Fault { kind, place, seed: 0, target: FaultTarget::Get };
    for part in parts {
        match part.split_once('=')? {
            ("seed", seed) => fault.seed = seed.parse().ok()?,
            ("on", "get") => fault.target = FaultTarget::Get,
            ("on", "put") => fault.target = FaultTarget::Put,
            _ => return None,
        }
    }
    Some(fault)
}

/// The faults of a server.
#[derive(Debug)]
pub(crate) struct Faults(Vec<Source>);

#[derive(Debug)]
struct Source {
    fault: Fault,
    random: Mutex<Random>,
}

/// What goes wrong in one body, and after how many of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Planned {
    pub(crate) kind: FaultKind,
    pub(crate) after: u64,
    /// Eight random bytes, for garbage.
    pub(crate) random: u64,
}

impl Faults {
    pub(crate) fn new(faults: &[Fault]) -> Self {
        let source = |fault: &Fault| Source { fault: *fault, random: Mutex::new(Random(fault.seed)) };
        Faults(faults.iter().map(source).collect())
    }

    fn of(&self, target: FaultTarget) -> impl Iterator<Item = &Source> {
        self.0.iter().filter(move |source| source.fault.target == target)
    }

    /// What befalls this request; the first of several.
    pub(crate) fn of_request(&self, target: FaultTarget) -> Option<FaultKind> {
        let mut sources = self.of(target).filter(|source| source.fault.kind.is_of_request());
        let hit = sources.find(|source| match source.fault.place {
            FaultPlace::Probability(chance) => source.random().chance() < chance,
            FaultPlace::Bytes(_) => source.random().count(),
        });
        hit.map(|source| source.fault.kind)
    }

    /// What goes wrong in the next body; the first of several.
    pub(crate) fn plan(&self, target: FaultTarget) -> Option<Planned> {
        let planned = self.of(target).filter_map(|source| {
            let mut random = source.random();
            let after = match (source.fault.kind, source.fault.place) {
                (kind, _) if kind.is_of_request() => return None,
                (_, FaultPlace::Bytes(count)) => count,
                (_, FaultPlace::Probability(chance)) => {
                    let (hit, place) = (random.chance() < chance, random.chance());
                    // From 1 byte to 1 MiB, each power of two as likely as the next.
                    hit.then(|| 2f64.powf(20.0 * place) as u64)?
                }
            };
            Some(Planned { kind: source.fault.kind, after, random: random.next() })
        });
        planned.min_by_key(|planned| planned.after)
    }
}

impl Source {
    fn random(&self) -> std::sync::MutexGuard<'_, Random> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// From 0 to below 1.
    fn chance(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Every second time.
    fn count(&mut self) -> bool {
        self.0 = self.0.wrapping_add(1);
        self.0 % 2 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_as_text() {
        let fault: Fault = "error:4001@p=0.25,seed=3,on=put".parse().unwrap();
        let expected = Fault {
            kind: FaultKind::Error(4001),
            place: FaultPlace::Probability(0.25),
            seed: 3,
            target: FaultTarget::Put,
        };
        assert_eq!(fault, expected);
        for bad in
            ["", "cut", "cut@", "cut@p=2", "cut@bytes=-1", "burn@p=1", "error:x@p=1", "cut@p=1,speed=2", "cut:1@p=1"]
        {
            assert!(bad.parse::<Fault>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_same_seed_plans_the_same() {
        let plan = |seed: u64| {
            let fault: Fault = format!("cut@p=0.5,seed={seed}").parse().unwrap();
            let faults = Faults::new(&[fault]);
            (0..200).map(|_| faults.plan(FaultTarget::Get)).collect::<Vec<_>>()
        };
        assert_eq!(plan(1), plan(1));
        assert_ne!(plan(1), plan(2));
        let hit = plan(1).into_iter().flatten().count();
        assert!((60..140).contains(&hit), "{hit}");
        assert!(plan(1).into_iter().flatten().all(|planned| (1..=1 << 20).contains(&planned.after)));
    }

    #[test]
    fn faults_hit_only_their_calls() {
        let texts = ["cut@bytes=5,on=put", "throttle@bytes=0", "moved@p=1"];
        let faults = Faults::new(&texts.map(|text| text.parse().unwrap()));
        assert_eq!(faults.plan(FaultTarget::Get), None);
        assert_eq!(faults.plan(FaultTarget::Put).map(|planned| planned.after), Some(5));
        let befalls = [FaultTarget::Get; 3].map(|target| faults.of_request(target));
        assert_eq!(befalls, [FaultKind::Throttle, FaultKind::Moved, FaultKind::Throttle].map(Some));
        assert_eq!(faults.of_request(FaultTarget::Put), None);
    }
}
