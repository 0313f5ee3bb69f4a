//! What streams with one feature each say of themselves.

use std::path::Path;

use bytes::Bytes;
use kineframe_bitstream::h264::{
    AccessUnit, AccessUnits, AvcConfig, NalHeader, NalType, PictureOrder, PocType, RandomAccess, Reorder, Sps, Stream,
    for_each_sei,
};
use kineframe_bitstream::{ErrorKind, StartCodeUnits, identify, start_codes_to_lengths};
use kineframe_codec::{ChromaSampling, Codec, ColorRange, MatrixCoefficients, NalFraming, Size};

fn read(name: &str) -> Bytes {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/codec/h264");
    std::fs::read(folder.join(name).with_extension("264")).expect("a file of the test data").into()
}

fn units(name: &str) -> (Vec<AccessUnit>, Stream) {
    let mut stream = Stream::new(&Bytes::new());
    let units: Vec<AccessUnit> = AccessUnits::new(read(name)).map(|unit| stream.packet(&unit)).collect();
    assert!(units.iter().all(|unit| unit.error.is_none()), "{name}");
    (units, stream)
}

fn sps(name: &str) -> Sps {
    units(name).1.sps().unwrap().clone()
}

#[test]
fn an_sps_tells_the_shape() {
    let cropped = sps("gen_crop_all_sides");
    assert_eq!(cropped.coded_size(), Size { width: 320, height: 192 });
    assert_eq!((cropped.visible().width, cropped.visible().height), (306, 178));
    assert!(cropped.crop.left > 0 && cropped.crop.top > 0);

    let interlaced = sps("gen_mbaff_tff");
    assert!(!interlaced.frame_mbs_only && interlaced.mbaff);
    assert_eq!(interlaced.coded_size(), Size { width: 320, height: 192 });

    let deep = sps("gen_high422_10").format().unwrap();
    assert_eq!((deep.chroma, deep.depth.bits()), (ChromaSampling::Yuv422, 10));
    assert_eq!(sps("gen_mono_high").chroma, ChromaSampling::Monochrome);
    let full = sps("gen_odd_321x181_444");
    assert_eq!((full.profile_idc, full.chroma), (244, ChromaSampling::Yuv444));
    assert_eq!(sps("gen_sps_id_5").id, 5);
    assert!(sps("oh_test_scalinglist_jm").scaling_lists);
    assert!(sps("gen_frame_num_gaps").gaps_in_frame_num_allowed);
    assert!(!sps("gen_frame_num_gaps_forbidden").gaps_in_frame_num_allowed);
    assert!(!sps("gen_high_8x8_cqm_jvt").lossless);
}

#[test]
fn a_vui_tells_colour_timing_and_reordering() {
    let color = sps("gen_bt709_full").color();
    assert_eq!((color.matrix, color.range), (Some(MatrixCoefficients::Bt709), Some(ColorRange::Full)));
    let timing = sps("gen_aud_sei_hrd").vui.unwrap().timing.unwrap();
    assert_eq!(timing.time_scale / timing.units_in_tick, 50);
    assert_eq!(sps("gen_high_pyramid_strict").max_reorder_frames(), 2);
    assert_eq!(sps("gen_baseline_cavlc").max_reorder_frames(), 0);
    let all = units("gen_colour_change").1;
    let matrices: Vec<_> = all.parameter_sets().all_sps().map(|sps| sps.color().matrix).collect();
    assert!(!matrices.is_empty());
}

#[test]
fn random_access_points_are_told_apart() {
    let kinds = |name| units(name).0.iter().map(|unit| unit.random_access).collect::<Vec<_>>();
    let count = |kinds: &[RandomAccess], wanted| kinds.iter().filter(|kind| **kind == wanted).count();

    let open = kinds("gen_high_open_gop");
    assert_eq!(open[0], RandomAccess::Idr);
    assert_eq!((count(&open, RandomAccess::Idr), count(&open, RandomAccess::RecoveryPoint { frames: 0 })), (1, 2));
    let refresh = kinds("gen_high_intra_refresh");
    assert!(refresh.iter().any(|kind| matches!(kind, RandomAccess::RecoveryPoint { frames: 1.. })), "{refresh:?}");
    assert!(matches!(kinds("gen_start_recovery_point")[0], RandomAccess::RecoveryPoint { frames: 1.. }));
    let intra = kinds("oh_MR1_BT_A");
    assert_eq!((count(&intra, RandomAccess::Idr), count(&intra, RandomAccess::Intra)), (1, 4));
}

#[test]
fn which_pictures_others_need() {
    // Baseline: every picture is a reference; two of three B pictures of a strict pyramid are not.
    assert!(units("gen_baseline_cavlc").0.iter().all(|unit| unit.is_reference));
    let (pyramid, _) = units("gen_high_pyramid_strict");
    let disposable = pyramid.iter().filter(|unit| !unit.is_reference).count();
    assert!(disposable > 0 && disposable < pyramid.len() / 2 + 1, "{disposable} of {}", pyramid.len());
    assert!(units("gen_zerolatency_sliced").0.iter().all(|unit| unit.slices > 1));
    assert!(units("gen_baseline_slices4").0.iter().all(|unit| unit.slices == 4));
}

#[test]
fn held_back_by_the_sps_pictures_come_in_order() {
    for name in
        ["gen_high_pyramid_strict", "gen_main_cabac_b2", "gen_mbaff_tff", "gen_resolution_change", "oh_MR1_BT_A"]
    {
        let mut stream = Stream::new(&Bytes::new());
        let (mut order, mut reorder) = (PictureOrder::default(), Reorder::new(0));
        let mut shown = Vec::new();
        let mut count = 0;
        for packet in AccessUnits::new(read(name)) {
            let unit = stream.packet(&packet);
            let sps = stream.sps().unwrap();
            let place = order.next(sps, unit.slice.as_ref().unwrap());
            reorder.set_depth(sps.max_reorder_frames());
            reorder.push(place, place);
            shown.extend(std::iter::from_fn(|| reorder.next_ready()));
            count += 1;
        }
        shown.extend(std::iter::from_fn(|| reorder.next_held()));
        assert_eq!(shown.len(), count, "{name}");
        assert!(shown.is_sorted(), "{name}");
        shown.dedup();
        assert_eq!(shown.len(), count, "{name}: no two pictures at one place");
    }
}

#[test]
fn changed_parameter_sets_are_noticed_and_repeated_ones_are_not() {
    let (all, stream) = units("gen_aud_sei_hrd");
    assert!(all.iter().filter(|unit| unit.has_parameter_sets).count() > 1);
    assert_eq!((all.iter().filter(|unit| unit.changed_parameter_sets).count(), stream.generation()), (1, 1));
    let (all, stream) = units("gen_resolution_change");
    assert!(all.iter().filter(|unit| unit.changed_parameter_sets).all(AccessUnit::is_idr));
    assert!(stream.generation() > 1);
}

#[test]
fn private_data_is_overlaid_with_what_packets_say() {
    let first = AccessUnits::new(read("gen_resolution_change")).next().unwrap();
    let sets = |kind| {
        let of_kind = |nal: &&[u8]| NalHeader::of(nal).is_some_and(|header| header.kind == kind);
        StartCodeUnits::new(&first).filter(of_kind).map(Bytes::copy_from_slice).collect::<Vec<_>>()
    };
    let config = AvcConfig::new(sets(NalType::SPS), sets(NalType::PPS)).unwrap();
    let private = config.to_bytes();
    assert_eq!(AvcConfig::parse(&private).unwrap(), config);

    let mut stream = Stream::new(&private);
    assert_eq!(stream.framing(), Some(NalFraming::LengthPrefixed(4)));
    let before = stream.parameters();
    assert_eq!(before.parameter_sets.len(), 2);
    let mut sizes = vec![before.size.unwrap()];
    for packet in AccessUnits::new(read("gen_resolution_change")) {
        let unit = stream.packet(&start_codes_to_lengths(packet).data);
        assert_eq!(unit.framing, NalFraming::LengthPrefixed(4));
        if unit.changed_parameter_sets {
            sizes.push(stream.parameters().size.unwrap());
        }
    }
    assert!(sizes.len() > 1);
    let now = stream.parameters();
    assert!(!stream.set_private(&private), "equal bytes say nothing new");
    assert_eq!(stream.parameters(), now);
    // A record of another stream does.
    let other = AvcConfig::new(sets(NalType::SPS), Vec::new()).unwrap();
    stream.set_private(&AvcConfig { length_size: 2, ..other }.to_bytes());
    assert_eq!(stream.framing(), Some(NalFraming::LengthPrefixed(2)));
}

#[test]
fn a_packet_that_contradicts_the_private_data_is_read_as_what_it_is() {
    let first = AccessUnits::new(read("gen_baseline_cavlc")).next().unwrap();
    let mut stream = Stream::new(&Bytes::from_static(&[1, 66, 0xc0, 10, 0xff, 0xe0, 0]));
    let unit = stream.packet(&first);
    assert_eq!((unit.framing, unit.random_access), (NalFraming::StartCodes, RandomAccess::Idr));
    assert_eq!(stream.framing(), Some(NalFraming::LengthPrefixed(4)));
}

#[test]
fn damaged_records_are_read_as_far_as_they_go() {
    let whole = AvcConfig {
        profile_idc: 66,
        constraint_flags: 0xc0,
        level_idc: 10,
        length_size: 3,
        sps: vec![Bytes::from_static(&[0x67, 66, 0xc0, 10, 0xf8, 0x41, 0xa2])],
        pps: vec![Bytes::from_static(&[0x68, 0xce, 0x38, 0x80])],
        cut: false,
    };
    let record = whole.to_bytes();
    assert_eq!(AvcConfig::parse(&record).unwrap(), whole);
    for cut in 0..record.len() {
        match AvcConfig::parse(&record.slice(..cut)) {
            Ok(config) => assert!(cut >= 6 && config.cut, "{cut}"),
            Err(error) => assert!(cut < 6 && error.kind == ErrorKind::Truncated, "{cut}: {error}"),
        }
    }
    // A record that counts 255 sets and has none of them.
    let config = AvcConfig::parse(&Bytes::from_static(&[1, 66, 0, 10, 0xff, 0xff, 0, 2, 0x67])).unwrap();
    assert_eq!((config.sps.len(), config.cut), (0, true));
    assert!(AvcConfig::parse(&Bytes::from_static(&[2, 66, 0, 10, 0xff, 0xe1])).is_err());
}

#[test]
fn sei_messages_are_stepped_over_one_by_one() {
    let stream = read("gen_aud_sei_hrd");
    let mut kinds = Vec::new();
    for nal in StartCodeUnits::new(&stream) {
        if NalHeader::of(nal).unwrap().kind == NalType::SEI {
            for_each_sei(nal, |kind, _| {
                kinds.push(kind);
                true
            });
        }
    }
    // Buffering period, picture timing, user data.
    assert!([0, 1, 5].iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
    let mut calls = 0;
    for_each_sei(&[6, 255, 255, 3, 200, 1, 2, 0x80], |_, _| {
        calls += 1;
        true
    });
    assert_eq!(calls, 0, "a message beyond the unit ends the walk");
}

#[test]
fn impossible_parameter_sets_are_refused_with_their_field() {
    let error = Sps::parse(&[0x68, 0xce, 0x38, 0x80]).unwrap_err();
    assert_eq!((error.unit, error.field, error.kind), ("SPS", "nal_unit_type", ErrorKind::Kind));
    let good = [0x67, 66, 0xc0, 10, 0xf8, 0x41, 0xa2];
    let sps = Sps::parse(&good).unwrap();
    assert_eq!((sps.coded_size(), sps.poc), (Size { width: 128, height: 96 }, PocType::Lsb { bits: 4 }));
    for cut in 1..5 {
        assert_eq!(Sps::parse(&good[..cut]).unwrap_err().kind, ErrorKind::Truncated, "{cut}");
    }
    // seq_parameter_set_id 32.
    let error = Sps::parse(&[0x67, 66, 0xc0, 10, 0x04, 0x20]).unwrap_err();
    assert_eq!((error.field, error.kind), ("seq_parameter_set_id", ErrorKind::Range { value: 32, min: 0, max: 31 }));
}

#[test]
fn codecs_are_told_by_their_matroska_names() {
    let none = Bytes::new();
    for (id, codec) in [
        ("V_MPEG4/ISO/AVC", Codec::H264),
        ("V_MPEG4/ISO/AVC\0\0", Codec::H264),
        ("V_MPEGH/ISO/HEVC", Codec::H265),
        ("V_AV1", Codec::AV1),
        ("V_VP8", Codec::VP8),
        ("V_VP9", Codec::VP9),
        ("V_MJPEG", Codec::MJPEG),
    ] {
        assert_eq!(identify(id, &none).unwrap().codec, codec, "{id}");
    }
    assert_eq!(identify("A_AAC", &none), None);
    assert_eq!(identify("V_MS/VFW/FOURCC", &none), None);
    let mut header = vec![0; 40];
    header[16..20].copy_from_slice(b"h264");
    header.extend_from_slice(&[0, 0, 1, 0x67]);
    let identified = identify("V_MS/VFW/FOURCC", &header.into()).unwrap();
    assert_eq!((identified.codec, &identified.private[..]), (Codec::H264, &[0, 0, 1, 0x67][..]));
}
