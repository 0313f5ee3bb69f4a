//! The tree: its nodes, paths, values, bounds.

use kineframe_testkit as kit;
use kit::{Fragment, ids};

use super::*;
use crate::fuzzing::MiniSchema;

fn sample() -> kit::KvsBody {
    let mut known = Fragment::new(2).user_tag("camera", "door");
    known.cluster_size = kit::Size::Minimal;
    kit::body(&[Fragment::new(1), known])
}

#[test]
fn every_element_is_there_once_with_its_bytes() {
    let body = sample();
    let tree = Tree::parse(body.bytes.clone(), 1000, MiniSchema, &Limits::default());
    assert!(tree.damage().is_empty());
    assert_eq!(tree.len(), body.elements.len());
    for (node, made) in tree.descendants().zip(&body.elements) {
        assert_eq!((node.id().0, node.depth()), (made.id, made.depth));
        assert_eq!(node.header().offset, made.offset as u64 + 1000);
        assert_eq!(node.data(), body.bytes[made.offset + made.header_len..made.end]);
        assert_eq!(node.whole(), body.bytes[made.offset..made.end]);
        assert_eq!(node.parent().map_or(0, |parent| parent.depth() + 1), node.depth());
        assert_eq!(
            node.descendants().count(),
            body.elements.iter().filter(|at| at.offset > made.offset && at.end <= made.end).count()
        );
    }
}

#[test]
fn paths_and_values() {
    let tree = Tree::parse(sample().bytes, 0, MiniSchema, &Limits::default());
    assert_eq!(
        tree.roots().map(|node| node.name().unwrap()).collect::<Vec<_>>(),
        ["EBML", "Segment", "EBML", "Segment"]
    );
    assert_eq!(tree.find("EBML/DocType").unwrap().text().unwrap(), "matroska");
    assert_eq!(tree.find("Segment/Info/TimestampScale").unwrap().unsigned().unwrap(), 1_000_000);
    let tracks: Vec<_> = tree.find_all("Segment/Tracks/TrackEntry");
    assert_eq!(tracks.len(), 2);
    assert_eq!(tracks[1].find("Video/PixelWidth").unwrap().number().unwrap(), 320.0);
    assert_eq!(tree.find_all("Segment/Cluster/SimpleBlock").len(), 10);
    let names: Vec<_> =
        tree.find_all("Segment/Tags/Tag/SimpleTag/TagName").iter().map(|node| node.text().unwrap()).collect();
    assert_eq!(names.iter().filter(|name| *name == "camera").count(), 1);
    assert_eq!(names.len(), 5 + 6);
    assert!(tree.find("Segment/Nothing").is_none() && tree.find("").is_none());
    let block = tree.find("Segment/Cluster/SimpleBlock").unwrap();
    assert!(matches!(block.value().unwrap(), Value::Binary(data) if data.len() == 64));
    let error = block.unsigned().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("byte {}: Segment/Cluster/SimpleBlock: misuse: not an unsigned integer", block.header().offset)
    );
    assert_eq!(tree.find("Segment/Cluster").unwrap().value().unwrap(), Value::Master);
}

#[test]
fn damage_costs_what_it_hits_and_is_told() {
    let body = sample();
    // The last block of the first Cluster claims what follows, up into the next fragment.
    let block =
        body.elements.iter().rfind(|at| at.id == ids::SIMPLE_BLOCK && at.offset < body.fragments[0].end).unwrap();
    let bytes = kit::replaced(&body.bytes, block.offset + 1..block.offset + 2, &[0x43]);
    let tree = Tree::parse(bytes, 0, MiniSchema, &Limits::default());
    assert!(!tree.damage().is_empty());
    assert_eq!(tree.find_all("Segment/Cluster/SimpleBlock").len(), 10);
    assert_eq!(tree.find_all("Segment/Tags").len(), 2 + 3);
    let offsets: Vec<_> = tree.descendants().map(|node| node.header().offset).collect();
    assert!(offsets.is_sorted(), "what was read wrongly is not kept");
}

#[test]
fn a_tree_is_bounded() {
    let bytes = kit::Element::master(ids::SEGMENT, vec![kit::Element::void(0); 100]).encode();
    let limits = Limits { elements: 10, ..Limits::default() };
    let tree = Tree::parse(bytes.clone(), 0, MiniSchema, &limits);
    assert_eq!(tree.len(), 10);
    assert_eq!(tree.roots().next().unwrap().children().count(), 9);
    assert!(matches!(tree.damage()[0].error.kind, ErrorKind::Limit { limit: 10, .. }));
    let whole = Tree::parse(bytes, 0, MiniSchema, &Limits::default());
    assert_eq!(whole.roots().next().unwrap().children().count(), 100);
}

#[test]
fn each_flip_gives_a_tree_without_a_panic() {
    let body = kit::body(&[Fragment::new(1)]);
    for (at, bit, data) in kit::bit_flips(&body.bytes, body.structure()) {
        let tree = Tree::parse(data, u64::MAX - 10, MiniSchema, &Limits::default());
        let mut count = 0;
        for node in tree.descendants() {
            let _ = (node.value(), node.whole(), node.parent());
            count += 1;
        }
        assert_eq!(count, tree.len(), "byte {at} bit {bit}");
        assert!(tree.roots().map(|root| 1 + root.descendants().count()).sum::<usize>() == count, "byte {at} bit {bit}");
    }
}
