//! Blocks and their lacing (RFC 9559 §10).

use crate::{Element, Rng, Size, ids, vint_size};

/// How a frame is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// In a `SimpleBlock`.
    Simple,
    /// In a `BlockGroup`, with a `ReferenceBlock` unless it is a key frame.
    Group {
        /// `BlockDuration` in segment ticks.
        duration: Option<u64>,
    },
}

/// One frame in a block of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Track number.
    pub track: u64,
    /// Ticks after the Cluster's Timestamp.
    pub relative: i16,
    /// Whether it is a key frame.
    pub keyframe: bool,
    /// The frame's bytes.
    pub payload: Vec<u8>,
    /// How it is stored.
    pub shape: Shape,
    /// How the size of its block element is written.
    pub size: Size,
}

impl Frame {
    /// A frame in a `SimpleBlock`.
    pub fn new(track: u64, relative: i16, keyframe: bool, payload: impl Into<Vec<u8>>) -> Self {
        Frame { track, relative, keyframe, payload: payload.into(), shape: Shape::Simple, size: Size::Minimal }
    }

    /// A made-up H.264 access unit of `len` bytes (at least five): one NAL unit, length in four bytes, whose rest
    /// is noise, so not decodable.
    pub fn h264(track: u64, relative: i16, keyframe: bool, len: usize, seed: u64) -> Self {
        let len = len.max(5);
        let mut payload = ((len - 4) as u32).to_be_bytes().to_vec();
        payload.push(if keyframe { 0x65 } else { 0x41 });
        payload.extend(Rng::new(seed).bytes(len - 5));
        Frame::new(track, relative, keyframe, payload)
    }

    /// The same in a `BlockGroup`.
    #[must_use]
    pub fn grouped(mut self, duration: Option<u64>) -> Self {
        self.shape = Shape::Group { duration };
        self
    }

    /// The same with the size of its block element written so.
    #[must_use]
    pub fn sized(mut self, size: Size) -> Self {
        self.size = size;
        self
    }

    /// The `SimpleBlock` or `BlockGroup`.
    pub fn element(&self) -> Element {
        let key_flag = if self.keyframe && self.shape == Shape::Simple { 0x80 } else { 0 };
        let mut data = block_header(self.track, self.relative, key_flag);
        let payload = Some(data.len());
        data.extend_from_slice(&self.payload);
        match self.shape {
            Shape::Simple => Element { payload, ..Element::data(ids::SIMPLE_BLOCK, data) }.sized(self.size),
            Shape::Group { duration } => {
                let mut children = vec![Element { payload, ..Element::data(ids::BLOCK, data) }.sized(self.size)];
                children.extend(duration.map(|ticks| Element::uint(ids::BLOCK_DURATION, ticks)));
                if !self.keyframe {
                    children.push(Element::sint(ids::REFERENCE_BLOCK, -33, 1));
                }
                Element::master(ids::BLOCK_GROUP, children)
            }
        }
    }
}

fn block_header(track: u64, relative: i16, flags: u8) -> Vec<u8> {
    let mut data = vint_size(Size::Minimal, track);
    data.extend(relative.to_be_bytes());
    data.push(flags);
    data
}

/// The data of a key frame `SimpleBlock` with Xiph lacing.
pub fn lace_xiph(track: u64, relative: i16, frames: &[&[u8]]) -> Vec<u8> {
    let mut data = block_header(track, relative, 0x82);
    data.push((frames.len() - 1) as u8);
    for frame in &frames[..frames.len() - 1] {
        data.extend(vec![255; frame.len() / 255]);
        data.push((frame.len() % 255) as u8);
    }
    data.extend(frames.concat());
    data
}

/// The data of a key frame `SimpleBlock` with EBML lacing: the first size, then signed differences.
pub fn lace_ebml(track: u64, relative: i16, frames: &[&[u8]]) -> Vec<u8> {
    let mut data = block_header(track, relative, 0x86);
    data.push((frames.len() - 1) as u8);
    let sizes: Vec<i64> = frames[..frames.len() - 1].iter().map(|frame| frame.len() as i64).collect();
    for (index, size) in sizes.iter().enumerate() {
        match index.checked_sub(1) {
            None => data.extend(vint_size(Size::Minimal, *size as u64)),
            Some(before) => {
                let difference = size - sizes[before];
                // A width of n bytes is offset by 2^(7n−1) − 1, and tells ±that.
                let width = (1..=8).find(|n| difference.abs() < 1 << (7 * n - 1)).expect("fits eight bytes");
                let bias = (1i64 << (7 * width - 1)) - 1;
                data.extend(vint_size(Size::Lie((difference + bias) as u64, width as usize), 0));
            }
        }
    }
    data.extend(frames.concat());
    data
}

/// The data of a key frame `SimpleBlock` with fixed-size lacing.
///
/// # Panics
/// Where the frames are not of one length.
pub fn lace_fixed(track: u64, relative: i16, frames: &[&[u8]]) -> Vec<u8> {
    assert!(frames.windows(2).all(|pair| pair[0].len() == pair[1].len()), "frames of one length");
    let mut data = block_header(track, relative, 0x84);
    data.push((frames.len() - 1) as u8);
    data.extend(frames.concat());
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_by_hand() {
        assert_eq!(Frame::new(1, -2, true, [7, 8]).element().encode(), [0xA3, 0x86, 0x81, 0xFF, 0xFE, 0x80, 7, 8]);
        let group = Frame::new(2, 3, false, [9]).grouped(Some(40)).element().encode();
        assert_eq!(group, [0xA0, 0x8D, 0xA1, 0x85, 0x82, 0, 3, 0, 9, 0x9B, 0x81, 40, 0xFB, 0x81, 0xDF]);
        let unit = Frame::h264(1, 0, true, 9, 1).payload;
        assert_eq!((unit.len(), &unit[..5]), (9, &[0, 0, 0, 5, 0x65][..]));
    }

    #[test]
    fn lacings_by_hand() {
        // The three frames of RFC 9559 §10.3: 800, 500 and 1000 bytes.
        let (a, b, c) = ([1; 800], [2; 500], [3; 1000]);
        let frames: [&[u8]; 3] = [&a, &b, &c];
        assert_eq!(lace_xiph(1, 0, &frames)[4..11], [2, 255, 255, 255, 35, 255, 245]);
        assert_eq!(lace_ebml(1, 0, &frames)[4..9], [2, 0x43, 0x20, 0x5E, 0xD3]);
        assert_eq!(lace_fixed(1, 0, &[&a, &a])[..5], [0x81, 0, 0, 0x84, 1]);
    }
}
