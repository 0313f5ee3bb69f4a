//! Streams of H.265 as the kit plays them.

use bytes::Bytes;
use kineframe_bitstream::h264::RandomAccess;
use kineframe_bitstream::h265::{AccessUnit, AccessUnits, HevcConfig, NalHeader, Stream};
use kineframe_bitstream::{StartCodeUnits, start_codes_to_lengths};
use kineframe_codec::{Codec, NalFraming};

use crate::kit::{TestPacket, TestStream, TruePicture, is_disputed};

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
        order.sort();
        let disputed = is_disputed(name);
        let known = !disputed && order.len() == truth.len();
        let order = if known { order.into_iter().map(|(_, packet)| packet).collect() } else { Vec::new() };
        TestStream {
            name: name.to_owned(),
            codec: Codec::H265,
            packets,
            truth,
            order,
            planes: Vec::new(),
            disputed,
            forbidden_gap: false,
            // Every picture names those that it may refer to.
            losses_show: true,
        }
    }

    /// See [`out_of_band`](Self::out_of_band).
    pub(crate) fn h265_out_of_band(&self) -> Option<TestStream> {
        let (mut sets, mut packets) = (Vec::<Bytes>::new(), Vec::new());
        for (index, packet) in self.packets.iter().enumerate() {
            if packet.framing != NalFraming::StartCodes {
                return None;
            }
            let mut rest = Vec::new();
            for nal in StartCodeUnits::new(&packet.data) {
                if !NalHeader::base_kind(nal).is_some_and(|kind| kind.is_parameter_set()) {
                    rest.extend_from_slice(&[0, 0, 0, 1]);
                    rest.extend_from_slice(nal);
                } else if index == 0 {
                    sets.push(Bytes::copy_from_slice(nal));
                } else if !sets.iter().any(|known| known == nal) {
                    return None;
                }
            }
            packets.push(TestPacket {
                data: start_codes_to_lengths(rest.into()).data,
                framing: NalFraming::LengthPrefixed(4),
                params: None,
                ..packet.clone()
            });
        }
        let private = HevcConfig::new(sets).ok()?.to_bytes();
        packets.first_mut()?.params = Some(Stream::new(&private).parameters());
        Some(TestStream { packets, ..self.clone() })
    }
}
