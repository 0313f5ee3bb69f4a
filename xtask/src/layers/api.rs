//! Foreign types in public signatures: read from rustdoc's JSON, held against the table in `docs/architecture.md`.
//!
//! Rustdoc writes JSON only with unstable options switched on. Switching them on for the whole build would make build
//! scripts see another compiler and rebuild everything; so this program stands in for rustdoc and switches them on for
//! rustdoc alone. What the libraries stand on is then the same as for `cargo doc --workspace`, and is built in the same
//! folder, so that one does not repeat the work of the other; only the JSON goes to a folder of its own, since Cargo
//! empties the one of the HTML. (A Cargo before 1.91 knows no build folder, and builds it all there once more.)

use super::House;
use crate::packages::Graph;
use crate::shell::{self, Result};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Names the real rustdoc when Cargo starts this program in its place.
const SHIM: &str = "XTASK_RUSTDOC";

/// When Cargo started this program as rustdoc: runs the real one with unstable options allowed.
pub fn rustdoc_shim() -> Option<ExitCode> {
    let rustdoc = std::env::var_os(SHIM)?;
    let status = Command::new(rustdoc).args(std::env::args_os().skip(1)).env("RUSTC_BOOTSTRAP", "1").status();
    Some(if status.is_ok_and(|status| status.success()) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Documents every library of the house and checks what its public items mention.
pub fn check(house: &House, graph: &Graph) -> Result<Vec<String>> {
    let libraries = graph.members().filter(|package| {
        let folder = package.folder.as_deref().unwrap_or_default();
        shell::root().join(folder).join("src/lib.rs").is_file()
            && package.short().is_some_and(|name| house.floors.contains_key(name))
    });
    let build = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| shell::root().join("target"), PathBuf::from);
    let target = build.join("api");
    let mut doc = shell::cargo();
    doc.args(["doc", "--quiet", "--workspace", "--no-deps", "--lib", "--locked", "--target-dir"]).arg(&target);
    doc.env("CARGO_BUILD_BUILD_DIR", &build);
    doc.env("RUSTDOC", std::env::current_exe()?).env(SHIM, "rustdoc");
    doc.env("RUSTDOCFLAGS", "-Zunstable-options --output-format json");
    shell::run(&mut doc)?;
    let mut broken = Vec::new();
    for package in libraries {
        let file = target.join("doc").join(package.name.replace('-', "_")).with_extension("json");
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let name = package.short().unwrap_or_default();
        broken.extend(foreign_types(house, name, &serde_json::from_str(&text)?));
    }
    Ok(broken)
}

/// Public items of one crate that mention a type or trait of a foreign crate which the table does not list for it.
pub fn foreign_types(house: &House, name: &str, docs: &Value) -> Vec<String> {
    let nothing = BTreeSet::new();
    let listed = house.foreign.get(name).unwrap_or(&nothing);
    let allowed = |foreign: &str| {
        ["alloc", "core", "std"].contains(&foreign)
            || foreign.starts_with("kineframe")
            || listed.iter().any(|listed| listed.replace('-', "_") == foreign)
    };
    let mut broken = BTreeSet::new();
    for item in docs["index"].as_object().into_iter().flat_map(|index| index.values()) {
        let inner = &item["inner"];
        let implied = !inner["impl"]["blanket_impl"].is_null() || inner["impl"]["is_synthetic"] == true;
        if item["crate_id"] != 0 || implied {
            continue;
        }
        let mut ids = Vec::new();
        mentioned(inner, &mut ids);
        for path in ids.iter().map(|id| &docs["paths"][id.to_string()]) {
            let foreign = docs["external_crates"][path["crate_id"].to_string()]["name"].as_str();
            let Some(foreign) = foreign.filter(|foreign| !allowed(foreign)) else { continue };
            let full: Vec<_> = path["path"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let place = item["span"]["filename"].as_str().unwrap_or(name);
            let line = &item["span"]["begin"][0];
            broken.insert(format!("{place}:{line}: {} of {foreign} in a public signature of {name}", full.join("::")));
        }
    }
    broken.into_iter().collect()
}

/// The ids of types, traits and re-exports in a signature: objects that have an id beside a path or a source.
fn mentioned(value: &Value, ids: &mut Vec<u64>) {
    match value {
        Value::Object(map) => {
            if map.contains_key("path") || map.contains_key("source") {
                ids.extend(map.get("id").and_then(Value::as_u64));
            }
            map.values().for_each(|value| mentioned(value, ids));
        }
        Value::Array(list) => list.iter().for_each(|value| mentioned(value, ids)),
        _ => {}
    }
}
