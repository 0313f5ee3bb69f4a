//! What a block says of itself before its coefficients (§6.4.5 to §6.4.18).

use super::adapt::count;
use super::block::{Block, Place};
use super::probs::TxMode;
use super::tables::{FILTER, INTRA_MODE, KEY_UV_MODES, SEGMENT, key_y_mode};
use super::tile::{Near, Tile};
use crate::Error;
use crate::vp9::header::Feature;

impl Tile<'_> {
    /// `intra_frame_mode_info()`.
    pub(super) fn intra_frame_mode_info(&mut self, place: &Place, near: &Near, block: &mut Block) {
        let segments = &self.frame.rest.segments;
        let mut segment = 0;
        if segments.enabled {
            if segments.update_map {
                segment = self.bits.tree(&SEGMENT, &segments.tree);
                self.work.segments.set(place, segment);
            } else {
                self.work.segments.keep(place);
            }
        }
        let feature = self.feature(segment);
        block.skip = self.skip(feature, near);
        block.tx = self.tx_size(place, near, true);
        let above = near.above.map_or([0; 4], |above| above.modes);
        let left = near.left.map_or([0; 4], |left| left.modes);
        let [_, _, above_0, above_1] = above;
        let [_, left_0, _, left_1] = left;
        self.parts(place, block, |tile, [zero, one, two, _], part| {
            let (above, left) = match part {
                0 => (above_0, left_0),
                1 => (above_1, zero),
                2 => (zero, left_1),
                _ => (one, two),
            };
            tile.bits.tree(&INTRA_MODE, key_y_mode(above, left))
        });
        let mode = usize::from(block.modes[3]);
        self.bits.tree(&INTRA_MODE, KEY_UV_MODES.get(mode).unwrap_or(&KEY_UV_MODES[0]));
    }

    /// Reads the modes of the parts of an intra block, by what gives one for the modes so far and the number of a part.
    fn parts(&mut self, place: &Place, block: &mut Block, read: impl Fn(&mut Self, [u8; 4], u8) -> u8) {
        let (tall, wide) = (place.height_log2 > 0, place.width_log2 > 0);
        for part in 0..4_u8 {
            let (down, right) = (part >= 2, part % 2 == 1);
            // A part that is taller or wider takes the places below it or beside it.
            let mode = match (down && tall, right && wide) {
                (false, false) => read(self, block.modes, part),
                (true, _) => block.modes[usize::from(part % 2)],
                (false, true) => block.modes[usize::from(part & 2)],
            };
            if let Some(slot) = block.modes.get_mut(usize::from(part)) {
                *slot = mode;
            }
        }
    }

    /// `inter_frame_mode_info()`.
    pub(super) fn inter_frame_mode_info(&mut self, place: &Place, near: &Near, block: &mut Block) -> Result<(), Error> {
        let segment = self.inter_segment_id(place, near, block);
        let feature = self.feature(segment);
        block.skip = self.skip(feature, near);
        let is_inter = match feature.reference {
            Some(reference) => reference > 0,
            None => {
                let context = match (near.above, near.left) {
                    (Some(above), Some(left)) => match (above.is_inter(), left.is_inter()) {
                        (false, false) => 3,
                        (true, true) => 0,
                        _ => 1,
                    },
                    (Some(one), None) | (None, Some(one)) => 2 * usize::from(!one.is_inter()),
                    (None, None) => 0,
                };
                let is_inter = self.bits.read(self.frame.probs.is_inter.get(context).copied().unwrap_or(128));
                count(self.work.counts.is_inter.get_mut(context), is_inter);
                is_inter
            }
        };
        block.tx = self.tx_size(place, near, !block.skip || !is_inter);
        if is_inter {
            return self.inter_block_mode_info(place, near, feature, block);
        }
        let group = usize::from(place.largest_tx());
        self.parts(place, block, |tile, _, _| {
            let probs = tile.frame.probs.y_mode.get(group).unwrap_or(&[128; 9]);
            let mode = tile.bits.tree(&INTRA_MODE, probs);
            count(tile.work.counts.y_mode.get_mut(group), mode);
            mode
        });
        let mode = usize::from(block.modes[3]);
        let of_chroma = self.bits.tree(&INTRA_MODE, self.frame.probs.uv_mode.get(mode).unwrap_or(&[128; 9]));
        count(self.work.counts.uv_mode.get_mut(mode), of_chroma);
        Ok(())
    }

    /// `inter_segment_id()`.
    fn inter_segment_id(&mut self, place: &Place, near: &Near, block: &mut Block) -> u8 {
        let segments = &self.frame.rest.segments;
        if !segments.enabled {
            return 0;
        }
        if !segments.update_map {
            self.work.segments.keep(place);
            return self.work.segments.predicted(place);
        }
        if segments.temporal {
            let context = near.many(|block| block.segment_predicted);
            block.segment_predicted = self.bits.read(segments.predicted.get(context).copied().unwrap_or(255));
        }
        let id = if block.segment_predicted {
            self.work.segments.predicted(place)
        } else {
            self.bits.tree(&SEGMENT, &segments.tree)
        };
        self.work.segments.set(place, id);
        id
    }

    fn feature(&self, segment: u8) -> Feature {
        if !self.frame.rest.segments.enabled {
            return Feature::default();
        }
        self.frame.features.get(usize::from(segment)).copied().unwrap_or_default()
    }

    fn skip(&mut self, feature: Feature, near: &Near) -> bool {
        if feature.skip {
            return true;
        }
        let context = near.many(|block| block.skip);
        let skip = self.bits.read(self.frame.probs.skip.get(context).copied().unwrap_or(128));
        count(self.work.counts.skip.get_mut(context), skip);
        skip
    }

    /// `read_tx_size()`.
    fn tx_size(&mut self, place: &Place, near: &Near, may_select: bool) -> u8 {
        let largest = place.largest_tx();
        match self.frame.modes.tx {
            TxMode::Largest(size) => return largest.min(size),
            TxMode::Select if !may_select || largest == 0 => return largest,
            TxMode::Select => {}
        }
        let expected = |block: Block| if block.skip { largest } else { block.tx };
        let (above, left) = match (near.above.map(expected), near.left.map(expected)) {
            (Some(above), Some(left)) => (above, left),
            (Some(one), None) | (None, Some(one)) => (one, one),
            (None, None) => (largest, largest),
        };
        let context = usize::from(above + left > largest);
        let probs = self.frame.probs;
        let probs: &[u8] = match largest {
            1 => probs.tx_8.get(context).map_or(&[], |probs| probs),
            2 => probs.tx_16.get(context).map_or(&[], |probs| probs),
            _ => probs.tx_32.get(context).map_or(&[], |probs| probs),
        };
        let bits = &mut self.bits;
        let size = probs.iter().take_while(|probability| bits.read(**probability)).count();
        let counts = &mut self.work.counts;
        match largest {
            1 => count(counts.tx_8.get_mut(context), size),
            2 => count(counts.tx_16.get_mut(context), size),
            _ => count(counts.tx_32.get_mut(context), size),
        }
        size.min(3) as u8 // It is at most 3.
    }

    /// `interp_filter`.
    pub(super) fn filter(&mut self, near: &Near) -> u8 {
        if !self.frame.rest.switchable {
            // All blocks have the same, and none asks for it.
            return 0;
        }
        let above = near.above.map_or(3, |above| above.filter);
        let left = near.left.map_or(3, |left| left.filter);
        let context = match (above, left) {
            (above, left) if above == left => left,
            (above, 3) => above,
            (3, left) => left,
            _ => 3,
        };
        let context = usize::from(context);
        let filter = self.bits.tree(&FILTER, self.frame.probs.filter.get(context).unwrap_or(&[128; 2]));
        count(self.work.counts.filter.get_mut(context), filter);
        filter
    }
}
