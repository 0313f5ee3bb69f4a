//! A sound stream, played to measure a back end.

use std::ops::ControlFlow;

use kineframe_bitstream::h264::RandomAccess;
use kineframe_codec::{DecodeOptions, DecoderFactory, Packet, PacketId, Picture, VideoDecoder};

use crate::TestStream;
use crate::play::{Ready, prepare};

/// A stream for one back end, its packets framed as that wants them.
///
/// ```
/// use kineframe_codec::fake::FakeFactory;
/// use kineframe_codec_conformance::Playback;
///
/// let factory = FakeFactory::new("fake");
/// let playback = Playback::inside("av1_gen_main10", &factory);
/// playback.run(); // This is what a bench measures.
/// assert!(playback.pictures() > 1);
/// ```
#[derive(Debug, Clone)]
pub struct Playback<'a> {
    factory: &'a dyn DecoderFactory,
    packets: Vec<Ready>,
    pictures: u64,
}

impl<'a> Playback<'a> {
    /// A sound stream.
    pub fn new(stream: &TestStream, factory: &'a dyn DecoderFactory) -> Self {
        Playback { factory, packets: prepare(stream, factory, 0), pictures: stream.truth.len() as u64 }
    }

    /// A stream that the kit carries.
    ///
    /// # Panics
    /// Where it carries none of that name.
    pub fn inside(name: &str, factory: &'a dyn DecoderFactory) -> Self {
        let stream = TestStream::inside(name);
        Self::new(&stream.unwrap_or_else(|| panic!("the kit carries no stream {name}")), factory)
    }

    /// The back end's name.
    pub fn name(&self) -> &str {
        self.factory.name()
    }

    /// How many pictures the stream has.
    pub fn pictures(&self) -> u64 {
        self.pictures
    }

    /// Opens a decoder and plays all of it; where the parameters change, another one.
    ///
    /// # Panics
    /// Where the back end fails or shows another number of pictures: the stream is a sound one.
    pub fn run(&self) {
        let mut shown = 0;
        let mut sink = |_: Picture<'_>| {
            shown += 1;
            ControlFlow::Continue(())
        };
        let mut decoder: Option<Box<dyn VideoDecoder>> = None;
        for (index, ready) in self.packets.iter().enumerate() {
            if let Some(params) = &ready.params {
                if let Some(mut old) = decoder.take() {
                    old.flush(&mut sink).expect("a sound stream");
                }
                decoder = Some(self.factory.open(params, &DecodeOptions::default()).expect("a decoder"));
            }
            let random_access = index == 0 || ready.random_access != RandomAccess::None;
            let packet = Packet { id: PacketId(ready.id), data: ready.data.clone(), random_access, wanted: true };
            let decoder = decoder.as_mut().expect("parameters at the first packet");
            decoder.decode(packet, &mut sink).expect("a sound stream");
        }
        if let Some(mut decoder) = decoder {
            decoder.flush(&mut sink).expect("a sound stream");
        }
        assert_eq!(shown, self.pictures, "pictures of the stream");
    }
}
