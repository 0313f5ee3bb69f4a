//! The frames of a block.

use std::ops::{Deref, DerefMut};

use crate::BlockFrame;

/// The frames of a block in stored order; a slice of them.
///
/// Nearly every block holds one frame (no lace), and that one takes no memory of its own.
///
/// ```
/// use kineframe_matroska::{BlockFrame, BlockFrames};
///
/// let frame = BlockFrame { offset: 7, stored_len: 0, data: Ok(Default::default()) };
/// let frames = BlockFrames::from(frame);
/// assert_eq!((frames.len(), frames[0].offset), (1, 7));
/// ```
#[derive(Debug, Clone)]
pub struct BlockFrames(Kept);

#[derive(Debug, Clone)]
enum Kept {
    One(BlockFrame),
    Many(Vec<BlockFrame>),
}

impl BlockFrames {
    /// The frame, where it is the only one; else the frames as they were.
    ///
    /// # Errors
    /// None or several frames.
    #[inline]
    pub fn into_single(self) -> Result<BlockFrame, BlockFrames> {
        match self.0 {
            Kept::One(frame) => Ok(frame),
            Kept::Many(_) => Err(self),
        }
    }
}

impl From<BlockFrame> for BlockFrames {
    #[inline]
    fn from(frame: BlockFrame) -> Self {
        BlockFrames(Kept::One(frame))
    }
}

impl FromIterator<BlockFrame> for BlockFrames {
    fn from_iter<I: IntoIterator<Item = BlockFrame>>(frames: I) -> Self {
        let mut frames = frames.into_iter();
        match (frames.next(), frames.next()) {
            (Some(only), None) => BlockFrames::from(only),
            (first, second) => BlockFrames(Kept::Many(first.into_iter().chain(second).chain(frames).collect())),
        }
    }
}

impl Deref for BlockFrames {
    type Target = [BlockFrame];

    fn deref(&self) -> &[BlockFrame] {
        match &self.0 {
            Kept::One(frame) => std::slice::from_ref(frame),
            Kept::Many(frames) => frames,
        }
    }
}

impl DerefMut for BlockFrames {
    fn deref_mut(&mut self) -> &mut [BlockFrame] {
        match &mut self.0 {
            Kept::One(frame) => std::slice::from_mut(frame),
            Kept::Many(frames) => frames,
        }
    }
}

impl PartialEq for BlockFrames {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<'a> IntoIterator for &'a BlockFrames {
    type Item = &'a BlockFrame;
    type IntoIter = std::slice::Iter<'a, BlockFrame>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for BlockFrames {
    type Item = BlockFrame;
    type IntoIter = std::iter::Chain<std::option::IntoIter<BlockFrame>, std::vec::IntoIter<BlockFrame>>;

    fn into_iter(self) -> Self::IntoIter {
        let (one, many) = match self.0 {
            Kept::One(frame) => (Some(frame), Vec::new()),
            Kept::Many(frames) => (None, frames),
        };
        one.into_iter().chain(many)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn frame(offset: u64) -> BlockFrame {
        BlockFrame { offset, stored_len: 1, data: Ok(Bytes::from_static(b"x")) }
    }

    #[test]
    fn any_number_in_order() {
        for count in 0..4 {
            let mut frames: BlockFrames = (0..count).map(frame).collect();
            assert_eq!(frames.iter().map(|frame| frame.offset).collect::<Vec<_>>(), (0..count).collect::<Vec<_>>());
            assert_eq!(frames.clone().into_single().is_ok(), count == 1);
            assert_eq!((&frames).into_iter().count(), frames.len());
            frames.iter_mut().for_each(|frame| frame.offset += 1);
            assert!(frames.into_iter().map(|frame| frame.offset).eq(1..=count));
        }
    }

    #[test]
    fn one_is_one_however_it_is_kept() {
        assert_eq!(BlockFrames::from(frame(3)), BlockFrames(Kept::Many(vec![frame(3)])));
        assert_ne!(BlockFrames::from(frame(3)), [frame(3), frame(3)].into_iter().collect());
    }
}
