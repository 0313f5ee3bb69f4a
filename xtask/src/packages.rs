//! The graph of packages, as `cargo metadata` resolves it with all features on this platform.

use crate::shell::{self, Result};
use serde_json::Value;
use std::collections::BTreeMap;

/// A package and what it depends on.
#[derive(Debug, Default)]
pub struct Package {
    /// Name as in its manifest.
    pub name: String,
    /// For a member of the workspace, its folder relative to the top: `crates/ebml`.
    pub folder: Option<String>,
    /// The licence expression.
    pub license: Option<String>,
    /// Whether it links or compiles native code: a `links` key, or a C compiler, CMake or bindgen for its build script.
    pub native: bool,
    /// Normal and build dependencies, by index into the graph.
    pub depends_on: Vec<usize>,
    /// Names of development dependencies.
    pub dev: Vec<String>,
}

impl Package {
    /// The name that the documents use for a crate of the workspace: its folder below `crates/`.
    pub fn short(&self) -> Option<&str> {
        self.folder.as_deref()?.strip_prefix("crates/")
    }
}

/// All packages; members of the workspace are those with a folder.
#[derive(Debug, Default)]
pub struct Graph(pub Vec<Package>);

/// Packages that carry a `links` key for reasons of their own and hold Rust alone.
const LINKS_WITHOUT_NATIVE_CODE: &[&str] = &["prettyplease", "rayon-core", "wasm-bindgen-shared"];

/// What a build script uses to compile or find native code.
const NATIVE_BUILD_TOOLS: &[&str] = &["bindgen", "cc", "cmake", "nasm-rs", "pkg-config", "vcpkg"];

impl Graph {
    /// Reads the graph of this workspace.
    pub fn load() -> Result<Self> {
        let mut command = shell::cargo();
        command.args(["metadata", "--format-version", "1", "--all-features", "--filter-platform", &host()?]);
        Self::from_metadata(&serde_json::from_str(&shell::output(&mut command)?)?)
    }

    fn from_metadata(metadata: &Value) -> Result<Self> {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let top = text(&metadata["workspace_root"]);
        let members: Vec<String> = list(&metadata["workspace_members"]).iter().map(text).collect();
        let mut index = BTreeMap::new();
        let mut packages = Vec::new();
        for package in list(&metadata["packages"]) {
            let id = text(&package["id"]);
            let manifest = text(&package["manifest_path"]);
            let folder = members.contains(&id).then(|| {
                let folder = manifest.trim_start_matches(&top).trim_end_matches("Cargo.toml");
                folder.trim_matches(['/', '\\']).replace('\\', "/")
            });
            let kind = |kind: &str| {
                let all = list(&package["dependencies"]);
                let of_kind = all.into_iter().filter(|dependency| dependency["kind"].as_str() == Some(kind));
                of_kind.map(|dependency| text(&dependency["name"])).collect::<Vec<_>>()
            };
            index.insert(id, packages.len());
            packages.push(Package {
                name: text(&package["name"]),
                folder,
                license: package["license"].as_str().map(str::to_owned),
                native: package["links"].is_string()
                    && !LINKS_WITHOUT_NATIVE_CODE.contains(&package["name"].as_str().unwrap_or_default()),
                depends_on: Vec::new(),
                dev: kind("dev"),
            });
        }
        for node in list(&metadata["resolve"]["nodes"]) {
            let from =
                *index.get(&text(&node["id"])).ok_or("cargo metadata resolves a package that it does not list")?;
            for dependency in list(&node["deps"]) {
                let Some(&to) = index.get(&text(&dependency["pkg"])) else { continue };
                let kinds = list(&dependency["dep_kinds"]);
                let build = kinds.iter().any(|kind| kind["kind"] == "build");
                if build && NATIVE_BUILD_TOOLS.contains(&packages[to].name.as_str()) {
                    packages[from].native = true;
                }
                if build || kinds.iter().any(|kind| kind["kind"].is_null()) {
                    packages[from].depends_on.push(to);
                }
            }
        }
        Ok(Self(packages))
    }

    /// The members of the workspace.
    pub fn members(&self) -> impl Iterator<Item = &Package> {
        self.0.iter().filter(|package| package.folder.is_some())
    }

    /// Every package that `from` reaches through normal and build dependencies, without going on below those for
    /// which `stop` holds. `from` itself is not in it.
    pub fn reach(&self, from: &Package, stop: impl Fn(&Package) -> bool) -> Vec<&Package> {
        let mut seen = vec![false; self.0.len()];
        let mut open = from.depends_on.clone();
        while let Some(next) = open.pop() {
            if !std::mem::replace(&mut seen[next], true) && !stop(&self.0[next]) {
                open.extend(&self.0[next].depends_on);
            }
        }
        self.0.iter().zip(seen).filter_map(|(package, seen)| seen.then_some(package)).collect()
    }
}

/// The platform that this toolchain builds for.
pub fn host() -> Result<String> {
    let version = shell::output(shell::command("rustc").arg("-vV"))?;
    let line = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.ok_or("rustc -vV names no host")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_cargo_prints() {
        let metadata = serde_json::json!({
            "workspace_root": "/w", "workspace_members": ["a"],
            "packages": [
                {"id": "a", "name": "kineframe-a", "manifest_path": "/w/crates/a/Cargo.toml", "license": "MIT", "links": null,
                 "dependencies": [{"name": "proptest", "kind": "dev"}, {"name": "b", "kind": null}]},
                {"id": "b", "name": "b", "manifest_path": "/c/b/Cargo.toml", "license": null, "links": null, "dependencies": []},
                {"id": "cc", "name": "cc", "manifest_path": "/c/cc/Cargo.toml", "license": null, "links": null, "dependencies": []},
            ],
            "resolve": {"nodes": [
                {"id": "a", "deps": [{"pkg": "b", "dep_kinds": [{"kind": null}]}, {"pkg": "cc", "dep_kinds": [{"kind": "dev"}]}]},
                {"id": "b", "deps": [{"pkg": "cc", "dep_kinds": [{"kind": "build"}]}]},
                {"id": "cc", "deps": []},
            ]},
        });
        let graph = Graph::from_metadata(&metadata).unwrap();
        let a = &graph.0[0];
        assert_eq!((a.short(), a.dev.as_slice(), a.native), (Some("a"), &["proptest".to_owned()][..], false));
        assert_eq!(a.depends_on, [1], "a development dependency is no arrow");
        assert!(graph.0[1].native, "a C compiler in a build script means native code");
        let names: Vec<_> = graph.reach(a, |_| false).iter().map(|package| package.name.as_str()).collect();
        assert_eq!(names, ["b", "cc"]);
        assert_eq!(graph.reach(a, |package| package.native).len(), 1);
    }
}
