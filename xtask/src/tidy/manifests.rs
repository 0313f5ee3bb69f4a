//! Rules for manifests: order, licence, lints, tests and benches.

use crate::docs_table;
use crate::packages::Package;
use std::collections::BTreeMap;

/// In every section of dependencies the names rise, between blank lines and comments.
pub fn sorted_dependencies(path: &str, text: &str) -> Vec<String> {
    let mut broken = Vec::new();
    let mut inside = false;
    let mut last = String::new();
    for (number, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            inside = line.trim_end_matches(']').ends_with("dependencies") || line.contains("dependencies]");
        }
        if line.starts_with(['[', '#']) || line.trim().is_empty() {
            last.clear();
            continue;
        }
        let continues = line.starts_with([' ', '\t', ']', '}']);
        if !inside || continues {
            continue;
        }
        let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
        if name < last.as_str() {
            broken.push(format!("{path}:{}: {name} after {last}: dependencies are sorted", number + 1));
        }
        last = name.to_owned();
    }
    broken
}

/// A crate of the workspace takes edition, Rust version, licence and lints from it, and its foreign dependencies too.
pub fn workspace_settings(path: &str, text: &str) -> Vec<String> {
    if !path.starts_with("crates/") {
        return Vec::new();
    }
    let shared = ["edition.workspace = true", "license.workspace = true", "rust-version.workspace = true"];
    let missing = shared.iter().filter(|line| !text.lines().any(|found| found == **line));
    let mut broken: Vec<_> = missing.map(|line| format!("{path}: no `{line}`")).collect();
    if !text.contains("[lints]\nworkspace = true\n") && !text.contains("[lints.rust]") {
        broken.push(format!("{path}: no lints; `[lints] workspace = true`"));
    }
    if text.contains("[lints.rust]") && !may_set_its_own_lints(path) {
        broken.push(format!("{path}: only a crate that calls C sets its own lints"));
    }
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        let value = line.split_once('=').map_or("", |(_, value)| value.trim());
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
        } else if inside && (value.starts_with('"') || value.contains("version = ")) {
            broken.push(format!("{path}:{}: versions stand in the workspace's manifest", number + 1));
        }
    }
    broken
}

fn may_set_its_own_lints(path: &str) -> bool {
    let name = path.trim_start_matches("crates/").split('/').next().unwrap_or_default();
    crate::layers::may_call_native_code(name)
}

/// The licence of every package is the project's.
pub fn licensed(package: &Package) -> Vec<String> {
    match package.license.as_deref() {
        Some("MIT OR Apache-2.0") => Vec::new(),
        other => vec![format!("{}: licence {other:?} is not MIT OR Apache-2.0", package.name)],
    }
}

/// Crates that lack property tests or a bench, with what they lack: from the table in `docs/testing.md`.
pub fn exceptions(rows: &[Vec<String>]) -> BTreeMap<String, String> {
    let cells = rows.iter().filter_map(|row| Some((docs_table::names(row.first()?), row.get(1)?)));
    cells.flat_map(|(names, lacks)| names.into_iter().map(move |name| (name, lacks.clone()))).collect()
}

/// Each crate has property tests and a bench, or stands in the table of exceptions.
pub fn tested(package: &Package, files: &[&str], exceptions: &BTreeMap<String, String>) -> Vec<String> {
    let (Some(name), Some(folder)) = (package.short(), package.folder.as_deref()) else { return Vec::new() };
    let lacks = exceptions.get(name).map(String::as_str).unwrap_or_default();
    let benches = format!("{folder}/benches/");
    let has = [
        ("property tests", package.dev.iter().any(|dependency| dependency == "proptest")),
        ("bench", files.iter().any(|file| file.starts_with(&benches) && file.ends_with(".rs"))),
    ];
    let mut broken = Vec::new();
    for (what, has) in has {
        match (has, lacks.contains(what)) {
            (false, false) => broken.push(format!("{folder}: no {what}")),
            (true, true) => {
                broken.push(format!("{folder}: {what} are there; take the exception out of {}", super::TESTING))
            }
            _ => {}
        }
    }
    broken
}

/// Every foreign crate that the workspace names has its line in the document, first in its row.
pub fn dependencies_described(manifest: &str, document: &str) -> Vec<String> {
    let section = manifest.lines().skip_while(|line| *line != "[workspace.dependencies]").skip(1);
    let entries = section.take_while(|line| !line.starts_with('[')).filter(|line| !line.contains("path = "));
    let names = entries.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name);
    let missing = names.filter(|name| !document.lines().any(|line| line.starts_with(&format!("| `{name}` |"))));
    missing.map(|name| format!("{}: no row for `{name}`", super::DEPENDENCIES)).collect()
}
