//! `cargo xtask fixtures`: the test data against its manifest.

use crate::args::Args;
use crate::shell::{self, Result};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

const MANIFEST: &str = "testdata/MANIFEST.tsv";
const HEAD: &str = "path\tbytes\tsha256\torigin\tlicence\twhat";

/// What the whole may weigh: every clone carries it.
const MOST_BYTES: u64 = 25 << 20;

/// Checks every file and lists strays.
pub fn run(args: &mut Args) -> Result<()> {
    args.finish()?;
    shell::verdict("fixtures", &check()?, MANIFEST)
}

/// Everything that is wrong with the test data.
pub fn check() -> Result<Vec<String>> {
    let rows = shell::read(MANIFEST)?;
    let mut broken = shape(&rows);
    for row in entries(&rows) {
        match std::fs::read(shell::root().join("testdata").join(row.path)) {
            Ok(data) => broken.extend(sums(&row, &data)),
            Err(error) => broken.push(format!("testdata/{}: {error}", row.path)),
        }
    }
    let files = shell::repository_files()?;
    broken.extend(strays(&rows, files.iter().filter_map(|path| path.strip_prefix("testdata/"))));
    Ok(broken)
}

/// One line of the manifest.
struct Entry<'a> {
    path: &'a str,
    bytes: &'a str,
    sha256: &'a str,
}

fn entries(rows: &str) -> impl Iterator<Item = Entry<'_>> {
    rows.lines().skip(1).filter_map(|line| {
        let mut cells = line.split('\t');
        Some(Entry { path: cells.next()?, bytes: cells.next()?, sha256: cells.next()? })
    })
}

/// The head, six filled cells in each line, paths that rise and stay inside the folder, and a bound on the whole.
fn shape(rows: &str) -> Vec<String> {
    let mut broken = Vec::new();
    if rows.lines().next() != Some(HEAD) {
        broken.push(format!("{MANIFEST}: the first line is not `{}`", HEAD.replace('\t', " ")));
    }
    let mut last = "";
    let mut whole = 0u64;
    for (number, line) in rows.lines().enumerate().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        if cells.len() != 6 || cells.iter().any(|cell| cell.trim().is_empty()) {
            broken.push(format!("{MANIFEST}:{}: six cells, none empty", number + 1));
            continue;
        }
        if cells[0] <= last {
            broken.push(format!("{MANIFEST}:{}: {} is not sorted, or twice", number + 1, cells[0]));
        }
        if cells[0].starts_with('/') || cells[0].split('/').any(|part| part == "..") {
            broken.push(format!("{MANIFEST}:{}: {} leaves the folder", number + 1, cells[0]));
        }
        last = cells[0];
        whole += cells[1].parse().unwrap_or(0);
    }
    if whole > MOST_BYTES {
        broken.push(format!("{MANIFEST}: {whole} bytes in all, {MOST_BYTES} at most"));
    }
    broken
}

fn sums(row: &Entry<'_>, data: &[u8]) -> Vec<String> {
    let sum: String = Sha256::digest(data).iter().map(|byte| format!("{byte:02x}")).collect();
    if row.bytes == data.len().to_string() && row.sha256 == sum {
        return Vec::new();
    }
    vec![format!("testdata/{}: {} bytes {sum}, the manifest says {} {}", row.path, data.len(), row.bytes, row.sha256)]
}

/// Files that no line names. What tasks write is checked by them, and documents speak for themselves.
fn strays<'a>(rows: &str, files: impl Iterator<Item = &'a str>) -> Vec<String> {
    let named: BTreeSet<&str> = entries(rows).map(|row| row.path).collect();
    let free = |path: &str| path == "MANIFEST.tsv" || path.ends_with("README.md") || path.starts_with("golden/");
    let stray = files.filter(|path| !named.contains(path) && !free(path));
    stray.map(|path| format!("testdata/{path}: not in the manifest")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(lines: &[&str]) -> String {
        lines.iter().fold(format!("{HEAD}\n"), |text, line| format!("{text}{}\n", line.replace(' ', "\t")))
    }

    #[test]
    fn a_sound_manifest_has_nothing_broken() {
        assert_eq!(shape(&manifest(&["a 1 00 x MIT y", "b 1 00 x MIT y"])), [""; 0]);
    }

    #[test]
    fn order_twins_holes_and_ways_out_are_named() {
        for lines in [
            &["b 1 00 x MIT y", "a 1 00 x MIT y"][..],
            &["a 1 00 x MIT y", "a 1 00 x MIT y"],
            &["a 1 00 x MIT"],
            &["a 1 00  MIT y"],
            &["../a 1 00 x MIT y"],
            &["a 99999999999 00 x MIT y"],
        ] {
            assert_eq!(shape(&manifest(lines)).len(), 1, "{lines:?}");
        }
        assert_eq!(shape("path\n").len(), 1);
    }

    #[test]
    fn a_changed_byte_is_named() {
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let row = Entry { path: "a", bytes: "3", sha256: sum };
        assert_eq!(sums(&row, b"abc"), [""; 0]);
        assert_eq!(sums(&row, b"abd").len(), 1);
        assert_eq!(sums(&Entry { bytes: "4", ..row }, b"abc").len(), 1);
    }

    #[test]
    fn a_stray_is_named() {
        let rows = manifest(&["a 1 00 x MIT y"]);
        assert_eq!(
            strays(&rows, ["a", "README.md", "golden/x.events", "b"].into_iter()),
            ["testdata/b: not in the manifest"]
        );
    }
}
