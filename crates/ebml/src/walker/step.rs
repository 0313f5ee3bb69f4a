//! The steps of the walk where nothing has to be searched: headers, ends, data.

use crate::{
    ElementHeader, ElementId, ElementSize, ElementType, Error, ErrorKind, MAX_HEADER_LEN, Schema, parse_header,
};

use super::scan::Verdict;
use super::{Damage, DataMode, Element, EndReason, Item, Open, Recovery, State, Step, Walker};

impl<S: Schema> Walker<S> {
    /// At the start of an element.
    pub(super) fn header(&mut self) -> Step {
        while self.bound().is_some_and(|bound| bound <= self.position) {
            self.close(self.position, EndReason::NextElement);
        }
        let mut bytes = [0; MAX_HEADER_LEN];
        let filled = self.buffer.peek(self.position, &mut bytes);
        if filled == 0 {
            if !self.finished {
                return Step::NeedInput;
            }
            self.end_of_input();
            return Step::Go;
        }
        match parse_header(&bytes[..filled], self.position, &self.limits) {
            Ok(Some(header)) => return self.place(header),
            Ok(None) if !self.finished => return Step::NeedInput,
            Ok(None) => self.fail(self.error(self.position, ErrorKind::Truncated, None), self.position),
            Err(error) => self.fail(self.error(self.position, error.kind, None), self.position),
        }
        Step::Go
    }

    /// Finds the place of an element among the open ones, and begins it.
    fn place(&mut self, header: ElementHeader) -> Step {
        let (id, offset) = (header.id, header.offset);
        let def = self.schema.element(id);
        let home = self.home(id, offset);
        let keep = home.unwrap_or(self.stack.len());
        // At the top level, and behind the end that a master was said to have, an element that does not belong there
        // says more of the bytes before it than of itself.
        if home.is_none() && !self.is_landmark(id) && self.stack.last().is_none_or(|open| open.overrun(offset)) {
            self.fail(self.error(offset, ErrorKind::Unexpected(id), None), offset);
            return Step::Go;
        }
        while self.stack.len() > keep {
            self.close(offset, EndReason::NextElement);
        }
        let mut element = Element { header, depth: keep, def, misplaced: home.is_none() };
        let mut master = element.is_master();
        match header.size {
            ElementSize::Unknown => {
                if !master {
                    self.fail(self.error(offset, ErrorKind::UnknownSize, Some(id)), offset);
                    return Step::Go;
                }
                if !def.is_some_and(|def| def.unknown_size_allowed) {
                    let error = self.error(offset, ErrorKind::UnknownSize, Some(id));
                    if !self.note(error) {
                        return Step::Go;
                    }
                }
            }
            ElementSize::Known(size) => {
                if let Err(kind) = self.check_size(&element, size) {
                    self.fail(self.error(offset, kind, Some(id)), offset);
                    return Step::Go;
                }
                let checked = self.check_width(&element, size).and_then(|()| self.check_bound(&element, size));
                if let Err(step) = checked {
                    return step;
                }
            }
        }
        if master && self.stack.len() >= self.limits.depth {
            let kind = ErrorKind::Limit { what: "depth of elements", limit: self.limits.depth as u64 };
            let error = self.error(offset, kind, Some(id));
            if header.size == ElementSize::Unknown {
                self.fail(error, offset);
                return Step::Go;
            }
            if !self.note(error) {
                return Step::Go;
            }
            // Its bytes are passed over like those of any other element.
            master = false;
            element.def = None;
        }
        self.begin(element, master);
        Step::Go
    }

    fn begin(&mut self, element: Element, master: bool) {
        self.position = element.header.data_offset();
        if !element.misplaced {
            self.anchor = Some(self.position);
        }
        self.queue.push_back(Item::Start(element));
        if master {
            self.stack.push(Open { element, end: element.header.end_offset() });
            self.state = State::Header;
        } else {
            let end = element.header.end_offset().unwrap_or(self.position); // sizes are known here
            let mode = if element.is_master() { DataMode::Skip } else { self.data };
            self.state = State::Data { element, end, mode };
        }
        self.let_go();
    }

    /// How many of the open masters stay open around an element of this ID at `at`; `None` where it can stand in none.
    pub(super) fn home(&self, id: ElementId, at: u64) -> Option<usize> {
        // An EBML header ends every open element, whatever size was declared.
        if id == ElementId::EBML {
            return Some(0);
        }
        // At the end of a master, those in it have ended as well.
        let ended = |open: &Open| open.end.is_some_and(|end| end <= at);
        let mut depth = self.stack.iter().position(ended).unwrap_or(self.stack.len());
        loop {
            let inside = depth.checked_sub(1).and_then(|index| self.stack.get(index));
            if self.schema.may_contain(inside.map(|open| open.element.id()), id) {
                return Some(depth);
            }
            let open = inside?;
            // A known size holds, except against an ID that does not come about by chance.
            let firm = open.end.is_some() && !(self.recovery == Recovery::Scan && self.is_landmark(id));
            if firm || id.is_global() {
                return None;
            }
            depth -= 1;
        }
    }

    /// A master element that is known by an ID of four bytes: it does not come about by chance.
    pub(super) fn is_landmark(&self, id: ElementId) -> bool {
        id.len() == 4 && self.schema.element(id).is_some_and(|def| def.ty == ElementType::Master)
    }

    /// Whether data of this size can be held.
    fn check_size(&self, element: &Element, size: u64) -> Result<(), ErrorKind> {
        let end = element.header.data_offset().checked_add(size);
        let Some(end) = end else { return Err(ErrorKind::BeyondParent(u64::MAX)) };
        if element.is_master() {
            return Ok(());
        }
        // Without a known end around it, nothing but this bound speaks against any size.
        let bounded = self.bound().is_some_and(|bound| end <= bound) && self.data != DataMode::Gather;
        if !bounded && size > self.limits.element {
            return Err(ErrorKind::Limit { what: "bytes of one element", limit: self.limits.element });
        }
        Ok(())
    }

    /// A value wider than its type can be: a wrong size, unless what follows speaks for it.
    fn check_width(&mut self, element: &Element, size: u64) -> Result<(), Step> {
        let ty = match element.def.map(|def| def.ty) {
            Some(ElementType::Unsigned) => "unsigned integer",
            Some(ElementType::Signed) => "signed integer",
            Some(ElementType::Float) => "float",
            Some(ElementType::Date) => "date",
            _ => return Ok(()),
        };
        if size <= 8 || self.recovery == Recovery::Stop {
            return Ok(());
        }
        let (offset, end) = (element.header.offset, element.header.data_offset().saturating_add(size));
        let error = self.error(offset, ErrorKind::ValueLength { ty, len: size }, Some(element.id()));
        let sound = match self.bound() {
            Some(bound) if end >= bound => end == bound,
            _ if size > self.limits.element => false,
            _ => match self.belongs(end) {
                Verdict::Plausible => true,
                Verdict::Open if !self.finished => return Err(Step::NeedInput),
                Verdict::Open | Verdict::Not => false,
            },
        };
        if sound && self.note(error.clone()) {
            return Ok(());
        }
        self.fail(error, offset);
        Err(Step::Go)
    }

    /// An element that reaches beyond those around it: either its size is wrong or theirs. `Err` where it cannot be
    /// begun, or not yet.
    fn check_bound(&mut self, element: &Element, size: u64) -> Result<(), Step> {
        let end = element.header.data_offset().saturating_add(size);
        let Some(bound) = self.bound().filter(|bound| end > *bound) else { return Ok(()) };
        let beyond = end - bound;
        let error = self.error(element.header.offset, ErrorKind::BeyondParent(beyond), Some(element.id()));
        let mut theirs = self.recovery == Recovery::Scan && !element.misplaced && beyond <= self.limits.element;
        if theirs && bound - self.position <= self.limits.element {
            // Where an element stands at their end that belongs there, it is they who are right.
            theirs = match self.belongs(bound) {
                Verdict::Plausible => false,
                Verdict::Open if !self.finished => return Err(Step::NeedInput),
                Verdict::Open | Verdict::Not => true,
            };
        }
        if theirs {
            for open in &mut self.stack {
                open.end = open.end.filter(|known| end <= *known);
            }
            return if self.note(error) { Ok(()) } else { Err(Step::Go) };
        }
        self.fail(error, element.header.offset);
        Err(Step::Go)
    }

    /// Ends the innermost master at `at`; `of_unknown` is the reason where its size is unknown.
    pub(super) fn close(&mut self, at: u64, of_unknown: EndReason) {
        let Some(Open { element, end }) = self.stack.pop() else { return };
        let reason = match (end, element.header.end_offset()) {
            (Some(end), _) if end <= at => EndReason::Size,
            (Some(end), _) => EndReason::Early { missing: end - at },
            // A size that was found wrong.
            (None, Some(declared)) if declared > at => EndReason::Early { missing: declared - at },
            (None, _) => of_unknown,
        };
        self.queue.push_back(Item::End { element, end: at.max(element.header.data_offset()), reason });
    }

    pub(super) fn end_of_input(&mut self) {
        while !self.stack.is_empty() {
            self.close(self.position, EndReason::Input);
        }
        self.state = State::Done;
    }

    /// Gives or passes over data.
    pub(super) fn read_data(&mut self) -> Step {
        let State::Data { element, end, mode } = self.state else { return Step::Go };
        let left = end.saturating_sub(self.position);
        let there = self.buffer.end().saturating_sub(self.position).min(left);
        match mode {
            DataMode::Gather if there == left => {
                let bytes = self.buffer.gather(self.position, left);
                self.queue.push_back(Item::Data { bytes, offset: self.position, last: true });
                self.position = end;
            }
            DataMode::Stream if there > 0 || left == 0 => {
                let bytes = self.buffer.part(self.position, left);
                let offset = self.position;
                self.position += bytes.len() as u64;
                self.queue.push_back(Item::Data { bytes, offset, last: self.position == end });
            }
            DataMode::Skip => self.position += there,
            DataMode::Gather | DataMode::Stream => {}
        }
        if self.position == end {
            self.state = State::Header;
        } else if there < left && (mode != DataMode::Stream || there == 0) {
            self.let_go();
            if !self.finished {
                return Step::NeedInput;
            }
            let offset = element.header.offset;
            self.fail(self.error(offset, ErrorKind::Truncated, Some(element.id())), element.header.data_offset());
        }
        self.let_go();
        Step::Go
    }

    /// Reports what is wrong and goes on, or ends; says which.
    fn note(&mut self, error: Error) -> bool {
        if self.recovery == Recovery::Stop {
            self.failed = Some(error);
            self.state = State::Done;
            return false;
        }
        let resume = error.offset;
        self.queue.push_back(Item::Damage(Damage { error, resume }));
        true
    }

    /// Nothing can be read at `from`: ends, or starts to search.
    pub(super) fn fail(&mut self, error: Error, from: u64) {
        if self.recovery == Recovery::Stop {
            self.failed = Some(error);
            self.state = State::Done;
            return;
        }
        // What was passed over since the anchor is read again, unless that has been too much already.
        let reached = self.position.max(from);
        let back = self.anchor.take().map(|anchor| anchor.max(self.buffer.start()).min(from));
        let again = |at: u64| self.reread.saturating_add(reached - at);
        let at = match back {
            Some(at) if again(at) <= reached.saturating_mul(4).saturating_add(1 << 20) => {
                self.reread = again(at);
                at
            }
            _ => from.saturating_add(1).max(self.buffer.start()).min(self.buffer.end()),
        };
        self.position = at;
        self.state = State::Scan { error, at };
    }

    /// Forgets the input that no one needs any more, and what is beyond the bound.
    fn let_go(&mut self) {
        // Without recovery nothing is read twice.
        let needed = match (self.recovery, self.anchor) {
            (Recovery::Scan, Some(anchor)) => anchor.min(self.position),
            _ => self.position,
        };
        // Measured from the position, not from the end of the input so far, so that cuts make no difference.
        let least = self.position.saturating_sub(self.limits.element);
        self.buffer.release(needed.max(least));
    }
}
