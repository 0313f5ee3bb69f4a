//! The tables of `docs/conformance.md`: every back end of the default list against the streams of the kit, and of folders
//! that are named as arguments. `--without a,b` leaves back ends out; `--rows FILE` writes what came of each stream, with
//! tabs between codec, stream, back end and result.

use kineframe_codec::{Codec, DecoderFactory};
use kineframe_codec_conformance::{Kit, Options, Report, run_with};
use std::error::Error;
use std::fmt::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

const CODECS: [Codec; 6] = [Codec::H264, Codec::H265, Codec::AV1, Codec::VP8, Codec::VP9, Codec::MJPEG];

fn main() -> Result<(), Box<dyn Error>> {
    let mut kits = Vec::new();
    for codec in CODECS {
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
                for codec in CODECS {
                    let kit = kit.clone().of(codec);
                    if !kit.streams.is_empty() {
                        // Damage is tried on the streams inside the kit, which are of each kind.
                        kits.push((format!("The folder `{name}`, {codec}"), codec, kit, Options { seeds: 0 }));
                    }
                }
            }
        }
    }
    let left_out = |factory: &dyn DecoderFactory| without.split(',').any(|name| name == factory.name());
    let mut jobs = Vec::new();
    for (place, (_, codec, ..)) in kits.iter().enumerate() {
        // A back end says first which codecs it decodes.
        let spoken = codec.to_string().to_uppercase().replace("H26", "H.26").replace("MJPEG", "JPEG");
        let decoders = kineframe_decoders::default_list().0.into_iter();
        let chosen = decoders.filter(|factory| factory.description().contains(&spoken) && !left_out(factory.as_ref()));
        jobs.extend(chosen.map(|factory| (place, factory)));
    }
    // Each worker takes the next job; what they found is printed in order.
    let reports: Vec<OnceLock<Report>> = jobs.iter().map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, |count| count.get());
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let (Some((place, factory)), Some(slot)) = (jobs.get(at), reports.get(at)) else { break };
                    let Some((title, _, kit, options)) = kits.get(*place) else { break };
                    let report = run_with(factory.as_ref(), kit, options);
                    eprintln!("{title}: {}", report.to_string().lines().next().unwrap_or_default());
                    slot.get_or_init(|| report);
                }
            });
        }
    });
    let (mut passed, mut last) = (true, None);
    for ((place, _), report) in jobs.iter().zip(&reports) {
        let (Some((title, ..)), Some(report)) = (kits.get(*place), report.get()) else { continue };
        if last.replace(place) != Some(place) {
            println!("\n## {title}");
        }
        for row in &report.rows {
            let result = row.whole.to_string().replace(['\t', '\n'], " ");
            writeln!(rows, "{title}\t{}\t{}\t{result}", row.stream, report.factory)?;
        }
        println!("\n{}", report.to_markdown().trim_end());
        passed &= report.passed();
    }
    if let Some(path) = rows_path {
        std::fs::write(path, rows)?;
    }
    if passed { Ok(()) } else { Err("a back end does not keep the contract".into()) }
}
