//! The same events however a body is cut.

mod common;

use bytes::Bytes;
use common::{files, read, split_whole, split_with, testdata};
use kineframe_fragment::Options;
use kineframe_testkit::{Fragment, PIECE_SIZES, body, every_cut, pieces, random_pieces};

/// Slices of one buffer, as a client that reads into big buffers gets them.
fn sliced<'a>(whole: &'a Bytes, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Bytes> {
    pieces.into_iter().map(|piece| whole.slice_ref(piece)).collect()
}

fn check(body: &Bytes, sizes: &[usize], random: u64, name: &str) {
    let expected = split_whole(body);
    for &size in sizes {
        let events = split_with(Options::default(), sliced(body, pieces(body, size)));
        assert!(events == expected, "{name}: pieces of {size}");
    }
    for seed in 0..random {
        let events = split_with(Options::default(), sliced(body, random_pieces(body, seed)));
        assert!(events == expected, "{name}: random pieces, seed {seed}");
    }
}

#[test]
fn every_body_of_the_repository_in_pieces() {
    for folder in ["fixtures", "generated", "captures"] {
        for path in files(&testdata().join(folder)) {
            let body = read(&path);
            let small = body.len() < 30_000;
            let sizes = if small { &PIECE_SIZES[..] } else { &PIECE_SIZES[4..] };
            check(&body, sizes, if small { 20 } else { 2 }, &path.display().to_string());
        }
    }
}

#[test]
fn a_body_cut_once_at_every_byte() {
    let body = Bytes::from(body(&[0, 1, 2].map(Fragment::new)).bytes);
    let expected = split_whole(&body);
    for (a, b) in every_cut(&body) {
        let pieces = sliced(&body, [a, b]);
        assert!(split_with(Options::default(), pieces) == expected, "cut at {}", a.len());
    }
}

#[test]
fn the_whole_collection_in_pieces() {
    let Some(media) = common::media("1,000 random cuts of each body") else { return };
    for folder in ["kvs/getmedia", "kvs/fixtures", "generated/kvs"] {
        for path in files(&media.join(folder)) {
            check(&read(&path), &PIECE_SIZES, 1_000, &path.display().to_string());
        }
    }
}
