//! The body of the fuzz target for H.265.

use bytes::Bytes;

use crate::h265::{
    AccessUnits, HevcConfig, NalHeader, ParameterSets, Reorder, SliceHeader, Sps, Stream, recovery_point,
};
use crate::{LengthPrefixedUnits, StartCodeUnits};

/// What a packet that the back ends' tracker reads promises.
fn track(packets: &[Bytes]) {
    use kineframe_codec::{Codec, CodecParameters, DecodeOptions, NalFraming, Packet, PacketId};

    let params = CodecParameters { framing: NalFraming::StartCodes, ..CodecParameters::new(Codec::H265) };
    let options = DecodeOptions::default();
    let Ok(mut tracker) = crate::h265::backend::Tracker::new("fuzz", &params, &options) else { return };
    for (id, data) in (0..).zip(packets) {
        let packet = Packet { id: PacketId(id), data: data.clone(), random_access: id == 0, wanted: true };
        let Ok(unit) = tracker.read(&packet) else { continue };
        for picture in &unit.pictures {
            assert!(!picture.segments.is_empty());
            assert!(picture.segments.iter().all(|range| data.get(range.clone()).is_some_and(|nal| nal.len() > 2)));
            assert!(options.limits.check_size("fuzz", picture.sps.set.coded_size()).is_ok());
        }
    }
}

/// Parameter sets, an `hvcC` record, a byte stream, and packets with a length of two bytes each: whatever is read makes
/// sense.
pub fn h265(data: &[u8]) {
    if let Ok(sps) = Sps::parse(data) {
        let (coded, visible) = (sps.coded_size(), sps.visible());
        assert!(visible.width > 0 && visible.left + visible.width <= coded.width);
        assert!(visible.height > 0 && visible.top + visible.height <= coded.height);
        assert!(sps.max_reorder < 16 && sps.short_term_sets.len() <= 64);
        assert!(sps.short_term_sets.iter().all(|set| set.entries().count() <= 16));
        sps.format();
        sps.color();
    }
    recovery_point(data);
    let record = Bytes::copy_from_slice(data);
    if let Ok(config) = HevcConfig::parse(&record) {
        let again = HevcConfig::parse(&config.to_bytes()).expect("just made");
        assert_eq!((&again.arrays, again.profile), (&config.arrays, config.profile));
        assert!(!again.cut);
    }

    let units: Vec<Bytes> = AccessUnits::new(record.clone()).collect();
    assert!(units.iter().all(|unit| !unit.is_empty()));
    assert_eq!(units.concat(), data);
    track(&units);
    let mut sets = ParameterSets::default();
    for nal in StartCodeUnits::new(data) {
        let _ = sets.insert(nal);
        if let Ok(slice) = SliceHeader::parse(nal, &sets) {
            assert_eq!(NalHeader::of(nal), Some(slice.nal));
            assert!(slice.long_term.len() <= 33 && slice.short_term.entries().count() <= 16);
        }
    }

    let mut parts = LengthPrefixedUnits::new(data, 2).map_while(Result::ok);
    let private = Bytes::copy_from_slice(parts.next().unwrap_or_default());
    follow(&private, parts);
    follow(&Bytes::new(), units.iter().map(|unit| &unit[..]));
}

/// A track: its order never holds more back than it may, and every picture comes out.
fn follow<'a>(private: &Bytes, packets: impl Iterator<Item = &'a [u8]>) {
    let mut stream = Stream::new(private);
    let mut reorder = Reorder::new(0);
    let (mut pushed, mut shown) = (0, 0);
    for packet in packets {
        let before = stream.generation();
        let unit = stream.packet(packet);
        assert_eq!(unit.changed_parameter_sets, stream.generation() != before);
        if unit.is_shown {
            reorder.set_depth(stream.sps().map_or(16, |sps| sps.max_reorder.into()));
            reorder.push(unit.order, pushed);
            pushed += 1;
            while reorder.next_ready().is_some() {
                shown += 1;
            }
            assert!(pushed - shown <= 16);
        }
        assert!(stream.parameters().parameter_sets.len() <= 16 + 16 + 64);
    }
    while reorder.next_held().is_some() {
        shown += 1;
    }
    assert_eq!(pushed, shown);
}
