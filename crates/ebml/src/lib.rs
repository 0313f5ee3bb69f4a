//! EBML (RFC 8794) on slices: element headers, sizes, values, schema and limits, and a writer.
//!
//! Nothing here does I/O, allocates by what the input claims, or keeps state between calls. A parser that has
//! too few bytes says so with `Ok(None)`, which is not an error: feed it more.

mod children;
mod crc;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod header;
mod id;
mod limits;
mod schema;
mod tree;
pub mod value;
mod vint;
mod walker;
mod writer;

pub use children::{Child, Children, Data, children};
pub use crc::{CRC32_ELEMENT_LEN, Crc32Check, check_crc32, crc32};
pub use error::{Error, ErrorKind, Path, PathPart};
pub use header::{ElementHeader, ElementSize, MAX_HEADER_LEN, parse_header};
pub use id::ElementId;
pub use limits::Limits;
pub use schema::{ElementDef, ElementType, Schema};
pub use tree::{Descendants, NodeRef, Nodes, Tree, Value};
pub use walker::{Damage, DataMode, Element, EndReason, Item, Recovery, Walker};
pub use writer::{EncodedHeader, Output, SizeWidth, Writer, encode_header};
