//! What a reader knows of a document type (RFC 8794 §11).

use crate::ElementId;

/// The type of an element's data (RFC 8794 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// Signed Integer.
    Signed,
    /// Unsigned Integer.
    Unsigned,
    /// Float.
    Float,
    /// ASCII String.
    String,
    /// UTF-8 String.
    Utf8,
    /// Date.
    Date,
    /// Child elements.
    Master,
    /// Bytes.
    Binary,
}

/// What a schema says of one element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ElementDef {
    /// Its ID.
    pub id: ElementId,
    /// Its name.
    pub name: &'static str,
    /// The type of its data.
    pub ty: ElementType,
    /// The element that it stands in; `None` for a Root Element and for Global Elements.
    pub parent: Option<ElementId>,
    /// It may stand inside another of its own kind (a recursive element, §11.1.6.11).
    pub recursive: bool,
    /// It may have an unknown size (§6.2).
    pub unknown_size_allowed: bool,
}

/// A document type: which elements there are and where they may stand.
pub trait Schema {
    /// What is known of an ID.
    fn element(&self, id: ElementId) -> Option<&'static ElementDef>;

    /// Whether an element of ID `child` may stand directly in `parent` (`None`: at the top level). Global
    /// Elements may stand in any master; `Void` (path `\\(-\\)Void`, RFC 8794 §11.3.2) at the top level too.
    fn may_contain(&self, parent: Option<ElementId>, child: ElementId) -> bool {
        if child.is_global() {
            return parent.is_some() || child == ElementId::VOID;
        }
        match self.element(child) {
            Some(def) => def.parent == parent || (def.recursive && parent == Some(child)),
            None => false,
        }
    }
}

impl<S: Schema + ?Sized> Schema for &S {
    fn element(&self, id: ElementId) -> Option<&'static ElementDef> {
        (**self).element(id)
    }

    fn may_contain(&self, parent: Option<ElementId>, child: ElementId) -> bool {
        (**self).may_contain(parent, child)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzzing::MiniSchema;

    #[test]
    fn places() {
        let (segment, cluster, simple_tag) = (ElementId(0x1853_8067), ElementId(0x1F43_B675), ElementId(0x67C8));
        let schema = &MiniSchema;
        assert!(schema.may_contain(None, segment) && schema.may_contain(None, ElementId::EBML));
        assert!(schema.may_contain(Some(segment), cluster));
        assert!(!schema.may_contain(None, cluster) && !schema.may_contain(Some(cluster), cluster));
        assert!(schema.may_contain(Some(simple_tag), simple_tag), "recursive");
        assert!(schema.may_contain(Some(cluster), ElementId::VOID) && schema.may_contain(None, ElementId::VOID));
        assert!(schema.may_contain(Some(cluster), ElementId::CRC32) && !schema.may_contain(None, ElementId::CRC32));
        assert!(!schema.may_contain(Some(cluster), ElementId(0x4FFF)), "not known");
    }
}
