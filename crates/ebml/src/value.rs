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
