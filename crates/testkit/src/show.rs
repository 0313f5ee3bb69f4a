//! Assertion failures that a person can read.

use std::fmt::{Debug, Write};

/// A hex dump of at most `max` bytes, 16 to a line with offset and text; says how many are left out.
pub fn hex(data: &[u8], max: usize) -> String {
    dump(data, 0, max)
}

fn dump(data: &[u8], base: usize, max: usize) -> String {
    let mut out = String::new();
    for (line, bytes) in data[..data.len().min(max)].chunks(16).enumerate() {
        let _ = write!(out, "{:08x} ", base + line * 16);
        for byte in bytes {
            let _ = write!(out, " {byte:02x}");
        }
        let text: String =
            bytes.iter().map(|byte| if (32..127).contains(byte) { char::from(*byte) } else { '.' }).collect();
        let _ = writeln!(out, "{:pad$}  {text}", "", pad = (16 - bytes.len()) * 3);
    }
    if data.len() > max {
        let _ = writeln!(out, "… {} more bytes", data.len() - max);
    }
    out
}

/// Asserts that two runs of bytes are equal; if not, shows both around the first difference.
///
/// # Panics
/// Where they differ.
#[track_caller]
pub fn assert_bytes_eq(found: &[u8], wanted: &[u8], label: &str) {
    if found == wanted {
        return;
    }
    let at = found.iter().zip(wanted).take_while(|(a, b)| a == b).count();
    let from = at.saturating_sub(16) & !15;
    panic!(
        "{label}: {} bytes found, {} wanted; the first difference is at byte {at}\nfound\n{}wanted\n{}",
        found.len(),
        wanted.len(),
        dump(&found[from.min(found.len())..], from, 64),
        dump(&wanted[from.min(wanted.len())..], from, 64),
    );
}

/// Asserts that two lists are equal; if not, shows the first item that differs with the two before it.
///
/// # Panics
/// Where they differ.
#[track_caller]
pub fn assert_items_eq<T: Debug + PartialEq>(found: &[T], wanted: &[T], label: &str) {
    if found == wanted {
        return;
    }
    let at = found.iter().zip(wanted).take_while(|(a, b)| a == b).count();
    let mut out = String::new();
    for (index, item) in found.iter().enumerate().take(at).skip(at.saturating_sub(2)) {
        let _ = writeln!(out, "  both   [{index}] {}", brief(item));
    }
    let show = |item: Option<&T>| item.map_or_else(|| "(the end)".to_owned(), |item| brief(item));
    let _ = writeln!(out, "  found  [{at}] {}", show(found.get(at)));
    let _ = writeln!(out, "  wanted [{at}] {}", show(wanted.get(at)));
    panic!("{label}: {} items found, {} wanted\n{out}", found.len(), wanted.len());
}

/// The debug text of an item, cut where it is long.
fn brief(item: &impl Debug) -> String {
    let text = format!("{item:?}");
    match text.char_indices().nth(400) {
        Some((at, _)) => format!("{}… ({} bytes of text)", &text[..at], text.len()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(test: impl FnOnce() + std::panic::UnwindSafe) -> String {
        let panic = std::panic::catch_unwind(test).expect_err("must fail");
        panic.downcast_ref::<String>().expect("a formatted message").clone()
    }

    #[test]
    fn dumps_are_capped() {
        assert_eq!(hex(b"AB\x00", 99), format!("00000000  41 42 00{:39}  AB.\n", ""));
        assert!(hex(&[0; 40], 32).ends_with("… 8 more bytes\n"));
    }

    #[test]
    fn equal_ones_pass() {
        assert_bytes_eq(&[1], &[1], "");
        assert_items_eq(&[1], &[1], "");
    }

    #[test]
    fn the_first_difference_is_shown() {
        let text = message(|| assert_items_eq(&[1, 2, 3, 4], &[1, 2, 3, 5], "cut"));
        assert_eq!(
            text,
            "cut: 4 items found, 4 wanted\n  both   [1] 2\n  both   [2] 3\n  found  [3] 4\n  wanted [3] 5\n"
        );
        let text = message(|| assert_items_eq(&[1], &[], "end"));
        assert!(text.contains("wanted [0] (the end)"), "{text}");
        let text = message(|| assert_bytes_eq(&[0; 40], &[&[0; 35][..], &[9; 5]].concat(), "bytes"));
        assert!(text.contains("first difference is at byte 35\nfound\n00000010"), "{text}");
    }
}
