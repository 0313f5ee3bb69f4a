//! Values of elements (RFC 8794 §7), from their data.

use crate::ErrorKind;

/// An Unsigned Integer of 0 to 8 bytes (§7.2).
///
/// # Errors
/// More than eight bytes.
pub fn unsigned(data: &[u8]) -> Result<u64, ErrorKind> {
    if data.len() > 8 {
        return Err(ErrorKind::ValueLength { ty: "unsigned integer", len: data.len() as u64 });
    }
    Ok(data.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

/// A Signed Integer of 0 to 8 bytes, two's complement (§7.1).
///
/// # Errors
/// More than eight bytes.
pub fn signed(data: &[u8]) -> Result<i64, ErrorKind> {
    if data.len() > 8 {
        return Err(ErrorKind::ValueLength { ty: "signed integer", len: data.len() as u64 });
    }
    let start = if data.first().is_some_and(|byte| byte & 0x80 != 0) { -1 } else { 0 };
    Ok(data.iter().fold(start, |value, byte| value << 8 | i64::from(*byte)))
}

/// A Float of 0, 4 or 8 bytes (§7.3).
///
/// # Errors
/// Any other width.
pub fn float(data: &[u8]) -> Result<f64, ErrorKind> {
    match data.len() {
        0 => Ok(0.0),
        4 => Ok(f64::from(f32::from_be_bytes([data[0], data[1], data[2], data[3]]))),
        8 => {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(data);
            Ok(f64::from_be_bytes(bytes))
        }
        len => Err(ErrorKind::ValueLength { ty: "float", len: len as u64 }),
    }
}

/// A String (§7.4): ASCII up to the first NUL (§13).
///
/// # Errors
/// A byte that is not ASCII before the first NUL.
pub fn string(data: &[u8]) -> Result<&str, ErrorKind> {
    let text = until_nul(data);
    if !text.is_ascii() {
        return Err(ErrorKind::InvalidText("ASCII"));
    }
    utf8(text)
}

/// A UTF-8 string (§7.5) up to the first NUL (§13).
///
/// # Errors
/// Bytes that are not UTF-8 before the first NUL.
pub fn utf8(data: &[u8]) -> Result<&str, ErrorKind> {
    std::str::from_utf8(until_nul(data)).map_err(|_| ErrorKind::InvalidText("UTF-8"))
}

/// A Date (§7.6): nanoseconds since 2001-01-01T00:00:00 UTC, 0 or 8 bytes.
///
/// # Errors
/// Any other width.
pub fn date(data: &[u8]) -> Result<i64, ErrorKind> {
    match data.len() {
        0 | 8 => signed(data),
        len => Err(ErrorKind::ValueLength { ty: "date", len: len as u64 }),
    }
}

fn until_nul(data: &[u8]) -> &[u8] {
    let end = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    &data[..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn integers_of_each_width() {
        for width in 0..=8usize {
            let ones = [0xFF; 8];
            let most = if width == 0 { 0 } else { u64::MAX >> (64 - 8 * width) };
            assert_eq!(unsigned(&ones[..width]), Ok(most));
            assert_eq!(signed(&ones[..width]), Ok(if width == 0 { 0 } else { -1 }));
        }
        assert_eq!(signed(&[0x80]), Ok(-128));
        assert_eq!(signed(&[0x00, 0x80]), Ok(128));
        assert_eq!(signed(&[0x80, 0, 0, 0, 0, 0, 0, 0]), Ok(i64::MIN));
        assert_eq!(unsigned(&[0; 9]), Err(ErrorKind::ValueLength { ty: "unsigned integer", len: 9 }));
        assert_eq!(signed(&[0; 9]), Err(ErrorKind::ValueLength { ty: "signed integer", len: 9 }));
    }

    #[test]
    fn floats_of_each_width() {
        assert_eq!(float(&[]), Ok(0.0));
        assert_eq!(float(&[0x3F, 0x80, 0, 0]), Ok(1.0));
        assert_eq!(float(&[0x40, 0xE7, 0x70, 0, 0, 0, 0, 0]), Ok(48_000.0));
        assert!(float(&[0x7F, 0xC0, 0, 0]).is_ok_and(f64::is_nan));
        for len in (0..12).filter(|len| ![0, 4, 8].contains(len)) {
            assert_eq!(float(&[0; 12][..len]), Err(ErrorKind::ValueLength { ty: "float", len: len as u64 }));
        }
    }

    #[test]
    fn texts_end_at_the_first_nul() {
        assert_eq!(string(b"V_VP9\0\0\0"), Ok("V_VP9"));
        assert_eq!(utf8("é\0\u{FF}".as_bytes()), Ok("é"));
        assert_eq!(utf8(b"ok\0\xFF\xFF"), Ok("ok"), "what is behind the NUL does not count");
        assert_eq!((string(b""), utf8(b"\0")), (Ok(""), Ok("")));
        assert_eq!(string("é".as_bytes()), Err(ErrorKind::InvalidText("ASCII")));
        assert_eq!(utf8(&[0xC3]), Err(ErrorKind::InvalidText("UTF-8")));
    }

    #[test]
    fn dates_of_each_width() {
        assert_eq!(date(&[]), Ok(0));
        assert_eq!(date(&[0xFF; 8]), Ok(-1));
        for len in 1..8 {
            assert_eq!(date(&[0; 8][..len]), Err(ErrorKind::ValueLength { ty: "date", len: len as u64 }));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_value_or_an_error(data in proptest::collection::vec(any::<u8>(), 0..20)) {
            prop_assert_eq!(unsigned(&data).is_ok(), data.len() <= 8);
            prop_assert_eq!(signed(&data).is_ok(), data.len() <= 8);
            let _ = (float(&data), date(&data));
            if let Ok(text) = string(&data) {
                prop_assert_eq!(utf8(&data), Ok(text));
            }
        }
    }
}
