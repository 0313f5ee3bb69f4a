//! EBML elements as a tree, and the bytes of the tree with the place of each element.

use std::ops::Range;

use crate::ids;

/// How an element's data size is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// In the fewest bytes.
    Minimal,
    /// In this many bytes, 1 to 8.
    Width(usize),
    /// Unknown (all ones), in this many bytes, 1 to 8.
    Unknown(usize),
    /// This value in place of the true one, in that many bytes: a lie, for damaged files.
    Lie(u64, usize),
}

/// What an element holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Bytes.
    Data(Vec<u8>),
    /// Elements.
    Children(Vec<Element>),
}

/// One element, to be written. The ID is taken as it is, legal or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    /// The ID with its length marker.
    pub id: u32,
    /// How the size is written.
    pub size: Size,
    /// What it holds.
    pub body: Body,
    /// Where in the data a payload that is no structure begins (the frame in a block).
    pub payload: Option<usize>,
}

impl Element {
    /// An element of bytes.
    pub fn data(id: u32, data: impl Into<Vec<u8>>) -> Self {
        Element { id, size: Size::Minimal, body: Body::Data(data.into()), payload: None }
    }

    /// An element of bytes that are all payload, no structure.
    pub fn payload(id: u32, data: impl Into<Vec<u8>>) -> Self {
        Element { payload: Some(0), ..Element::data(id, data) }
    }

    /// A master element.
    pub fn master(id: u32, children: impl Into<Vec<Element>>) -> Self {
        Element { id, size: Size::Minimal, body: Body::Children(children.into()), payload: None }
    }

    /// An unsigned integer in the fewest bytes, at least one.
    pub fn uint(id: u32, value: u64) -> Self {
        let skip = (value.leading_zeros() as usize / 8).min(7);
        Element::data(id, &value.to_be_bytes()[skip..])
    }

    /// A signed integer in `width` bytes, 1 to 8.
    pub fn sint(id: u32, value: i64, width: usize) -> Self {
        Element::data(id, &value.to_be_bytes()[8 - width..])
    }

    /// A float of eight bytes.
    pub fn float(id: u32, value: f64) -> Self {
        Element::data(id, value.to_be_bytes())
    }

    /// A text.
    pub fn text(id: u32, value: &str) -> Self {
        Element::data(id, value.as_bytes())
    }

    /// A `Void` of `len` zero bytes of data.
    pub fn void(len: usize) -> Self {
        Element::data(ids::VOID, vec![0; len])
    }

    /// The same with its size written so.
    #[must_use]
    pub fn sized(mut self, size: Size) -> Self {
        self.size = size;
        self
    }

    /// The same with its size in `width` bytes.
    #[must_use]
    pub fn width(self, width: usize) -> Self {
        self.sized(Size::Width(width))
    }

    /// The same with unknown size, in `width` bytes.
    #[must_use]
    pub fn unknown(self, width: usize) -> Self {
        self.sized(Size::Unknown(width))
    }

    /// The same master with a `CRC-32` of its children before them.
    ///
    /// # Panics
    /// On an element that is not a master.
    #[must_use]
    pub fn with_crc(mut self) -> Self {
        let Body::Children(children) = &mut self.body else { panic!("a CRC-32 stands in a master") };
        let crc = crc32(&encode(children));
        children.insert(0, Element::data(ids::CRC32, crc.to_le_bytes()));
        self
    }

    /// The bytes.
    pub fn encode(&self) -> Vec<u8> {
        encode(std::slice::from_ref(self))
    }
}

/// Where one element lies in the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementAt {
    /// Elements around it.
    pub depth: usize,
    /// Its ID.
    pub id: u32,
    /// Where its header starts.
    pub offset: usize,
    /// Bytes of its header.
    pub header_len: usize,
    /// The size as written; `None` where unknown.
    pub size: Option<u64>,
    /// Where its data really ends.
    pub end: usize,
    /// It has children (or would have).
    pub master: bool,
    /// The bytes in it that are payload.
    pub payload: Option<Range<usize>>,
}

/// Bytes, and where the elements in them are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The elements, in the order of their headers.
    pub elements: Vec<ElementAt>,
}

impl Layout {
    /// The ranges of bytes that are structure, not payload, in order.
    pub fn structure(&self) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        let mut from = 0;
        for payload in self.elements.iter().filter_map(|element| element.payload.clone()) {
            if payload.start > from {
                ranges.push(from..payload.start);
            }
            from = payload.end;
        }
        if from < self.bytes.len() {
            ranges.push(from..self.bytes.len());
        }
        ranges
    }

    fn push(&mut self, element: &Element, depth: usize) {
        let place = self.elements.len();
        let offset = self.bytes.len();
        let data_len = match &element.body {
            Body::Data(data) => data.len(),
            Body::Children(children) => encode(children).len(),
        } as u64;
        let id = element.id.to_be_bytes();
        let skip = id.iter().position(|byte| *byte != 0).unwrap_or(3);
        self.bytes.extend_from_slice(&id[skip..]);
        let size = match element.size {
            Size::Minimal | Size::Width(_) => Some(data_len),
            Size::Unknown(_) => None,
            Size::Lie(value, _) => Some(value),
        };
        self.bytes.extend(vint_size(element.size, data_len));
        let header_len = self.bytes.len() - offset;
        self.elements.push(ElementAt {
            depth,
            id: element.id,
            offset,
            header_len,
            size,
            end: offset + header_len + data_len as usize,
            master: matches!(element.body, Body::Children(_)),
            payload: element.payload.map(|at| offset + header_len + at..offset + header_len + data_len as usize),
        });
        match &element.body {
            Body::Data(data) => self.bytes.extend_from_slice(data),
            Body::Children(children) => children.iter().for_each(|child| self.push(child, depth + 1)),
        }
        assert_eq!(self.bytes.len(), self.elements[place].end);
    }
}

/// The bytes of elements, end to end.
pub fn encode(elements: &[Element]) -> Vec<u8> {
    layout(elements).bytes
}

/// The bytes of elements, end to end, and where each lies.
pub fn layout(elements: &[Element]) -> Layout {
    let mut layout = Layout::default();
    elements.iter().for_each(|element| layout.push(element, 0));
    layout
}

/// The bytes of a data size, for data of `len` bytes.
///
/// # Panics
/// Where the value does not fit the width.
pub fn vint_size(size: Size, len: u64) -> Vec<u8> {
    let (value, width) = match size {
        // All ones means unknown, so each width ends one below that.
        Size::Minimal => (len, (1..=8).find(|width| len < (1 << (7 * width)) - 1).expect("fits eight bytes")),
        Size::Width(width) => (len, width),
        Size::Unknown(width) => ((1 << (7 * width)) - 1, width),
        Size::Lie(value, width) => (value, width),
    };
    assert!((1..=8).contains(&width) && value < 1 << (7 * width), "{value} does not fit {width} bytes");
    let marked = value | 1 << (7 * width);
    marked.to_be_bytes()[8 - width..].to_vec()
}

/// CRC-32 bit by bit: slow and plain, to check the fast ones against.
fn crc32(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_by_hand() {
        assert_eq!(vint_size(Size::Minimal, 0), [0x80]);
        assert_eq!(vint_size(Size::Minimal, 126), [0xFE]);
        assert_eq!(vint_size(Size::Minimal, 127), [0x40, 0x7F]);
        assert_eq!(vint_size(Size::Minimal, 16_382), [0x7F, 0xFE]);
        assert_eq!(vint_size(Size::Minimal, 16_383), [0x20, 0x3F, 0xFF]);
        assert_eq!(vint_size(Size::Width(8), 5), [1, 0, 0, 0, 0, 0, 0, 5]);
        assert_eq!(vint_size(Size::Unknown(1), 5), [0xFF]);
        assert_eq!(vint_size(Size::Unknown(8), 5), [1, 255, 255, 255, 255, 255, 255, 255]);
        assert_eq!(vint_size(Size::Lie(9, 4), 5), [0x10, 0, 0, 9]);
    }

    #[test]
    fn values_by_hand() {
        assert_eq!(Element::uint(0x4286, 1).encode(), [0x42, 0x86, 0x81, 1]);
        assert_eq!(Element::uint(0xD7, 0).encode(), [0xD7, 0x81, 0]);
        assert_eq!(Element::uint(0xE7, 0x0102_0304_0506).encode(), [0xE7, 0x86, 1, 2, 3, 4, 5, 6]);
        assert_eq!(Element::sint(0xFB, -2, 2).encode(), [0xFB, 0x82, 0xFF, 0xFE]);
        assert_eq!(Element::float(0x4489, 1.0).encode(), [0x44, 0x89, 0x88, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(Element::void(2).encode(), [0xEC, 0x82, 0, 0]);
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn layout_of_a_tree() {
        let tree = Element::master(0xA0, [Element::payload(0xA1, [7; 3]), Element::uint(0x9B, 2)]).unknown(8);
        let found = layout(&[tree]);
        assert_eq!(found.bytes.len(), 9 + 5 + 3);
        let places: Vec<_> = found.elements.iter().map(|at| (at.depth, at.id, at.offset, at.size, at.end)).collect();
        assert_eq!(places, [(0, 0xA0, 0, None, 17), (1, 0xA1, 9, Some(3), 14), (1, 0x9B, 14, Some(1), 17)]);
        assert_eq!(found.structure(), [0..11, 14..17]);
    }
}
