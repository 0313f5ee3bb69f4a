//! The table of `docs/conformance.md`: every back end of the default list against the streams of the kit, and of folders
//! that are named as arguments.

use kineframe_codec::Codec;
use kineframe_codec_conformance::{Kit, run};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut kits = Vec::new();
    for codec in [Codec::H264, Codec::H265, Codec::AV1, Codec::VP8, Codec::VP9, Codec::MJPEG] {
        let kit = Kit::inside().of(codec);
        if !kit.streams.is_empty() {
            kits.push((format!("{codec}, the streams inside the kit"), codec, kit));
        }
    }
    for folder in std::env::args().skip(1) {
        let name = folder.rsplit('/').find(|part| !part.is_empty()).unwrap_or(&folder).to_owned();
        let kit = Kit::from_dir(&folder)?;
        if let Some(codec) = kit.streams.first().map(|stream| stream.codec) {
            kits.push((format!("The folder `{name}`"), codec, kit));
        }
    }
    println!("# Conformance\n\nWritten by `cargo xtask conformance`. What is asked is in the documentation of");
    println!("`kineframe-codec-conformance`; truths are FFmpeg's planes.");
    let mut passed = true;
    for (title, codec, kit) in &kits {
        println!("\n## {title}");
        for factory in &kineframe_decoders::default_list().0 {
            let report = run(factory.as_ref(), kit);
            // A back end says first which codecs it decodes.
            let spoken = codec.to_string().to_uppercase().replace("H26", "H.26").replace("MJPEG", "JPEG");
            if report.refused() == report.rows.len() && !factory.description().contains(&spoken) {
                continue;
            }
            println!("\n{}", report.to_markdown().trim_end());
            passed &= report.passed();
        }
    }
    if passed { Ok(()) } else { Err("a back end does not keep the contract".into()) }
}
