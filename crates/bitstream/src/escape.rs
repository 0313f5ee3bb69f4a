//! Emulation prevention (H.264 §7.4.1): the bytes of a NAL unit never look like a start code.

use std::borrow::Cow;

use memchr::memmem;

/// The bytes that a NAL unit stands for: each `03` after two zero bytes is taken out. Borrowed where there is
/// none, which is most units but slices.
pub fn unescape(nal: &[u8]) -> Cow<'_, [u8]> {
    let mut places = memmem::find_iter(nal, &[0, 0, 3]).peekable();
    if places.peek().is_none() {
        return Cow::Borrowed(nal);
    }
    let mut out = Vec::with_capacity(nal.len());
    let mut from = 0;
    for place in places {
        out.extend_from_slice(nal.get(from..place + 2).unwrap_or_default());
        from = place + 3;
    }
    out.extend_from_slice(nal.get(from..).unwrap_or_default());
    Cow::Owned(out)
}

/// The NAL unit for these bytes: a `03` goes in after two zero bytes where `00` to `03` or the end follows.
pub fn escape(rbsp: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(rbsp.len() + rbsp.len() / 64);
    let mut zeros = 0;
    for &byte in rbsp {
        if zeros >= 2 && byte <= 3 {
            out.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    if zeros > 0 && rbsp.last() == Some(&0) {
        out.push(3);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn escaping_and_back(bytes in prop::collection::vec(0_u8..5, 0..60)) {
            let nal = escape(&bytes);
            prop_assert!(memmem::find(&nal, &[0, 0, 1]).is_none());
            prop_assert!(memmem::find(&nal, &[0, 0, 0]).is_none());
            prop_assert!(nal.last() != Some(&0));
            let back = unescape(&nal);
            // A final zero byte is guarded by a `03` that only `cabac_zero_words` have.
            let back = if bytes.last() == Some(&0) { &back[..bytes.len()] } else { &back[..] };
            prop_assert_eq!(back, &bytes[..]);
        }
    }

    #[test]
    fn a_unit_without_escapes_is_borrowed() {
        assert!(matches!(unescape(&[0x67, 0, 0, 4, 3]), Cow::Borrowed(_)));
        assert_eq!(unescape(&[0, 0, 3, 0, 0, 3, 1, 0, 0, 3]), [0, 0, 0, 0, 1, 0, 0].as_slice());
    }
}
