//! `cargo xtask backends`: what each decoder back end costs alone, as a table in `docs/dependencies.md`.
//!
//! Each back end is built into a program of its own that opens it, outside the workspace, in a release profile. What the
//! decoder contract and `bitstream` need is built before, and is in the program that sizes are compared with.

use crate::args::Args;
use crate::bench;
use crate::shell::{self, Result};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The heading that the table stands under, and the page.
const HEADING: &str = "## Each back end alone";
const PAGE: &str = "docs/dependencies.md";

/// What links a library of the system, and the terms of that.
const SYSTEM: [(&str, &str); 3] = [
    ("dav1d", "libdav1d: BSD-2-Clause"),
    ("ffmpeg", "FFmpeg: LGPL-2.1-or-later, or GPL as it was built"),
    ("vpx", "libvpx: BSD-3-Clause"),
];

/// A package as `cargo metadata` has it: name, licence, folder.
type Packages = BTreeMap<String, (String, String, PathBuf)>;

/// Builds them one after the other, and writes the table.
pub fn run(args: &mut Args) -> Result<()> {
    args.finish()?;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(shell::root().join("crates"))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_prefix("codec-").filter(|name| *name != "conformance").map(str::to_owned));
    }
    names.sort();
    let target = bench::target().join("backends");
    let base = Probe::new(&target, None)?;
    let (_, base_size) = base.build(&target)?;
    let shared = base.packages()?;
    let mut table = String::from(
        "| back end | build, s of CPU | added to a program | crates | licences | lines with `unsafe` |\n|---|---:|---:|---:|---|---:|\n",
    );
    for name in names {
        let probe = Probe::new(&target, Some(&name))?;
        let (cpu, size) = probe.build(&target)?;
        let mut own = probe.packages()?;
        own.retain(|id, (package, ..)| !shared.contains_key(id) && !package.starts_with("probe-"));
        let mut licences: BTreeSet<&str> = own.values().map(|(_, licence, _)| licence.as_str()).collect();
        licences.extend(SYSTEM.iter().filter(|(system, _)| *system == name).map(|(_, licence)| *licence));
        let unsafe_lines = own.values().map(|(.., folder)| unsafe_in(folder)).sum::<Result<usize>>()?;
        let licences = licences.into_iter().collect::<Vec<_>>().join("; ");
        let added = size.saturating_sub(base_size) / 1024;
        writeln!(table, "| `codec-{name}` | {cpu:.0} | {added} KiB | {} | {licences} | {unsafe_lines} |", own.len())?;
        println!("backends: {name}: {cpu:.0} s, {added} KiB");
    }
    let page = shell::read(PAGE)?;
    std::fs::write(shell::root().join(PAGE), replaced(&page, &table).ok_or("no table to take the place of")?)?;
    println!("backends: {PAGE} is written");
    Ok(())
}

/// A program that opens one back end, or none but the made one.
struct Probe {
    folder: PathBuf,
    name: String,
}

impl Probe {
    fn new(target: &Path, back_end: Option<&str>) -> Result<Self> {
        let name = format!("probe-{}", back_end.unwrap_or("none"));
        let folder = target.join(&name);
        std::fs::create_dir_all(folder.join("src"))?;
        let crates = shell::root().join("crates");
        let path = |name: &str| format!("kineframe-{name} = {{ path = {:?} }}\n", crates.join(name));
        let mut manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[profile.release]\n\
             lto = \"thin\"\nstrip = true\n\n[dependencies]\n{}{}",
            path("codec"),
            path("bitstream")
        );
        let mut factory = "kineframe_codec::fake::FakeFactory::new(\"none\")".to_owned();
        if let Some(back_end) = back_end {
            manifest.push_str(&path(&format!("codec-{back_end}")));
            factory = format!("kineframe_codec_{}::Factory", back_end.replace('-', "_"));
        }
        let program = format!(
            "use kineframe_codec::{{Codec, CodecParameters, DecodeOptions, DecoderFactory}};\n\nfn main() {{\n    \
             let parameters = std::hint::black_box(CodecParameters::new(Codec::VP9));\n    let factory = {factory};\n    \
             println!(\"{{:?}}\", factory.supports(&parameters));\n    \
             let opened = factory.open(&parameters, &DecodeOptions::default());\n    \
             println!(\"{{}}\", std::hint::black_box(opened).is_ok());\n}}\n"
        );
        std::fs::write(folder.join("Cargo.toml"), manifest)?;
        std::fs::write(folder.join("src").join("main.rs"), program)?;
        std::fs::copy(shell::root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
        Ok(Probe { folder, name })
    }

    /// Processor seconds, and bytes of the program.
    fn build(&self, target: &Path) -> Result<(f64, u64)> {
        let mut build = shell::cargo();
        build.args(["build", "--release", "--quiet", "--manifest-path"]).arg(self.folder.join("Cargo.toml"));
        let cost = bench::cost(build.arg("--target-dir").arg(target))?;
        let program = target.join("release").join(&self.name);
        Ok((cost.cpu, std::fs::metadata(program)?.len()))
    }

    /// What is linked into it.
    fn packages(&self) -> Result<Packages> {
        let mut metadata = shell::cargo();
        metadata.args(["metadata", "--format-version", "1", "--filter-platform", &crate::packages::host()?]);
        let text = shell::output(metadata.arg("--manifest-path").arg(self.folder.join("Cargo.toml")))?;
        Ok(linked(&serde_json::from_str(&text)?))
    }
}

/// The packages that the root reaches by normal dependencies: what runs while building is not in the program.
fn linked(metadata: &Value) -> Packages {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut nodes = BTreeMap::new();
    for node in list(&metadata["resolve"]["nodes"]) {
        let normal = list(&node["deps"])
            .into_iter()
            .filter(|dependency| list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null()));
        nodes.insert(text(&node["id"]), normal.map(|dependency| text(&dependency["pkg"])).collect::<Vec<_>>());
    }
    let (mut open, mut seen) = (vec![text(&metadata["resolve"]["root"])], BTreeSet::new());
    while let Some(id) = open.pop() {
        if seen.insert(id.clone()) {
            open.extend(nodes.get(&id).cloned().unwrap_or_default());
        }
    }
    let packages = list(&metadata["packages"]).into_iter().filter(|package| seen.contains(&text(&package["id"])));
    packages
        .filter(|package| !list(&package["targets"]).iter().any(|target| target["kind"][0] == "proc-macro"))
        .map(|package| {
            let folder =
                Path::new(&text(&package["manifest_path"])).parent().map(Path::to_path_buf).unwrap_or_default();
            (text(&package["id"]), (text(&package["name"]), text(&package["license"]).replace('|', "/"), folder))
        })
        .collect()
}

/// Lines of code with the word in the sources of a package.
fn unsafe_in(folder: &Path) -> Result<usize> {
    let (mut open, mut lines) = (vec![folder.join("src")], 0);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                lines += std::fs::read_to_string(&path)?.lines().filter(|line| says_unsafe(line)).count();
            }
        }
    }
    Ok(lines)
}

fn says_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe")
}

/// The page with this table in place of the first one below the heading.
fn replaced(page: &str, table: &str) -> Option<String> {
    let (before, after) = page.split_once(HEADING)?;
    let start = after.find("\n|")? + 1;
    let length: usize =
        after[start..].lines().take_while(|line| line.starts_with('|')).map(|line| line.len() + 1).sum();
    Some(format!("{before}{HEADING}{}{table}{}", &after[..start], &after[start + length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_linked_and_what_is_unsafe() {
        let metadata = serde_json::json!({
            "resolve": {"root": "a", "nodes": [
                {"id": "a", "deps": [{"pkg": "b", "dep_kinds": [{"kind": null}]}, {"pkg": "cc", "dep_kinds": [{"kind": "build"}]}]},
                {"id": "b", "deps": []}, {"id": "cc", "deps": []},
            ]},
            "packages": [
                {"id": "a", "name": "a", "license": "MIT", "manifest_path": "/w/a/Cargo.toml", "targets": [{"kind": ["bin"]}]},
                {"id": "b", "name": "b", "license": "MIT", "manifest_path": "/w/b/Cargo.toml", "targets": [{"kind": ["lib"]}]},
                {"id": "cc", "name": "cc", "license": "MIT", "manifest_path": "/w/cc/Cargo.toml", "targets": [{"kind": ["lib"]}]},
            ],
        });
        let names: Vec<String> = linked(&metadata).into_values().map(|(name, ..)| name).collect();
        assert_eq!(names, ["a", "b"], "a compiler that a build script runs is not in the program");
        assert!(says_unsafe("    unsafe { x() }") && says_unsafe("unsafe impl Send for X {}"));
        assert!(!says_unsafe("// unsafe") && !says_unsafe("#![forbid(unsafe_code)]"));
    }

    #[test]
    fn the_table_below_the_heading_is_replaced() {
        let page = format!("a\n\n| x |\n\n{HEADING}\n\ntext\n\n| old |\n|---|\n| 1 |\n\nend\n");
        let new = replaced(&page, "| new |\n").unwrap();
        assert_eq!(new, format!("a\n\n| x |\n\n{HEADING}\n\ntext\n\n| new |\n\nend\n"));
        assert_eq!(replaced("none", "| new |\n"), None);
    }
}
