//! `cargo xtask tidy`: the rules for files.

mod manifests;
mod sources;
#[cfg(test)]
mod tests;
mod texts;

use crate::args::Args;
use crate::packages::Graph;
use crate::shell::{self, Result};
use crate::{docs_table, fixtures};
use std::collections::BTreeMap;

/// Where the exceptions are written down, each with its reason.
const TESTING: &str = "docs/testing.md";

/// Where each dependency is accounted for.
const DEPENDENCIES: &str = "docs/dependencies.md";

/// Checks every rule and lists what breaks one.
pub fn run(args: &mut Args) -> Result<()> {
    args.finish()?;
    let mut broken = Vec::new();
    let mut files = BTreeMap::new();
    for path in shell::repository_files()? {
        // Test data is checked by its sums; pictures and corpora are not text.
        if path.starts_with("testdata/") || path.starts_with("fuzz/corpus/") {
            continue;
        }
        if let Ok(text) = std::fs::read_to_string(shell::root().join(&path)) {
            files.insert(path, text);
        }
    }
    for (path, text) in &files {
        broken.extend(texts::all(path, text));
        if path.ends_with(".rs") {
            broken.extend(sources::all(path, text));
        }
        if path.ends_with("Cargo.toml") {
            broken.extend(manifests::sorted_dependencies(path, text));
            broken.extend(manifests::workspace_settings(path, text));
        }
    }
    let exceptions = manifests::exceptions(&docs_table::rows(&shell::read(TESTING)?, "## Crates without one of these"));
    for package in Graph::load()?.members() {
        let names = files.keys().map(String::as_str);
        broken.extend(manifests::licensed(package));
        broken.extend(manifests::tested(package, &names.collect::<Vec<_>>(), &exceptions));
    }
    broken.extend(manifests::dependencies_described(&shell::read("Cargo.toml")?, &shell::read(DEPENDENCIES)?));
    broken.extend(sources::fuzz_targets_match(&files));
    broken.extend(sources::examples_in_crate_docs(&files));
    broken.extend(fixtures::check()?);
    shell::verdict("tidy", &broken, &format!("{} files", files.len()))
}
