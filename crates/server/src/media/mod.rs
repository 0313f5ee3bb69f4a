//! Fragments of a stream: how they are kept, numbered, and written out.

pub(crate) mod document;
pub(crate) mod fragment;
pub(crate) mod stream;
pub(crate) mod tags;
