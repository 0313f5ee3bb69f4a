//! The body of the fuzz target for what VP8's partitions hold.

use crate::LengthPrefixedUnits;
use crate::vp8::{DataCheck, Header};

/// Packets, each with a length of two bytes in front: all symbols of each are read.
pub fn vp8_data(data: &[u8]) {
    let mut check = DataCheck::default();
    for packet in LengthPrefixedUnits::new(data, 2).map_while(Result::ok) {
        let header = Header::parse(packet);
        let size = header.as_ref().ok().and_then(|header| header.key_frame_size);
        if size.is_some_and(|size| size.width.max(size.height) > 512) {
            // Larger ones only cost time.
            continue;
        }
        let mut again = check.clone();
        let read = check.check(packet);
        assert!(read.is_err() || header.is_ok());
        if size.is_some() {
            // What there was before has no part in it, but that it may have shown how the encoder ends its partitions.
            assert!(read.is_err() || DataCheck::default().check(packet).is_ok());
        }
        if read.is_ok() {
            let padded = [packet, &[0; 9]].concat();
            assert_eq!(again.check(&padded), Ok(()), "padding");
        }
    }
}
