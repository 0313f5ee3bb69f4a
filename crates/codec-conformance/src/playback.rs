//! A sound stream, played to measure a back end.

use std::ops::ControlFlow;

use bytes::Bytes;
use kineframe_bitstream::h264::{AccessUnits, Stream};
use kineframe_codec::{CodecParameters, DecodeOptions, DecoderFactory, Packet, PacketId, Picture};

/// The packets of a stream, and the parameters that its first one sets.
///
/// ```no_run
/// use kineframe_codec_conformance::Playback;
///
/// # fn time(factory: &dyn kineframe_codec::DecoderFactory) {
/// let playback = Playback::h264(&std::fs::read("stream.264").expect("a file"));
/// assert_eq!(playback.run(factory), playback.packets());
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Playback {
    packets: Vec<Bytes>,
    params: CodecParameters,
}

impl Playback {
    /// An H.264 byte stream that begins with its parameter sets.
    pub fn h264(stream: &[u8]) -> Playback {
        let packets: Vec<Bytes> = AccessUnits::new(Bytes::copy_from_slice(stream)).collect();
        let mut follow = Stream::new(&Bytes::new());
        if let Some(first) = packets.first() {
            follow.packet(first);
        }
        Playback { packets, params: follow.parameters() }
    }

    /// How many packets there are.
    pub fn packets(&self) -> usize {
        self.packets.len()
    }

    /// Opens a decoder and plays all of it. How many pictures came.
    ///
    /// # Panics
    /// Where the back end fails: the stream is a sound one.
    pub fn run(&self, factory: &dyn DecoderFactory) -> usize {
        let mut decoder = factory.open(&self.params, &DecodeOptions::default()).expect("a decoder");
        let mut shown = 0;
        let mut sink = |_: Picture<'_>| {
            shown += 1;
            ControlFlow::Continue(())
        };
        for (id, data) in (0..).zip(&self.packets) {
            let packet = Packet { id: PacketId(id), data: data.clone(), random_access: id == 0, wanted: true };
            decoder.decode(packet, &mut sink).expect("a sound stream");
        }
        decoder.flush(&mut sink).expect("a sound stream");
        shown
    }
}
