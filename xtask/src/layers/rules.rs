//! The rules on arrows between crates: each takes the document and the graph, and names what breaks it.

use super::House;
use crate::packages::{Graph, Package};

/// The first floor that may be asynchronous or know a runtime.
const FIRST_ASYNC_FLOOR: u8 = 3;

/// Crates that are a runtime, or whose vocabulary is asynchronous.
const RUNTIMES: &[&str] = &["async-", "futures", "glommio", "hyper", "monoio", "smol", "tokio"];

/// Every rule on the graph.
pub fn all(house: &House, graph: &Graph) -> Vec<String> {
    let rules =
        [every_crate_has_a_floor, arrows_go_down, runtimes_above, sdk_above_its_source, native_code, test_helpers];
    rules.iter().flat_map(|rule| rule(house, graph)).collect()
}

/// The crates of the house with their floor.
fn crates<'a>(house: &'a House, graph: &'a Graph) -> impl Iterator<Item = (&'a Package, &'a str, u8)> {
    graph.members().filter_map(|package| {
        let short = package.short()?;
        Some((package, short, *house.floors.get(short)?))
    })
}

/// Whether a package is ours. A walk stops there, since each of our crates is checked by itself.
fn in_the_house(package: &Package) -> bool {
    package.folder.is_some()
}

/// A crate in the workspace stands in the code map, and the other way round.
pub fn every_crate_has_a_floor(house: &House, graph: &Graph) -> Vec<String> {
    let built: Vec<&str> = graph.members().filter_map(Package::short).filter(|name| *name != "testkit").collect();
    let missing = built.iter().filter(|name| !house.floors.contains_key(**name));
    let gone = house.floors.keys().filter(|name| !built.contains(&name.as_str()));
    missing
        .map(|name| format!("{name}: no floor in the code map of {}", super::ARCHITECTURE))
        .chain(gone.map(|name| format!("{name}: in the code map, but there is no such crate")))
        .collect()
}

/// A normal or build dependency inside the workspace goes to a strictly lower floor.
pub fn arrows_go_down(house: &House, graph: &Graph) -> Vec<String> {
    let mut broken = Vec::new();
    for (package, name, floor) in crates(house, graph) {
        for to in package.depends_on.iter().filter_map(|to| graph.0[*to].short()) {
            match house.floors.get(to) {
                Some(below) if *below < floor => {}
                Some(other) => {
                    broken
                        .push(format!("{name} (floor {floor}) → {to} (floor {other}): an arrow goes to a lower floor"));
                }
                // A crate without a floor is named by another rule.
                None => {}
            }
        }
    }
    broken
}

/// Below the third floor nothing is asynchronous, not even by way of a foreign crate.
pub fn runtimes_above(house: &House, graph: &Graph) -> Vec<String> {
    let low = crates(house, graph).filter(|(_, _, floor)| *floor < FIRST_ASYNC_FLOOR);
    low.flat_map(|(package, name, floor)| {
        let reached = graph.reach(package, in_the_house).into_iter();
        reached.filter(|to| RUNTIMES.iter().any(|runtime| to.name.starts_with(runtime))).map(move |to| {
            format!("{name} (floor {floor}) reaches {}: only floors from {FIRST_ASYNC_FLOOR} know a runtime", to.name)
        })
    })
    .collect()
}

/// The AWS SDK is linked by `source-aws` and by what stands on it.
pub fn sdk_above_its_source(house: &House, graph: &Graph) -> Vec<String> {
    let is_source = |package: &Package| package.short() == Some("source-aws");
    let stands_on_it =
        |package: &Package| is_source(package) || graph.reach(package, |_| false).into_iter().any(is_source);
    let others = crates(house, graph).filter(|(package, _, _)| !stands_on_it(package));
    others
        .flat_map(|(package, name, _)| {
            let reached = graph.reach(package, in_the_house).into_iter();
            reached
                .filter(|to| to.name.starts_with("aws-"))
                .map(move |to| format!("{name} reaches {}, but does not stand on source-aws", to.name))
        })
        .collect()
}

/// Native code is reached through decoder back ends, the fast JPEG encoder, the TLS under the AWS source and the Python
/// package alone.
pub fn native_code(house: &House, graph: &Graph) -> Vec<String> {
    let others = crates(house, graph).filter(|(_, name, _)| !may_call_native_code(name));
    others
        .flat_map(|(package, name, _)| {
            let reached = graph.reach(package, in_the_house).into_iter().filter(|to| to.native && !in_the_house(to));
            reached
                .map(move |to| format!("{name} reaches native code in {}: only codec-* and a few others may", to.name))
        })
        .collect()
}

/// Whether a crate may link native code.
pub fn may_call_native_code(name: &str) -> bool {
    name.starts_with("codec-") && name != "codec-conformance" || ["jpeg-turbo", "python", "source-aws"].contains(&name)
}

/// The test kit depends on nothing in the workspace, and no crate depends on it outside its tests.
pub fn test_helpers(_: &House, graph: &Graph) -> Vec<String> {
    let mut broken = Vec::new();
    for package in graph.members() {
        let name = package.short().unwrap_or(&package.name);
        for to in package.depends_on.iter().filter_map(|to| graph.0[*to].short()) {
            if name == "testkit" {
                broken.push(format!("testkit → {to}: it shares no code with what it tests"));
            } else if to == "testkit" {
                broken.push(format!("{name} → testkit: a development dependency only"));
            }
        }
    }
    broken
}

/// No `async` or `.await` in the source of a crate below the third floor. Comments may speak of it.
pub fn synchronous_below_floor_3(house: &House, path: &str, source: &str) -> Vec<String> {
    let mut parts = path.split('/');
    let (Some("crates"), Some(name), Some("src")) = (parts.next(), parts.next(), parts.next()) else {
        return Vec::new();
    };
    let Some(floor) = house.floors.get(name).filter(|floor| **floor < FIRST_ASYNC_FLOOR) else { return Vec::new() };
    let mut broken = Vec::new();
    for (number, line) in source.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        let word = |word: &str| code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word);
        if word("async") || word("await") {
            broken.push(format!("{path}:{}: asynchronous code on floor {floor}", number + 1));
        }
    }
    broken
}
