//! The search for the next plausible element after damage.

use crate::{ElementHeader, ElementId, ElementSize, ElementType, MAX_HEADER_LEN, Schema, parse_header};

use super::{Damage, EndReason, Item, State, Step, Walker};

/// Largest EBML header that a search believes in; real ones have some 40 bytes.
const MAX_EBML_HEADER: u64 = 1024;

/// What speaks for an element at a place.
pub(super) enum Verdict {
    Plausible,
    Not,
    /// More input is needed to say.
    Open,
}

impl<S: Schema> Walker<S> {
    pub(super) fn scan(&mut self) -> Step {
        let State::Scan { at, .. } = self.state else { return Step::Go };
        let mut at = at;
        loop {
            let mut bytes = self.buffer.contiguous(at);
            // The end of a master around is a place to look at, too.
            if let Some(end) = self.stack.iter().rev().filter_map(|open| open.end).find(|end| *end >= at) {
                if end == at && !bytes.is_empty() {
                    match self.belongs(at) {
                        Verdict::Plausible => {
                            self.resume(at);
                            return Step::Go;
                        }
                        Verdict::Open if !self.finished => break,
                        Verdict::Open | Verdict::Not => bytes = bytes.get(..1).unwrap_or(bytes),
                    }
                } else {
                    let room = usize::try_from(end - at).unwrap_or(usize::MAX);
                    bytes = bytes.get(..room).unwrap_or(bytes);
                }
            }
            // The IDs that are looked for have four bytes: 0001 in the first half byte.
            let Some(skip) = bytes.iter().position(|byte| byte >> 4 == 1) else {
                at += bytes.len() as u64;
                if bytes.is_empty() {
                    break;
                }
                continue;
            };
            at += skip as u64;
            match self.plausible(at) {
                Verdict::Plausible => {
                    self.resume(at);
                    return Step::Go;
                }
                Verdict::Open if !self.finished => break,
                Verdict::Open | Verdict::Not => at += 1,
            }
        }
        self.position = at;
        self.buffer.release(at);
        if !self.finished {
            if let State::Scan { at: place, .. } = &mut self.state {
                *place = at;
            }
            return Step::NeedInput;
        }
        self.resume(at);
        self.end_of_input();
        Step::Go
    }

    /// Goes on at `at`, with what is open there.
    fn resume(&mut self, at: u64) {
        let State::Scan { error, .. } = std::mem::replace(&mut self.state, State::Header) else { return };
        // Masters that began behind this place were none.
        while self.stack.last().is_some_and(|open| open.element.header.offset >= at) {
            self.close(at, EndReason::NextElement);
        }
        self.position = at;
        self.buffer.release(at);
        self.queue.push_back(Item::Damage(Damage { error, resume: at }));
    }

    /// Whether at `at`, the end of an open master, an element starts that the schema lets stand there.
    pub(super) fn belongs(&self, at: u64) -> Verdict {
        match self.header_at(at) {
            Ok(next) if self.schema.element(next.id).is_some() && self.home(next.id, at).is_some() => {
                Verdict::Plausible
            }
            Ok(_) => Verdict::Not,
            Err(verdict) => verdict,
        }
    }

    /// Whether a master element with an ID of four bytes starts at `at`, with a fitting child at its start.
    fn plausible(&self, at: u64) -> Verdict {
        let mut id = [0; 4];
        let filled = self.buffer.peek(at, &mut id);
        if filled == 4 && !self.is_landmark(ElementId(u32::from_be_bytes(id))) {
            return Verdict::Not;
        }
        let header = match self.header_at(at) {
            Ok(header) => header,
            Err(verdict) => return verdict,
        };
        if header.id == ElementId::EBML {
            return self.plausible_document(&header);
        }
        match self.child_at(header.data_offset(), &header) {
            Ok(_) => Verdict::Plausible,
            Err(verdict) => verdict,
        }
    }

    /// An EBML header of known elements only, with a DocType, and a Root Element behind it.
    fn plausible_document(&self, header: &ElementHeader) -> Verdict {
        const DOC_TYPE: ElementId = ElementId(0x4282);
        let Some(size) = header.size.known().filter(|size| *size <= MAX_EBML_HEADER) else { return Verdict::Not };
        let (mut at, end) = (header.data_offset(), header.data_offset() + size);
        let mut doc_type = false;
        while at < end {
            match self.child_at(at, header) {
                Ok(child) => {
                    doc_type |= child.id == DOC_TYPE;
                    at = child.end_offset().unwrap_or(end);
                }
                Err(verdict) => return verdict,
            }
        }
        match self.header_at(end) {
            _ if !doc_type => Verdict::Not,
            Ok(root) if root.id != ElementId::EBML && self.schema.may_contain(None, root.id) => Verdict::Plausible,
            Ok(_) => Verdict::Not,
            Err(verdict) => verdict,
        }
    }

    /// The header of an element at `at` that may stand in `parent` and fits in it.
    fn child_at(&self, at: u64, parent: &ElementHeader) -> Result<ElementHeader, Verdict> {
        if parent.end_offset().is_some_and(|end| at >= end) {
            return Err(Verdict::Not);
        }
        let child = self.header_at(at)?;
        let known = self.schema.element(child.id).is_some() || child.id.is_global();
        if !known || !self.schema.may_contain(Some(parent.id), child.id) {
            return Err(Verdict::Not);
        }
        let ty = self.schema.element(child.id).map(|def| def.ty);
        let most = match ty {
            Some(ElementType::Unsigned | ElementType::Signed | ElementType::Float | ElementType::Date) => 8,
            _ => u64::MAX,
        };
        let fits = match (child.size, child.end_offset()) {
            (ElementSize::Known(size), Some(end)) => {
                size <= most && parent.end_offset().is_none_or(|parent_end| end <= parent_end)
            }
            (ElementSize::Known(_), None) => false,
            (ElementSize::Unknown, _) => ty == Some(ElementType::Master),
        };
        if fits { Ok(child) } else { Err(Verdict::Not) }
    }

    pub(super) fn header_at(&self, at: u64) -> Result<ElementHeader, Verdict> {
        let mut bytes = [0; MAX_HEADER_LEN];
        let filled = self.buffer.peek(at, &mut bytes);
        match parse_header(&bytes[..filled], at, &self.limits) {
            Ok(Some(header)) => Ok(header),
            Ok(None) => Err(Verdict::Open),
            Err(_) => Err(Verdict::Not),
        }
    }
}
