//! The walker, on made bodies: cuts, ends, damage, limits.

use kineframe_testkit as kit;
use kit::{Element as Made, Fragment, ids};

use super::*;
use crate::fuzzing::{MiniSchema, walk};

fn starts(items: &[Item]) -> Vec<(usize, u32, u64, usize, Option<u64>)> {
    let each = items.iter().filter_map(|item| match item {
        Item::Start(element) => {
            let header = &element.header;
            Some((element.depth, header.id.0, header.offset, usize::from(header.header_len), header.size.known()))
        }
        _ => None,
    });
    each.collect()
}

fn made(elements: &[kit::ElementAt]) -> Vec<(usize, u32, u64, usize, Option<u64>)> {
    elements.iter().map(|at| (at.depth, at.id, at.offset as u64, at.header_len, at.size)).collect()
}

fn ends(items: &[Item]) -> Vec<(&'static str, u64, EndReason)> {
    let each = items.iter().filter_map(|item| match item {
        Item::End { element, end, reason } => Some((element.name().unwrap(), *end, *reason)),
        _ => None,
    });
    each.collect()
}

fn damages(items: &[Item]) -> Vec<&Damage> {
    let each = items.iter().filter_map(|item| if let Item::Damage(damage) = item { Some(damage) } else { None });
    each.collect()
}

/// Three fragments: unknown and known sizes, groups, user tags, one without a Cluster.
fn sample() -> kit::KvsBody {
    let mut second = Fragment::new(2).user_tag("camera", "door");
    second.cluster_size = kit::Size::Width(8);
    second.frames.push(kit::Frame::h264(1, 2000, false, 300, 5).grouped(Some(33)));
    let mut third = Fragment::new(3);
    third.segment_size = kit::Size::Unknown(8);
    third.cluster_timestamp = None;
    kit::body(&[Fragment::new(1), second, third])
}

#[test]
fn every_element_however_the_input_is_cut() {
    let body = sample();
    for recovery in [Recovery::Stop, Recovery::Scan] {
        for mode in [DataMode::Skip, DataMode::Stream, DataMode::Gather] {
            let (wanted, error) = walk(&[&body.bytes], recovery, mode);
            assert_eq!(error, None);
            kit::assert_items_eq(&starts(&wanted), &made(&body.elements), "against the builder");
            for (label, pieces) in kit::cuttings(&body.bytes, 20, 1) {
                let (items, error) = walk(&pieces, recovery, mode);
                assert_eq!(error, None);
                kit::assert_items_eq(&items, &wanted, &label);
            }
        }
    }
}

#[test]
fn data_is_what_was_written() {
    let body = sample();
    let (items, _) = walk(&[&body.bytes], Recovery::Stop, DataMode::Gather);
    let found: Vec<_> = items
        .iter()
        .filter_map(|item| match item {
            Item::Data { bytes, offset, last: true } => Some((*offset as usize, bytes.to_vec())),
            _ => None,
        })
        .collect();
    let wanted: Vec<_> = body
        .elements
        .iter()
        .filter(|at| !at.master)
        .map(|at| (at.offset + at.header_len, body.bytes[at.offset + at.header_len..at.end].to_vec()))
        .collect();
    kit::assert_items_eq(&found, &wanted, "data");
}

#[test]
fn masters_end_as_rfc_8794_says() {
    let body = sample();
    let (items, _) = walk(&[&body.bytes], Recovery::Stop, DataMode::Skip);
    let clusters: Vec<_> =
        ends(&items).into_iter().filter(|(name, ..)| matches!(*name, "Cluster" | "Segment")).collect();
    let tags_after = |fragment: usize| {
        let cluster = body.find(ids::CLUSTER, body.fragments[fragment].start).unwrap().offset;
        body.find(ids::TAGS, cluster).unwrap().offset as u64
    };
    assert_eq!(
        clusters,
        [
            ("Cluster", tags_after(0), EndReason::NextElement),
            ("Segment", body.fragments[0].end as u64, EndReason::NextElement),
            ("Cluster", tags_after(1), EndReason::Size),
            ("Segment", body.fragments[1].end as u64, EndReason::NextElement),
            ("Segment", body.fragments[2].end as u64, EndReason::Input),
        ]
    );
}

#[test]
fn an_unknown_size_ends_with_a_known_one_around_it() {
    let cluster = Made::master(ids::CLUSTER, [Made::uint(ids::TIMESTAMP, 1)]).unknown(1);
    let segment = Made::master(ids::SEGMENT, [cluster]).encode();
    let (items, error) = walk(&[&segment], Recovery::Stop, DataMode::Skip);
    assert_eq!(error, None);
    assert_eq!(ends(&items), [("Cluster", 13, EndReason::NextElement), ("Segment", 13, EndReason::Size)]);
}

#[test]
fn unknown_and_global_elements_end_nothing() {
    let children =
        [Made::uint(ids::TIMESTAMP, 1), Made::data(0x4FFF, [1, 2]), Made::void(3), Made::uint(ids::POSITION, 1)];
    let cluster = Made::master(ids::CLUSTER, children).unknown(4);
    let layout = kit::layout(&[Made::master(ids::SEGMENT, [cluster]).unknown(2)]);
    let (items, error) = walk(&[&layout.bytes], Recovery::Stop, DataMode::Skip);
    assert_eq!(error, None);
    assert_eq!(starts(&items), made(&layout.elements));
    let misplaced: Vec<_> =
        items.iter().map(|item| matches!(item, Item::Start(element) if element.misplaced)).collect();
    assert_eq!(
        misplaced.iter().filter(|misplaced| **misplaced).count(),
        1,
        "only the one that the schema does not know"
    );
}

#[test]
fn an_ebml_header_ends_all_whatever_size_was_declared() {
    let mut first = Fragment::new(1);
    first.segment_size = kit::Size::Lie(1 << 40, 8);
    first.tags_after.clear();
    first.cluster_size = kit::Size::Lie(1 << 30, 8);
    let body = kit::body(&[first, Fragment::new(2)]);
    let at = body.fragments[1].start as u64;
    for recovery in [Recovery::Stop, Recovery::Scan] {
        let (items, error) = walk(&[&body.bytes], recovery, DataMode::Skip);
        assert_eq!(error, None);
        assert!(damages(&items).is_empty());
        assert_eq!(starts(&items), made(&body.elements));
        let early: Vec<_> =
            ends(&items).into_iter().filter(|(_, _, reason)| matches!(reason, EndReason::Early { .. })).collect();
        assert!(matches!(early[..], [("Cluster", a, _), ("Segment", b, _)] if a == at && b == at), "{early:?}");
    }
}

#[test]
fn a_root_element_ends_one_of_unknown_size() {
    let two = [
        Made::master(ids::SEGMENT, [Made::master(ids::INFO, [])]).unknown(1),
        Made::master(ids::SEGMENT, [Made::master(ids::INFO, [])]).unknown(1),
    ];
    let layout = kit::layout(&two);
    let (items, _) = walk(&[&layout.bytes], Recovery::Stop, DataMode::Skip);
    assert_eq!(starts(&items), made(&layout.elements));
}

#[test]
fn a_cut_at_every_byte_gives_all_that_is_before_it() {
    let body = sample();
    for len in 0..body.bytes.len() {
        let (items, error) = walk(&[&body.bytes[..len]], Recovery::Scan, DataMode::Gather);
        assert_eq!(error, None);
        let whole: Vec<_> = body
            .elements
            .iter()
            .filter(|at| if at.master { at.offset + at.header_len <= len } else { at.end <= len })
            .collect();
        let wanted = made(&whole.into_iter().cloned().collect::<Vec<_>>());
        let found = starts(&items);
        assert!(found.len() <= wanted.len() + 1, "at {len}");
        kit::assert_items_eq(&found[..wanted.len()], &wanted, &format!("cut at {len}"));
        let opened = items.iter().filter(|item| matches!(item, Item::Start(element) if element.is_master())).count();
        assert_eq!(ends(&items).len(), opened, "every master ends, cut at {len}");
        let (_, error) = walk(&[&body.bytes[..len]], Recovery::Stop, DataMode::Gather);
        assert!(error.is_none_or(|error| error.kind == ErrorKind::Truncated), "cut at {len}");
    }
}

/// All frames of the fragments after the damaged one are found, at their places.
#[test]
fn each_bit_of_structure_flipped_leaves_other_fragments_whole() {
    let body = kit::body(&[Fragment::new(1), Fragment::new(2), Fragment::new(3)]);
    let blocks = |fragment: usize| -> Vec<u64> {
        let range = &body.fragments[fragment];
        let blocks = body.elements.iter().filter(|at| at.id == ids::SIMPLE_BLOCK && range.contains(&at.offset));
        blocks.map(|at| at.offset as u64).collect()
    };
    let wanted = blocks(2);
    let first = body.fragments[0].start..body.fragments[0].end;
    let structure = body.structure().into_iter().map(|range| range.start.min(first.end)..range.end.min(first.end));
    let mut lost_second = 0;
    for (at, bit, data) in kit::bit_flips(&body.bytes, structure) {
        let (items, error) = walk(&[&data], Recovery::Scan, DataMode::Skip);
        assert_eq!(error, None);
        let found: Vec<u64> = items
            .iter()
            .filter_map(|item| match item {
                Item::Start(element) if element.id().0 == ids::SIMPLE_BLOCK => Some(element.header.offset),
                _ => None,
            })
            .collect();
        assert!(wanted.iter().all(|offset| found.contains(offset)), "byte {at} bit {bit}: third fragment");
        if !blocks(1).iter().all(|offset| found.contains(offset)) {
            lost_second += 1;
            eprintln!("byte {at} bit {bit} {:?}", body.elements.iter().rev().find(|e| e.offset <= at));
            for i in &items {
                if let Item::Start(e) = i {
                    eprintln!("{} {:?} {:?}", e.depth, e.name(), e.header)
                } else {
                    eprintln!("{i:?}")
                }
            }
        }
    }
    assert_eq!(lost_second, 0, "flips that cost the second fragment");
}

#[test]
fn garbage_between_fragments_is_reported_and_skipped() {
    let body = sample();
    let at = body.fragments[1].start;
    for seed in 0..50 {
        let garbage = kit::Rng::new(seed).bytes(1 + seed as usize * 40);
        let data = kit::inserted(&body.bytes, at, &garbage);
        let (items, error) = walk(&[&data], Recovery::Scan, DataMode::Skip);
        assert_eq!(error, None);
        let found = starts(&items);
        for element in made(&body.elements).into_iter().filter(|element| element.2 >= at as u64) {
            let moved = (element.0, element.1, element.2 + garbage.len() as u64, element.3, element.4);
            assert!(found.contains(&moved), "seed {seed}: {moved:x?}");
        }
    }
}

#[test]
fn damage_says_what_where_and_how_much() {
    let body = sample();
    // The first block of the second fragment gets an ID that is none.
    let block = body.find(ids::SIMPLE_BLOCK, body.fragments[1].start).unwrap().clone();
    let data = kit::replaced(&body.bytes, block.offset..block.offset + 1, &[0]);
    let (items, _) = walk(&[&data], Recovery::Scan, DataMode::Skip);
    let tags = body.find(ids::TAGS, block.offset).unwrap().offset as u64;
    let found = damages(&items);
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].error.to_string(),
        format!("byte {}: Segment/Cluster: not an element ID: first byte 0x00", block.offset)
    );
    assert_eq!((found[0].resume, found[0].lost()), (tags, tags - block.offset as u64));
    let (_, error) = walk(&[&data], Recovery::Stop, DataMode::Skip);
    assert_eq!(error.as_ref(), Some(&found[0].error));
}

#[test]
fn a_size_that_swallows_what_follows_is_found_out() {
    let body = sample();
    // The last block of the first fragment claims more than it has, up into the second fragment's blocks.
    let block =
        body.elements.iter().rfind(|at| at.id == ids::SIMPLE_BLOCK && at.offset < body.fragments[0].end).unwrap();
    let data = kit::replaced(&body.bytes, block.offset + 1..block.offset + 2, &[0x43]);
    let (items, _) = walk(&[&data], Recovery::Scan, DataMode::Gather);
    let found = starts(&items);
    // One byte less: the size lies in the two bytes of which the second is now the first of the block.
    assert!(
        made(&body.elements).iter().filter(|at| at.2 >= body.fragments[1].start as u64).all(|at| found.contains(at))
    );
    let found = damages(&items);
    assert!(found.iter().any(|damage| damage.resume < damage.error.offset), "{found:?}");
}

#[test]
fn a_parent_too_small_is_outvoted_by_its_children() {
    let mut fragment = Fragment::new(1);
    fragment.cluster_size = kit::Size::Lie(40, 8);
    let body = kit::body(&[fragment]);
    let (items, _) = walk(&[&body.bytes], Recovery::Scan, DataMode::Skip);
    assert_eq!(starts(&items), made(&body.elements));
    assert_eq!(damages(&items).iter().map(|damage| damage.lost()).collect::<Vec<_>>(), [0]);
    let (_, error) = walk(&[&body.bytes], Recovery::Stop, DataMode::Skip);
    assert!(matches!(error.unwrap().kind, ErrorKind::BeyondParent(_)));
}

#[test]
fn limits_are_kept() {
    let deep = (0..20).fold(Made::text(ids::TAG_NAME, "x"), |inner, _| Made::master(ids::SIMPLE_TAG, [inner]));
    let bytes = Made::master(ids::SEGMENT, [Made::master(ids::TAGS, [Made::master(ids::TAG, [deep])])]).encode();
    let (_, error) = walk(&[&bytes], Recovery::Stop, DataMode::Skip);
    assert_eq!(error.unwrap().kind, ErrorKind::Limit { what: "depth of elements", limit: 16 });
    let (items, _) = walk(&[&bytes], Recovery::Scan, DataMode::Skip);
    assert_eq!(items.iter().filter(|item| matches!(item, Item::End { .. })).count(), 16);
    assert_eq!(damages(&items).len(), 1);

    let huge = Made::data(ids::SIMPLE_BLOCK, []).sized(kit::Size::Lie(1 << 40, 8));
    let cluster = Made::master(ids::CLUSTER, [huge]).unknown(1);
    let bytes = Made::master(ids::SEGMENT, [cluster]).unknown(1).encode();
    let (_, error) = walk(&[&bytes], Recovery::Stop, DataMode::Skip);
    assert_eq!(error.unwrap().kind, ErrorKind::Limit { what: "bytes of one element", limit: 1 << 20 });
}

#[test]
fn what_is_held_is_bounded() {
    let limits = Limits { element: 4096, ..Limits::default() };
    let mut walker = Walker::new(MiniSchema, limits, Recovery::Scan);
    // A legal attachment-like element of 1 MiB inside a Segment of known size.
    let made = Made::master(ids::SEGMENT, [Made::void(1 << 20), Made::master(ids::INFO, [])]).encode();
    let mut most = 0;
    for piece in made.chunks(1000) {
        walker.push(piece.to_vec()).unwrap();
        while walker.next().unwrap().is_some() {}
        most = most.max(walker.buffered());
    }
    assert!(most <= 4096 + 1000, "{most}");
}

#[test]
fn data_can_be_chosen_per_element() {
    let body = sample();
    let mut walker = Walker::new(MiniSchema, Limits::default(), Recovery::Stop);
    walker.push(body.bytes.clone()).unwrap();
    walker.finish();
    let mut names = Vec::new();
    while let Some(item) = walker.next().unwrap() {
        match item {
            Item::Start(element) if element.id().0 == ids::TAG_NAME => {
                assert!(walker.data_of_current(DataMode::Gather))
            }
            Item::Start(element) if element.is_master() => assert!(!walker.data_of_current(DataMode::Gather)),
            Item::Data { bytes, last, .. } => {
                assert!(last);
                names.push(crate::value::utf8(&bytes).unwrap().to_owned());
            }
            _ => {}
        }
    }
    assert_eq!(names.len(), 5 + 6 + 5);
    assert_eq!(names[0], "AWS_KINESISVIDEO_FRAGMENT_NUMBER");
    assert_eq!(walker.push(vec![0]).unwrap_err().kind, ErrorKind::Misuse("push after finish"));
}

#[test]
fn gathered_data_inside_one_piece_is_not_copied() {
    let body = sample();
    let piece = Bytes::from(body.bytes.clone());
    let mut walker = Walker::new(MiniSchema, Limits::default(), Recovery::Scan).with_data(DataMode::Gather);
    walker.push(piece.clone()).unwrap();
    while let Some(item) = walker.next().unwrap() {
        if let Item::Data { bytes, offset, .. } = item
            && !bytes.is_empty()
        {
            assert_eq!(bytes.as_ptr(), piece[offset as usize..].as_ptr());
        }
    }
}

/// Crafted so that each found element swallows all that follows and is then found wrong.
#[test]
fn nested_lies_cost_linear_time() {
    let mut items = Vec::new();
    for count in [2_000usize, 4_000] {
        let one = |left: usize| {
            let block = Made::data(ids::SIMPLE_BLOCK, []).sized(kit::Size::Lie(left as u64, 4));
            Made::master(ids::CLUSTER, [Made::uint(ids::TIMESTAMP, 1), block]).unknown(1).encode()
        };
        let len = one(0).len();
        let mut bytes = Vec::new();
        for index in 0..count {
            bytes.extend(one((count - index - 1) * len));
        }
        bytes.extend([0; 40]);
        let pieces: Vec<_> = bytes.chunks(7).collect();
        let (found, error) = walk(&pieces, Recovery::Scan, DataMode::Gather);
        assert_eq!(error, None);
        let copied: usize =
            found.iter().map(|item| if let Item::Data { bytes, .. } = item { bytes.len() } else { 0 }).sum();
        assert!(copied <= 6 * bytes.len() + (2 << 20), "{copied} bytes gathered from {}", bytes.len());
        items.push(found.len());
    }
    assert!(items[1] <= 3 * items[0] + 100, "{items:?}");
}
