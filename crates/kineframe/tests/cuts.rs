//! The whole library through its façade: fragments are the same however the body comes.

use bytes::Bytes;
use kineframe::consumer::{Consumer, Fragment};
use kineframe::source::{Chopped, Memory};
use proptest::prelude::*;

fn body() -> Memory {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/generated/tags-of-all-kinds.mkv");
    Memory::new("body", std::fs::read(path).expect("a body of the repository"))
}

fn told(fragment: &Fragment) -> (Option<Bytes>, Vec<Bytes>, usize, Option<Vec<u8>>) {
    let frames = fragment.frames().iter().map(|frame| frame.data.clone()).collect();
    (fragment.bytes(), frames, fragment.tags().len(), fragment.to_mkv())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn fragments_do_not_depend_on_the_pieces(longest in 1_usize..50_000, seed: u64) {
        let whole: Vec<_> = Consumer::open(&body()).fragments().map(|fragment| told(&fragment.unwrap())).collect();
        prop_assert_eq!(whole.len(), 4);
        prop_assert!(whole.iter().all(|(bytes, frames, _, mkv)| bytes.is_some() && !frames.is_empty() && mkv.is_some()));
        let cut = Chopped::random(body(), longest, seed);
        let cut: Vec<_> = Consumer::open(&cut).fragments().map(|fragment| told(&fragment.unwrap())).collect();
        prop_assert_eq!(cut, whole);
    }
}

#[test]
fn the_fragments_bytes_together_are_the_body() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/captures/output_get_media.mkv");
    let data = std::fs::read(path).unwrap();
    let source = Chopped::every(Memory::new("body", data.clone()), 10_000);
    let parts: Vec<Bytes> =
        Consumer::open(&source).fragments().map(|fragment| fragment.unwrap().bytes().unwrap()).collect();
    assert_eq!(parts.concat(), data);
}
