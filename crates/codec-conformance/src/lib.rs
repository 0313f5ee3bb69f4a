//! Conformance kit: any decoder back end against the same streams.
//!
//! A back end promises [`Support::Exact`](kineframe_codec::Support) only for what this kit has seen it decode bit
//! for bit. The kit plays streams through it as a careful caller would, whole, with flushes, resets, sinks that
//! break, bounds and damaged packets, compares every picture with its MD5, and says what it found as a table.
//!
//! ```
//! use kineframe_codec::fake::FakeFactory;
//! use kineframe_codec_conformance::{Kit, Verdict, run};
//!
//! // A back end that takes a stream and gives other pictures is found out.
//! let report = run(&FakeFactory::new("fake"), &Kit::inside().only("gen_skip_heavy"));
//! assert!(!report.passed());
//! assert!(matches!(report.rows[0].whole, Verdict::Wrong(_)));
//! // One that says no is not asked further.
//! let report = run(&FakeFactory::new("fake").refusing("H.264"), &Kit::inside().only("gen_skip_heavy"));
//! assert!(report.passed());
//! println!("{report}");
//! ```
//!
//! What is asked, stream by stream:
//!
//! | check | what must hold |
//! |---|---|
//! | whole | every picture equal, in order, named after its packet, no error, none marked damaged (but after a gap in `frame_num` that the SPS forbids) |
//! | limits | a size or a packet over the bound is an error of that kind |
//! | reset | after half of the stream and a `reset`, the whole stream is exact |
//! | break | after the sink broke no picture comes in that call; after a `reset`, the whole stream is exact |
//! | flush | with a `flush` before each IDR picture, the whole stream is exact |
//! | out-of-band | with lengths and the parameter sets in `CodecPrivate` alone, the whole stream is exact |
//! | damage | one packet cut, flipped, dropped or zeroed: no panic comes through, pictures decoded before it and from the next IDR picture on are equal; wrong pictures after a dropped one are marked, where `frame_num` shows the loss |
//!
//! Of [disputed](TestStream::disputed) streams only what holds for damage is asked.

mod checks;
mod damage;
mod files;
mod flips;
mod h265;
mod inside;
mod kit;
mod play;
mod playback;
mod report;

use kineframe_codec::DecoderFactory;

pub use damage::Damage;
pub use flips::Flips;
pub use kit::{DISPUTED, Kit, KitError, TestPacket, TestStream, TruePicture};
pub use playback::Playback;
pub use report::{DamageCount, Mismatch, Outcome, Report, Row, Verdict};

/// The whole of a back end's bench: CPU of each picture of a stream that the kit carries. `criterion` must be among the
/// dependencies of the crate that it stands in.
///
/// ```no_run
/// //! Pictures per second.
///
/// kineframe_codec_conformance::decode_bench!(kineframe_codec::fake::FakeFactory::new("fake"), "av1_gen_main10");
/// ```
#[macro_export]
macro_rules! decode_bench {
    ($factory:expr, $stream:literal) => {
        fn decode(criterion: &mut ::criterion::Criterion) {
            let factory = $factory;
            let playback = $crate::Playback::inside($stream, &factory);
            let mut group = criterion.benchmark_group($stream);
            group.sample_size(10).throughput(::criterion::Throughput::Elements(playback.pictures()));
            group.bench_function(playback.name(), |bencher| bencher.iter(|| playback.run()));
        }

        ::criterion::criterion_group!(benches, decode);
        ::criterion::criterion_main!(benches);
    };
}

/// How thorough a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Damaged runs of each kind and stream. Default 2.
    pub seeds: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options { seeds: 2 }
    }
}

/// Runs a back end against all streams of the kit.
pub fn run(factory: &dyn DecoderFactory, kit: &Kit) -> Report {
    run_with(factory, kit, &Options::default())
}

/// As [`run`], for a test: prints the table, and gives it back where the back end keeps the contract.
///
/// # Panics
/// Where it does not, with every failure.
pub fn assert_passes(factory: &dyn DecoderFactory, kit: &Kit) -> Report {
    let report = run(factory, kit);
    println!("{report}");
    assert!(report.passed(), "{:#?}", report.failures());
    report
}

/// As [`assert_passes`], and every stream must be exact: none refused, none disputed.
///
/// # Panics
/// Where one is not.
pub fn assert_exact(factory: &dyn DecoderFactory, kit: &Kit) {
    let report = assert_passes(factory, kit);
    let others: Vec<&Row> = report.rows.iter().filter(|row| !row.whole.is_exact()).collect();
    assert!(others.is_empty(), "not exact: {others:#?}");
}

/// As [`run`], more or less thorough.
pub fn run_with(factory: &dyn DecoderFactory, kit: &Kit, options: &Options) -> Report {
    let rows = kit.streams.iter().map(|stream| checks::examine(factory, stream, options)).collect();
    Report { factory: factory.name().to_owned(), rows }
}
