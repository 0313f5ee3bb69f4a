//! The server over loopback, by a plain HTTP client.

mod anything;
mod common;
mod control;
mod errors;
mod faults;
mod media;
mod playing;
mod store;
