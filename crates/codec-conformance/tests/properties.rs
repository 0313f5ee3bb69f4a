//! Whatever stream, a back end that keeps the contract passes, and one wrong picture is found at its place.

use kineframe_bitstream::h264::RandomAccess;
use kineframe_codec::fake::FakeFactory;
use kineframe_codec::{Codec, CodecParameters, NalFraming, Size};
use kineframe_codec_conformance::{Kit, Options, TestPacket, TestStream, TruePicture, Verdict, run_with};
use md5::{Digest, Md5};
use proptest::prelude::*;

/// A stream for the fake back end, whose pictures have the first byte of their packets throughout.
fn stream(packets: &[(u8, usize, bool)]) -> TestStream {
    let mut params = CodecParameters::new(Codec::H264);
    params.size = Some(Size { width: 16, height: 16 });
    let truth = |value: u8| TruePicture { bytes: 256, md5: Md5::digest([value; 256]).into() };
    let packet = |(index, (value, length, idr)): (usize, &(u8, usize, bool))| TestPacket {
        data: vec![*value; 8 + length].into(),
        framing: NalFraming::None,
        random_access: if *idr || index == 0 { RandomAccess::Idr } else { RandomAccess::None },
        params: (index == 0).then(|| params.clone()),
    };
    TestStream {
        name: "random".to_owned(),
        codec: Codec::H264,
        packets: packets.iter().enumerate().map(packet).collect(),
        truth: packets.iter().map(|(value, ..)| truth(*value)).collect(),
        order: (0..packets.len()).collect(),
        planes: Vec::new(),
        disputed: false,
        forbidden_gap: false,
        losses_show: true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_good_back_end_passes_on_any_stream(
        packets in prop::collection::vec((any::<u8>(), 0_usize..50, any::<bool>()), 1..20), held_back in 0_usize..25,
    ) {
        let kit = Kit { streams: vec![stream(&packets)] };
        let report = run_with(&FakeFactory::new("good").holding_back(held_back), &kit, &Options { seeds: 1 });
        prop_assert!(report.passed(), "{}", report);
    }

    #[test]
    fn one_other_picture_is_found_at_its_place(
        packets in prop::collection::vec((any::<u8>(), 0_usize..50, any::<bool>()), 1..20), at: prop::sample::Index,
    ) {
        let mut stream = stream(&packets);
        let at = at.index(packets.len());
        stream.truth[at].md5[0] ^= 1;
        let report = run_with(&FakeFactory::new("good"), &Kit { streams: vec![stream] }, &Options { seeds: 1 });
        let Verdict::Wrong(mismatch) = &report.rows[0].whole else { panic!("{report}") };
        prop_assert_eq!((mismatch.first, mismatch.equal), (Some(at), packets.len() - 1));
    }
}
