//! Content encodings undone (RFC 9559 §5.1.4.1.31): header stripping and zlib, within bounds.

use bytes::{Bytes, BytesMut};
use flate2::{Decompress, FlushDecompress, Status};
use kineframe_ebml::{Error, ErrorKind};

use crate::ContentEncoding;

/// Scope bit: the contents of all frames (RFC 9559 §5.1.4.1.31.3).
const FRAMES: u64 = 1;
/// Scope bit: the track's CodecPrivate.
const CODEC_PRIVATE: u64 = 2;

/// What of a track an encoding may cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Frames,
    CodecPrivate,
}

/// Whether any of the encodings covers `scope`.
pub(crate) fn covers(encodings: &[ContentEncoding], scope: Scope) -> bool {
    encodings.iter().any(|encoding| in_scope(encoding, scope))
}

/// What the first of the encodings of `scope` is that is not undone here.
pub(crate) fn refused(encodings: &[ContentEncoding], scope: Scope) -> Option<&'static str> {
    encodings.iter().filter(|encoding| in_scope(encoding, scope)).find_map(|encoding| match encoding {
        ContentEncoding::Other { what } => Some(*what),
        _ => None,
    })
}

/// Whether any of the encodings of `scope` is one of which only undoing it tells whether the data is whole.
pub(crate) fn inflates(encodings: &[ContentEncoding], scope: Scope) -> bool {
    encodings.iter().any(|one| matches!(one, ContentEncoding::Zlib { .. }) && in_scope(one, scope))
}

fn in_scope(encoding: &ContentEncoding, scope: Scope) -> bool {
    let bit = match scope {
        Scope::Frames => FRAMES,
        Scope::CodecPrivate => CODEC_PRIVATE,
    };
    match encoding {
        ContentEncoding::Zlib { scope } | ContentEncoding::HeaderStripping { scope, .. } => scope & bit != 0,
        ContentEncoding::Other { .. } => true,
    }
}

/// Undoes `encodings`, in their order, on `data`, which stands at `offset`. What is made is taken off `budget`.
///
/// # Errors
/// An encoding that is not undone here, data that is not zlib, a result beyond the budget.
pub(crate) fn undo(
    encodings: &[ContentEncoding],
    scope: Scope,
    data: &Bytes,
    offset: u64,
    budget: &mut u64,
) -> Result<Bytes, Error> {
    let mut data = data.clone();
    for encoding in encodings.iter().filter(|encoding| in_scope(encoding, scope)) {
        data = match encoding {
            ContentEncoding::HeaderStripping { settings, .. } => {
                let len = settings.len() as u64 + data.len() as u64;
                *budget = budget.checked_sub(len).ok_or_else(|| too_much(offset, *budget))?;
                let mut whole = BytesMut::with_capacity(settings.len() + data.len());
                whole.extend_from_slice(settings);
                whole.extend_from_slice(&data);
                whole.freeze()
            }
            ContentEncoding::Zlib { .. } => inflate(&data, offset, budget)?,
            ContentEncoding::Other { what } => return Err(Error::new(offset, ErrorKind::Unsupported(what))),
        };
    }
    Ok(data)
}

fn too_much(offset: u64, budget: u64) -> Error {
    Error::new(offset, ErrorKind::Limit { what: "bytes of frames with their content encodings undone", limit: budget })
}

/// Data of one zlib stream (RFC 1950). Bytes after its end are passed over.
fn inflate(data: &[u8], offset: u64, budget: &mut u64) -> Result<Bytes, Error> {
    let broken = || Error::new(offset, ErrorKind::InvalidValue("a frame that is not a whole zlib stream"));
    let mut zlib = Decompress::new(true);
    let mut out = Vec::with_capacity(data.len().saturating_mul(2).clamp(64, 1 << 20));
    loop {
        if out.len() as u64 > *budget {
            return Err(too_much(offset, *budget));
        }
        if out.len() == out.capacity() {
            // Grows by what was really produced.
            out.reserve(out.len().clamp(64, 1 << 20));
        }
        let rest = data.get(zlib.total_in() as usize..).unwrap_or_default();
        let (read, made) = (zlib.total_in(), zlib.total_out());
        match zlib.decompress_vec(rest, &mut out, FlushDecompress::None) {
            Ok(Status::StreamEnd) => break,
            Ok(_) if zlib.total_in() == read && zlib.total_out() == made => return Err(broken()),
            Ok(_) => {}
            Err(_) => return Err(broken()),
        }
    }
    *budget = budget.checked_sub(out.len() as u64).ok_or_else(|| too_much(offset, *budget))?;
    Ok(Bytes::from(out))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn zlib(data: &[u8]) -> Bytes {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        Bytes::from(encoder.finish().unwrap())
    }

    #[test]
    fn in_the_order_given() {
        let strip = ContentEncoding::HeaderStripping { scope: 1, settings: Bytes::from_static(b"\0\0\0") };
        let stripped = zlib(b"\x01rest");
        let mut budget = 1 << 20;
        let out = undo(&[ContentEncoding::Zlib { scope: 1 }, strip.clone()], Scope::Frames, &stripped, 7, &mut budget);
        assert_eq!(&out.unwrap()[..], b"\0\0\0\x01rest");
        let other = [strip, ContentEncoding::Other { what: "encryption" }];
        let error = undo(&other, Scope::Frames, &stripped, 7, &mut budget).unwrap_err();
        assert_eq!((error.offset, error.kind), (7, ErrorKind::Unsupported("encryption")));
    }

    #[test]
    fn scope_bits() {
        let private_only = [ContentEncoding::HeaderStripping { scope: 2, settings: Bytes::from_static(b"x") }];
        assert!(!covers(&private_only, Scope::Frames));
        let data = Bytes::from_static(b"y");
        assert_eq!(undo(&private_only, Scope::Frames, &data, 0, &mut 9).unwrap(), data);
        assert_eq!(&undo(&private_only, Scope::CodecPrivate, &data, 0, &mut 9).unwrap()[..], b"xy");
    }

    #[test]
    fn bounded_and_whole() {
        let bomb = zlib(&vec![0; 3 << 20]);
        let zlib_only = [ContentEncoding::Zlib { scope: 1 }];
        let error = undo(&zlib_only, Scope::Frames, &bomb, 0, &mut (1 << 20)).unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Limit { .. }));
        assert_eq!(undo(&zlib_only, Scope::Frames, &bomb, 0, &mut (3 << 20)).unwrap().len(), 3 << 20);
        let cut = bomb.slice(..bomb.len() - 1);
        let error = undo(&zlib_only, Scope::Frames, &cut, 0, &mut (4 << 20)).unwrap_err();
        assert!(matches!(error.kind, ErrorKind::InvalidValue(_)));
        for bad in [&b""[..], b"not zlib", &[0x78]] {
            assert!(undo(&zlib_only, Scope::Frames, &Bytes::copy_from_slice(bad), 0, &mut 99).is_err());
        }
    }
}
