//! Bodies of the fuzz targets, with their invariants, and the small schema that tests use. Not part of the API.

use bytes::Bytes;

use crate::{
    DataMode, ElementDef, ElementId, ElementSize, ElementType, EndReason, Error, Item, Limits, MAX_HEADER_LEN,
    Recovery, Schema, SizeWidth, Walker, Writer, children, encode_header, parse_header,
};

/// Some elements of Matroska, enough to walk any body of Kinesis Video Streams down to its blocks and tags.
#[derive(Debug, Clone, Copy, Default)]
pub struct MiniSchema;

const fn def(id: u32, name: &'static str, ty: ElementType, parent: u32) -> ElementDef {
    let parent = if parent == 0 { None } else { Some(ElementId(parent)) };
    let recursive = id == 0x67C8;
    let unknown_size_allowed = matches!(id, 0x1853_8067 | 0x1F43_B675);
    ElementDef { id: ElementId(id), name, ty, parent, recursive, unknown_size_allowed }
}

/// Sorted by ID.
static DEFS: [ElementDef; 45] = {
    use ElementType::*;
    [
        def(0x83, "TrackType", Unsigned, 0xAE),
        def(0x86, "CodecID", String, 0xAE),
        def(0x9B, "BlockDuration", Unsigned, 0xA0),
        def(0x9F, "Channels", Unsigned, 0xE1),
        def(0xA0, "BlockGroup", Master, 0x1F43_B675),
        def(0xA1, "Block", Binary, 0xA0),
        def(0xA3, "SimpleBlock", Binary, 0x1F43_B675),
        def(0xA7, "Position", Unsigned, 0x1F43_B675),
        def(0xAB, "PrevSize", Unsigned, 0x1F43_B675),
        def(0xAE, "TrackEntry", Master, 0x1654_AE6B),
        def(0xB0, "PixelWidth", Unsigned, 0xE0),
        def(0xB5, "SamplingFrequency", Float, 0xE1),
        def(0xBA, "PixelHeight", Unsigned, 0xE0),
        def(0xBF, "CRC-32", Binary, 0),
        def(0xD7, "TrackNumber", Unsigned, 0xAE),
        def(0xE0, "Video", Master, 0xAE),
        def(0xE1, "Audio", Master, 0xAE),
        def(0xE7, "Timestamp", Unsigned, 0x1F43_B675),
        def(0xEC, "Void", Binary, 0),
        def(0xFB, "ReferenceBlock", Signed, 0xA0),
        def(0x4282, "DocType", String, 0x1A45_DFA3),
        def(0x4285, "DocTypeReadVersion", Unsigned, 0x1A45_DFA3),
        def(0x4286, "EBMLVersion", Unsigned, 0x1A45_DFA3),
        def(0x4287, "DocTypeVersion", Unsigned, 0x1A45_DFA3),
        def(0x42F2, "EBMLMaxIDLength", Unsigned, 0x1A45_DFA3),
        def(0x42F3, "EBMLMaxSizeLength", Unsigned, 0x1A45_DFA3),
        def(0x42F7, "EBMLReadVersion", Unsigned, 0x1A45_DFA3),
        def(0x4487, "TagString", Utf8, 0x67C8),
        def(0x45A3, "TagName", Utf8, 0x67C8),
        def(0x4D80, "MuxingApp", Utf8, 0x1549_A966),
        def(0x5741, "WritingApp", Utf8, 0x1549_A966),
        def(0x63A2, "CodecPrivate", Binary, 0xAE),
        def(0x63C0, "Targets", Master, 0x7373),
        def(0x67C8, "SimpleTag", Master, 0x7373),
        def(0x7373, "Tag", Master, 0x1254_C367),
        def(0x73A4, "SegmentUUID", Binary, 0x1549_A966),
        def(0x73C5, "TrackUID", Unsigned, 0xAE),
        def(0x2A_D7B1, "TimestampScale", Unsigned, 0x1549_A966),
        def(0x114D_9B74, "SeekHead", Master, 0x1853_8067),
        def(0x1254_C367, "Tags", Master, 0x1853_8067),
        def(0x1549_A966, "Info", Master, 0x1853_8067),
        def(0x1654_AE6B, "Tracks", Master, 0x1853_8067),
        def(0x1853_8067, "Segment", Master, 0),
        def(0x1A45_DFA3, "EBML", Master, 0),
        def(0x1F43_B675, "Cluster", Master, 0x1853_8067),
    ]
};

impl Schema for MiniSchema {
    fn element(&self, id: ElementId) -> Option<&'static ElementDef> {
        DEFS.binary_search_by_key(&id, |def| def.id).ok().and_then(|index| DEFS.get(index))
    }
}

/// Headers: what parses is legal and is written again as it was; more input does not change what was read.
pub fn headers(data: &[u8]) {
    let limits = Limits::default();
    let whole = parse_header(data, 0, &limits);
    for len in 0..data.len().min(MAX_HEADER_LEN) {
        match parse_header(&data[..len], 0, &limits) {
            Ok(None) => {}
            decided => assert_eq!(decided, whole, "decided from {len} bytes"),
        }
    }
    if let Ok(Some(header)) = whole {
        assert!(header.id.is_valid());
        let width = header.header_len - header.id.len() as u8;
        let again =
            encode_header(header.id, header.size, SizeWidth::Fixed(width)).expect("what was read can be written");
        assert_eq!(again.as_ref(), &data[..usize::from(header.header_len)]);
    }
}

/// Children: end to end, inside the data, to any depth, within the limits.
pub fn gathered(data: &[u8]) {
    fn descend(kids: crate::Children<&[u8]>, seen: &mut usize) -> Result<(), Error> {
        for child in kids {
            let child = child?;
            *seen += 1;
            assert_eq!(child.header.size, ElementSize::Known(child.data.len() as u64));
            let _ = (child.unsigned(), child.signed(), child.float(), child.string(), child.utf8(), child.date());
            let _ = child.children().and_then(|inner| descend(inner, seen));
        }
        Ok(())
    }
    let limits = Limits { elements: 1000, ..Limits::default() };
    let mut seen = 0;
    let _ = descend(children(data, 0, &limits), &mut seen);
    assert!(seen <= 1000);
}

/// The walker: no panic, the same items however the input is cut, brackets that close, a bounded number of items.
///
/// The first byte chooses the cuts.
pub fn walker(data: &[u8]) {
    let Some((choice, data)) = data.split_first() else { return };
    for recovery in [Recovery::Stop, Recovery::Scan] {
        let whole = walk(&[data], recovery, DataMode::Gather);
        check(&whole.0, data.len());
        let ones: Vec<_> = data.chunks(1).collect();
        assert_eq!(walk(&ones, recovery, DataMode::Gather), whole, "{recovery:?}, one byte each");
        let some: Vec<_> = data.chunks(usize::from(*choice) + 2).collect();
        assert_eq!(walk(&some, recovery, DataMode::Gather), whole, "{recovery:?}, pieces of {}", choice + 2);
        assert_eq!(walk(&some, recovery, DataMode::Stream), walk(&[data], recovery, DataMode::Stream), "{recovery:?}");
        let narrow = Limits { element: 64, depth: 4, ..Limits::default() };
        let whole = walk_within(&[data], recovery, DataMode::Skip, narrow);
        check(&whole.0, data.len());
        assert_eq!(walk_within(&ones, recovery, DataMode::Skip, narrow), whole, "{recovery:?}, narrow limits");
    }
}

/// All items and the error of a walk; the data of an element that came in several is joined.
pub fn walk(pieces: &[&[u8]], recovery: Recovery, mode: DataMode) -> (Vec<Item>, Option<Error>) {
    walk_within(pieces, recovery, mode, Limits { element: 1 << 20, ..Limits::default() })
}

/// The same within other limits; what is held stays within them.
pub fn walk_within(pieces: &[&[u8]], recovery: Recovery, mode: DataMode, limits: Limits) -> (Vec<Item>, Option<Error>) {
    let mut walker = Walker::new(MiniSchema, limits, recovery).with_data(mode);
    let mut items: Vec<Item> = Vec::new();
    let mut input = pieces.iter();
    loop {
        let more = match input.next() {
            Some(piece) => {
                walker.push(Bytes::copy_from_slice(piece)).expect("not finished");
                true
            }
            None => {
                walker.finish();
                false
            }
        };
        loop {
            match walker.next() {
                Ok(Some(Item::Data { bytes: next, offset, last: now })) => match items.last_mut() {
                    Some(Item::Data { bytes, last, .. }) if !*last => {
                        *bytes = [&bytes[..], &next[..]].concat().into();
                        *last = now;
                    }
                    _ => items.push(Item::Data { bytes: next, offset, last: now }),
                },
                Ok(Some(item)) => items.push(item),
                Ok(None) => {
                    assert!(walker.buffered() <= 2 * limits.element + 2048, "{} bytes held", walker.buffered());
                    break;
                }
                Err(error) => return (items, Some(error)),
            }
        }
        if !more {
            return (items, None);
        }
    }
}

fn check(items: &[Item], len: usize) {
    // Each element has two bytes at least; a damaged one may be read five times over.
    assert!(items.len() <= 64 + 16 * len, "{} items from {len} bytes", items.len());
    let mut open = Vec::new();
    for item in items {
        match item {
            Item::Start(element) => {
                assert_eq!(element.depth, open.len());
                if element.is_master() {
                    open.push(*element);
                }
            }
            Item::End { element, reason, end } => {
                assert_eq!(open.pop().as_ref(), Some(element));
                assert!(*end >= element.header.data_offset());
                if *reason == EndReason::Size {
                    assert!(element.header.end_offset().is_some());
                }
            }
            Item::Data { bytes, offset, .. } => assert!(*offset as usize + bytes.len() <= len),
            Item::Damage(damage) => assert!(damage.resume <= len as u64),
        }
    }
}

/// Writer and reader: elements made up from `data` come back as they were written.
pub fn round_trip(data: &[u8]) {
    let mut wanted = Vec::new();
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out);
    let mut rest = data;
    let written = writer.master_with_crc32(ElementId::EBML, SizeWidth::Minimal, |inner| {
        while let Some(([kind, len], after)) = rest.split_first_chunk::<2>() {
            let (bytes, after) = after.split_at(usize::from(*len).min(after.len()));
            rest = after;
            let id = ElementId(0x4200 + 2 * u32::from(*kind));
            let valid = id.is_valid();
            assert_eq!(inner.binary(id, bytes).is_ok(), valid);
            if valid {
                wanted.push((id, bytes));
            }
        }
        Ok(())
    });
    written.expect("minimal sizes hold anything");
    let header = parse_header(&out, 0, &Limits::default()).expect("legal").expect("whole");
    let body = &out[usize::from(header.header_len)..];
    assert_eq!(header.size.known(), Some(body.len() as u64));
    assert_eq!(crate::check_crc32(body), crate::Crc32Check::Match);
    let found: Vec<_> = children(body, 0, &Limits::default()).skip(1).map(|child| child.expect("legal")).collect();
    let found: Vec<_> = found.iter().map(|child| (child.id(), child.data)).collect();
    assert_eq!(found, wanted);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_schema_is_sorted() {
        assert!(DEFS.windows(2).all(|pair| pair[0].id < pair[1].id));
        assert!(DEFS.iter().all(|def| def.id.is_valid()));
        assert!(DEFS.iter().all(|def| def.parent.is_none_or(|id| MiniSchema.element(id).is_some())));
    }

    /// Bodies with random damage, which gets deeper into the walk than random bytes do. More rounds by the
    /// environment variable KINEFRAME_ROUNDS.
    #[test]
    fn damaged_bodies() {
        use kineframe_testkit::{Fragment, Rng, body, flipped, garbled, inserted, removed};
        let rounds = std::env::var("KINEFRAME_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
        let mut known = Fragment::new(2).user_tag("camera", "door");
        known.cluster_size = kineframe_testkit::Size::Width(8);
        known.segment_size = kineframe_testkit::Size::Width(4);
        let sound = body(&[Fragment::new(1), known, Fragment::new(3)]).bytes;
        for seed in 0..rounds {
            let mut rng = Rng::new(seed);
            let mut bytes = sound.clone();
            for _ in 0..=rng.below(6) {
                let at = rng.below(bytes.len() - 40);
                let len = rng.below(40);
                bytes = match rng.below(5) {
                    0 => garbled(&bytes, at..at + len, seed),
                    1 => removed(&bytes, at..at + len),
                    2 => inserted(&bytes, at, &sound[at.min(sound.len() - 40)..][..len]),
                    _ => flipped(&bytes, at, rng.below(8) as u32),
                };
            }
            bytes.insert(0, rng.below(256) as u8);
            walker(&bytes);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn any_bytes(data in proptest::collection::vec(any::<u8>(), 0..300)) {
            headers(&data);
            gathered(&data);
            walker(&data);
            round_trip(&data);
        }

        /// Bytes of which most are IDs and sizes that mean something.
        #[test]
        fn bytes_like_elements(parts in proptest::collection::vec((0usize..45, 0u8..=255, any::<bool>()), 0..60)) {
            let mut data = vec![3];
            for (index, byte, id) in parts {
                if id {
                    let id = DEFS[index].id;
                    data.extend_from_slice(&id.0.to_be_bytes()[4 - id.len()..]);
                    data.push(if byte % 3 == 0 { 0xFF } else { 0x80 | byte & 0x1F });
                } else {
                    data.push(byte);
                }
            }
            gathered(&data);
            walker(&data);
        }
    }
}
