//! What reads foreign bytes, as plain functions, for property tests and benches.

use bytes::Bytes;

use crate::ack::AckParser;
use crate::documents::Documents;
use crate::error::{ErrorKind, one_line};
use crate::id::StreamId;

/// An answer to PutMedia, in pieces of a size that its first byte decides. How many acknowledgements are in it.
pub fn acknowledgements(data: &[u8]) -> usize {
    let (mut parser, mut count) = (AckParser::default(), 0);
    for piece in data.chunks(usize::from(data.first().copied().unwrap_or(0)) + 1) {
        parser.push(piece);
        loop {
            match parser.next() {
                Ok(Some(_)) => count += 1,
                Ok(None) => break,
                Err(_) => return count,
            }
        }
    }
    count
}

/// A body of GetMediaForFragmentList. How many bytes its documents have, which lie within it.
pub fn list_body(data: &[u8]) -> usize {
    let (mut documents, mut bytes) = (Documents::default(), 0);
    for piece in data.chunks(997) {
        documents.push(Bytes::copy_from_slice(piece));
    }
    documents.finish();
    while let Some(document) = documents.next() {
        bytes += document.pieces.iter().map(Bytes::len).sum::<usize>();
    }
    assert!(bytes <= data.len(), "{bytes} bytes of {}", data.len());
    bytes
}

/// A name or an error type of any form.
pub fn names(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(id) = text.parse::<StreamId>() {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
    let _ = ErrorKind::of_type(&text, &text).is_retryable();
    assert!(one_line(&text).chars().all(|c| !c.is_control()));
}
