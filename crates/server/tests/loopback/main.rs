//! The server over loopback, by a plain HTTP client.

mod anything;
mod codecs;
mod common;
mod control;
mod crowd;
mod errors;
mod faults;
mod images;
mod limits;
mod media;
mod playing;
mod relay;
mod store;
