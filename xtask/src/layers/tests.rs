//! Each rule is shown to fail on a small house that breaks it, and to hold on the one that does not.

use super::*;
use crate::packages::Package;

/// Packages by name; those with a `/` are crates of the workspace. `!` marks native code.
fn graph(list: &[(&str, &[&str])]) -> Graph {
    let name = |text: &str| text.trim_start_matches("crates/").trim_end_matches('!').to_owned();
    let at = |wanted: &str| list.iter().position(|(text, _)| name(text) == wanted).expect("listed");
    let package = |(text, to): &(&str, &[&str])| Package {
        name: name(text),
        folder: text.starts_with("crates/").then(|| text.to_string()),
        native: text.ends_with('!'),
        depends_on: to.iter().map(|to| at(to)).collect(),
        ..Package::default()
    };
    Graph(list.iter().map(package).collect())
}

fn house() -> House {
    let text = "## Code map\n\n| Floor | Crate | |\n|---|---|---|\n| 0 | `ebml`, `codec` | |\n| 2 | `fragment` | |\n\
                | 2 | `codec-c` | |\n| 3 | `source` | |\n| 4 | `source-aws` | |\n| 5 | `delivery` | |\n\n\
                ## Foreign types in public signatures\n\n| Crate | From |\n|---|---|\n| `ebml` | `bytes` |\n";
    House::from_markdown(text).unwrap()
}

const SOUND: &[(&str, &[&str])] = &[
    ("crates/ebml", &["nom"]),
    ("crates/codec", &[]),
    ("crates/fragment", &["ebml"]),
    ("crates/codec-c", &["codec", "openh264-sys2"]),
    ("crates/source", &["tokio", "fragment"]),
    ("crates/source-aws", &["source", "aws-config"]),
    ("crates/delivery", &["source-aws", "codec-c"]),
    ("crates/testkit", &[]),
    ("nom", &[]),
    ("tokio", &[]),
    ("aws-config", &["tokio"]),
    ("openh264-sys2!", &[]),
];

/// The sound house with other dependencies for one package.
fn broken<'a>(package: &'a str, to: &'a [&'a str]) -> Graph {
    let mut list = SOUND.to_vec();
    list.retain(|(name, _)| *name != package);
    list.push((package, to));
    graph(&list)
}

/// The one rule that must name `expected`, and no other rule.
fn only_breaks(graph: &Graph, expected: &str) {
    let found = rules::all(&house(), graph);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains(expected), "{found:?}");
}

#[test]
fn the_sound_house_breaks_nothing() {
    assert_eq!(rules::all(&house(), &graph(SOUND)), [""; 0]);
    assert_eq!(house().foreign["ebml"].iter().collect::<Vec<_>>(), ["bytes"]);
}

#[test]
fn a_crate_on_two_floors_is_refused() {
    let text = "## Code map\n| a | b |\n|---|---|\n| 0 | `x` |\n| 1 | `x` |\n";
    assert!(House::from_markdown(text).unwrap_err().to_string().contains("two floors"));
}

#[test]
fn a_crate_without_a_floor_is_named() {
    only_breaks(&broken("crates/new", &[]), "new: no floor");
}

#[test]
fn a_floor_without_a_crate_is_named() {
    let without: Vec<_> = SOUND.iter().filter(|(name, _)| *name != "crates/delivery").copied().collect();
    only_breaks(&graph(&without), "delivery: in the code map");
}

#[test]
fn an_arrow_to_the_same_or_a_higher_floor_is_named() {
    only_breaks(&broken("crates/fragment", &["ebml", "codec-c"]), "fragment (floor 2) → codec-c (floor 2)");
    only_breaks(&broken("crates/codec", &["ebml"]), "codec (floor 0) → ebml (floor 0)");
}

#[test]
fn a_runtime_below_floor_3_is_named_even_through_another_crate() {
    only_breaks(&broken("crates/codec", &["tokio"]), "codec (floor 0) reaches tokio");
    let mut list = SOUND.to_vec();
    list.retain(|(name, _)| *name != "nom");
    list.push(("nom", &["tokio"]));
    only_breaks(&graph(&list), "ebml (floor 0) reaches tokio");
}

#[test]
fn the_sdk_past_its_source_is_named() {
    only_breaks(&broken("crates/source", &["tokio", "fragment", "aws-config"]), "source reaches aws-config");
}

#[test]
fn native_code_in_the_wrong_place_is_named() {
    only_breaks(&broken("crates/ebml", &["openh264-sys2"]), "ebml reaches native code");
}

#[test]
fn the_test_kit_stays_apart() {
    only_breaks(&broken("crates/testkit", &["ebml"]), "testkit → ebml");
    only_breaks(&broken("crates/fragment", &["testkit"]), "fragment → testkit");
}

#[test]
fn asynchronous_source_below_floor_3_is_named() {
    let found = |path: &str, source: &str| rules::synchronous_below_floor_3(&house(), path, source);
    let source =
        "//! Never async.\n\nasync fn read() {}\nfn go() { x.await; } // async\nfn asynchronous() { x.awaited }\n";
    assert_eq!(found("crates/ebml/src/lib.rs", source).len(), 2);
    assert_eq!(found("crates/source/src/lib.rs", source).len(), 0);
    assert_eq!(found("crates/ebml/tests/all.rs", source).len(), 0, "a test may use what it likes");
}

#[test]
fn a_foreign_type_in_a_public_signature_is_named() {
    let function = |id: u64, path: &str| {
        serde_json::json!({
            "crate_id": 0, "span": {"filename": "crates/ebml/src/lib.rs", "begin": [7, 1]},
            "inner": {"function": {"sig": {"inputs": [["x", {"resolved_path": {"path": path, "id": id, "args": null}}]]}}},
        })
    };
    let blanket = serde_json::json!({"crate_id": 0, "inner": {"impl": {
        "is_synthetic": false, "blanket_impl": {"generic": "T"}, "trait": {"path": "VZip", "id": 2}, "items": []}}});
    let docs = serde_json::json!({
        "index": {"10": function(1, "Bytes"), "11": function(2, "IResult"), "12": function(3, "Vec"), "13": blanket},
        "paths": {
            "1": {"crate_id": 5, "path": ["bytes", "Bytes"]},
            "2": {"crate_id": 6, "path": ["nom", "IResult"]},
            "3": {"crate_id": 1, "path": ["alloc", "vec", "Vec"]},
        },
        "external_crates": {"1": {"name": "alloc"}, "5": {"name": "bytes"}, "6": {"name": "nom"}},
    });
    let found = api::foreign_types(&house(), "ebml", &docs);
    assert_eq!(found, ["crates/ebml/src/lib.rs:7: nom::IResult of nom in a public signature of ebml"]);
    assert_eq!(api::foreign_types(&house(), "codec", &docs).len(), 2, "the table lists bytes for ebml alone");
}
