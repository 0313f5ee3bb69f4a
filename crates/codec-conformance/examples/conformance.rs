//! The tables of `docs/conformance.md`: every back end of the default list against the streams of the kit, and of folders
//! that are named as arguments. `--without a,b` leaves back ends out; `--rows FILE` writes what came of each stream, with
//! tabs between codec, stream, back end and result.

use kineframe_codec::{Codec, DecoderFactory};
use kineframe_codec_conformance::{Kit, Options, run_with};
use std::error::Error;
use std::fmt::Write;

fn main() -> Result<(), Box<dyn Error>> {
    let mut kits = Vec::new();
    for codec in [Codec::H264, Codec::H265, Codec::AV1, Codec::VP8, Codec::VP9, Codec::MJPEG] {
        let kit = Kit::inside().of(codec);
        if !kit.streams.is_empty() {
            kits.push((format!("{codec}, the streams inside the kit"), codec, kit, Options::default()));
        }
    }
    let (mut without, mut rows_path, mut rows) = (String::new(), None, String::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--without" => without = arguments.next().unwrap_or_default(),
            "--rows" => rows_path = arguments.next(),
            folder => {
                let name = folder.rsplit('/').find(|part| !part.is_empty()).unwrap_or(folder).to_owned();
                let kit = Kit::from_dir(folder)?;
                if let Some(codec) = kit.streams.first().map(|stream| stream.codec) {
                    // Many streams: one damaged run of each kind for each of them.
                    kits.push((format!("The folder `{name}`"), codec, kit, Options { seeds: 1 }));
                }
            }
        }
    }
    let left_out = |factory: &dyn DecoderFactory| without.split(',').any(|name| name == factory.name());
    let mut passed = true;
    for (title, codec, kit, options) in &kits {
        println!("\n## {title}");
        for factory in kineframe_decoders::default_list().0.iter().filter(|factory| !left_out(factory.as_ref())) {
            // A back end says first which codecs it decodes.
            let spoken = codec.to_string().to_uppercase().replace("H26", "H.26").replace("MJPEG", "JPEG");
            if !factory.description().contains(&spoken) {
                continue;
            }
            let report = run_with(factory.as_ref(), kit, options);
            for row in &report.rows {
                let result = row.whole.to_string().replace(['\t', '\n'], " ");
                writeln!(rows, "{title}\t{}\t{}\t{result}", row.stream, report.factory)?;
            }
            println!("\n{}", report.to_markdown().trim_end());
            eprintln!("{title}: {}", report.to_string().lines().next().unwrap_or_default());
            passed &= report.passed();
        }
    }
    if let Some(path) = rows_path {
        std::fs::write(path, rows)?;
    }
    if passed { Ok(()) } else { Err("a back end does not keep the contract".into()) }
}
