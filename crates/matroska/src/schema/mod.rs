//! What Matroska's specification says of each element, generated from its XML.

mod table;

use kineframe_ebml::{ElementDef, ElementId, Schema};

pub use table::{ELEMENTS, ids};

/// One row of the specification: RFC 9559 for Matroska's own elements, RFC 8794 for the EBML Header and the Global
/// Elements. Texts are as in the XML of the specification.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Element {
    /// Its ID, name, type and place.
    pub def: ElementDef,
    /// Its path, such as `\Segment\Cluster\SimpleBlock`.
    pub path: &'static str,
    /// The value that counts where the element is absent or empty, in the notation of RFC 8794 §11.1.6.8.
    pub default: Option<&'static str>,
    /// The values that it may have, in the notation of RFC 8794 §11.1.6.6.
    pub range: Option<&'static str>,
    /// The length that its data may have in bytes.
    pub length: Option<&'static str>,
    /// How often it must stand in its parent.
    pub min_occurs: u32,
    /// How often it may stand in its parent; `None`: any number of times.
    pub max_occurs: Option<u32>,
    /// The first version of the document type that has it.
    pub min_version: u32,
    /// The last version of the document type that has it.
    pub max_version: Option<u32>,
    /// What it is, in the specification's words.
    pub doc: &'static str,
}

/// The row of an element, where the specification has one.
pub fn element(id: ElementId) -> Option<&'static Element> {
    let index = ELEMENTS.binary_search_by_key(&id, |element| element.def.id).ok()?;
    ELEMENTS.get(index)
}

/// Matroska as an EBML schema: RFC 9559 with the EBML Header and the Global Elements.
///
/// ```
/// use kineframe_ebml::Schema;
/// use kineframe_matroska::{MatroskaSchema, ids};
///
/// let cluster = MatroskaSchema.element(ids::CLUSTER).expect("in the specification");
/// assert_eq!(cluster.name, "Cluster");
/// assert!(MatroskaSchema.may_contain(Some(ids::CLUSTER), ids::SIMPLE_BLOCK));
/// assert!(!MatroskaSchema.may_contain(Some(ids::SEGMENT), ids::SIMPLE_BLOCK));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MatroskaSchema;

impl Schema for MatroskaSchema {
    fn element(&self, id: ElementId) -> Option<&'static ElementDef> {
        element(id).map(|element| &element.def)
    }
}

#[cfg(test)]
mod tests {
    use kineframe_ebml::ElementType;

    use super::*;

    #[test]
    fn sorted_and_whole() {
        assert!(ELEMENTS.windows(2).all(|pair| pair[0].def.id < pair[1].def.id));
        assert_eq!(ELEMENTS.len(), 273);
        for row in &ELEMENTS {
            assert!(
                row.def.parent.is_none_or(|parent| element(parent).is_some_and(|e| e.def.ty == ElementType::Master))
            );
        }
    }

    #[test]
    fn places() {
        let tag = element(ids::SIMPLE_TAG).unwrap();
        assert!(tag.def.recursive);
        assert_eq!(tag.def.parent, Some(ids::TAG));
        assert!(MatroskaSchema.may_contain(Some(ids::SIMPLE_TAG), ids::SIMPLE_TAG));
        assert!(MatroskaSchema.may_contain(None, ids::EBML));
        assert!(MatroskaSchema.may_contain(Some(ids::TAGS), ids::VOID));
        assert!(element(ids::SEGMENT).unwrap().def.unknown_size_allowed);
        assert!(element(ids::CLUSTER).unwrap().def.unknown_size_allowed);
        assert_eq!(ELEMENTS.iter().filter(|row| row.def.unknown_size_allowed).count(), 2);
        assert_eq!(element(ids::TIMESTAMP_SCALE).unwrap().default, Some("1000000"));
        assert_eq!(element(ids::EBML_MAX_ID_LENGTH).unwrap().range, Some("4"));
    }
}
