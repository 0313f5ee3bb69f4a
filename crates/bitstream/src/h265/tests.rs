//! Parameter sets, order, random access and references, on made bytes and on streams.

use bytes::Bytes;
use kineframe_codec::{
    ChromaSampling, Codec, CodecParameters, DecodeErrorKind, DecodeOptions, NalFraming, Packet, PacketId, Rect, Size,
};

use super::backend::{CodedPicture, Tracker};
use super::*;
use crate::start_codes_to_lengths;

/// 64 columns and 48 lines, of x265.
pub(crate) const SPS: &[u8] = &[
    0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x1e, 0xa0,
    0x20, 0x83, 0x16, 0x59, 0x59, 0x2e, 0x4c, 0xaf, 0x01, 0x68, 0x08, 0x00, 0x00, 0x03, 0x00, 0x08, 0x00, 0x00, 0x03,
    0x00, 0x50, 0x40,
];
pub(crate) const PPS: &[u8] = &[0x44, 0x01, 0xc1, 0x73, 0xd0, 0x89];
const VPS: &[u8] = &[
    0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03,
    0x00, 0x1e, 0x95, 0x90, 0x09,
];

const OPEN_GOP: &[u8] = include_bytes!("../../../../testdata/codec/h265/gen_main_open_gop.265");
const START_CRA: &[u8] = include_bytes!("../../../../testdata/codec/h265/gen_start_cra_rasl.265");
const PYRAMID: &[u8] = include_bytes!("../../../../testdata/codec/h265/gen_main_bpyramid.265");

fn units(stream: &'static [u8]) -> Vec<Bytes> {
    AccessUnits::new(Bytes::from_static(stream)).collect()
}

#[test]
fn parameter_sets_are_read() {
    let sps = Sps::parse(SPS).unwrap();
    assert_eq!(sps.coded_size(), Size { width: 64, height: 48 });
    assert_eq!(sps.visible(), Rect { left: 0, top: 0, width: 64, height: 48 });
    assert_eq!((sps.chroma, sps.bit_depth_luma, sps.bit_depth_chroma), (ChromaSampling::Yuv420, 8, 8));
    assert_eq!((sps.profile.profile_idc, sps.profile.level_idc, sps.max_sub_layers), (1, 30, 1));
    assert_eq!((sps.max_reorder, sps.ctb_log2, sps.complete), (2, 5, true));
    let timing = sps.vui.unwrap().timing.unwrap();
    assert_eq!((timing.units_in_tick, timing.time_scale), (1, 10));
    let pps = Pps::parse(PPS).unwrap();
    assert_eq!((pps.id, pps.sps_id, pps.wavefronts, pps.tiles), (0, 0, false, false));
    let vps = Vps::parse(VPS).unwrap();
    assert_eq!((vps.profile, vps.max_layers, vps.max_sub_layers), (sps.profile, 1, 1));
    for length in 0..SPS.len() {
        // A cut VUI is no reason to lose the rest.
        let cut = Sps::parse(&SPS[..length]);
        assert!(cut.is_err() || cut.is_ok_and(|cut| !cut.complete && cut.width == 64), "{length}");
    }
    assert!(Pps::parse(SPS).is_err());
}

#[test]
fn reordering_is_written_out_of_a_set_and_nothing_else() {
    let crop: &[u8] = include_bytes!("../../../../testdata/codec/h265/gen_main_crop_322x182.265");
    for stream in [OPEN_GOP, START_CRA, PYRAMID, crop] {
        let nal = crate::StartCodeUnits::new(stream).find(|unit| unit[0] >> 1 == NalType::SPS.0).unwrap();
        let before = Sps::parse(nal).unwrap();
        let written = Sps::without_reordering(nal).unwrap();
        let after = Sps::parse(&written).unwrap();
        assert_eq!(after, Sps { max_reorder: 0, ..before.clone() });
        assert!(before.complete && before.max_reorder > 0, "there was something to write out");
        for length in 0..nal.len() {
            let _ = Sps::without_reordering(&nal[..length]);
        }
    }
}

#[test]
fn a_window_and_depths_are_those_of_the_stream() {
    let crop = include_bytes!("../../../../testdata/codec/h265/gen_main_crop_322x182.265");
    let deep = include_bytes!("../../../../testdata/codec/h265/gen_main422_10.265");
    let sps = |stream: &'static [u8]| {
        let mut follow = Stream::new(&Bytes::new());
        follow.packet(&units(stream)[0]);
        follow.sps().unwrap().clone()
    };
    let visible = sps(crop).visible();
    assert_eq!((visible.left, visible.top, visible.width, visible.height), (0, 0, 322, 182));
    let format = sps(deep).format().unwrap();
    assert_eq!((format.chroma, format.depth.bits()), (ChromaSampling::Yuv422, 10));
}

#[test]
fn a_record_of_in_band_sets_says_the_same() {
    let mut in_band = Stream::new(&Bytes::new());
    in_band.packet(&units(PYRAMID)[0]);
    let sets = in_band.parameter_sets().units();
    assert_eq!(sets.len(), 3);
    let config = HevcConfig::new(sets.iter().rev().cloned()).unwrap();
    assert_eq!(HevcConfig::parse(&config.to_bytes()).unwrap(), config);
    let out_of_band = Stream::new(&config.to_bytes());
    assert_eq!(out_of_band.framing(), Some(NalFraming::LengthPrefixed(4)));
    assert_eq!(out_of_band.parameters().parameter_sets, sets);
    assert_eq!(out_of_band.parameters().size, in_band.parameters().size);
    // Cut in the PPS: what came before stands.
    let record = config.to_bytes();
    let cut = HevcConfig::parse(&record.slice(..record.len() - 2)).unwrap();
    assert!(cut.cut);
    assert_eq!(cut.units().count(), 2);
    assert!(HevcConfig::new([Bytes::from_static(PPS)]).is_err(), "no SPS");
    // Lengths where there is no private part at all are found by content.
    let mut bare = Stream::new(&Bytes::new());
    bare.packet(&start_codes_to_lengths(units(PYRAMID)[0].clone()).data);
    assert_eq!(bare.framing(), Some(NalFraming::LengthPrefixed(4)));
    assert_eq!(bare.parameters().parameter_sets, sets);
}

#[test]
fn output_order_is_a_reordering_within_the_announced_depth() {
    let mut stream = Stream::new(&Bytes::new());
    let (mut reorder, mut shown, mut expected) = (Reorder::new(0), Vec::new(), Vec::new());
    let mut kinds = Vec::new();
    for (index, data) in units(PYRAMID).iter().enumerate() {
        let unit = stream.packet(data);
        assert_eq!((unit.error, unit.is_shown), (None, true));
        kinds.push((unit.random_access, unit.is_reference));
        expected.push((unit.order, index));
        reorder.set_depth(stream.sps().unwrap().max_reorder.into());
        reorder.push(unit.order, index);
        shown.extend(std::iter::from_fn(|| reorder.next_ready()));
    }
    shown.extend(std::iter::from_fn(|| reorder.next_held()));
    expected.sort();
    assert_eq!(shown, expected.iter().map(|(_, index)| *index).collect::<Vec<_>>());
    assert_ne!(shown, (0..50).collect::<Vec<_>>());
    assert_eq!(kinds.iter().filter(|(access, _)| *access == RandomAccess::Idr).count(), 1);
    let unneeded = kinds.iter().filter(|(_, reference)| !reference).count();
    assert!(unneeded > 10, "{unneeded} pictures are referred to by no other");
}

#[test]
fn leading_pictures_of_a_start_are_passed_over() {
    let mut stream = Stream::new(&Bytes::new());
    let looked: Vec<AccessUnit> = units(START_CRA).iter().map(|unit| stream.packet(unit)).collect();
    assert_eq!(looked[0].slice.as_ref().unwrap().nal.kind, NalType::CRA);
    assert_eq!(looked[0].random_access, RandomAccess::Idr);
    let skipped: Vec<&AccessUnit> = looked.iter().filter(|unit| !unit.is_shown).collect();
    assert_eq!((looked.len(), skipped.len()), (54, 4));
    assert!(skipped.iter().all(|unit| unit.slice.as_ref().unwrap().nal.kind.is_rasl() && !unit.is_reference));
    // Later ones are decoded: their references are there.
    let later = |unit: &&AccessUnit| unit.random_access == RandomAccess::RecoveryPoint { frames: 0 };
    assert!(looked.iter().any(|unit| later(&unit)));
    assert!(looked.iter().any(|unit| unit.is_shown && unit.slice.as_ref().unwrap().nal.kind.is_rasl()));
}

#[test]
fn after_an_end_of_sequence_a_clean_random_access_begins_another() {
    let mut stream = Stream::new(&Bytes::new());
    let mut units = units(OPEN_GOP);
    let cra =
        |unit: &Bytes| crate::StartCodeUnits::new(unit).any(|nal| NalHeader::base_kind(nal) == Some(NalType::CRA));
    let second = units.iter().position(cra).expect("a clean random access");
    let mut ended = units[second - 1].to_vec();
    ended.extend_from_slice(&[0, 0, 1, NalType::END_OF_SEQUENCE.0 << 1, 1]);
    units[second - 1] = ended.into();
    let looked: Vec<AccessUnit> = units.iter().map(|unit| stream.packet(unit)).collect();
    assert_eq!(looked[second].random_access, RandomAccess::Idr);
    assert_eq!(
        looked[second].order,
        OutputOrder { epoch: 2, count: i64::from(looked[second].slice.as_ref().unwrap().poc_lsb) }
    );
    assert!(looked[second + 1..].iter().take(3).any(|unit| !unit.is_shown));
}

fn open() -> Tracker {
    let params = CodecParameters { framing: NalFraming::StartCodes, ..CodecParameters::new(Codec::H265) };
    Tracker::new("test", &params, &DecodeOptions::default()).unwrap()
}

/// The pictures of packets, without those at these places.
fn track(units: &[Bytes], without: &[usize]) -> Vec<(usize, CodedPicture)> {
    let mut tracker = open();
    let mut pictures = Vec::new();
    for (index, data) in units.iter().enumerate().filter(|(index, _)| !without.contains(index)) {
        let packet = Packet { id: PacketId(0), data: data.clone(), random_access: index == 0, wanted: true };
        let unit = tracker.read(&packet).unwrap();
        assert_eq!(unit.damage, None);
        pictures.extend(unit.pictures.into_iter().map(|picture| (index, picture)));
    }
    pictures
}

#[test]
fn what_is_built_on_a_lost_picture_is_marked_and_nothing_else() {
    let units = units(OPEN_GOP);
    let whole = track(&units, &[]);
    assert!(whole.iter().all(|(_, picture)| !picture.damaged));
    let cra: Vec<usize> = whole.iter().filter(|(_, p)| p.header.nal.kind == NalType::CRA).map(|(at, _)| *at).collect();
    assert_eq!(cra.len(), 2);
    // The last reference of the first group goes missing.
    let trailing = |picture: &CodedPicture| !picture.header.nal.kind.is_sub_layer_non_reference();
    let lost = whole.iter().rev().find(|(at, p)| *at < cra[0] && trailing(p)).map(|(at, _)| *at).unwrap();
    let after = track(&units, &[lost]);
    let damaged: Vec<usize> = after.iter().filter(|(_, picture)| picture.damaged).map(|(at, _)| *at).collect();
    assert!(!damaged.is_empty());
    assert!(damaged.iter().all(|at| *at > lost && *at < cra[1]), "{damaged:?}, lost {lost}, {cra:?}");
    let of = |at: usize| &after.iter().find(|(index, _)| *index == at).unwrap().1;
    // Of what follows the clean random access only leading pictures are hurt.
    assert!(damaged.iter().filter(|at| **at > cra[0]).all(|at| of(*at).header.nal.kind.is_rasl()), "{damaged:?}");
    // A picture that no other refers to takes nothing with it.
    let unneeded = whole.iter().find(|(_, p)| p.header.nal.kind.is_sub_layer_non_reference()).unwrap().0;
    assert!(track(&units, &[unneeded]).iter().all(|(_, picture)| !picture.damaged));
}

/// All streams of the repository, and of a media folder where `KINEFRAME_MEDIA` names one.
fn all_streams() -> Vec<(String, Vec<Bytes>)> {
    let own = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/codec/h265");
    let media = std::env::var_os("KINEFRAME_MEDIA").map(|media| std::path::Path::new(&media).join("codec/h265"));
    let paths = std::iter::once(own).chain(media).flat_map(|folder| std::fs::read_dir(folder).expect("a folder"));
    let mut paths: Vec<_> = paths.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "265"));
    paths.sort();
    let units = |path: &std::path::Path| AccessUnits::new(std::fs::read(path).expect("a stream").into()).collect();
    paths.iter().map(|path| (path.display().to_string(), units(path))).collect()
}

#[test]
fn the_slices_of_sound_streams_break_no_rule() {
    let streams = all_streams();
    assert!(streams.len() > 20);
    for (name, units) in streams {
        let pictures = track(&units, &[]);
        let damaged: Vec<usize> = pictures.iter().filter(|(_, p)| p.damaged).map(|(at, _)| *at).collect();
        assert!(damaged.is_empty(), "{name}: {damaged:?} of {}", pictures.len());
    }
}

#[test]
fn damage_within_slices_shows() {
    let (mut hurt, mut told) = (0, 0);
    for (name, units) in all_streams().into_iter().filter(|(name, _)| !name.contains("422")) {
        let mut tracker = open();
        for (index, data) in units.iter().enumerate().take(12) {
            let packet = |data: Bytes| Packet { id: PacketId(0), data, random_access: index == 0, wanted: true };
            let mut spoiled = data.to_vec();
            // Far from the headers; streams with small packets have little else.
            let at = spoiled.len() * (50 + 7 * (index % 6)) / 100;
            if spoiled.len() < 120 || spoiled.len() > 20_000 {
                continue;
            }
            spoiled[at] ^= 0x10;
            let looked = tracker.clone().read(&packet(spoiled.into())).unwrap_or_default();
            hurt += 1;
            told += usize::from(looked.damage.is_some() || looked.pictures.iter().any(|picture| picture.damaged));
            let cut = tracker.clone().read(&packet(data.slice(..at))).unwrap_or_default();
            assert!(cut.pictures.iter().all(|picture| picture.damaged), "{name}: packet {index}, cut at {at}");
            tracker.read(&packet(data.clone())).unwrap();
        }
    }
    // A flip within SEI hurts nothing, and one of a bypass bin may say something else without breaking a rule.
    assert!(hurt > 100 && told * 100 >= hurt * 93, "{told} of {hurt}");
}

#[test]
fn sizes_beyond_the_limits_never_reach_the_decoder() {
    // Profile and level, then the number of the set and 4:2:0; the size: 14 zeros and 16,385 in 15 bits, twice; then no
    // window, 8 bits, and the least of everything else.
    let size = "00000000000000 100000000000001";
    let text = format!("1 010 {size} {size} 0 1 1 00101 1 1 1 1 1 010 1 010 1 1 0 0 0 0 1 0 0 0 0 0 1");
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').map(|byte| byte - b'0').collect();
    let byte = |bits: &[u8]| bits.iter().fold(0, |byte, bit| byte << 1 | bit) << (8 - bits.len());
    let mut bytes = vec![0x42, 0x01, 0x01, 0x01, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 0x1e];
    bytes.extend(digits.chunks(8).map(byte));
    let sps = crate::escape(&bytes);
    assert_eq!(Sps::parse(&sps).unwrap().coded_size(), Size { width: 16_384, height: 16_384 });
    let data = [&[0, 0, 1][..], &sps, &[0, 0, 1], PPS, &[0, 0, 1, 0x28, 1, 0xaf, 0x80]].concat();
    let packet = Packet { id: PacketId(0), data: data.into(), random_access: true, wanted: true };
    let error = open().read(&packet).unwrap_err();
    assert!(matches!(error.kind, DecodeErrorKind::Limit(_)), "{error}");
    let mut params = CodecParameters::new(Codec::H265);
    params.parameter_sets = vec![sps.into()];
    assert!(Tracker::new("test", &params, &DecodeOptions::default()).is_err());
}
