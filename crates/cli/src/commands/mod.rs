//! One module per command.

pub mod audio;
pub mod decoders;
pub mod demo;
pub mod fragments;
pub mod frames;
pub mod inspect;
pub mod merge;
pub mod put;
pub mod serve;
pub mod split;
pub mod streams;
