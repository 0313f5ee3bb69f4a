//! Streams of H.265 as the kit plays them.

use bytes::Bytes;
use kineframe_bitstream::h264::RandomAccess;
use kineframe_bitstream::h265::{AccessUnit, AccessUnits, Stream};
use kineframe_codec::Codec;

use crate::kit::{TestPacket, TestStream, TruePicture};

impl TestStream {
    /// An H.265 byte stream with start codes, cut into access units.
    pub fn h265(name: &str, bytes: &Bytes, truth: Vec<TruePicture>) -> TestStream {
        Self::of_h265_packets(name, &Bytes::new(), AccessUnits::new(bytes.clone()), truth)
    }

    /// Access units of H.265, with what a container says beside them.
    pub(crate) fn of_h265_packets(
        name: &str,
        private: &Bytes,
        units: impl Iterator<Item = Bytes>,
        truth: Vec<TruePicture>,
    ) -> TestStream {
        let mut stream = Stream::new(private);
        let (mut packets, mut order, mut told) = (Vec::new(), Vec::new(), None);
        for data in units {
            let AccessUnit { framing, random_access, is_shown, order: place, .. } = stream.packet(&data);
            if is_shown {
                order.push((place, packets.len()));
            }
            let start = packets.is_empty() || random_access == RandomAccess::Idr;
            let params = (told != Some(stream.generation()) && start).then(|| stream.parameters());
            if params.is_some() {
                told = Some(stream.generation());
            }
            packets.push(TestPacket { data, framing, random_access, params });
        }
        Self::counted(name, Codec::H265, packets, order, truth)
    }
}
