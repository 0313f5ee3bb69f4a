//! Wall times as the service writes them.

/// When the producer says that a fragment began: nanoseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProducerTimestamp(pub i128);

/// When the service began to receive a fragment: nanoseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerTimestamp(pub i128);
