//! All elements of a bounded run of bytes, to look things up in: a fragment, a small file.

use bytes::Bytes;

use crate::{
    Damage, Element, ElementHeader, ElementId, ElementType, EndReason, Error, ErrorKind, Item, Limits, Path, PathPart,
    Recovery, Schema, Walker, value,
};

/// The elements of a run of bytes, owned and searchable. The data of elements are parts of the bytes, uncopied.
///
/// ```
/// use kineframe_ebml::{Limits, Tree};
/// # use kineframe_ebml::{ElementDef, ElementId, ElementType, Schema};
/// # struct Matroska;
/// # static EBML: ElementDef = ElementDef { id: ElementId::EBML, name: "EBML", ty: ElementType::Master, parent: None,
/// #     recursive: false, unknown_size_allowed: false };
/// # static DOC_TYPE: ElementDef = ElementDef { id: ElementId(0x4282), name: "DocType", ty: ElementType::String,
/// #     parent: Some(ElementId::EBML), recursive: false, unknown_size_allowed: false };
/// # impl Schema for Matroska {
/// #     fn element(&self, id: ElementId) -> Option<&'static ElementDef> {
/// #         [&EBML, &DOC_TYPE].into_iter().find(|def| def.id == id)
/// #     }
/// # }
///
/// let tree = Tree::parse(b"\x1A\x45\xDF\xA3\x87\x42\x82\x84webm".to_vec(), 0, Matroska, &Limits::default());
/// let doc_type = tree.find("EBML/DocType").expect("it is there");
/// assert_eq!(doc_type.text()?, "webm");
/// assert_eq!(doc_type.header().offset, 5);
/// assert!(tree.damage().is_empty());
/// # Ok::<(), kineframe_ebml::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Tree {
    bytes: Bytes,
    offset: u64,
    nodes: Vec<Node>,
    damage: Vec<Damage>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Node {
    element: Element,
    /// Where its data ends, from the start of the bytes.
    end: u64,
    /// The first node behind it that is not inside it.
    after: usize,
    parent: Option<usize>,
}

impl Tree {
    /// Reads all elements of `bytes`, which start at byte `offset` of the input.
    ///
    /// Damage ends nothing: [`Tree::damage`] tells of it, and what is legible is in the tree. At most
    /// [`Limits::elements`] are kept; where there are more, that is damage, too, and the rest is left out.
    pub fn parse(bytes: impl Into<Bytes>, offset: u64, schema: impl Schema, limits: &Limits) -> Tree {
        let bytes = bytes.into();
        let mut tree = Tree { bytes: bytes.clone(), offset, nodes: Vec::new(), damage: Vec::new() };
        // Without a bound on one element: the bytes are here already.
        let limits = Limits { element: limits.element.max(bytes.len() as u64), ..*limits };
        let mut walker = Walker::new(schema, limits, Recovery::Scan);
        // With nothing finished yet a push cannot fail.
        if walker.push(bytes).is_err() {
            return tree;
        }
        walker.finish();
        let mut open: Vec<usize> = Vec::new();
        while let Ok(Some(item)) = walker.next() {
            match item {
                Item::Start(_) if tree.nodes.len() >= limits.elements => {
                    let kind = ErrorKind::Limit { what: "elements in one tree", limit: limits.elements as u64 };
                    let error = Error::new(walker.position(), kind);
                    let resume = tree.bytes.len() as u64;
                    tree.damage.push(Damage { error, resume });
                    break;
                }
                Item::Start(element) => {
                    let index = tree.nodes.len();
                    let end = element.header.end_offset().unwrap_or(u64::MAX);
                    tree.nodes.push(Node { element, end, after: index + 1, parent: open.last().copied() });
                    if element.is_master() {
                        open.push(index);
                    }
                }
                Item::End { end, reason, .. } => {
                    let after = tree.nodes.len();
                    if let Some(node) = open.pop().and_then(|index| tree.nodes.get_mut(index)) {
                        node.after = after;
                        node.end = if reason == EndReason::Size { node.end } else { end };
                    }
                }
                Item::Damage(damage) => {
                    // What was read from where reading goes on now, was read wrongly.
                    let keep = tree.nodes.partition_point(|node| node.element.header.offset < damage.resume);
                    tree.nodes.truncate(keep);
                    tree.nodes.iter_mut().for_each(|node| node.after = node.after.min(keep));
                    tree.damage.push(damage);
                }
                Item::Data { .. } => {}
            }
        }
        let (count, len) = (tree.nodes.len(), tree.bytes.len() as u64);
        for index in open {
            if let Some(node) = tree.nodes.get_mut(index) {
                node.after = count;
            }
        }
        for node in &mut tree.nodes {
            node.end = node.end.min(len);
            node.element.header.offset = node.element.header.offset.saturating_add(offset);
        }
        for damage in &mut tree.damage {
            damage.error.offset = damage.error.offset.saturating_add(offset);
            damage.resume = damage.resume.saturating_add(offset);
        }
        tree
    }

    /// The bytes that were read.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// What was found wrong, in order.
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The elements at the top level.
    pub fn roots(&self) -> Nodes<'_> {
        Nodes { tree: self, next: 0, end: self.nodes.len() }
    }

    /// All elements, each before those inside it.
    pub fn descendants(&self) -> Descendants<'_> {
        Descendants { tree: self, range: 0..self.nodes.len() }
    }

    /// The first element at this path of names from the top level, such as `Segment/Tracks/TrackEntry`.
    pub fn find(&self, path: &str) -> Option<NodeRef<'_>> {
        search(self.roots(), path, &mut Some)
    }

    /// All elements at this path of names from the top level, in order.
    pub fn find_all(&self, path: &str) -> Vec<NodeRef<'_>> {
        every(self.roots(), path)
    }
}

/// One element of a [`Tree`].
#[derive(Debug, Clone, Copy)]
pub struct NodeRef<'t> {
    tree: &'t Tree,
    index: usize,
    node: &'t Node,
}

impl<'t> NodeRef<'t> {
    /// The Element ID.
    pub fn id(&self) -> ElementId {
        self.node.element.header.id
    }

    /// Its name, where the schema knows it.
    pub fn name(&self) -> Option<&'static str> {
        self.node.element.name()
    }

    /// Its header: where it stands in the input, and its size as written.
    pub fn header(&self) -> &'t ElementHeader {
        &self.node.element.header
    }

    /// Masters around it.
    pub fn depth(&self) -> usize {
        self.node.element.depth
    }

    /// Whether it holds elements.
    pub fn is_master(&self) -> bool {
        self.node.element.is_master()
    }

    /// The bytes of its data, of a master too: up to where it really ends.
    pub fn data(&self) -> Bytes {
        let start = self.header().data_offset() - self.tree.offset;
        let range = start.min(self.node.end) as usize..self.node.end as usize; // both within the bytes
        self.tree.bytes.slice(range)
    }

    /// Its header and data together, such as a whole Cluster to be written elsewhere.
    pub fn whole(&self) -> Bytes {
        let start = (self.header().offset - self.tree.offset).min(self.node.end);
        self.tree.bytes.slice(start as usize..self.node.end as usize)
    }

    /// The element that it stands in.
    pub fn parent(&self) -> Option<NodeRef<'t>> {
        self.tree.node(self.node.parent?)
    }

    /// The elements that stand directly in it.
    pub fn children(&self) -> Nodes<'t> {
        Nodes { tree: self.tree, next: self.index + 1, end: self.node.after }
    }

    /// All elements in it, each before those inside that one.
    pub fn descendants(&self) -> Descendants<'t> {
        Descendants { tree: self.tree, range: self.index + 1..self.node.after }
    }

    /// The first element at this path of names from here, such as `TrackEntry/Video`.
    pub fn find(&self, path: &str) -> Option<NodeRef<'t>> {
        search(self.children(), path, &mut Some)
    }

    /// All elements at this path of names from here, in order.
    pub fn find_all(&self, path: &str) -> Vec<NodeRef<'t>> {
        every(self.children(), path)
    }

    /// Its value, by the type that the schema gives it; of unknown elements the bytes.
    ///
    /// An element without data has the value zero or an empty text here; the default of the schema is for the
    /// caller to put in (RFC 8794 §6.1).
    ///
    /// # Errors
    /// Data that is no value of the type, at this element's offset and path.
    pub fn value(&self) -> Result<Value, Error> {
        let data = self.data();
        let value = match self.node.element.def.map(|def| def.ty) {
            Some(ElementType::Signed) => value::signed(&data).map(Value::Signed),
            Some(ElementType::Unsigned) => value::unsigned(&data).map(Value::Unsigned),
            Some(ElementType::Float) => value::float(&data).map(Value::Float),
            Some(ElementType::Date) => value::date(&data).map(Value::Date),
            Some(ElementType::String) => value::string(&data).map(|text| Value::Text(text.to_owned())),
            Some(ElementType::Utf8) => value::utf8(&data).map(|text| Value::Text(text.to_owned())),
            Some(ElementType::Master) => Ok(Value::Master),
            Some(ElementType::Binary) | None => Ok(Value::Binary(data)),
        };
        value.map_err(|kind| self.error(kind))
    }

    /// Its value, where it is an Unsigned Integer.
    ///
    /// # Errors
    /// `Misuse` on an element of another type; otherwise as for [`NodeRef::value`].
    pub fn unsigned(&self) -> Result<u64, Error> {
        match self.value()? {
            Value::Unsigned(value) => Ok(value),
            _ => Err(self.error(ErrorKind::Misuse("not an unsigned integer"))),
        }
    }

    /// Its value, where it is a number of any type, in floating point.
    ///
    /// # Errors
    /// `Misuse` on an element of another type; otherwise as for [`NodeRef::value`].
    pub fn number(&self) -> Result<f64, Error> {
        match self.value()? {
            Value::Unsigned(value) => Ok(value as f64),
            Value::Signed(value) => Ok(value as f64),
            Value::Float(value) => Ok(value),
            _ => Err(self.error(ErrorKind::Misuse("not a number"))),
        }
    }

    /// Its value, where it is text.
    ///
    /// # Errors
    /// `Misuse` on an element of another type; otherwise as for [`NodeRef::value`].
    pub fn text(&self) -> Result<String, Error> {
        match self.value()? {
            Value::Text(value) => Ok(value),
            _ => Err(self.error(ErrorKind::Misuse("not a text"))),
        }
    }

    fn error(&self, kind: ErrorKind) -> Error {
        let part = |node: NodeRef<'_>| node.name().map_or(PathPart::Id(node.id()), PathPart::Name);
        let mut parts: Vec<_> = std::iter::successors(Some(*self), NodeRef::parent).map(part).collect();
        parts.reverse();
        Error::new(self.header().offset, kind).with_path(Path(parts))
    }
}

/// The value of an element.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A Signed Integer.
    Signed(i64),
    /// An Unsigned Integer.
    Unsigned(u64),
    /// A Float.
    Float(f64),
    /// A String or UTF-8 string, up to the first NUL.
    Text(String),
    /// A Date: nanoseconds since 2001-01-01T00:00:00 UTC.
    Date(i64),
    /// Child elements: see [`NodeRef::children`].
    Master,
    /// Bytes.
    Binary(Bytes),
}

/// Elements side by side.
#[derive(Debug, Clone)]
pub struct Nodes<'t> {
    tree: &'t Tree,
    next: usize,
    end: usize,
}

impl<'t> Iterator for Nodes<'t> {
    type Item = NodeRef<'t>;

    fn next(&mut self) -> Option<NodeRef<'t>> {
        if self.next >= self.end {
            return None;
        }
        let found = self.tree.node(self.next)?;
        self.next = found.node.after;
        Some(found)
    }
}

/// Elements and those inside them.
#[derive(Debug, Clone)]
pub struct Descendants<'t> {
    tree: &'t Tree,
    range: std::ops::Range<usize>,
}

impl<'t> Iterator for Descendants<'t> {
    type Item = NodeRef<'t>;

    fn next(&mut self) -> Option<NodeRef<'t>> {
        self.tree.node(self.range.next()?)
    }
}

impl Tree {
    fn node(&self, index: usize) -> Option<NodeRef<'_>> {
        self.nodes.get(index).map(|node| NodeRef { tree: self, index, node })
    }
}

/// Calls `found` with each element at `path` from `nodes` on, until it returns something.
fn search<'t, T>(nodes: Nodes<'t>, path: &str, found: &mut impl FnMut(NodeRef<'t>) -> Option<T>) -> Option<T> {
    // Recursion ends with the path, whose parts a caller wrote, or with the depth of the tree, which is bounded.
    let (name, rest) = path.split_once('/').map_or((path, None), |(name, rest)| (name, Some(rest)));
    for node in nodes.filter(|node| node.name() == Some(name)) {
        let result = match rest {
            Some(rest) => search(node.children(), rest, found),
            None => found(node),
        };
        if result.is_some() {
            return result;
        }
    }
    None
}

fn every<'t>(nodes: Nodes<'t>, path: &str) -> Vec<NodeRef<'t>> {
    let mut all = Vec::new();
    search(nodes, path, &mut |node| -> Option<()> {
        all.push(node);
        None
    });
    all
}

#[cfg(test)]
mod tests;
