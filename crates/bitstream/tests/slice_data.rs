//! The check of slice data: sound streams pass it, and hardly any flipped bit does.

mod common;

use std::path::{Path, PathBuf};

use common::check_slices;
use kineframe_bitstream::h264::{NalHeader, ParameterSets, SliceData, SliceTail, SliceType};
use kineframe_bitstream::{StartCodeUnits, escape, unescape};
use kineframe_testkit::Rng;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/codec/h264")
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name).with_extension("264")).expect("a file of the test data")
}

#[test]
fn sound_streams_break_no_rule() {
    let (mut files, mut all, mut checked) = (0, 0, 0);
    for entry in std::fs::read_dir(folder()).expect("test data") {
        let path = entry.expect("an entry").path();
        // From one packets were taken away.
        if path.extension().is_none_or(|ending| ending != "264") || path.ends_with("oh_Error_I_P.264") {
            continue;
        }
        let (slices, read, faults) = check_slices(&std::fs::read(&path).expect("a file"));
        assert_eq!(faults, [] as [String; 0], "{}", path.display());
        (files, all, checked) = (files + 1, all + slices, checked + read);
    }
    println!("{files} streams: {checked} of {all} slices read");
    // Left out are macroblock pairs and 4:4:4.
    assert!(files > 30 && checked > 1000 && all - checked < all / 10);
}

/// The first slices of these types, each with its sets.
fn slices(stream: &[u8], most: usize) -> (ParameterSets, Vec<Vec<u8>>) {
    let (mut sets, mut slices) = (ParameterSets::default(), Vec::new());
    for nal in StartCodeUnits::new(stream) {
        let kind = NalHeader::of(nal).expect("a header").kind;
        if !kind.begins_slice() {
            let _ = sets.insert(nal);
        } else if slices.len() < most {
            slices.push(nal.to_vec());
        }
    }
    (sets, slices)
}

fn is_sound(sets: &ParameterSets, nal: &[u8], check: &mut SliceData) -> Option<bool> {
    let (header, tail) = SliceTail::parse(nal, sets).ok()?;
    let (sps, pps) = (sets.sps(header.sps_id)?, sets.pps(header.pps_id)?);
    Some(check.check(nal, (sps, pps), (&header, &tail), None).is_ok())
}

/// Of so many slices with one bit flipped in their macroblocks, those that are noticed.
fn noticed(name: &str, runs: u32) -> (u32, u32) {
    let (sets, slices) = slices(&read(name), 40);
    let (mut rng, mut check) = (Rng::new(7), SliceData::default());
    let (mut flipped, mut found) = (0, 0);
    for run in 0..runs {
        let nal = &slices[run as usize % slices.len()];
        let (_, tail) = SliceTail::parse(nal, &sets).expect("a sound header");
        let mut rbsp = unescape(nal).into_owned();
        let first = tail.data_bit.div_ceil(8) as usize + 1;
        if first >= rbsp.len() {
            continue;
        }
        let bit = first * 8 + rng.below((rbsp.len() - first) * 8);
        rbsp[bit / 8] ^= 1 << (bit % 8);
        flipped += 1;
        found += u32::from(is_sound(&sets, &escape(&rbsp), &mut check) != Some(true));
    }
    (found, flipped)
}

#[test]
fn flipped_bits_are_noticed() {
    // A code of CAVLC may turn into another of the same length, a sign above all; CABAC loses its way for good.
    for (name, least) in [
        ("gen_main_cabac_b2", 97),
        ("gen_high_8x8_cqm_jvt", 97),
        ("gen_mono_high", 97),
        ("gen_high422_10", 97),
        ("gen_baseline_cavlc", 60),
        ("gen_main_cavlc_b2", 60),
    ] {
        let (found, flipped) = noticed(name, 400);
        println!("{name}: {found} of {flipped}");
        assert!(found * 100 >= flipped * least, "{name}: {found} of {flipped}");
    }
}

#[test]
fn cut_and_prolonged_slices_are_noticed() {
    let mut check = SliceData::default();
    for name in ["gen_main_cabac_b2", "gen_baseline_cavlc"] {
        let (sets, slices) = slices(&read(name), 10);
        for nal in &slices {
            assert_eq!(is_sound(&sets, nal, &mut check), Some(true), "{name}");
            let (header, _) = SliceTail::parse(nal, &sets).expect("a header");
            // A cut may hit the stop bit's neighbour; two bytes are more than that.
            let cut = &nal[..nal.len() - 2];
            assert_ne!(is_sound(&sets, cut, &mut check), Some(true), "{name}: {header:?}");
            let longer = [nal.as_slice(), &[0x55, 0x80]].concat();
            assert_eq!(is_sound(&sets, &longer, &mut check), Some(false), "{name}");
            // Zero words after the data are allowed (§7.4.2.10).
            let words = [nal.as_slice(), &[0, 0, 3, 0, 0, 3]].concat();
            assert_eq!(is_sound(&sets, &words, &mut check), Some(true), "{name}");
        }
    }
}

#[test]
fn the_next_slice_says_where_one_ends() {
    let mut check = SliceData::default();
    let (sets, slices) = slices(&read("gen_baseline_slices4"), 4);
    let headers: Vec<_> = slices.iter().map(|nal| SliceTail::parse(nal, &sets).expect("a header")).collect();
    assert_eq!(headers[0].0.slice_type, SliceType::I);
    let mut ends_at = |index: usize, end: Option<u32>| {
        let (header, tail) = &headers[index];
        let sets = (sets.sps(header.sps_id).expect("an SPS"), sets.pps(header.pps_id).expect("a PPS"));
        check.check(&slices[index], sets, (header, tail), end).is_ok()
    };
    let next = headers[1].0.first_mb;
    assert!(ends_at(0, Some(next)) && ends_at(3, None));
    // Macroblocks are missing, or there are more than fit.
    assert!(!ends_at(0, Some(next + 1)) && !ends_at(0, Some(next - 1)) && !ends_at(0, None));
}
