//! The table of `docs/conformance.md`: every back end of the default list against the streams of the kit, and of folders
//! that are named as arguments.

use kineframe_codec_conformance::{Kit, run};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut kits = vec![("The streams inside the kit".to_owned(), Kit::inside())];
    for folder in std::env::args().skip(1) {
        let name = folder.rsplit('/').find(|part| !part.is_empty()).unwrap_or(&folder).to_owned();
        kits.push((format!("The folder `{name}`"), Kit::from_dir(&folder)?));
    }
    println!("# Conformance\n\nWritten by `cargo xtask conformance`. What is asked is in the documentation of");
    println!("`kineframe-codec-conformance`; truths are FFmpeg's planes.");
    let mut passed = true;
    for (title, kit) in &kits {
        println!("\n## {title}");
        for factory in &kineframe_decoders::default_list().0 {
            let report = run(factory.as_ref(), kit);
            println!("\n{}", report.to_markdown().trim_end());
            passed &= report.passed();
        }
    }
    if passed { Ok(()) } else { Err("a back end does not keep the contract".into()) }
}
