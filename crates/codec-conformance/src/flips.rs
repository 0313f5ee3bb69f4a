//! Flipped bits, and how many of the pictures that they spoil are told.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::ControlFlow;

use bytes::Bytes;
use kineframe_bitstream::h264::RandomAccess;
use kineframe_codec::{Codec, CodecParameters, DecodeOptions, DecoderFactory, Packet, PacketId, Picture, Support};

use crate::damage::Random;
use crate::{Kit, TestStream};

/// What a packet shows: a hash of the samples of each picture, and whether it is marked. `None` after an error.
type Shown = Option<Vec<(u64, bool)>>;

/// What came of flipped bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flips {
    /// Streams of which one packet was hurt.
    pub cases: usize,
    /// Those with a picture that is wrong or missing, and neither marked nor told by an error.
    pub unmarked: usize,
    /// Packets of which there was an error.
    pub errors: usize,
    /// Pictures that were marked.
    pub marked: usize,
    /// Pictures that were as they should be, and not marked.
    pub equal: usize,
}

impl Flips {
    fn add(&mut self, sound: &[Shown], found: &[Shown]) {
        let mut wrong = false;
        for (sound, found) in sound.iter().zip(found) {
            let (Some(sound), Some(found)) = (sound, found) else {
                self.errors += 1;
                continue;
            };
            wrong |= found.len() != sound.len();
            for (sound, found) in sound.iter().zip(found) {
                self.marked += usize::from(found.1);
                self.equal += usize::from(found == sound);
                wrong |= found.0 != sound.0 && !found.1;
            }
        }
        self.cases += 1;
        self.unmarked += usize::from(wrong);
    }

    /// Plays the begin of each stream of the kit that a back end takes, so many times with flipped bits: with
    /// [`check_slices`](DecodeOptions::check_slices) and without. Prints what came of each.
    ///
    /// # Panics
    /// As [`measure`](Self::measure).
    pub fn of_kit(factory: &dyn DecoderFactory, codec: Codec, cases: usize) -> [Flips; 2] {
        let checked = DecodeOptions::default();
        let blind = DecodeOptions { check_slices: false, ..DecodeOptions::default() };
        let taken = |stream: &TestStream| {
            let params = stream.packets.first().and_then(|packet| packet.params.as_ref());
            params.is_some_and(|params| factory.supports(params) == Support::Exact)
        };
        let mut all = [Flips::default(); 2];
        for stream in Kit::inside().of(codec).streams.into_iter().filter(taken) {
            let found = Flips::measure(factory, &stream, 12, cases, [&checked, &blind]);
            println!("{}: {found:?}", stream.name);
            all.iter_mut().zip(found).for_each(|(all, found)| *all += found);
        }
        println!("all: {all:?}");
        all
    }

    /// Plays the first `packets` packets of a stream, with one to three bits of one of them flipped, so many times for
    /// each of these options. The bits are the same in every run.
    ///
    /// # Panics
    /// Where the sound stream is not decoded, without marks and to the same pictures under all the options.
    pub fn measure<const N: usize>(
        factory: &dyn DecoderFactory,
        stream: &TestStream,
        packets: usize,
        cases: usize,
        options: [&DecodeOptions; N],
    ) -> [Flips; N] {
        let hurt = Hurt::new(factory, stream, packets);
        let mut found = [Flips::default(); N];
        let Some(sound) = options.first().map(|options| hurt.play(None, options)) else { return found };
        for options in options {
            assert_eq!(sound, hurt.play(None, options), "{}: no false alarm", stream.name);
        }
        let unmarked = |shown: &Shown| shown.as_ref().is_some_and(|shown| shown.iter().all(|(_, marked)| !marked));
        assert!(sound.iter().all(unmarked), "{}: no false alarm", stream.name);
        let mut random = Random(1);
        for _ in 0..cases {
            let at = random.below(hurt.packets.len());
            let Some((packet, _)) = hurt.packets.get(at) else { break };
            let mut bytes = packet.to_vec();
            for _ in 0..=random.below(3) {
                let place = random.below(bytes.len());
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= 1 << random.below(8);
                }
            }
            let bytes = Bytes::from(bytes);
            for (options, found) in options.iter().zip(&mut found) {
                found.add(&sound, &hurt.play(Some((at, &bytes)), options));
            }
        }
        found
    }
}

impl std::ops::AddAssign for Flips {
    fn add_assign(&mut self, other: Flips) {
        self.cases += other.cases;
        self.unmarked += other.unmarked;
        self.errors += other.errors;
        self.marked += other.marked;
        self.equal += other.equal;
    }
}

/// The begin of a stream, to be played with one packet hurt.
struct Hurt<'a> {
    factory: &'a dyn DecoderFactory,
    params: CodecParameters,
    packets: Vec<(Bytes, bool)>,
}

impl<'a> Hurt<'a> {
    fn new(factory: &'a dyn DecoderFactory, stream: &TestStream, packets: usize) -> Self {
        let params = stream.packets.iter().find_map(|packet| packet.params.clone());
        let packets = stream.packets.iter().take(packets);
        Hurt {
            factory,
            params: params.unwrap_or_else(|| CodecParameters::new(stream.codec)),
            packets: packets.map(|packet| (packet.data.clone(), packet.random_access == RandomAccess::Idr)).collect(),
        }
    }

    /// What comes of each packet where this one has these bytes. Pictures are those of the call: back ends of whole
    /// frames hold none back.
    fn play(&self, damaged: Option<(usize, &Bytes)>, options: &DecodeOptions) -> Vec<Shown> {
        let Ok(mut decoder) = self.factory.open(&self.params, options) else { return vec![None] };
        let decode = |(at, (data, random_access)): (usize, &(Bytes, bool))| {
            let mut shown = Vec::new();
            let mut sink = |picture: Picture<'_>| {
                let (mut samples, mut hash) = (Vec::new(), DefaultHasher::new());
                // Planes that do not hold the picture are as no samples: no sound picture is equal to that.
                let _ = picture.write_packed(&mut samples);
                samples.hash(&mut hash);
                shown.push((hash.finish(), picture.damaged));
                ControlFlow::Continue(())
            };
            let data = damaged.filter(|(place, _)| *place == at).map_or(data, |(_, bytes)| bytes).clone();
            let packet = Packet { id: PacketId(at as u64), data, random_access: *random_access, wanted: true };
            decoder.decode(packet, &mut sink).is_ok().then_some(shown)
        };
        self.packets.iter().enumerate().map(decode).collect()
    }
}
