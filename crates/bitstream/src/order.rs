//! From decoding order to output order, for codecs that count their pictures.

use std::collections::BTreeMap;

/// The place of a picture in output order. Compares across the pictures at which the
/// count begins anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutputOrder {
    /// Pictures at which the count begins anew, up to and with this one: in H.264 IDR pictures and those that drop all
    /// references, in H.265 those that begin a coded video sequence.
    pub epoch: u64,
    /// `PicOrderCnt()` of H.264, of the frame or of the field that has come; `PicOrderCntVal` of H.265.
    pub count: i64,
}

/// Holds pictures back until the order of output allows them, for decoders that hand them out in decoding order.
///
/// ```
/// use kineframe_bitstream::h264::{OutputOrder, Reorder};
///
/// let mut reorder = Reorder::new(1);
/// let mut shown = Vec::new();
/// for count in [0, 4, 2, 6] {
///     reorder.push(OutputOrder { epoch: 1, count }, count);
///     shown.extend(std::iter::from_fn(|| reorder.next_ready()));
/// }
/// assert_eq!(shown, [0, 2, 4]);
/// assert_eq!(reorder.next_held(), Some(6));
/// ```
#[derive(Debug, Clone)]
pub struct Reorder<T> {
    depth: usize,
    /// By order, then by arrival: two pictures of equal count, which damage makes, are both kept.
    held: BTreeMap<(OutputOrder, u64), T>,
    arrived: u64,
}

impl<T> Reorder<T> {
    /// Holds back `depth` pictures: as many as the parameter set says may be reordered.
    pub fn new(depth: u32) -> Self {
        Reorder { depth: depth as usize, held: BTreeMap::new(), arrived: 0 }
    }

    /// Another depth, from the next call on.
    pub fn set_depth(&mut self, depth: u32) {
        self.depth = depth as usize;
    }

    /// Takes a picture.
    pub fn push(&mut self, order: OutputOrder, picture: T) {
        self.held.insert((order, self.arrived), picture);
        self.arrived += 1;
    }

    /// The next picture that nothing to come can precede: there are more than `depth`, or its epoch is over.
    pub fn next_ready(&mut self) -> Option<T> {
        let (first, _) = self.held.first_key_value()?.0;
        let (last, _) = self.held.last_key_value()?.0;
        if self.held.len() > self.depth || first.epoch < last.epoch { self.next_held() } else { None }
    }

    /// The next picture held back, ready or not: for a flush.
    pub fn next_held(&mut self) -> Option<T> {
        self.held.pop_first().map(|(_, picture)| picture)
    }

    /// Forgets all pictures.
    pub fn clear(&mut self) {
        self.held.clear();
    }
}
