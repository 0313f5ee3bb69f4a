//! Where a read of a stream begins.

use crate::{ContinuationToken, FragmentNumber, ProducerTimestamp, ServerTimestamp};

/// Where a read of a stream begins (`StartSelector` of the GetMedia call).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum StartSelector {
    /// At what arrives next.
    Now,
    /// At the oldest that is kept. For a stored body: at its first byte.
    #[default]
    Earliest,
    /// After the fragment of this number, which itself is not read.
    AfterFragment(FragmentNumber),
    /// At the fragment that holds this producer time, or the next one.
    ProducerTimestamp(ProducerTimestamp),
    /// At the fragment that holds this server time, or the next one.
    ServerTimestamp(ServerTimestamp),
    /// Where an earlier read ended.
    ContinuationToken(ContinuationToken),
}
