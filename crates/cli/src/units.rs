//! Values of flags: times, durations, sizes.

use std::fmt;
use std::str::FromStr;

/// A time: RFC 3339, or a duration from the start of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Nanoseconds since the Unix epoch.
    Wall(i128),
    /// Nanoseconds from the first frame.
    FromStart(i128),
}

/// Where a range starts or ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// At a time.
    At(Moment),
    /// This many nanoseconds after the first frame (`+DURATION`).
    AfterFirst(i128),
    /// From the first there is.
    Earliest,
    /// From this fragment, included.
    Fragment(String),
    /// After this fragment.
    AfterFragment(String),
    /// From what arrives next.
    Now,
    /// Where an earlier read ended.
    Token(String),
}

/// A length of time in nanoseconds; never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duration(pub i128);

impl Duration {
    /// The same for the standard library; what is beyond 584 years is cut to that.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_nanos(u64::try_from(self.0).unwrap_or(u64::MAX))
    }
}

/// A time from a fragment's start, in nanoseconds; negative before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset(pub i64);

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteSize(pub u64);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(Duration(nanos)) = text.parse() {
            return Ok(Moment::FromStart(nanos));
        }
        let wall: jiff::Timestamp = text.parse().map_err(|_| {
            format!("'{text}' is neither a time such as 2017-11-28T06:55:08.513Z nor a duration such as 2500ms or 4s")
        })?;
        Ok(Moment::Wall(wall.as_nanosecond()))
    }
}

impl FromStr for Bound {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = |number: &str| {
            let legal = (1..=128).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
            if legal {
                Ok(number.to_owned())
            } else {
                Err(format!("'{number}' is not a fragment number (1 to 128 digits)"))
            }
        };
        if let Some(number) = text.strip_prefix("fragment:") {
            return digits(number).map(Bound::Fragment);
        }
        if let Some(number) = text.strip_prefix("after:") {
            return digits(number).map(Bound::AfterFragment);
        }
        if let Some(duration) = text.strip_prefix('+') {
            return duration.parse().map(|Duration(nanos)| Bound::AfterFirst(nanos));
        }
        if let Some(token) = text.strip_prefix("token:") {
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
            return if (1..=128).contains(&token.len()) && token.bytes().all(legal) {
                Ok(Bound::Token(token.to_owned()))
            } else {
                Err(format!("'{token}' is not a continuation token (1 to 128 of a-z A-Z 0-9 _ . -)"))
            };
        }
        if text == "now" {
            return Ok(Bound::Now);
        }
        if text == "earliest" {
            return Ok(Bound::Earliest);
        }
        text.parse().map(Bound::At)
    }
}

impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const UNITS: [(&str, i128); 4] =
            [("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000)];
        let wrong = || format!("'{text}' is not a duration: a number with ms, s, m or h, such as 500ms or 1.5s");
        let (number, unit) =
            UNITS.iter().find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit))).ok_or_else(wrong)?;
        decimal(number, unit).map(Duration).ok_or_else(wrong)
    }
}

impl FromStr for Offset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("'{text}' is not an offset: seconds, or a number with ms, s, m or h, such as 1.25 or 1250ms");
        let (negative, number) = text.strip_prefix('-').map_or((false, text), |number| (true, number));
        let nanos = match number.parse() {
            Ok(Duration(nanos)) => nanos,
            Err(_) => decimal(number, 1_000_000_000).ok_or_else(wrong)?,
        };
        let nanos = i64::try_from(nanos).map_err(|_| wrong())?;
        Ok(Offset(if negative { -nanos } else { nanos }))
    }
}

/// In seconds.
impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0 as f64 / 1e9)
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const UNITS: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("", 1)];
        let wrong = || format!("'{text}' is not a size: bytes, or a number with KiB, MiB or GiB, such as 256MiB");
        let (number, unit) =
            UNITS.iter().find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit))).ok_or_else(wrong)?;
        let number: u64 = number.trim_end().parse().map_err(|_| wrong())?;
        number.checked_mul(unit).map(ByteSize).ok_or_else(wrong)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A decimal number such as `1.25`, times `unit`, by its digits; digits beyond the unit's are cut.
fn decimal(number: &str, unit: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || whole.len() > 15 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let mut value = if whole.is_empty() { 0 } else { whole.parse::<i128>().ok()?.checked_mul(unit)? };
    let mut place = unit;
    for digit in fraction.bytes() {
        place /= 10;
        value += i128::from(digit - b'0') * place;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_by_their_digits() {
        for (text, nanos) in
            [("500ms", 500_000_000), ("1.5s", 1_500_000_000), (".25s", 250_000_000), ("2m", 120_000_000_000), ("0s", 0)]
        {
            assert_eq!(text.parse(), Ok(Duration(nanos)), "{text}");
        }
        for text in ["", "s", "5", "-1s", "1.2.3s", "1e3s", "99999999999999999999h", "٣s"] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
    }

    #[test]
    fn offsets_are_seconds_with_or_without_their_unit() {
        for (text, nanos) in [
            ("1.25", 1_250_000_000),
            ("1.25s", 1_250_000_000),
            ("1250ms", 1_250_000_000),
            ("-0.5", -500_000_000),
            ("0", 0),
        ] {
            assert_eq!(text.parse(), Ok(Offset(nanos)), "{text}");
        }
        for text in ["", "-", "--1", "1e3", "NaN", "inf", "9999999999999", "1 s", "s"] {
            assert!(text.parse::<Offset>().is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_rfc_3339_or_a_duration_from_the_start() {
        assert_eq!("2017-11-28T06:55:08.513Z".parse(), Ok(Moment::Wall(1_511_852_108_513_000_000)));
        assert_eq!("2017-11-28T07:55:08.513+01:00".parse(), Ok(Moment::Wall(1_511_852_108_513_000_000)));
        assert_eq!("4s".parse(), Ok(Moment::FromStart(4_000_000_000)));
        assert!("yesterday".parse::<Moment>().is_err());
    }

    #[test]
    fn bounds_name_fragments_too() {
        assert_eq!("fragment:0123".parse(), Ok(Bound::Fragment("0123".into())));
        assert_eq!("after:9".parse(), Ok(Bound::AfterFragment("9".into())));
        assert_eq!("+2s".parse(), Ok(Bound::AfterFirst(2_000_000_000)));
        assert!("fragment:../x".parse::<Bound>().is_err());
        assert_eq!("token:a_-.9".parse(), Ok(Bound::Token("a_-.9".into())));
        assert!("token:a b".parse::<Bound>().is_err());
        assert_eq!("now".parse(), Ok(Bound::Now));
    }

    #[test]
    fn sizes_take_binary_units() {
        assert_eq!("64MiB".parse(), Ok(ByteSize(64 << 20)));
        assert_eq!("512".parse(), Ok(ByteSize(512)));
        assert!("64MB".parse::<ByteSize>().is_err());
        assert!("99999999999GiB".parse::<ByteSize>().is_err());
    }
}
