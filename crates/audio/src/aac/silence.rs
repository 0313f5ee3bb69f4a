//! Raw data blocks without a sound (ISO/IEC 14496-3 §4.4.2): every element is there, none has a spectrum.

use crate::bits::BitWriter;

/// The elements of a channel configuration (table 1.19), in their order.
#[derive(Clone, Copy)]
enum Element {
    Single,
    Pair,
    Lfe,
}

use Element::{Lfe, Pair, Single};

/// A raw data block that is silent; `None` for configuration 0 and beyond 7.
pub(super) fn block(channel_configuration: u8) -> Option<Vec<u8>> {
    let elements: &[Element] = match channel_configuration {
        1 => &[Single],
        2 => &[Pair],
        3 => &[Single, Pair],
        4 => &[Single, Pair, Single],
        5 => &[Single, Pair, Pair],
        6 => &[Single, Pair, Pair, Lfe],
        7 => &[Single, Pair, Pair, Pair, Lfe],
        _ => return None,
    };
    let mut bits = BitWriter::default();
    let (mut singles, mut pairs, mut lfes) = (0, 0, 0);
    for element in elements {
        let (id, tag) = match element {
            Single => (0, &mut singles),
            Pair => (1, &mut pairs),
            Lfe => (3, &mut lfes),
        };
        bits.put(3, id);
        bits.put(4, *tag);
        *tag += 1;
        if matches!(element, Pair) {
            // A common window, and no mid/side stereo.
            bits.put(1, 1);
            long_window(&mut bits);
            bits.put(2, 0);
            channel(&mut bits, false);
            channel(&mut bits, false);
        } else {
            channel(&mut bits, true);
        }
    }
    // ID_END.
    bits.put(3, 7);
    Some(bits.finish())
}

/// `ics_info`: a long window of sine shape with no band at all, nothing predicted.
fn long_window(bits: &mut BitWriter) {
    bits.put(1 + 2 + 1, 0);
    bits.put(6, 0);
    bits.put(1, 0);
}

/// `individual_channel_stream`: without bands there are neither sections nor scale factors nor spectrum.
fn channel(bits: &mut BitWriter, own_window: bool) {
    // global_gain
    bits.put(8, 0);
    if own_window {
        long_window(bits);
    }
    // No pulse data, no TNS, no gain control.
    bits.put(3, 0);
}
