//! Inputs that lie in folders: those of fuzz targets, which tests read again, and a larger collection of media.

use std::fs;
use std::path::{Path, PathBuf};

/// Every file in `fuzz/corpus/<target>` and in its `regressions`, with its name, in order.
///
/// A target without a folder has no inputs yet.
///
/// # Panics
/// Where a file is there but cannot be read.
#[must_use]
pub fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut files: Vec<PathBuf> = [folder.clone(), folder.join("regressions")]
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flat_map(|entries| entries.map(|entry| entry.expect("a readable folder").path()))
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    let read = |path: PathBuf| (path.display().to_string(), fs::read(&path).expect("a readable file"));
    files.into_iter().map(read).collect()
}

/// Runs the body of a fuzz target on each of its committed inputs, whose names are printed: what once failed stays
/// fixed.
///
/// # Panics
/// Where the body does, or the target has no input.
pub fn reread(target: &str, body: fn(&[u8])) {
    let inputs = corpus(target);
    assert!(!inputs.is_empty(), "fuzz/corpus/{target} has no input");
    for (name, data) in inputs {
        println!("{name}");
        body(&data);
    }
}

/// The folder of media that `KINEFRAME_MEDIA` names; where it names none, says in a line that the test is skipped.
#[must_use]
pub fn media() -> Option<PathBuf> {
    let media = std::env::var_os("KINEFRAME_MEDIA").map(PathBuf::from);
    if media.is_none() {
        println!("skipped: KINEFRAME_MEDIA does not name a media folder");
    }
    media
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn each_input_of_a_target_is_read_again() {
        static BYTES: AtomicUsize = AtomicUsize::new(0);
        reread("ebml_headers", |data| {
            BYTES.fetch_add(data.len(), Ordering::Relaxed);
        });
        let total: usize = corpus("ebml_headers").iter().map(|(_, data)| data.len()).sum();
        assert_eq!(BYTES.load(Ordering::Relaxed), total);
    }

    #[test]
    #[should_panic(expected = "no input")]
    fn a_target_without_inputs_is_found_out() {
        reread("no_such_target", |_| {});
    }
}
