//! All H.264 streams of a media folder against their truths. Runs where KINEFRAME_MEDIA names the folder.

mod common;

use std::path::{Path, PathBuf};

use common::check_slices;
use kineframe_bitstream::h264::{AccessUnits, NalHeader, NalType, Pps, Sps, Stream};
use kineframe_bitstream::{StartCodeUnits, start_codes_to_lengths};

/// The elementary streams with their truth files, or nothing.
fn streams() -> Vec<(PathBuf, String)> {
    let Some(media) = std::env::var_os("KINEFRAME_MEDIA") else {
        println!("skipped: KINEFRAME_MEDIA does not name a media folder");
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = std::fs::read_dir(Path::new(&media).join("codec/h264"))
        .expect("the media folder has codec/h264")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "264"))
        .collect();
    paths.sort();
    assert!(paths.len() > 100, "{} streams", paths.len());
    let truth = |path: &Path| std::fs::read_to_string(path.with_extension("truth.json")).expect("a truth file");
    paths.into_iter().map(|path| (path.clone(), truth(&path))).collect()
}

/// The value of a key in a flat JSON file, as text.
fn field<'a>(truth: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = truth.split_once(&format!("\"{key}\": "))?;
    let value = rest.split([',', '\n']).next()?.trim().trim_matches('"');
    (value != "null").then_some(value)
}

#[test]
fn sizes_and_colours_are_those_of_the_truths() {
    for (path, truth) in streams() {
        let bytes = std::fs::read(&path).unwrap();
        let mut first: Option<Sps> = None;
        for nal in StartCodeUnits::new(&bytes) {
            match NalHeader::of(nal).unwrap().kind {
                NalType::SPS => {
                    let sps = Sps::parse(nal).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                    assert!(sps.vui.is_none_or(|vui| vui.complete), "{}: {sps:?}", path.display());
                    first.get_or_insert(sps);
                }
                NalType::PPS => {
                    Pps::parse(nal).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                }
                _ => {}
            }
        }
        let sps = first.unwrap_or_else(|| panic!("{}: no SPS", path.display()));
        let visible = sps.visible();
        let number = |key| field(&truth, key).map(|value| value.parse::<u32>().unwrap());
        let name = path.display();
        assert_eq!(Some(visible.width), number("width"), "{name}");
        assert_eq!(Some(visible.height), number("height"), "{name}");
        let range = sps.vui.and_then(|vui| vui.usability.full_range).map(|full| if full { "pc" } else { "tv" });
        assert!(field(&truth, "color_range").is_none_or(|stated| Some(stated) == range), "{name}: {range:?}");
        let ratio = sps.vui.and_then(|vui| vui.usability.sample_aspect_ratio);
        let stated = field(&truth, "sar").and_then(|sar| sar.split_once(':'));
        if let (Some((width, height)), Some(stated)) = (ratio, stated) {
            let stated: (u64, u64) = (stated.0.parse().unwrap(), stated.1.parse().unwrap());
            assert_eq!(u64::from(width) * stated.1, u64::from(height) * stated.0, "{name}");
        }
    }
}

#[test]
fn access_units_are_as_many_as_the_packets_of_the_container() {
    for (path, truth) in streams() {
        let name = path.display();
        let bytes = bytes::Bytes::from(std::fs::read(&path).unwrap());
        let units: Vec<_> = AccessUnits::new(bytes.clone()).collect();
        assert_eq!(units.iter().map(|unit| unit.len()).sum::<usize>(), bytes.len(), "{name}: no byte is lost");
        let mut stream = Stream::new(&bytes::Bytes::new());
        let mut pictures = 0;
        for (index, unit) in units.iter().enumerate() {
            let looked = stream.packet(unit);
            assert_eq!(looked.error, None, "{name} unit {index}");
            pictures += usize::from(looked.slices > 0);
            let lengths = start_codes_to_lengths(unit.clone());
            let mut other = stream.clone();
            assert!(!other.set_private(&bytes::Bytes::new()), "{name}: nothing new");
            assert_eq!(
                StartCodeUnits::new(unit).count(),
                kineframe_bitstream::LengthPrefixedUnits::new(&lengths.data, 4).count(),
                "{name} unit {index}"
            );
        }
        let packets: usize = field(&truth, "mkv_packets").unwrap().parse().unwrap();
        // From this stream, which has lost IDR pictures, the container was made without what cannot be decoded.
        if !path.ends_with("oh_BA_MW_D_IDR_LOST.264") {
            assert_eq!(pictures, packets, "{name}");
        }
        assert!(stream.parameters().size.is_some(), "{name}");
    }
}

#[test]
fn the_slices_of_sound_streams_break_no_rule() {
    let (mut all, mut read) = (0, 0);
    let mut wrong = Vec::new();
    for (path, _) in streams() {
        let (slices, checked, faults) = check_slices(&std::fs::read(&path).unwrap());
        (all, read) = (all + slices, read + checked);
        // From the one packets were taken away; in the other a NAL unit is invalid on purpose.
        let sound = ["oh_Error_I_P.264", "media3_invalid_nalu.264"].iter().all(|name| !path.ends_with(name));
        if !faults.is_empty() && sound {
            wrong.push(format!("{}: {} of {slices}: {}", path.display(), faults.len(), faults[0]));
        }
    }
    println!("{read} of {all} slices read");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
