//! The front door: fragments, frames and pictures of a stream, chosen before they are decoded
