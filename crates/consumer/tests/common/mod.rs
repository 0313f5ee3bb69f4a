//! What the tests of this crate share.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use kineframe_codec::fake::FakeFactory;
use kineframe_codec::{ChromaSampling, DecoderFactory, Decoders, Picture};
use kineframe_consumer::{Notice, Options, PictureInfo, PictureItem, Pictures, Summary};
use kineframe_source::MediaSource;
use md5::{Digest, Md5};

/// A file of the repository's test data.
pub fn testdata(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name)
}

pub fn read(name: &str) -> Vec<u8> {
    let path = testdata(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A list of one fake back end.
pub fn fake() -> Decoders {
    list(FakeFactory::new("fake"))
}

pub fn list(factory: FakeFactory) -> Decoders {
    Decoders(vec![Arc::new(factory) as Arc<dyn DecoderFactory>])
}

pub fn options(decoders: Decoders, threads: usize) -> Options {
    let mut options = Options::new(decoders);
    options.threads = NonZeroUsize::new(threads).unwrap();
    options
}

/// Everything that comes out of a read.
#[derive(Debug)]
pub struct Run<T> {
    pub items: Vec<PictureItem<T>>,
    pub notices: Vec<Notice>,
    pub summary: Summary,
    pub error: Option<kineframe_consumer::ConsumerError>,
}

/// Takes all pictures as (MD5 of the packed visible planes).
pub fn run(source: &dyn MediaSource, options: Options) -> Run<String> {
    let work = || {
        let mut packed = Vec::new();
        move |_: &PictureInfo, picture: Picture<'_>| {
            packed.clear();
            picture.write_packed(&mut packed).expect("a picture that fits its planes");
            if picture.format.chroma == ChromaSampling::Monochrome && picture.visible.width > 16 {
                // The truths of monochrome streams have planes of middle grey; the fake's pictures are left alone.
                let samples = 2 * picture.visible.width.div_ceil(2) * picture.visible.height.div_ceil(2);
                let middle = 1_u16 << (picture.format.depth.bits() - 1);
                let bytes = if picture.format.depth.bits() > 8 { 2 } else { 1 };
                packed.extend((0..samples).flat_map(|_| middle.to_le_bytes().into_iter().take(bytes)));
            }
            Md5::digest(&packed).iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        }
    };
    let mut pictures = Pictures::open(source, options, work).expect("threads");
    let (mut items, mut error) = (Vec::new(), None);
    for item in &mut pictures {
        assert!(error.is_none(), "nothing comes after an error");
        match item {
            Ok(item) => items.push(item),
            Err(one) => error = Some(one),
        }
    }
    let notices = pictures.take_notices();
    let mut summary = pictures.summary();
    summary.wall = std::time::Duration::ZERO;
    assert_eq!(summary.pictures, items.len() as u64);
    assert!(items.iter().enumerate().all(|(index, item)| item.index == index as u64));
    let before_decoding: u64 = summary
        .frames_dropped
        .iter()
        .filter(|(reason, _)| !["undecodable", "not_shown", "damaged"].contains(&reason.name()))
        .map(|(_, count)| count)
        .sum();
    assert_eq!(summary.frames_seen, summary.frames_decoded + before_decoding, "{:?}", summary.frames_dropped);
    Run { items, notices, summary, error }
}

/// The MD5s of a `framemd5` file, in order.
pub fn framemd5(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines.filter_map(|line| line.rsplit(',').next()).map(|md5| md5.trim().to_owned()).collect()
}
