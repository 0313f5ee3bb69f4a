//! The committed inputs of a fuzz target, so that unit tests read them again.

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
