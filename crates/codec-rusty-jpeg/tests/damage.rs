//! Bits that are flipped in a scan are told where they bring codes out of step.

use kineframe_codec::{Codec, DecodeOptions, DecoderFactory, Support};
use kineframe_codec_conformance::{Flips, Kit, TestStream};
use kineframe_codec_rusty_jpeg::Factory;

/// Of 1,200 cases (`CASES=100`) with checks 734 have a picture that is wrong and not marked, without them 929. JPEG has
/// nothing to tell it by where a bit of a coefficient flips and no code does; progressive scans are not read.
#[test]
fn bits_that_bring_codes_out_of_step_are_told() {
    let cases = std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(12);
    let checked = DecodeOptions::default();
    let blind = DecodeOptions { check_slices: false, ..DecodeOptions::default() };
    let mut all = [Flips::default(); 2];
    let taken = |stream: &TestStream| {
        let params = stream.packets.first().and_then(|packet| packet.params.as_ref());
        params.is_some_and(|params| Factory.supports(params) == Support::Exact)
    };
    for stream in Kit::inside().of(Codec::MJPEG).streams.into_iter().filter(taken) {
        let found = Flips::measure(&Factory, &stream, 12, cases, [&checked, &blind]);
        println!("{}: {found:?}", stream.name);
        all.iter_mut().zip(found).for_each(|(all, found)| *all += found);
    }
    println!("all: {all:?}");
    let [checked, blind] = all;
    assert!(checked.unmarked * 10 < blind.unmarked * 9 && checked.marked > blind.marked, "{checked:?}, {blind:?}");
    assert!(checked.errors <= blind.errors, "{checked:?}, {blind:?}: no picture is lost for the check");
}
