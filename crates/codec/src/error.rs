//! What went wrong in a decoder, and what the caller can do next.

use std::sync::Arc;

/// An error of a back end. The next step is part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{factory}: {kind}")]
pub struct DecodeError {
    /// The name of the factory whose decoder failed.
    pub factory: Arc<str>,
    /// What happened.
    pub kind: DecodeErrorKind,
    /// What the caller can do.
    pub recovery: Recovery,
}

impl DecodeError {
    /// An error of the back end named `factory`.
    pub fn new(factory: &str, kind: DecodeErrorKind, recovery: Recovery) -> Self {
        DecodeError { factory: Arc::from(factory), kind, recovery }
    }
}

/// What happened in a decoder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The packet breaks the codec's specification, or lost data made it undecodable.
    #[error("the packet cannot be decoded: {0}")]
    Damaged(String),
    /// The stream uses something that this back end does not do.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// A bound of [`Limits`](crate::Limits) was reached.
    #[error("limit: {0}")]
    Limit(String),
    /// The wrapped decoder panicked, and the panic was stopped here.
    #[error("the decoder panicked: {0}")]
    Panicked(String),
    /// The wrapped decoder failed for a reason of its own: memory, a device, a library error code.
    #[error("internal: {0}")]
    Internal(String),
}

/// What the caller of a failed decoder can do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Recovery {
    /// Push the next packet; pictures may be marked damaged.
    NextPacket,
    /// Call `flush` for the pictures from before the damage that are held back, then `reset`, and go on at the
    /// next random access point.
    NextRandomAccess,
    /// Drop this decoder; open this or another back end at a random access point.
    Reopen,
}
