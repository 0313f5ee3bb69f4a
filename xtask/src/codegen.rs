//! `cargo xtask codegen [--check]`: the table of all elements, from the specification's XML.
//!
//! Reads `crates/matroska/schema/*.xml` and writes `crates/matroska/src/schema/table.rs`, which is committed. With
//! `--check` nothing is written: a table that differs from the XML is an error.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const SOURCES: [&str; 2] = ["ebml_header.xml", "ebml_matroska.xml"];

/// Writes the table, or with `check` compares it with what is committed.
///
/// # Errors
/// A schema that cannot be read or understood; with `check`, a table that is not current.
pub fn run(check: bool) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the workspace has no root")?;
    let crate_dir = root.join("crates/matroska");
    let sources = SOURCES.map(|name| crate_dir.join("schema").join(name));
    let table = crate_dir.join("src/schema/table.rs");
    let fresh = generate(&sources)?;
    if !check {
        return fs::write(&table, fresh).map_err(|error| format!("{}: {error}", table.display()));
    }
    let committed = fs::read_to_string(&table).map_err(|error| format!("{}: {error}", table.display()))?;
    if committed == fresh {
        return Ok(());
    }
    let line = committed.lines().zip(fresh.lines()).take_while(|(a, b)| a == b).count() + 1;
    Err(format!(
        "{}: line {line} is not what the schema says; run `cargo xtask codegen` and commit the result",
        table.display()
    ))
}

/// What the schema says of an element, attribute by attribute.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Element {
    name: String,
    path: String,
    id: u32,
    ty: String,
    range: Option<String>,
    default: Option<String>,
    length: Option<String>,
    min_occurs: u32,
    max_occurs: Option<u32>,
    min_version: u32,
    max_version: Option<u32>,
    recursive: bool,
    unknown_size: bool,
    doc: String,
}

fn generate(sources: &[PathBuf]) -> Result<String, String> {
    let mut elements = BTreeMap::new();
    for source in sources {
        let text = fs::read_to_string(source).map_err(|error| format!("{}: {error}", source.display()))?;
        read(&text, &mut elements).map_err(|error| format!("{}: {error}", source.display()))?;
    }
    render(&elements)
}

/// Adds the elements of one schema. A later schema narrows an element of an earlier one by repeating it.
fn read(text: &str, elements: &mut BTreeMap<u32, Element>) -> Result<(), String> {
    let document = roxmltree::Document::parse(text).map_err(|error| error.to_string())?;
    for node in document.descendants().filter(|node| node.tag_name().name() == "element") {
        let need = |name: &str| {
            node.attribute(name).map(str::to_owned).ok_or_else(|| {
                let place = document.text_pos_at(node.range().start);
                format!("line {}: an element without `{name}`", place.row)
            })
        };
        let number = |name: &str| match node.attribute(name) {
            Some(text) => text.parse::<u32>().map(Some).map_err(|_| format!("`{name}` is not a number: {text}")),
            None => Ok(None),
        };
        let owned = |name: &str| node.attribute(name).map(str::to_owned);
        let id = need("id")?;
        let id = id.strip_prefix("0x").and_then(|hex| u32::from_str_radix(hex, 16).ok());
        let id = id.ok_or_else(|| format!("not an Element ID: {}", node.attribute("id").unwrap_or_default()))?;
        let before = elements.get(&id).cloned().unwrap_or_default();
        let doc = node
            .children()
            .find(|child| {
                child.tag_name().name() == "documentation" && child.attribute("purpose") == Some("definition")
            })
            .and_then(|child| child.text())
            .map_or(before.doc, one_line);
        let element = Element {
            name: need("name")?,
            path: need("path")?,
            id,
            ty: need("type")?,
            range: owned("range").or(before.range),
            default: owned("default").or(before.default),
            length: owned("length").or(before.length),
            min_occurs: number("minOccurs")?.unwrap_or(before.min_occurs),
            max_occurs: number("maxOccurs")?.or(before.max_occurs),
            min_version: number("minver")?.unwrap_or(before.min_version.max(1)),
            max_version: number("maxver")?.or(before.max_version),
            recursive: node.attribute("recursive") == Some("1"),
            unknown_size: node.attribute("unknownsizeallowed") == Some("1"),
            doc,
        };
        elements.insert(id, element);
    }
    Ok(())
}

fn render(elements: &BTreeMap<u32, Element>) -> Result<String, String> {
    let by_path: BTreeMap<String, &Element> =
        elements.values().map(|element| (plain(&element.path), element)).collect();
    let mut ids = String::new();
    let mut rows = String::new();
    for element in elements.values() {
        let constant = constant(&element.name);
        let _ = writeln!(ids, "    /// `{}`.", element.path);
        let _ = writeln!(ids, "    pub const {constant}: ElementId = ElementId(0x{:X});", element.id);
        let parent = match plain(&element.path).rsplit_once('\\') {
            None | Some(("", _)) => "None".to_owned(),
            Some((parent, _)) => match by_path.get(parent) {
                Some(parent) => format!("Some(ids::{})", self::constant(&parent.name)),
                None => return Err(format!("{} stands in an element that is not in the schema", element.path)),
            },
        };
        let _ = writeln!(
            rows,
            "    Element {{ def: ElementDef {{ id: ids::{constant}, name: {:?}, ty: ElementType::{}, parent: {parent}, \
             recursive: {}, unknown_size_allowed: {} }}, path: {:?}, default: {:?}, range: {:?}, length: {:?}, \
             min_occurs: {}, max_occurs: {:?}, min_version: {}, max_version: {:?}, doc: {:?} }},",
            element.name,
            variant(&element.ty)?,
            element.recursive,
            element.unknown_size,
            element.path,
            element.default,
            element.range,
            element.length,
            element.min_occurs,
            element.max_occurs,
            element.min_version,
            element.max_version,
            element.doc,
        );
    }
    Ok(format!(
        "// @generated by `cargo xtask codegen`; do not edit by hand.\n\
         //! Every element that RFC 8794 and RFC 9559 define.\n\
         \n\
         use kineframe_ebml::{{ElementDef, ElementType}};\n\
         \n\
         use super::Element;\n\
         \n\
         /// Element IDs by name.\n\
         pub mod ids {{\n    use kineframe_ebml::ElementId;\n\n{ids}}}\n\
         \n\
         /// All elements, by ascending ID.\n\
         #[rustfmt::skip]\n\
         pub static ELEMENTS: [Element; {count}] = [\n{rows}];\n",
        count = elements.len()
    ))
}

/// The path without the marks of recursion and the ranges of Global Elements, which stand in no named element.
fn plain(path: &str) -> String {
    match path.rsplit_once(')') {
        Some((_, name)) => format!("\\{}", name.trim_start_matches('\\')),
        None => path.replace('+', ""),
    }
}

fn variant(ty: &str) -> Result<&'static str, String> {
    Ok(match ty {
        "integer" => "Signed",
        "uinteger" => "Unsigned",
        "float" => "Float",
        "string" => "String",
        "utf-8" => "Utf8",
        "date" => "Date",
        "master" => "Master",
        "binary" => "Binary",
        _ => return Err(format!("a type that EBML does not have: {ty}")),
    })
}

/// `EBMLMaxIDLength` → `EBML_MAX_ID_LENGTH`, `CRC-32` → `CRC_32`.
fn constant(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (index, &c) in chars.iter().enumerate() {
        if c == '-' {
            out.push('_');
            continue;
        }
        let before = index.checked_sub(1).map(|before| chars[before]);
        let after = chars.get(index + 1);
        let word = c.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    || (before.is_ascii_uppercase() && after.is_some_and(char::is_ascii_lowercase))
            });
        if word {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}

/// The text on one line, without the mark-up of the specification's sources.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace("**", "").replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_constants() {
        assert_eq!(constant("EBMLMaxIDLength"), "EBML_MAX_ID_LENGTH");
        assert_eq!(constant("SegmentUUID"), "SEGMENT_UUID");
        assert_eq!(constant("CRC-32"), "CRC_32");
        assert_eq!(constant("ChapLanguageBCP47"), "CHAP_LANGUAGE_BCP47");
        assert_eq!(constant("DateUTC"), "DATE_UTC");
    }

    #[test]
    fn a_table_of_a_small_schema() {
        let mut elements = BTreeMap::new();
        let xml = r#"<EBMLSchema xmlns="urn:ietf:rfc:8794">
            <element name="Root" path="\Root" id="0x81" type="master" unknownsizeallowed="1"/>
            <element name="Leaf" path="\Root\+Leaf" id="0x4F0E" type="float" default="0x1p+0" recursive="1">
              <documentation lang="en" purpose="definition">One `value`
              **MUST** do.</documentation></element></EBMLSchema>"#;
        read(xml, &mut elements).unwrap();
        let table = render(&elements).unwrap();
        assert!(table.contains("pub static ELEMENTS: [Element; 2]"));
        assert!(table.contains("pub const LEAF: ElementId = ElementId(0x4F0E);"));
        assert!(table.contains("parent: Some(ids::ROOT), recursive: true"));
        assert!(table.contains("doc: \"One value MUST do.\""));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let mut elements = BTreeMap::new();
        let error = read("<e><element name=\"A\" path=\"\\A\" type=\"date\"/></e>", &mut elements).unwrap_err();
        assert!(error.contains("without `id`"), "{error}");
        let orphan = "<e><element name=\"A\" path=\"\\B\\A\" id=\"0x81\" type=\"date\"/></e>";
        read(orphan, &mut elements).unwrap();
        assert!(render(&elements).unwrap_err().contains("not in the schema"));
    }

    #[test]
    fn the_committed_table_is_current() {
        run(true).unwrap();
    }
}
