//! Amazon Kinesis Video Streams as a source: every way to read a stream, and the way in.
//!
//! | for | take |
//! |---|---|
//! | what arrives, from any place that is kept | [`StreamHandle::get_media`] |
//! | what there is | [`StreamHandle::list_fragments`], [`StreamHandle::list_overlapping`] |
//! | fragments by number, as many as there are | [`StreamHandle::fragment_list`] |
//! | MP4 and pictures that the service makes | [`StreamHandle::clips`], [`StreamHandle::images`] |
//! | media into a stream | [`StreamHandle::put_media`] |
//! | streams | [`Client::list_streams`], [`StreamHandle::describe`], [`StreamHandle::create`] |
//!
//! Endpoints are asked for, shared and asked for again; calls are tried again where that helps, with chance and a
//! budget; the service's quotas are kept on this side. No type of the AWS SDK shows: what is here outlives its
//! versions.
//!
//! ```
//! use kineframe_source_aws::{ArchiveOptions, Client, Clock, Options, StreamId, TimeRange};
//!
//! # fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::blocking(Options::default())?;
//! let stream = client.stream("kvs://front-door".parse()?);
//! let second = 1_000_000_000;
//! let range = TimeRange { clock: Clock::Producer, from: 1_511_852_100 * second, to: 1_511_852_160 * second };
//! let entries = client.block_on(stream.list_overlapping(range))?;
//! let numbers = entries.into_iter().map(|entry| entry.number).collect();
//! let source = stream.fragment_list(numbers, ArchiveOptions::default());
//! // Everything that takes a source takes this one: kineframe_consumer::Consumer::open(&source) …
//! # let _ = source;
//! # Ok(())
//! # }
//! # let id: StreamId = "kvs://front-door".parse()?;
//! # assert_eq!(id.name(), "front-door");
//! # Ok::<(), kineframe_source_aws::InvalidStreamId>(())
//! ```

mod absent;
mod ack;
mod archive;
mod client;
mod clip;
mod connection;
mod control;
mod documents;
mod endpoint;
mod error;
#[doc(hidden)]
pub mod foreign;
mod id;
mod images;
mod listing;
mod media;
mod options;
mod profile;
mod pump;
mod put;
mod quota;
mod random;
mod retry;
mod sdk;
mod stream;
mod window;

#[cfg(test)]
mod properties;

pub use ack::{Ack, AckEvent};
pub use archive::{ArchiveOptions, FragmentList};
pub use client::Client;
pub use clip::Clip;
pub use control::StreamInfo;
pub use endpoint::Api;
pub use error::{Error, ErrorKind};
pub use id::{InvalidStreamId, StreamId};
pub use images::{ImageAbsence, ImageRequest, ImageSample, Images};
pub use listing::{Clock, FragmentEntry, TimeRange};
pub use media::GetMedia;
pub use options::{CredentialsProvider, Options, StaticCredentials, check_endpoint};
pub use put::{Acks, PutClosed, PutMedia, PutSender, PutTimecodes};
pub use quota::Quotas;
pub use retry::RetryPolicy;
pub use stream::StreamHandle;

/// The Rust in the guide on tests compiles. It stands here because the tests of this crate have the server.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guides/test-without-an-account.md")]
pub struct Guide;
