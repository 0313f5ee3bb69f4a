//! Pictures that a decoder with an output order of its own still holds back.

use std::collections::BTreeMap;

use kineframe_codec::{ColorSpace, PacketId, PixelFormat, Rect};

/// More pictures than a decoder ever holds back: whatever is older was dropped by it.
const MOST: usize = 64;

/// What is known of a picture before its decoder hands it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AwaitedPicture {
    /// The packet that it came in.
    pub id: PacketId,
    /// It is to be shown.
    pub wanted: bool,
    /// It is damaged, or built on what is.
    pub damaged: bool,
    /// What is visible of the planes.
    pub visible: Rect,
    /// How its samples are stored, as the stream says.
    pub format: PixelFormat,
    /// What its samples mean.
    pub color: ColorSpace,
}

/// The pictures that a decoder was given and has not handed out yet, by the time stamp that it was given with each;
/// stamps rise in decoding order.
#[derive(Debug, Clone, Default)]
pub struct Awaited {
    pictures: BTreeMap<u64, AwaitedPicture>,
    stamp: u64,
}

impl Awaited {
    /// The next picture's time stamp, from 1.
    pub fn stamp(&mut self) -> u64 {
        self.stamp += 1;
        self.stamp
    }

    /// The picture of this time stamp is on its way.
    pub fn expect(&mut self, stamp: u64, picture: AwaitedPicture) {
        self.pictures.insert(stamp, picture);
        while self.pictures.len() > MOST {
            self.pictures.pop_first();
        }
    }

    /// The picture of this time stamp is damaged, where it is on its way.
    pub fn spoil(&mut self, stamp: u64) {
        if let Some(picture) = self.pictures.get_mut(&stamp) {
            picture.damaged = true;
        }
    }

    /// So is every picture from this time stamp on.
    pub fn spoil_from(&mut self, stamp: u64) {
        self.pictures.range_mut(stamp..).for_each(|(_, picture)| picture.damaged = true);
    }

    /// The picture of this time stamp was handed out, or will not be.
    pub fn take(&mut self, stamp: u64) -> Option<AwaitedPicture> {
        self.pictures.remove(&stamp)
    }

    /// None is on its way.
    pub fn is_empty(&self) -> bool {
        self.pictures.is_empty()
    }

    /// Forgets all. Stamps go on rising.
    pub fn clear(&mut self) {
        self.pictures.clear();
    }
}

#[cfg(test)]
mod tests {
    use kineframe_codec::{BitDepth, ChromaSampling};

    use super::*;

    #[test]
    fn remembers_what_was_not_handed_out() {
        let format = PixelFormat { chroma: ChromaSampling::Yuv420, depth: BitDepth::EIGHT };
        let visible = Rect { left: 0, top: 0, width: 16, height: 16 };
        let color = ColorSpace::default();
        let mut awaited = Awaited::default();
        for id in 0..100 {
            let stamp = awaited.stamp();
            let picture = AwaitedPicture { id: PacketId(id), wanted: true, damaged: false, visible, format, color };
            awaited.expect(stamp, picture);
        }
        // The oldest were dropped by the decoder.
        assert_eq!(awaited.take(36), None);
        awaited.spoil(40);
        awaited.spoil_from(99);
        let damaged = |awaited: &mut Awaited, stamp| awaited.take(stamp).map(|picture| (picture.id.0, picture.damaged));
        assert_eq!(damaged(&mut awaited, 40), Some((39, true)));
        assert_eq!(damaged(&mut awaited, 40), None);
        assert_eq!(damaged(&mut awaited, 98), Some((97, false)));
        assert_eq!(damaged(&mut awaited, 100), Some((99, true)));
        awaited.clear();
        assert!(awaited.is_empty());
        assert_eq!(awaited.stamp(), 101);
    }
}
