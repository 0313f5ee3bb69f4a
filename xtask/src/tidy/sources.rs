//! Rules for Rust sources: documentation, length, unsafe code, fuzz targets.

use std::collections::BTreeMap;

/// The longest file that a person should have to read.
const LONGEST: usize = 600;

/// Crates that may call C, and so hold `unsafe` blocks.
const MAY_BE_UNSAFE: &[&str] = &["crates/codec-", "crates/jpeg-turbo/", "crates/python/"];

/// Every rule that looks at one file.
pub fn all(path: &str, text: &str) -> Vec<String> {
    [module_docs(path, text), length(path, text), unsafe_code(path, text)].concat()
}

/// Whether the first line says that a program wrote the file.
fn generated(text: &str) -> bool {
    text.lines().next().is_some_and(|line| line.contains("@generated"))
}

/// Each module opens with `//!`; inner attributes and the mark of a generated file may stand before.
pub fn module_docs(path: &str, text: &str) -> Vec<String> {
    let before = |line: &str| line.trim().is_empty() || line.starts_with("#![") || line.contains("@generated");
    match text.lines().find(|line| !before(line)) {
        Some(line) if line.starts_with("//!") => Vec::new(),
        _ => vec![format!("{path}: a module opens with `//!`")],
    }
}

/// No file over the cap, but for generated ones.
pub fn length(path: &str, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    if lines <= LONGEST || generated(text) {
        return Vec::new();
    }
    vec![format!("{path}: {lines} lines, {LONGEST} at most")]
}

/// No unsafe code outside the crates that call C, and there none without its reason.
pub fn unsafe_code(path: &str, text: &str) -> Vec<String> {
    let keyword = concat!("un", "safe");
    let may =
        MAY_BE_UNSAFE.iter().any(|start| path.starts_with(start)) && !path.starts_with("crates/codec-conformance/");
    let lines: Vec<&str> = text.lines().collect();
    let mut broken = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        let words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
        if !words.into_iter().any(|word| word == keyword) || code.contains('"') {
            continue;
        }
        // The reason may take several lines of comment, so look up to the line that is none.
        let above = lines[..number].iter().rev().take_while(|line| line.trim_start().starts_with("//"));
        let reason = line.contains("SAFETY:") || above.into_iter().any(|line| line.contains("SAFETY:"));
        if !may {
            broken.push(format!("{path}:{}: {keyword} code; only crates that call C may hold it", number + 1));
        } else if !reason {
            broken.push(format!("{path}:{}: {keyword} code without `// SAFETY:`", number + 1));
        }
    }
    broken
}

/// Each fuzz body of a crate has a target that calls it and a test that reads its corpus again; each target has a body
/// and a line in the manifest.
pub fn fuzz_targets_match(files: &BTreeMap<String, String>) -> Vec<String> {
    let mut bodies = Vec::new();
    for (path, text) in files.iter().filter(|(path, _)| is_fuzzing_module(path)) {
        let Some(name) = path.strip_prefix("crates/").and_then(|rest| rest.split('/').next()) else { continue };
        let package =
            if name == "kineframe" { name.to_owned() } else { format!("kineframe_{}", name.replace('-', "_")) };
        let found = text.lines().filter_map(|line| line.trim().strip_prefix("pub fn ")?.split_once("(data: &[u8])"));
        bodies.extend(found.map(|(body, _)| (path, format!("{package}::fuzzing::{body}(data)"))));
    }
    let targets: Vec<_> = files.iter().filter(|(path, _)| path.starts_with("fuzz/fuzz_targets/")).collect();
    let mut broken = Vec::new();
    for (path, call) in &bodies {
        if !targets.iter().any(|(_, text)| text.contains(call.as_str())) {
            broken.push(format!("{path}: no target in fuzz/fuzz_targets calls {call}"));
        }
        let body = call.rsplit("::").next().unwrap_or_default().trim_end_matches("(data)");
        let folder = path.split("/src/").next().unwrap_or_default();
        let tests = files.get(&format!("{folder}/tests/corpus.rs")).map_or("", String::as_str);
        if !tests.contains(&format!("fuzzing::{body})")) {
            broken.push(format!("{path}: no test in {folder}/tests/corpus.rs reads the corpus of {body} again"));
        }
    }
    let manifest = files.get("fuzz/Cargo.toml").map_or("", String::as_str);
    for (path, text) in targets {
        if !manifest.contains(&format!("path = \"{}\"", path.trim_start_matches("fuzz/"))) {
            broken.push(format!("{path}: no [[bin]] in fuzz/Cargo.toml"));
        }
        if !bodies.iter().any(|(_, call)| text.contains(call.as_str())) {
            broken.push(format!("{path}: calls no fuzz body of a crate"));
        }
    }
    broken
}

fn is_fuzzing_module(path: &str) -> bool {
    path.starts_with("crates/") && (path.ends_with("/src/fuzzing.rs") || path.contains("/src/fuzzing/"))
}

/// The documentation of each library crate holds an example that runs with the tests.
pub fn examples_in_crate_docs(files: &BTreeMap<String, String>) -> Vec<String> {
    let libraries = files.iter().filter(|(path, _)| path.starts_with("crates/") && path.ends_with("/src/lib.rs"));
    let runs = |text: &str| {
        let mut fences = text.lines().filter_map(|line| line.strip_prefix("//! ```"));
        fences.any(|info| info.is_empty() || info == "rust")
    };
    let without = libraries.filter(|(path, text)| path.matches('/').count() == 3 && !runs(text));
    without.map(|(path, _)| format!("{path}: the documentation of a crate holds an example that runs")).collect()
}
