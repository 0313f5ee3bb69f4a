//! EBML (RFC 8794): element headers, sizes, values, schema and limits on slices; a walker that is fed pieces; a writer.
//!
//! Nothing here does I/O or allocates by what the input claims. A parser that has too few bytes says so with
//! `Ok(None)`, which is not an error: feed it more.
//!
//! | to | use |
//! |---|---|
//! | read one header | [`parse_header`] |
//! | read a master element that lies in memory | [`children`], [`check_crc32`] |
//! | read values | the methods of [`Child`], or [`value`] |
//! | walk a whole input as it arrives, damage included | [`Walker`] |
//! | look things up in a run of bytes | [`Tree`] |
//! | write | [`Writer`], [`encode_header`] |
//! | describe a document type | [`Schema`], [`ElementDef`] |
//! | bound what the input may ask for | [`Limits`] |
//!
//! ```
//! use kineframe_ebml::{ElementId, Limits, SizeWidth, Writer, children, parse_header};
//!
//! // An EBML header with its DocType, written and read.
//! let mut document = Vec::new();
//! Writer::new(&mut document)
//!     .master(ElementId::EBML, SizeWidth::Minimal, |header| header.string(ElementId(0x4282), "webm"))?;
//!
//! let limits = Limits::default();
//! let header = parse_header(&document, 0, &limits)?.expect("all bytes of the header are there");
//! assert_eq!((header.id, header.size.known()), (ElementId::EBML, Some(7)));
//!
//! let data = &document[usize::from(header.header_len)..];
//! let doc_type = children(data, header.data_offset(), &limits).within(header.id).next().expect("one child")?;
//! assert_eq!(doc_type.string()?, "webm");
//! # Ok::<(), kineframe_ebml::Error>(())
//! ```
//!
//! Sizes wider than needed are legal and read; IDs wider than needed are not (RFC 8794 §4.4, §5). IDs have at most
//! four bytes and sizes at most eight, the defaults of `EBMLMaxIDLength` and `EBMLMaxSizeLength`, which no document
//! type in use exceeds.

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
