//! Names: of streams, their ARNs, fragment numbers; and random text for those that only have to differ.

use std::fmt::Write as _;

/// Random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        // No entropy: what is random here only has to differ, and the clock does.
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        for (byte, other) in bytes.iter_mut().zip(now.as_nanos().to_le_bytes().into_iter().cycle()) {
            *byte = other;
        }
    }
    bytes
}

/// Random text of letters and digits.
pub(crate) fn random_text<const N: usize>() -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    random::<N>().iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()
}

/// A random identifier in the form of a UUID (version 4).
pub(crate) fn request_id() -> String {
    let mut bytes = random::<16>();
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Whether this is a name that a stream can have: 1 to 256 of `[a-zA-Z0-9_.-]`.
pub(crate) fn is_stream_name(name: &str) -> bool {
    (1..=256).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// The parts of a stream's ARN that tell which stream it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StreamArn<'a> {
    pub(crate) region: &'a str,
    pub(crate) account: &'a str,
    pub(crate) name: &'a str,
    pub(crate) created: &'a str,
}

impl<'a> StreamArn<'a> {
    /// Reads `arn:<partition>:kinesisvideo:<region>:<account>:stream/<name>/<creation time>`.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let &["arn", _, "kinesisvideo", region, account, resource] = parts.as_slice() else { return None };
        let parts: Vec<&str> = resource.split('/').collect();
        let &["stream", name, created] = parts.as_slice() else { return None };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        (text.len() <= 1024 && is_stream_name(name) && digits(created) && digits(account)).then_some(StreamArn {
            region,
            account,
            name,
            created,
        })
    }
}

/// How the service numbers fragments, as far as can be seen from outside: 47 decimal digits, an integer of 157 bits
/// that holds a mark, a counter, the server's time in milliseconds and 28 random bits. So the order of the digits is
/// the order in which fragments came in.
pub(crate) fn fragment_number(counter: u64, server_ms: i64, random: u32) -> String {
    let millis = u128::try_from(server_ms).unwrap_or(0) & ((1 << 64) - 1);
    let low = millis << 28 | u128::from(random & 0x0FFF_FFFF); // 92 bits
    let low = low | u128::from(counter) << 92; // the counter's lower 36 bits
    let high = 1u64 << (156 - 128) | counter >> 36;
    let mut limbs = [high, (low >> 64) as u64, low as u64];
    let mut digits = Vec::with_capacity(48);
    const BASE: u128 = 1_000_000_000_000_000_000;
    while limbs.iter().any(|limb| *limb != 0) {
        let mut rest = 0u128;
        for limb in &mut limbs {
            let value = rest << 64 | u128::from(*limb); // rest is below BASE, which has 60 bits
            *limb = (value / BASE) as u64;
            rest = value % BASE;
        }
        digits.push(rest);
    }
    let mut text = String::with_capacity(48);
    for (index, part) in digits.iter().rev().enumerate() {
        let _ = if index == 0 { write!(text, "{part}") } else { write!(text, "{part:018}") };
    }
    text
}

/// The counter at which the next PutMedia session begins: the next 1000·k + 1.
pub(crate) fn next_session(counter: u64) -> u64 {
    if counter == 0 { 1 } else { ((counter - 1) / 1000 + 1) * 1000 + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_in_a_capture() {
        // Two real captures, each with the server time of its tags.
        assert_eq!(fragment_number(1, 1_511_852_109_126, 267317104), "91343852333181432392682062607743920146159169392");
        assert_eq!(
            fragment_number(1_049_498_009, 1_516_124_526_822, 135_129_165),
            "91343852338378294813695855977007281634605393997"
        );
        assert_eq!(fragment_number(u64::MAX >> 1, i64::MAX, u32::MAX).len(), 48);
    }

    #[test]
    fn numbers_rise_with_the_counter() {
        let numbers: Vec<_> = [(1, 50, 9), (2, 50, 8), (2, 51, 0), (3, 7, 1), (1001, 7, 0)]
            .map(|(c, t, r)| fragment_number(c, t, r))
            .into();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1] && pair[0].len() == pair[1].len()), "{numbers:?}");
    }

    #[test]
    fn sessions_begin_at_thousands() {
        assert_eq!([0, 1, 5, 1000, 1001, 2000, 2001].map(next_session), [1, 1001, 1001, 1001, 2001, 2001, 3001]);
    }

    #[test]
    fn arns() {
        let arn = StreamArn::parse("arn:aws:kinesisvideo:us-east-1:123456789012:stream/door/1511852108513").unwrap();
        assert_eq!(
            (arn.name, arn.created, arn.region, arn.account),
            ("door", "1511852108513", "us-east-1", "123456789012")
        );
        for bad in
            ["", "arn:aws:s3:::x", "arn:aws:kinesisvideo:r:1:stream/a b/1", "arn:aws:kinesisvideo:r:1:stream/a/b/1"]
        {
            assert_eq!(StreamArn::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn stream_names() {
        assert!(is_stream_name("a_Z.9-"));
        for bad in ["", "a/b", "ä", "a b", "a\0", &"x".repeat(257)] {
            assert!(!is_stream_name(bad), "{bad}");
        }
    }
}
