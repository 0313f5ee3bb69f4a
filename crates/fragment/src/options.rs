//! What a splitter is told at its construction.

use kineframe_matroska::{Limits, Payload};

/// How tags and Clusters of a body make fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Dialect {
    /// What GetMedia and GetMediaForFragmentList send, and any Matroska file: each EBML Document is one
    /// fragment, however many Clusters it has, and a tag belongs to the document in which it stands.
    #[default]
    Body,
    /// What a producer sends with PutMedia: each Cluster is one fragment. Tags between Clusters N and N+1 are
    /// fragment N's, those before the first Cluster the first fragment's; tracks hold until they are told
    /// anew.
    PutMedia,
}

/// What a splitter does and what it bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// How fragments are told apart. Default [`Dialect::Body`].
    pub dialect: Dialect,
    /// Stop at the first damage, with an error, instead of skipping it. Default `false`.
    pub strict: bool,
    /// What is done with the bytes of frames: with [`Payload::Skip`] they are not gathered, and
    /// [`Frame::data`](crate::Frame::data) is empty. Default: kept.
    pub payload: Payload,
    /// Bounds of the demuxer: bytes of an element, depth, count.
    pub limits: Limits,
    /// Most tags of one fragment that are told and kept. Default 16,384. The service takes 10 from a producer.
    pub tags: usize,
    /// Most bytes of names and values of the tags of one fragment. Default 4 MiB.
    pub tag_bytes: usize,
    /// Most tracks of one fragment of which frames are told. Default 256. The service takes 3.
    pub tracks: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            dialect: Dialect::default(),
            strict: false,
            payload: Payload::Keep,
            limits: Limits::default(),
            tags: 16_384,
            tag_bytes: 4 << 20,
            tracks: 256,
        }
    }
}
