//! What is wrong with a unit of coded video, and where.

/// A unit that breaks its codec's syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{unit}: {field} at bit {bit}: {kind}")]
pub struct Error {
    /// The unit: `SPS`, `PPS`, `slice header`, `avcC`, …
    pub unit: &'static str,
    /// The syntax element, by the specification's name.
    pub field: &'static str,
    /// Where the element ends or where reading stopped, in bits from the unit's first byte, emulation prevention
    /// bytes included.
    pub bit: u64,
    /// What is wrong with it.
    pub kind: ErrorKind,
}

/// What is wrong with a syntax element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The unit ends inside of it.
    #[error("the unit ends here")]
    Truncated,
    /// A value that the specification, or a bound of this crate, forbids.
    #[error("the value {value} is not within {min} to {max}")]
    Range {
        /// What was read.
        value: i64,
        /// The least that is allowed.
        min: i64,
        /// The most that is allowed.
        max: i64,
    },
    /// An Exp-Golomb code of more than 32 leading zeros (H.264 §9.1).
    #[error("an Exp-Golomb code longer than any value needs")]
    Golomb,
    /// It refers to a parameter set that has not been seen.
    #[error("refers to the set {0}, which has not been seen")]
    Missing(u32),
    /// Another kind of unit than the one that was asked for, or a code that means nothing.
    #[error("another kind of unit")]
    Kind,
    /// It predicts from samples that are not there.
    #[error("predicts from samples that are not there")]
    Unavailable,
    /// It builds on what was damaged or missing before.
    #[error("builds on what was damaged or missing before")]
    Lost,
    /// Something follows where the unit must end.
    #[error("goes on where it must end")]
    Trailing,
}
