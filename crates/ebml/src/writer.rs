//! Writing elements.
//!
//! [`encode_header`] makes the header of an element on the stack, for a writer that hands payloads on as they are;
//! [`Writer`] appends whole elements to a `Vec<u8>` or a [`BytesMut`].

use bytes::{BufMut, BytesMut};

use crate::crc::{CRC32_ELEMENT_LEN, crc32};
use crate::{ElementId, ElementSize, Error, ErrorKind, MAX_HEADER_LEN};

/// In how many bytes a data size is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SizeWidth {
    /// As few as hold it.
    #[default]
    Minimal,
    /// This many, 1 to 8. Wider than needed is legal (RFC 8794 §4.4), so a size can be put right later.
    Fixed(u8),
}

/// The bytes of an element header, on the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodedHeader {
    bytes: [u8; MAX_HEADER_LEN],
    len: u8,
}

impl AsRef<[u8]> for EncodedHeader {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl std::ops::Deref for EncodedHeader {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_ref()
    }
}

/// The header of an element with this ID and data size. An unknown size of minimal width takes one byte.
///
/// # Errors
/// `Misuse`: an ID that is not one (RFC 8794 §5), or a size that does not fit the width: at most 2^(7·width) − 2.
///
/// ```
/// use kineframe_ebml::{ElementId, ElementSize, SizeWidth, encode_header};
///
/// let header = encode_header(ElementId(0xA3), ElementSize::Known(4906), SizeWidth::Minimal)?;
/// assert_eq!(header.as_ref(), [0xA3, 0x53, 0x2A]);
/// # Ok::<(), kineframe_ebml::ErrorKind>(())
/// ```
pub fn encode_header(id: ElementId, size: ElementSize, width: SizeWidth) -> Result<EncodedHeader, ErrorKind> {
    if !id.is_valid() {
        return Err(ErrorKind::Misuse("not an element ID"));
    }
    let mut header = EncodedHeader { bytes: [0; MAX_HEADER_LEN], len: 0 };
    let id_bytes = id.0.to_be_bytes();
    let id_bytes = &id_bytes[4 - id.len()..];
    let (size_bytes, size_width) = encode_size(size, width)?;
    let size_bytes = &size_bytes[8 - size_width..];
    header.bytes[..id_bytes.len()].copy_from_slice(id_bytes);
    header.bytes[id_bytes.len()..][..size_width].copy_from_slice(size_bytes);
    header.len = (id_bytes.len() + size_width) as u8; // at most MAX_HEADER_LEN
    Ok(header)
}

/// The largest data size that can be told in `width` bytes; all ones means unknown.
const fn largest(width: u32) -> u64 {
    (1 << (7 * width)) - 2
}

/// The size right-aligned in eight bytes, and its width.
fn encode_size(size: ElementSize, width: SizeWidth) -> Result<([u8; 8], usize), ErrorKind> {
    let width = match (width, size) {
        (SizeWidth::Fixed(width @ 1..=8), _) => u32::from(width),
        (SizeWidth::Fixed(_), _) => return Err(ErrorKind::Misuse("a size width is 1 to 8 bytes")),
        (SizeWidth::Minimal, ElementSize::Unknown) => 1,
        (SizeWidth::Minimal, ElementSize::Known(size)) => {
            (1..=8).find(|width| size <= largest(*width)).ok_or(ErrorKind::Misuse("a size beyond 2^56 - 2"))?
        }
    };
    let value = match size {
        ElementSize::Unknown => largest(width) + 1,
        ElementSize::Known(size) if size <= largest(width) => size,
        ElementSize::Known(_) => return Err(ErrorKind::Misuse("a size that does not fit its width")),
    };
    Ok(((value | 1 << (7 * width)).to_be_bytes(), width as usize))
}

/// What a [`Writer`] appends to: `Vec<u8>` and [`BytesMut`].
pub trait Output: BufMut + AsRef<[u8]> + AsMut<[u8]> + sealed::Sealed {
    /// Drops all bytes from `len` on.
    fn truncate(&mut self, len: usize);
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for Vec<u8> {}
    impl Sealed for bytes::BytesMut {}
}

impl Output for Vec<u8> {
    fn truncate(&mut self, len: usize) {
        Vec::truncate(self, len);
    }
}

impl Output for BytesMut {
    fn truncate(&mut self, len: usize) {
        BytesMut::truncate(self, len);
    }
}

/// Appends elements to a buffer.
///
/// A call that fails leaves the buffer as it was before. Errors are located by the length of the buffer.
///
/// ```
/// use kineframe_ebml::{ElementId, SizeWidth, Writer, children, Limits};
///
/// let mut out = Vec::new();
/// Writer::new(&mut out).master(ElementId(0xAE), SizeWidth::Minimal, |track| {
///     track.unsigned(ElementId(0xD7), 1)?;
///     track.string(ElementId(0x86), "V_VP9")
/// })?;
/// assert_eq!(out, b"\xAE\x8A\xD7\x81\x01\x86\x85V_VP9");
/// # Ok::<(), kineframe_ebml::Error>(())
/// ```
#[derive(Debug)]
pub struct Writer<'a, O> {
    out: &'a mut O,
}

impl<'a, O: Output> Writer<'a, O> {
    /// Appends to what `out` holds already.
    pub fn new(out: &'a mut O) -> Self {
        Writer { out }
    }

    /// The header of an element whose `size` bytes of data the caller appends, or sends on, itself.
    ///
    /// # Errors
    /// As for [`encode_header`].
    pub fn header(&mut self, id: ElementId, size: u64) -> Result<(), Error> {
        self.header_sized(id, ElementSize::Known(size), SizeWidth::Minimal)
    }

    /// A header with all to choose, among it an unknown size of a given width.
    ///
    /// # Errors
    /// As for [`encode_header`].
    pub fn header_sized(&mut self, id: ElementId, size: ElementSize, width: SizeWidth) -> Result<(), Error> {
        let header = encode_header(id, size, width).map_err(|kind| self.error(kind))?;
        self.out.put_slice(&header);
        Ok(())
    }

    /// An Unsigned Integer in as few bytes as hold it, at least one.
    ///
    /// # Errors
    /// An ID that is not one.
    pub fn unsigned(&mut self, id: ElementId, value: u64) -> Result<(), Error> {
        let width = (8 - value.leading_zeros() as usize / 8).max(1);
        self.integer(id, value.to_be_bytes(), width)
    }

    /// An Unsigned Integer in `width` bytes, 1 to 8, so that it can be put right later.
    ///
    /// # Errors
    /// An ID that is not one, a value that does not fit.
    pub fn unsigned_fixed(&mut self, id: ElementId, value: u64, width: u8) -> Result<(), Error> {
        let fits = (1..=8).contains(&width) && (width == 8 || value >> (8 * width) == 0);
        if !fits {
            return Err(self.error(ErrorKind::Misuse("a value that does not fit its width")));
        }
        self.integer(id, value.to_be_bytes(), usize::from(width))
    }

    /// A Signed Integer in as few bytes as hold it, at least one.
    ///
    /// # Errors
    /// An ID that is not one.
    pub fn signed(&mut self, id: ElementId, value: i64) -> Result<(), Error> {
        // One bit more than the magnitude needs, for the sign.
        let bits = 65 - (if value < 0 { !value } else { value }).leading_zeros() as usize;
        self.integer(id, value.to_be_bytes(), bits.div_ceil(8))
    }

    fn integer(&mut self, id: ElementId, value: [u8; 8], width: usize) -> Result<(), Error> {
        self.binary(id, &value[8 - width..])
    }

    /// A Float of eight bytes.
    ///
    /// # Errors
    /// An ID that is not one.
    pub fn float(&mut self, id: ElementId, value: f64) -> Result<(), Error> {
        self.binary(id, &value.to_be_bytes())
    }

    /// A Float of four bytes.
    ///
    /// # Errors
    /// An ID that is not one.
    pub fn float32(&mut self, id: ElementId, value: f32) -> Result<(), Error> {
        self.binary(id, &value.to_be_bytes())
    }

    /// A String: printable ASCII (RFC 8794 §7.4).
    ///
    /// # Errors
    /// Other text, an ID that is not one.
    pub fn string(&mut self, id: ElementId, value: &str) -> Result<(), Error> {
        if !value.bytes().all(|byte| (0x20..=0x7E).contains(&byte)) {
            return Err(self.error(ErrorKind::InvalidText("printable ASCII")));
        }
        self.binary(id, value.as_bytes())
    }

    /// A UTF-8 string (§7.5), without NUL: a reader would stop there (§13).
    ///
    /// # Errors
    /// Text with a NUL, an ID that is not one.
    pub fn utf8(&mut self, id: ElementId, value: &str) -> Result<(), Error> {
        if value.contains('\0') {
            return Err(self.error(ErrorKind::InvalidText("free of NUL")));
        }
        self.binary(id, value.as_bytes())
    }

    /// A Date: nanoseconds since 2001-01-01T00:00:00 UTC.
    ///
    /// # Errors
    /// An ID that is not one.
    pub fn date(&mut self, id: ElementId, nanoseconds: i64) -> Result<(), Error> {
        self.binary(id, &nanoseconds.to_be_bytes())
    }

    /// An element with these bytes as data.
    ///
    /// # Errors
    /// An ID that is not one.
    pub fn binary(&mut self, id: ElementId, data: &[u8]) -> Result<(), Error> {
        self.header(id, data.len() as u64)?;
        self.out.put_slice(data);
        Ok(())
    }

    /// A `Void` of `len` bytes in all, header included.
    ///
    /// # Errors
    /// `Misuse`: fewer than two bytes, which no element has.
    pub fn void(&mut self, len: usize) -> Result<(), Error> {
        let data = |width: u32| len.checked_sub(1 + width as usize).map(|data| data as u64);
        let fitting = (1..=8).find_map(|width| data(width).filter(|data| *data <= largest(width)).map(|d| (d, width)));
        let Some((size, width)) = fitting else {
            return Err(self.error(ErrorKind::Misuse("a Void has at least two bytes")));
        };
        self.header_sized(ElementId::VOID, ElementSize::Known(size), SizeWidth::Fixed(width as u8))?;
        self.out.put_bytes(0, size as usize);
        Ok(())
    }

    /// A master element whose children `write` appends; its size is put in afterwards.
    ///
    /// With [`SizeWidth::Minimal`] the children are moved once, by up to seven bytes.
    ///
    /// # Errors
    /// What `write` returns, an ID that is not one, more data than the width can tell.
    pub fn master(
        &mut self,
        id: ElementId,
        width: SizeWidth,
        write: impl FnOnce(&mut Writer<'_, O>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.patched(id, width, false, write)
    }

    /// The same with a `CRC-32` of the other children as the first one (RFC 8794 §11.3.1).
    ///
    /// # Errors
    /// As for [`Writer::master`].
    pub fn master_with_crc32(
        &mut self,
        id: ElementId,
        width: SizeWidth,
        write: impl FnOnce(&mut Writer<'_, O>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.patched(id, width, true, write)
    }

    fn patched(
        &mut self,
        id: ElementId,
        width: SizeWidth,
        crc: bool,
        write: impl FnOnce(&mut Writer<'_, O>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let start = self.out.as_ref().len();
        let result = self.append_patched(start, id, width, crc, write);
        if result.is_err() {
            self.out.truncate(start);
        }
        result
    }

    fn append_patched(
        &mut self,
        start: usize,
        id: ElementId,
        width: SizeWidth,
        crc: bool,
        write: impl FnOnce(&mut Writer<'_, O>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let reserved = if width == SizeWidth::Minimal { SizeWidth::Fixed(8) } else { width };
        self.header_sized(id, ElementSize::Known(0), reserved)?;
        let data = self.out.as_ref().len();
        if crc {
            self.binary(ElementId::CRC32, &[0; 4])?;
        }
        write(&mut Writer { out: &mut *self.out })?;
        let end = self.out.as_ref().len();
        if crc {
            let value = crc32(self.out.as_ref().get(data + CRC32_ELEMENT_LEN..end).unwrap_or_default());
            self.out.as_mut()[data + 2..data + CRC32_ELEMENT_LEN].copy_from_slice(&value.to_le_bytes());
        }
        let size = ElementSize::Known((end - data) as u64);
        let header = encode_header(id, size, width).map_err(|kind| Error::new(start as u64, kind))?;
        let room = data - start;
        self.out.as_mut()[start..start + header.len()].copy_from_slice(&header);
        if header.len() < room {
            self.out.as_mut().copy_within(data..end, start + header.len());
            self.out.truncate(end - (room - header.len()));
        }
        Ok(())
    }

    fn error(&self, kind: ErrorKind) -> Error {
        Error::new(self.out.as_ref().len() as u64, kind)
    }
}

#[cfg(test)]
mod tests;
