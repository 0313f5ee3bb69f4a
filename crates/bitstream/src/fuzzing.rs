//! Bodies of the fuzz targets, kept here so that they are compiled and tested with the crate.

mod h265;
mod vp8;

use std::ops::ControlFlow;

use bytes::Bytes;
use kineframe_codec::{
    Codec, CodecParameters, DecodeOptions, DecoderFactory, Framing, NalFraming, Packet, PacketId, Picture, Recovery,
    Size,
};

use crate::frames::FrameStream;
use crate::h264::{
    AccessUnits, AvcConfig, NalHeader, NalType, ParameterSets, PictureOrder, Pps, Reorder, SliceData, SliceTail, Sps,
    Stream, for_each_sei, recovery_point,
};
use crate::{
    Framer, Identified, LengthPrefixedUnits, NalUnits, StartCodeUnits, av1, detect_framing, escape, identify,
    lengths_to_start_codes, mjpeg, start_codes_to_lengths, unescape, vp9,
};

pub use h265::h265;
pub use vp8::vp8_data;

/// Framings: the same units whichever way a packet goes, in place or by copy.
pub fn framing(data: &[u8]) {
    let Some((&choice, packet)) = data.split_first() else { return };
    let size = choice % 4 + 1;
    detect_framing(packet);
    for framing in [NalFraming::StartCodes, NalFraming::LengthPrefixed(size), NalFraming::None] {
        let total: usize = NalUnits::new(packet, framing).filter_map(Result::ok).map(<[u8]>::len).sum();
        assert!(total <= packet.len());
    }

    let units: Vec<Vec<u8>> = StartCodeUnits::new(packet).map(<[u8]>::to_vec).collect();
    let lengths = start_codes_to_lengths(packet.to_vec().into());
    let shared = Bytes::copy_from_slice(packet);
    let same = start_codes_to_lengths(shared.clone());
    assert_eq!(lengths.data, same.data);
    assert_eq!(shared, packet);
    let found: Vec<&[u8]> = LengthPrefixedUnits::new(&lengths.data, 4).map(|unit| unit.expect("just made")).collect();
    assert_eq!(found, units);
    let back = lengths_to_start_codes(lengths.data, 4);
    assert_eq!(StartCodeUnits::new(&back.data).collect::<Vec<_>>(), units);

    let by_copy = lengths_to_start_codes(shared.clone(), size);
    let alone = lengths_to_start_codes(packet.to_vec().into(), size);
    assert_eq!(by_copy.damage, alone.damage);
    assert!(by_copy.data.len() <= 5 * packet.len());
    let mut framer = Framer::new(NalFraming::LengthPrefixed(size), Framing::StartCodes);
    let converted = framer.convert(shared);
    assert_eq!(framer.copied(), converted.copied as u64);
}

/// A byte stream: all its slices are read, macroblock by macroblock.
pub fn slice_data(data: &[u8]) {
    let (mut sets, mut check) = (ParameterSets::default(), SliceData::default());
    for nal in StartCodeUnits::new(data) {
        match NalHeader::of(nal).map(|header| header.kind) {
            Some(NalType::SPS | NalType::PPS) => {
                let _ = sets.insert(nal);
            }
            Some(NalType::SLICE | NalType::IDR) => {
                let Ok((header, tail)) = SliceTail::parse(nal, &sets) else { continue };
                let (Some(sps), Some(pps)) = (sets.sps(header.sps_id), sets.pps(header.pps_id)) else { continue };
                let one = check.check(nal, (sps, pps), (&header, &tail), None);
                // What the memory holds from before has no part in it.
                assert_eq!(one, SliceData::default().check(nal, (sps, pps), (&header, &tail), None));
            }
            _ => {}
        }
    }
}

/// Parameter sets, SEI and avcC records: whatever is read makes sense.
pub fn parameter_sets(data: &[u8]) {
    if let Ok(sps) = Sps::parse(data) {
        let (coded, visible) = (sps.coded_size(), sps.visible());
        assert!(visible.width > 0 && visible.left + visible.width <= coded.width);
        assert!(visible.height > 0 && visible.top + visible.height <= coded.height);
        assert!((1..=16).contains(&sps.max_dpb_frames()));
        assert!(sps.max_reorder_frames() <= 16);
        sps.format();
        sps.color();
    }
    let _ = Pps::parse(data);
    recovery_point(data);
    for_each_sei(data, |_, payload| payload.len() <= data.len());
    let record = Bytes::copy_from_slice(data);
    if let Ok(config) = AvcConfig::parse(&record) {
        let again = AvcConfig::parse(&config.to_bytes()).expect("just made");
        assert_eq!((&again.sps, &again.pps), (&config.sps, &config.pps));
        assert!(!again.cut);
    }
    identify("V_MS/VFW/FOURCC", &record);
    let escaped = escape(data);
    let rbsp = unescape(&escaped);
    assert_eq!(rbsp.get(..data.len()), Some(data));
}

/// A track: a private part and packets, each with a length of two bytes in front.
pub fn stream(data: &[u8]) {
    let mut parts = LengthPrefixedUnits::new(data, 2).map_while(Result::ok);
    let mut stream = Stream::new(&Bytes::copy_from_slice(parts.next().unwrap_or_default()));
    let mut order = PictureOrder::default();
    let mut reorder = Reorder::new(0);
    let (mut pushed, mut shown) = (0, 0);
    for packet in parts {
        let before = stream.generation();
        let unit = stream.packet(packet);
        assert_eq!(unit.changed_parameter_sets, stream.generation() != before);
        let again = stream.clone().packet(packet);
        // Two sets of one number in one packet replace each other each time.
        assert_eq!(again.slices, unit.slices);
        if let (Some(slice), Some(sps)) = (&unit.slice, stream.sps()) {
            reorder.set_depth(sps.max_reorder_frames());
            reorder.push(order.next(sps, slice), pushed);
            pushed += 1;
            while reorder.next_ready().is_some() {
                shown += 1;
            }
            assert!(pushed - shown <= 16);
        }
        let params = stream.parameters();
        assert!(params.parameter_sets.len() <= 32 + 256);
    }
    while reorder.next_held().is_some() {
        shown += 1;
    }
    assert_eq!(pushed, shown);
}

/// An elementary stream: its access units are all of it, in order, and none is empty.
pub fn access_units(data: &[u8]) {
    let stream = Bytes::copy_from_slice(data);
    let units: Vec<Bytes> = AccessUnits::new(stream).collect();
    assert!(units.iter().all(|unit| !unit.is_empty()));
    assert_eq!(units.concat(), data);
    let slices = |bytes: &[u8]| {
        let is_slice = |nal: &&[u8]| NalHeader::of(nal).is_some_and(|header| header.kind.begins_slice());
        StartCodeUnits::new(bytes).filter(is_slice).count()
    };
    assert_eq!(units.iter().map(|unit| slices(unit)).sum::<usize>(), slices(data));
}

/// A back end on any bytes, cut into packets: it neither panics nor says more than one picture for a packet, nor
/// one of a packet that it did not get, and its planes hold what it says is visible.
pub fn back_end(factory: &dyn DecoderFactory, data: &[u8]) {
    back_end_on(factory, Codec::H264, AccessUnits::new(Bytes::copy_from_slice(data)));
}

/// As [`back_end`], for packets of any codec with NAL units.
pub fn back_end_on(factory: &dyn DecoderFactory, codec: Codec, packets: impl Iterator<Item = Bytes>) {
    let mut options = DecodeOptions::default();
    // Small pictures and many of them: large ones only cost time.
    (options.limits.side, options.limits.samples) = (512, 512 * 512);
    let params = CodecParameters { framing: NalFraming::StartCodes, ..CodecParameters::new(codec) };
    let Ok(mut decoder) = factory.open(&params, &options) else { return };
    let (mut given, mut shown) = (0, std::collections::BTreeSet::new());
    for packet in packets.take(64) {
        let what = packet.last().copied().unwrap_or_default();
        let mut sink = |picture: Picture<'_>| {
            picture.check().expect("planes that hold the picture");
            assert!(picture.id.0 < given + 1, "{:?} was not given", picture.id);
            assert!(shown.insert(picture.id), "{:?} is shown twice", picture.id);
            ControlFlow::Continue(())
        };
        let packet = Packet { id: PacketId(given), data: packet, random_access: given == 0, wanted: what % 5 != 1 };
        let stuck = decoder.decode(packet, &mut sink).is_err_and(|error| error.recovery != Recovery::NextPacket);
        if stuck && decoder.reset().is_err() {
            return;
        }
        if what % 11 == 1 && decoder.flush(&mut sink).is_err() {
            return;
        }
        given += 1;
    }
    let _ = decoder.flush(&mut |picture: Picture<'_>| {
        assert!(shown.insert(picture.id), "{:?} is shown twice", picture.id);
        ControlFlow::Continue(())
    });
}

/// Headers of AV1, VP8, VP9 and JPEG: whatever is read makes sense, and lies inside of what was given.
pub fn frame_headers(data: &[u8]) {
    let Some((&choice, data)) = data.split_first() else { return };
    let codec = [Codec::AV1, Codec::VP8, Codec::VP9, Codec::MJPEG][usize::from(choice % 4)];
    let mut parts = LengthPrefixedUnits::new(data, 2).map_while(Result::ok);
    let private = Bytes::copy_from_slice(parts.next().unwrap_or_default());
    let mut stream = FrameStream::new(&Identified { codec, private });
    for packet in parts {
        let before = (stream.generation(), stream.parameters());
        let look = stream.packet(packet, true);
        assert!(look.error.is_none() || !look.picture);
        let params = stream.parameters();
        assert!(stream.generation() != before.0 || params == before.1, "what changes is told");
        if codec != Codec::VP8 && stream.generation() > 0 {
            let again = FrameStream::of_parameters(&params).expect("its own parameter sets");
            assert_eq!(again.parameters().size, params.size);
        }
    }
    let whole = Bytes::copy_from_slice(data);
    let total: usize = vp9::superframe(data).iter().map(|frame| frame.len()).sum();
    assert!(total <= data.len());
    let total: usize = mjpeg::Images::new(whole.clone()).map(|image| image.len()).sum();
    assert!(total <= data.len());
    let total: usize = av1::TemporalUnits::new(whole.clone()).map(|unit| unit.len()).sum();
    assert!(total <= 2 * data.len());
    let _ = av1::Av1Config::parse(&whole);
    let _ = mjpeg::Stream::default().check_data(data);
    if let Ok(header) = mjpeg::Header::parse(data) {
        assert!(mjpeg::with_huffman_tables(&whole, &header).len() <= data.len() + mjpeg::DEFAULT_HUFFMAN_TABLES.len());
    }
}

/// VP9: packets, each with a length of two bytes in front, whose data is read, block by block.
pub fn vp9_data(data: &[u8]) {
    let mut stream = FrameStream::new(&Identified { codec: Codec::VP9, private: Bytes::new() });
    for packet in LengthPrefixedUnits::new(data, 2).map_while(Result::ok).take(64) {
        let Ok(frames) = stream.frames(packet) else { continue };
        // Large pictures only cost time.
        let small = |size: Size| size.width <= 512 && size.height <= 512;
        if !frames.iter().filter_map(|frame| frame.size).all(small) {
            return;
        }
        let again = stream.clone().check_data(packet);
        assert_eq!(stream.check_data(packet), again);
    }
}

/// A back end for a codec of whole frames on any bytes: packets, each with a length of two bytes in front. The same is
/// asked as of [`back_end`], and sizes beyond the limits never come out.
pub fn frames(factory: &dyn DecoderFactory, codec: Codec, data: &[u8]) {
    let mut options = DecodeOptions::default();
    (options.limits.side, options.limits.samples) = (512, 512 * 512);
    let Ok(mut decoder) = factory.open(&CodecParameters::new(codec), &options) else { return };
    let mut stream = FrameStream::new(&Identified { codec, private: Bytes::new() });
    let packets = LengthPrefixedUnits::new(data, 2).map_while(Result::ok).take(64);
    for (id, packet) in (0..).zip(packets) {
        let packet = Bytes::copy_from_slice(packet);
        let look = stream.packet(&packet, id == 0);
        let params = stream.parameters();
        factory.supports(&params);
        assert!(!look.picture || look.error.is_none());
        let mut shown = 0;
        let mut sink = |picture: Picture<'_>| {
            picture.check().expect("planes that hold the picture");
            assert_eq!(picture.id.0, id, "a picture of another packet");
            assert!(picture.visible.width <= 512 && picture.visible.height <= 512);
            shown += 1;
            ControlFlow::Continue(())
        };
        let what = packet.last().copied().unwrap_or_default();
        let packet = Packet { id: PacketId(id), data: packet, random_access: id == 0, wanted: what % 5 != 1 };
        let stuck = decoder.decode(packet, &mut sink).is_err_and(|error| error.recovery != Recovery::NextPacket);
        assert!(shown <= 1);
        if (stuck || what % 11 == 1) && decoder.reset().is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::h265::tests::{PPS as HEVC_PPS, SPS as HEVC_SPS};

    /// Bytes that have start codes, small lengths and parameter sets in them.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(vec![0, 0, 1]),
            Just(vec![0, 0, 0, 1]),
            Just(vec![0, 0, 3]),
            Just(vec![0, 7, 0x67, 66, 0xc0, 10, 0xf8, 0x41, 0xa2]),
            Just(vec![0, 4, 0x68, 0xce, 0x38, 0x80]),
            Just([&[0, 0, 0, 1][..], HEVC_SPS].concat()),
            Just([&[0, 0, 1][..], HEVC_PPS].concat()),
            Just(vec![0, 0, 1, 0x26, 1, 0xaf, 0x0a, 0x80]),
            Just(vec![0, 0, 1, 0x02, 1, 0xd0, 0x20, 0x97, 0x80]),
            Just(vec![0, 0, 1, 0x2a, 1, 0xac, 0x10, 0x80]),
            Just(vec![0, 5, 0x65, 0x88, 0x84, 0x40, 0x80]),
            Just(vec![0, 5, 0x41, 0x9a, 0x02, 0x40, 0x80]),
            prop::collection::vec(any::<u8>(), 0..8),
        ];
        prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn no_input_breaks_an_invariant(data in bytes(), kind in prop_oneof![Just(0x67_u8), Just(0x68), Just(1), any::<u8>()]) {
            super::framing(&data);
            super::stream(&data);
            super::access_units(&data);
            super::parameter_sets(&data);
            super::parameter_sets(&[vec![kind], data.clone()].concat());
            super::frame_headers(&[vec![kind], data.clone()].concat());
            super::h265(&data);
            super::vp8_data(&data);
            super::vp9_data(&data);
        }
    }
}
