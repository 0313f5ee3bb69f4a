//! The default back ends against the kit: they keep the contract, and every stream has one that is exact.

use std::collections::BTreeSet;

use kineframe_codec_conformance::{Kit, Options, run_with};
use kineframe_testkit::media;

/// Streams that no back end of the plain build decodes, and must say so: High 4:4:4 Predictive of H.264; 4:2:2 and
/// monochrome of H.265; planes that a picture has no name for, 4:1:1 and 4:4:0.
const NOBODY: [&str; 5] =
    ["gen_odd_321x181_444", "h265_gen_main422_10", "h265_gen_mono", "mjpeg_gen_411", "vp9_gen_p1_440"];

fn nobody(name: &str) -> bool {
    NOBODY.contains(&name)
}

fn check(kit: &Kit, options: &Options) {
    let mut left: BTreeSet<&str> =
        kit.streams.iter().filter(|stream| !stream.disputed).map(|stream| stream.name.as_str()).collect();
    left.retain(|name| !nobody(name));
    let mut failures = Vec::new();
    for factory in kineframe_decoders::default_list().0 {
        let report = run_with(factory.as_ref(), kit, options);
        println!("{report}");
        failures.extend(report.failures().into_iter().map(|failure| format!("{}: {failure}", report.factory)));
        for row in &report.rows {
            if row.whole.is_exact() {
                assert!(!nobody(&row.stream), "{} decodes {} after all", report.factory, row.stream);
                left.remove(row.stream.as_str());
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(left.is_empty(), "no back end is exact on {left:?}");
}

#[test]
fn the_default_back_ends_keep_the_contract_on_the_streams_inside() {
    // Damage is for `cargo xtask conformance` and the media folder: a test of every day has no time for it.
    check(&Kit::inside(), &Options { seeds: 0 });
}

#[test]
fn the_default_back_ends_keep_the_contract_on_a_media_folder() {
    let Some(media) = media() else { return };
    let kit = Kit::from_dir(media.join("codec/h264")).expect("the media folder has codec/h264");
    assert!(kit.streams.len() > 100);
    check(&kit, &Options { seeds: 1 });

    for codec in ["av1", "h265", "vp8", "vp9"] {
        let folder = media.join("codec").join(codec);
        let mut kit = Kit::from_dir(folder).expect("a folder of the media folder");
        assert!(kit.streams.len() > 10, "{codec}");
        for stream in &mut kit.streams {
            stream.name = format!("{codec}_{}", stream.name);
        }
        check(&kit, &Options { seeds: 1 });
    }

    let damaged = Kit::from_dir(media.join("codec/damaged")).expect("the media folder has codec/damaged");
    let damaged = damaged.disputed();
    assert!(damaged.streams.len() > 10);
    check(&damaged, &Options { seeds: 0 });
}
