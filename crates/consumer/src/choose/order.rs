//! Frames from stored order into presentation order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use kineframe_bitstream::h264::OutputOrder;

/// Puts frames into presentation order, in the way a decoder's output buffer does: the frame that comes first is
/// certain once more frames wait than may be reordered (`max_num_reorder_frames`, H.264 §E.2.1).
#[derive(Debug, Default)]
pub(crate) struct Order {
    waiting: BinaryHeap<Reverse<(OutputOrder, u64)>>,
}

impl Order {
    /// Takes the next frame in stored order; what became certain goes to `out`.
    ///
    /// `id`s rise and break ties. `depth` is how many
    /// frames may come before one and be presented after it.
    pub(crate) fn push(&mut self, key: OutputOrder, id: u64, depth: usize, out: &mut Vec<u64>) {
        self.waiting.push(Reverse((key, id)));
        while self.waiting.len() > depth {
            out.extend(self.waiting.pop().map(|Reverse((_, id))| id));
        }
    }

    /// All that wait: nothing that follows is presented before them.
    pub(crate) fn flush(&mut self, out: &mut Vec<u64>) {
        while let Some(Reverse((_, id))) = self.waiting.pop() {
            out.push(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(count: i64) -> OutputOrder {
        OutputOrder { epoch: 1, count }
    }

    #[test]
    fn b_frames_are_put_back() {
        // I P B B P B B, reordered by one.
        let keys = [0, 3, 1, 2, 6, 4, 5];
        let mut order = Order::default();
        let mut out = Vec::new();
        for (id, key) in keys.into_iter().enumerate() {
            order.push(at(key), id as u64, 1, &mut out);
        }
        assert_eq!(out, [0, 2, 3, 1, 5, 6], "the last waits for what may come");
        order.flush(&mut out);
        assert_eq!(out, [0, 2, 3, 1, 5, 6, 4]);
    }

    #[test]
    fn without_reordering_nothing_waits_and_ties_keep_their_order() {
        let mut order = Order::default();
        let mut out = Vec::new();
        for id in 0..4 {
            order.push(at(0), id, 0, &mut out);
        }
        assert_eq!(out, [0, 1, 2, 3]);
    }
}
