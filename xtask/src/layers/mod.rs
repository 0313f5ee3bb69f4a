//! `cargo xtask layers`: the rules for crates, from the tables in `docs/architecture.md`.

mod api;
mod rules;
#[cfg(test)]
mod tests;

pub use api::rustdoc_shim;
pub use rules::may_call_native_code;

use crate::args::Args;
use crate::docs_table;
use crate::packages::Graph;
use crate::shell::{self, Result};
use std::collections::{BTreeMap, BTreeSet};

/// Where the tables are.
const ARCHITECTURE: &str = "docs/architecture.md";

/// What the document says about the crates.
#[derive(Debug, Default)]
pub struct House {
    /// Crate → floor.
    pub floors: BTreeMap<String, u8>,
    /// Crate → foreign crates whose types may stand in its public signatures.
    pub foreign: BTreeMap<String, BTreeSet<String>>,
}

impl House {
    /// Reads the code map and the table of foreign types.
    pub fn from_markdown(text: &str) -> Result<Self> {
        let mut house = Self::default();
        for row in docs_table::rows(text, "## Code map") {
            let [floor, names, ..] = row.as_slice() else { continue };
            let Ok(floor) = floor.parse() else { continue };
            for name in docs_table::names(names) {
                if house.floors.insert(name.clone(), floor).is_some() {
                    return Err(format!("{ARCHITECTURE}: `{name}` stands on two floors").into());
                }
            }
        }
        for row in docs_table::rows(text, "## Foreign types in public signatures") {
            let [names, foreign, ..] = row.as_slice() else { continue };
            for name in docs_table::names(names) {
                house.foreign.entry(name).or_default().extend(docs_table::names(foreign));
            }
        }
        Ok(house)
    }
}

/// Checks every rule and lists what breaks one.
pub fn run(args: &mut Args) -> Result<()> {
    let without_api = args.flag("--no-api");
    args.finish()?;
    let house = House::from_markdown(&std::fs::read_to_string(shell::root().join(ARCHITECTURE))?)?;
    let graph = Graph::load()?;
    let mut broken = rules::all(&house, &graph);
    for path in shell::repository_files()?.iter().filter(|path| path.starts_with("crates/") && path.ends_with(".rs")) {
        broken.extend(rules::synchronous_below_floor_3(&house, path, &shell::read(path)?));
    }
    if without_api {
        println!("layers: public signatures not checked (--no-api)");
    } else {
        broken.extend(api::check(&house, &graph)?);
    }
    shell::verdict("layers", &broken, &format!("{} crates", house.floors.len()))
}
