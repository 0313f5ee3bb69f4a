//! The list: its order, who is chosen, and one back end by its name.

use bytes::Bytes;
use kineframe_bitstream::h264::{AccessUnits, Stream};
use kineframe_codec::{Codec, CodecParameters, NalFraming, Support};
use kineframe_decoders::default_list;
use proptest::prelude::*;

/// Streams that the back ends differ on: plain, many bits, monochrome, interlaced, full chroma, several slices.
const STREAMS: [&[u8]; 6] = [
    include_bytes!("../../../testdata/codec/h264/gen_main_cabac_b2.264"),
    include_bytes!("../../../testdata/codec/h264/gen_high10.264"),
    include_bytes!("../../../testdata/codec/h264/gen_mono_high.264"),
    include_bytes!("../../../testdata/codec/h264/gen_mbaff_tff.264"),
    include_bytes!("../../../testdata/codec/h264/gen_odd_321x181_444.264"),
    include_bytes!("../../../testdata/codec/h264/gen_baseline_slices4.264"),
];

/// Parameters of a real stream.
fn real(stream: &'static [u8]) -> CodecParameters {
    let first = AccessUnits::new(Bytes::from_static(stream)).next().expect("a stream of pictures");
    let mut follow = Stream::new(&Bytes::new());
    follow.packet(&first);
    follow.parameters()
}

/// Parameters of a stream, as they are or with bits of their sets flipped, sets lost, another codec or framing.
fn parameters() -> impl Strategy<Value = CodecParameters> {
    let codecs = vec![Codec::H264, Codec::H264, Codec::H264, Codec::H265, Codec::MJPEG];
    let framings = vec![NalFraming::StartCodes, NalFraming::LengthPrefixed(4), NalFraming::None];
    (
        prop::sample::select(STREAMS.to_vec()),
        prop::sample::select(codecs),
        prop::sample::select(framings),
        prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_u8..8), 0..4),
        prop::option::weighted(0.2, 0_usize..3),
    )
        .prop_map(|(stream, codec, framing, flips, keep)| {
            let mut params = real(stream);
            (params.codec, params.framing) = (codec, framing);
            params.parameter_sets.truncate(keep.unwrap_or(usize::MAX));
            for (set, byte, bit) in flips {
                if let Some(count) = std::num::NonZeroUsize::new(params.parameter_sets.len()) {
                    let set = &mut params.parameter_sets[set.index(count.get())];
                    let mut bytes = set.to_vec();
                    let at = byte.index(bytes.len());
                    bytes[at] ^= 1 << bit;
                    *set = bytes.into();
                }
            }
            params
        })
}

#[test]
fn fast_ones_come_first_and_thorough_ones_take_the_rest() {
    let chosen = STREAMS.map(|stream| default_list().choose(&real(stream)).map(|factory| factory.name().to_owned()));
    let who: Vec<_> = chosen.iter().map(|chosen| chosen.as_deref().unwrap_or("nobody")).collect();
    // What is last in the list takes what no other does.
    let full_chroma = if cfg!(feature = "ffmpeg") { "ffmpeg" } else { "nobody" };
    assert_eq!(who, ["rusty_h264", "rust_h264", "rust_h264", "rust_h264", full_chroma, "rusty_h264"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_first_that_is_exact_is_chosen_or_each_says_why_not(params in parameters()) {
        let list = default_list();
        let exact: Vec<_> = list.exact(&params).iter().map(|factory| factory.name().to_owned()).collect();
        let named = |factory: &std::sync::Arc<dyn kineframe_codec::DecoderFactory>| factory.name().to_owned();
        let sure = list.0.iter().filter(|factory| factory.supports(&params) == Support::Exact);
        prop_assert_eq!(&exact, &sure.map(named).collect::<Vec<_>>());
        match list.choose(&params) {
            Ok(chosen) => prop_assert_eq!(Some(chosen.name()), exact.first().map(String::as_str)),
            Err(refusals) => {
                prop_assert!(exact.is_empty());
                let who: Vec<_> = refusals.iter().map(|refusal| refusal.factory.as_str()).collect();
                prop_assert_eq!(who, list.0.iter().map(|factory| factory.name()).collect::<Vec<_>>());
                prop_assert!(refusals.iter().all(|refusal| !refusal.reason.is_empty()));
            }
        }
        prop_assert!(params.codec == Codec::H264 || exact.is_empty(), "none takes the sets of H.264 for another codec's");
    }

    #[test]
    fn only_takes_one_by_its_whole_name(name in prop_oneof!["[a-z0-9_]{0,12}", Just("rust_h264".to_owned()), Just("openh264".to_owned())], params in parameters()) {
        let list = default_list();
        let known = list.0.iter().any(|factory| factory.name() == name);
        match list.only(&name) {
            None => prop_assert!(!known),
            Some(one) => {
                prop_assert!(known);
                prop_assert_eq!(one.0.len(), 1);
                prop_assert_eq!(one.0[0].name(), &name);
                // Alone it says of a stream what it says in the list.
                let there = list.exact(&params).iter().any(|factory| factory.name() == name);
                prop_assert_eq!(one.choose(&params).is_ok(), there);
            }
        }
    }
}
