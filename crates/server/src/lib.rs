//! Kinesis Video Streams on one machine, for tests without an account.
//!
//! A [`Server`] speaks the service's own protocol over HTTP, so that any client of the service works with it once its
//! endpoint is changed: streams are created and described, PutMedia takes media in and acknowledges it, GetMedia and
//! GetMediaForFragmentList give it back with the service's tags where the service puts them; GetClip, GetImages (where
//! [`Options::decoders`] has any) and HLS make of it what they make there. [`Limits`] are the service's, and
//! [`Server::usage`] tells what was asked for.
//!
//! [`Server::relay`] turns it round: a stream of the service is read once, over one of its three connections, and served
//! to as many readers as like.
//!
//! ```
//! use kineframe_server::{Options, Server};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let server = Server::start(Options::default()).await?;
//! println!("AWS_ENDPOINT_URL={}", server.endpoint());
//! server.stop().await;
//! # Ok::<(), kineframe_server::ServeError>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod api;
mod auth;
mod fault;
#[doc(hidden)]
pub mod fuzzing;
mod hls;
mod http;
mod ingest;
mod limits;
mod local;
mod media;
mod moves;
mod names;
mod options;
mod page;
mod pictures;
mod relay;
mod server;
mod service;
mod store;
mod usage;

pub use fault::{Fault, FaultKind, FaultPlace, FaultTarget, InvalidFault};
pub use limits::Limits;
pub use local::LocalStream;
pub use options::{Auth, Data, Options};
pub use relay::{Relay, RelayError, RelayOptions};
pub use server::{ServeError, Server};
pub use usage::{CallUsage, Usage};
