//! Wall times as the service writes them: decimal seconds since the Unix epoch (`1511852108.513`).
//!
//! The digits are parsed as digits. A binary float holds today's epoch seconds to a quarter of a microsecond
//! only, and would turn `.513` into something else.

use std::fmt;

/// Digits of one part of a decimal time that are read at most; what is longer is not a time.
const MAX_DIGITS: usize = 128;
const NANOS_PER_SECOND: i128 = 1_000_000_000;
const NANOS_PER_MILLI: i128 = 1_000_000;

/// When the producer says that a fragment began: nanoseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProducerTimestamp(pub i128);

/// When the service began to receive a fragment: nanoseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerTimestamp(pub i128);

/// Writes the same functions for both clocks: two types, so that one is never taken for the other.
macro_rules! wall_time {
    ($name:ident) => {
        impl $name {
            /// Reads decimal seconds since the Unix epoch, as the service writes them: `1511852108.513`.
            ///
            /// Any number of decimals up to 128 is taken, digits past the ninth cut off; a minus sign may
            /// stand in front. `None` for anything else (empty, `NaN`, a comma, an exponent, blanks) and
            /// for times that 64 bits of seconds do not hold.
            pub fn from_decimal(text: &str) -> Option<Self> {
                decimal_nanos(text).map($name)
            }

            /// Reads RFC 3339 (`2017-11-28T06:55:08.513Z`, or with an offset); `None` for anything else.
            pub fn from_rfc3339(text: &str) -> Option<Self> {
                text.parse::<jiff::Timestamp>().ok().map(|time| $name(time.as_nanosecond()))
            }

            /// RFC 3339 in UTC with three decimals, what is finer cut off towards the past. `None` beyond
            /// the years -9999 to 9999, which RFC 3339 cannot tell.
            pub fn to_rfc3339(self) -> Option<String> {
                rfc3339(self.0)
            }

            /// Milliseconds since the Unix epoch, what is finer cut off towards the past; `None` where 64
            /// bits do not hold them.
            pub fn as_millis(self) -> Option<i64> {
                i64::try_from(self.0.div_euclid(NANOS_PER_MILLI)).ok()
            }

            /// This time and `nanos` more; `None` where that cannot be told.
            pub fn checked_add_nanos(self, nanos: i64) -> Option<Self> {
                self.0.checked_add(i128::from(nanos)).map($name)
            }
        }

        /// RFC 3339, or decimal seconds where RFC 3339 cannot tell the time.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.to_rfc3339() {
                    Some(text) => f.write_str(&text),
                    None => {
                        let sign = if self.0 < 0 { "-" } else { "" };
                        let nanos = self.0.unsigned_abs();
                        let second = NANOS_PER_SECOND.unsigned_abs();
                        write!(f, "{sign}{}.{:09}", nanos / second, nanos % second)
                    }
                }
            }
        }
    };
}

wall_time!(ProducerTimestamp);
wall_time!(ServerTimestamp);

/// Nanoseconds of a decimal number of seconds.
fn decimal_nanos(text: &str) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let legal = |part: &str| part.len() <= MAX_DIGITS && part.bytes().all(|byte| byte.is_ascii_digit());
    // A point with nothing behind it is taken, one with nothing before it is not.
    if whole.is_empty() || !legal(whole) || !legal(fraction) {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    let nanos = fraction
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .fold(0i128, |nanos, digit| nanos * 10 + i128::from(digit - b'0'));
    let total = i128::from(seconds) * NANOS_PER_SECOND + nanos;
    Some(if negative { -total } else { total })
}

fn rfc3339(nanos: i128) -> Option<String> {
    let whole_millis = nanos.div_euclid(NANOS_PER_MILLI).checked_mul(NANOS_PER_MILLI)?;
    let time = jiff::Timestamp::from_nanosecond(whole_millis).ok()?;
    Some(format!("{time:.3}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nanos(text: &str) -> Option<i128> {
        ProducerTimestamp::from_decimal(text).map(|time| time.0)
    }

    #[test]
    fn decimals_are_read_digit_by_digit() {
        assert_eq!(nanos("1511852108.513"), Some(1_511_852_108_513_000_000));
        assert_eq!(nanos("0.000"), Some(0));
        assert_eq!(nanos("7"), Some(7_000_000_000));
        assert_eq!(nanos("7."), Some(7_000_000_000));
        assert_eq!(nanos("-1.5"), Some(-1_500_000_000));
        // A double of this size steps by 238 ns.
        assert_eq!(nanos("1511852108.123456789"), Some(1_511_852_108_123_456_789));
        assert_eq!(nanos("1.1234567899999999"), Some(1_123_456_789));
        assert_eq!(nanos("0009223372036854775807.999999999"), Some(9_223_372_036_854_775_807_999_999_999));
    }

    #[test]
    fn what_is_not_decimal_seconds_is_no_time() {
        let long = format!("1.{}", "0".repeat(129));
        for text in [
            "",
            ".",
            ".5",
            "-",
            "-.5",
            "--1",
            "+1",
            " 1",
            "1 ",
            "1,5",
            "NaN",
            "inf",
            "1e9",
            "1.2.3",
            "0x1",
            "1.-5",
            "١",
            "9223372036854775808",
            "9999999999999999999999999999999999999999.000",
            &long,
        ] {
            assert_eq!(nanos(text), None, "{text:?}");
        }
        assert_eq!(nanos(&format!("1.{}", "0".repeat(128))), Some(1_000_000_000));
    }

    #[test]
    fn rfc3339_goes_both_ways() {
        let time = ProducerTimestamp::from_decimal("1511852108.513").unwrap();
        assert_eq!(time.to_rfc3339().as_deref(), Some("2017-11-28T06:55:08.513Z"));
        assert_eq!(time.to_string(), "2017-11-28T06:55:08.513Z");
        assert_eq!(ProducerTimestamp::from_rfc3339("2017-11-28T06:55:08.513Z"), Some(time));
        assert_eq!(ProducerTimestamp::from_rfc3339("2017-11-28T07:55:08.513+01:00"), Some(time));
        assert_eq!(ProducerTimestamp::from_rfc3339("yesterday"), None);
        assert_eq!(ServerTimestamp(0).to_string(), "1970-01-01T00:00:00.000Z");
        // Cut off towards the past, on both sides of the epoch.
        assert_eq!(ServerTimestamp(1_999_999).to_string(), "1970-01-01T00:00:00.001Z");
        assert_eq!(ServerTimestamp(-1).to_string(), "1969-12-31T23:59:59.999Z");
        assert_eq!(ServerTimestamp(-1).as_millis(), Some(-1));
    }

    #[test]
    fn times_out_of_range_are_shown_as_decimals() {
        let far = ProducerTimestamp::from_decimal("9223372036854775807.25").unwrap();
        assert_eq!(far.to_rfc3339(), None);
        assert_eq!(far.to_string(), "9223372036854775807.250000000");
        assert_eq!(ProducerTimestamp(i128::MIN).to_rfc3339(), None);
        assert!(ProducerTimestamp(i128::MIN).to_string().starts_with('-'));
        assert_eq!(ProducerTimestamp(i128::MAX).checked_add_nanos(1), None);
        assert_eq!(ProducerTimestamp(i128::MAX).as_millis(), None);
    }

    proptest! {
        #[test]
        fn any_text_is_safe(text in ".{0,80}") {
            let _ = (ProducerTimestamp::from_decimal(&text), ServerTimestamp::from_rfc3339(&text));
        }

        #[test]
        fn milliseconds_survive(millis in -62_000_000_000_000i64..250_000_000_000_000) {
            let time = ProducerTimestamp(i128::from(millis) * NANOS_PER_MILLI);
            let sign = if millis < 0 { "-" } else { "" };
            let (seconds, rest) = (millis.unsigned_abs() / 1000, millis.unsigned_abs() % 1000);
            prop_assert_eq!(ProducerTimestamp::from_decimal(&format!("{sign}{seconds}.{rest:03}")), Some(time));
            prop_assert_eq!(ProducerTimestamp::from_rfc3339(&time.to_rfc3339().unwrap()), Some(time));
            prop_assert_eq!(time.as_millis(), Some(millis));
        }
    }
}
