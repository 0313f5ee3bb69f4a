//! What holds for any text that a person may type.

use clap::Parser;
use proptest::prelude::*;

use crate::args::{Cli, Track};
use crate::units::{Bound, ByteSize, Duration, Moment};

/// Words of the command's own language, with anything between them.
fn word() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "frames",
        "frame",
        "fragments",
        "inspect",
        "split",
        "merge",
        "demo",
        "decoders",
        "completions",
        "help",
        "bash",
        "-",
        "--",
        "-o",
        "out",
        "--from",
        "--to",
        "--at",
        "--every",
        "--one-in",
        "--limit",
        "--track",
        "all",
        "--size",
        "--json",
        "--tree",
        "--max-memory",
        "--threads",
        "--quality",
        "--depth",
        "-vvv",
        "-q",
        "--offset",
        "--fragment",
        "earliest",
        "fragment:1",
        "after:2",
        "+2s",
        "1.5s",
        "2017-11-28T06:55:08.513Z",
        "64MiB",
        "0",
        "-1",
        "80",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => any::<String>(), 1 => "--[a-z-]{0,9}(=.{0,9})?"]
}

/// Text near to what a flag takes.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[+]?[0-9]{0,20}[.]?[0-9]{0,12} ?(ms|s|m|h|KiB|MiB|GiB|B)?",
        "(fragment|after):[0-9a-z/.]{0,140}",
        "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{0,12})?(Z|[+-][0-9]{2}:[0-9]{2})?",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_words_break_the_argument_parser(words in prop::collection::vec(word(), 0..9)) {
        match Cli::try_parse_from(std::iter::once("kineframe".to_owned()).chain(words)) {
            Ok(cli) => { let _ = format!("{cli:?}"); }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn no_text_breaks_a_value_and_a_refusal_repeats_it(text in value()) {
        let refusals = [
            text.parse::<Duration>().map(|duration| assert!(duration.0 >= 0)).err(),
            text.parse::<ByteSize>().err(),
            text.parse::<Moment>().err(),
            text.parse::<Track>().err(),
        ];
        for why in refusals.into_iter().flatten() {
            prop_assert!(why.contains(&text), "{why}");
        }
        if let Err(why) = text.parse::<Bound>() {
            prop_assert!(!why.is_empty());
        }
    }

    #[test]
    fn durations_come_back_as_they_were_written(nanos in 0_i128..3_600_000_000_000 * 24 * 365) {
        // Every unit can say it, with as many digits behind the point as it needs.
        for (suffix, digits) in [("ms", 6_usize), ("s", 9)] {
            let unit = 10_i128.pow(u32::try_from(digits).expect("small"));
            let text = format!("{}.{:0digits$}{suffix}", nanos / unit, nanos % unit);
            prop_assert_eq!(text.parse(), Ok(Duration(nanos)), "{}", text);
            prop_assert_eq!(format!("+{text}").parse(), Ok(Bound::AfterFirst(nanos)));
            prop_assert_eq!(text.parse(), Ok(Moment::FromStart(nanos)));
        }
        let (hours, minutes) = (nanos / 3_600_000_000_000, nanos / 60_000_000_000);
        prop_assert_eq!(format!("{hours}h").parse(), Ok(Duration(hours * 3_600_000_000_000)));
        prop_assert_eq!(format!("{minutes}m").parse(), Ok(Duration(minutes * 60_000_000_000)));
        prop_assert_eq!(Duration(nanos).to_std().as_nanos(), nanos.unsigned_abs());
    }

    #[test]
    fn sizes_come_back_as_they_are_shown(bytes: u64, small in 0_u64..1 << 30) {
        prop_assert_eq!(ByteSize(bytes).to_string().parse(), Ok(ByteSize(bytes)));
        for (suffix, unit) in [("KiB", 1_u64 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)] {
            prop_assert_eq!(format!("{small}{suffix}").parse(), Ok(ByteSize(small * unit)));
            prop_assert_eq!(format!("{bytes}{suffix}").parse().ok(), bytes.checked_mul(unit).map(ByteSize));
        }
    }

    #[test]
    fn wall_times_come_back_to_the_nanosecond(nanos in 0_i128..4_000_000_000 * 1_000_000_000) {
        let shown = jiff::Timestamp::from_nanosecond(nanos).expect("within a century").to_string();
        prop_assert_eq!(shown.parse(), Ok(Moment::Wall(nanos)));
        prop_assert_eq!(shown.parse(), Ok(Bound::At(Moment::Wall(nanos))));
    }
}
