//! Bits that are flipped in a scan are told where they bring codes out of step.

use kineframe_codec::Codec;
use kineframe_codec_conformance::Flips;
use kineframe_codec_rusty_jpeg::Factory;

/// Of 1,200 cases (`CASES=100`) with checks 734 have a picture that is wrong and not marked, without them 929. JPEG has
/// nothing to tell it by where a bit of a coefficient flips and no code does; progressive scans are not read.
#[test]
fn bits_that_bring_codes_out_of_step_are_told() {
    let cases = std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(12);
    let [checked, blind] = Flips::of_kit(&Factory, Codec::MJPEG, cases);
    assert!(checked.unmarked * 10 < blind.unmarked * 9 && checked.marked > blind.marked, "{checked:?}, {blind:?}");
    assert!(checked.errors <= blind.errors, "{checked:?}, {blind:?}: no picture is lost for the check");
}
