//! What a server is told at its start.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use kineframe_codec::Decoders;

use crate::fault::Fault;
use crate::limits::Limits;
use crate::names;

/// Where streams and their media are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Data {
    /// In memory: everything is gone at the end.
    #[default]
    Memory,
    /// In this folder, which is made where it is not there. What was acknowledged as persisted stays, whatever
    /// happens to the process.
    Folder(PathBuf),
}

/// Whether requests are to be signed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Auth {
    /// Any request is answered, signed or not.
    #[default]
    Off,
    /// Requests are signed with these (Signature Version 4), for the server's region.
    SigV4 {
        /// The access key's identifier.
        access_key_id: String,
        /// Its secret.
        secret_access_key: String,
    },
}

impl Auth {
    /// Credentials made up at random.
    pub fn generate() -> Self {
        Auth::SigV4 {
            access_key_id: format!("AKIA{}", names::random_text::<16>()),
            secret_access_key: names::random_text::<40>(),
        }
    }
}

/// How a [`Server`](crate::Server) behaves. Made by [`Default`], then changed field by field; the defaults are the
/// service's own figures.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Where to listen. Default: a free port of 127.0.0.1.
    pub listen: SocketAddr,
    /// Where streams are kept. Default: in memory.
    pub data: Data,
    /// Whether requests are to be signed. Default: no.
    pub auth: Auth,
    /// The region in ARNs, for which requests are signed. Default `us-east-1`.
    pub region: String,
    /// The account in ARNs: 12 digits. Default `123456789012`.
    pub account_id: String,
    /// A GetMedia body ends when for this long no media came in. Default 3 s.
    pub idle_end: Duration,
    /// GetMedia and PutMedia connections are ended after this long. Default 45 min.
    pub session_end: Duration,
    /// A PutMedia connection on which nothing comes for this long is ended. Default 30 s.
    pub put_idle_end: Duration,
    /// After this long without data, and each time again, a PutMedia connection is told `IDLE`. Default 5 s.
    pub put_idle_ack: Duration,
    /// How long a client may take to send the headers of a request, and so long again for the body of a call in JSON.
    /// Default 30 s.
    pub request_time: Duration,
    /// Connections at a time; who comes then waits until one is closed. Default 500, so that files can be opened beside
    /// them.
    pub max_connections: usize,
    /// GetMedia connections of one stream at a time. Default 3.
    pub max_get_media: usize,
    /// GetMediaForFragmentList connections of one stream at a time. Default 5.
    pub max_get_media_for_fragment_list: usize,
    /// PutMedia connections of one stream at a time. Default 1.
    pub max_put_media: usize,
    /// How long a fragment may be that a producer sends, from its Cluster's Timestamp to its last frame; a longer one gets
    /// `MAX_FRAGMENT_DURATION_REACHED`. Default 20 s. The service names a second as the least as well, of which none of
    /// its error acknowledgements is; nor is one here.
    pub max_fragment_time: Duration,
    /// Bytes that it may have; a larger one gets `MAX_FRAGMENT_SIZE_REACHED`. Default 50 MiB.
    pub max_fragment_bytes: u64,
    /// How often streams may be called, and how fast bodies go. Default: the service's quotas.
    pub limits: Limits,
    /// What is kept of a stream without data retention. Default 5 minutes.
    pub buffer_time: Duration,
    /// What is kept of a stream without data retention, in bytes. Default 200 MB.
    pub buffer_bytes: u64,
    /// With [`Data::Memory`]: what is kept of a stream with data retention, in bytes; the oldest goes first. Default
    /// 1 GiB.
    pub memory_bytes: u64,
    /// The back ends that GetImages decodes with, in order of preference, `kineframe_decoders::default_list()` say.
    /// Default: none, and each image is a `MEDIA_ERROR`.
    pub decoders: Decoders,
    /// What goes wrong on purpose. Default: nothing.
    pub faults: Vec<Fault>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            data: Data::Memory,
            auth: Auth::Off,
            region: "us-east-1".to_owned(),
            account_id: "123456789012".to_owned(),
            idle_end: Duration::from_secs(3),
            session_end: Duration::from_secs(45 * 60),
            put_idle_end: Duration::from_secs(30),
            put_idle_ack: Duration::from_secs(5),
            request_time: Duration::from_secs(30),
            max_connections: 500,
            max_get_media: 3,
            max_get_media_for_fragment_list: 5,
            max_put_media: 1,
            max_fragment_time: Duration::from_secs(20),
            max_fragment_bytes: 50 << 20,
            limits: Limits::default(),
            buffer_time: Duration::from_secs(5 * 60),
            buffer_bytes: 200_000_000,
            memory_bytes: 1 << 30,
            decoders: Decoders::default(),
            faults: Vec::new(),
        }
    }
}
