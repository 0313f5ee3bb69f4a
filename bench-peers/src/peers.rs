//! Other crates that read Matroska, each by the loop that its documentation leads to.
//!
//! Each function hands every frame of a body, and every tag with a text, to `visit`, in stored order, and ends where its
//! crate ends.

use std::io::Cursor;

use bytes::{Buf, Bytes};
use mkv_element::io::blocking_impl::ReadFrom;
use mkv_element::prelude::{self as element, Element};
use mkvparser::elements::Id;
use mkvparser::{Binary, Body};
use webm_iterable::WebmIterator;
use webm_iterable::matroska_spec::{Block, MatroskaSpec, SimpleBlock};

/// What comes out of a body.
pub enum Item<'a> {
    Frame(&'a [u8]),
    /// Name and text. Without tags no fragment of a body has a number or a time.
    Tag(&'a str, &'a str),
}

/// A way to take a body apart.
pub type Split = fn(&Bytes, &mut dyn FnMut(Item<'_>));

/// Every peer and its name.
pub const ALL: [(&str, Split); 4] = [
    ("mkvparser", mkvparser),
    ("webm-iterable", webm_iterable),
    ("mkv-element", mkv_element),
    ("matroska-demuxer", matroska_demuxer),
];

/// The frame behind a block's header. The captures have neither laces nor track numbers above 126.
const BLOCK_HEADER: usize = 4;

/// A flat sequence of elements out of a slice; values are decoded, payload is left where it lies.
fn mkvparser(body: &Bytes, visit: &mut dyn FnMut(Item<'_>)) {
    let mut input = &body[..];
    let mut name = String::new();
    while let Ok((rest, element)) = mkvparser::parse_element(input) {
        match (&element.header.id, element.body, element.header.size) {
            (Id::SimpleBlock | Id::Block, Body::Binary(Binary::SimpleBlock(_) | Binary::Block(_)), Some(size)) => {
                if let Some(data) = input.get(element.header.header_size + BLOCK_HEADER..size) {
                    visit(Item::Frame(data));
                }
            }
            (Id::TagName, Body::Utf8(text), _) => name = text,
            (Id::TagString, Body::Utf8(text), _) => visit(Item::Tag(&name, &text)),
            _ => {}
        }
        input = rest;
    }
}

/// An iterator over a reader, with buffers of its own.
fn webm_iterable(body: &Bytes, visit: &mut dyn FnMut(Item<'_>)) {
    let mut source = &body[..];
    let mut name = String::new();
    for tag in WebmIterator::new(&mut source, &[]) {
        match &tag {
            Ok(MatroskaSpec::TagName(text)) => name.clone_from(text),
            Ok(MatroskaSpec::TagString(text)) => visit(Item::Tag(&name, text)),
            Ok(tag @ MatroskaSpec::SimpleBlock(_)) => match SimpleBlock::try_from(tag) {
                Ok(block) => visit(Item::Frame(block.raw_frame_data())),
                Err(_) => return,
            },
            Ok(tag @ MatroskaSpec::Block(_)) => match Block::try_from(tag) {
                Ok(block) => visit(Item::Frame(block.raw_frame_data())),
                Err(_) => return,
            },
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

/// Headers one by one; what our splitter decodes is decoded, and a block is a part of the same memory.
fn mkv_element(body: &Bytes, visit: &mut dyn FnMut(Item<'_>)) {
    let mut at = 0;
    while at < body.len() {
        let mut rest = &body[at..];
        let Ok(header) = element::Header::read_from(&mut rest) else { return };
        at = body.len() - rest.len();
        if [element::Segment::ID, element::Cluster::ID, element::BlockGroup::ID].contains(&header.id) {
            continue;
        }
        let Some(end) = at.checked_add(*header.size as usize).filter(|end| *end <= body.len()) else { return };
        let mut data = body.slice(at..end);
        at = end;
        let block = match header.id {
            element::SimpleBlock::ID => element::SimpleBlock::decode_body(&mut data).map(|block| block.0),
            element::Block::ID => element::Block::decode_body(&mut data).map(|block| block.0),
            element::Ebml::ID => element::Ebml::decode_body(&mut data).map(|_| Bytes::new()),
            element::Info::ID => element::Info::decode_body(&mut data).map(|_| Bytes::new()),
            element::Tracks::ID => element::Tracks::decode_body(&mut data).map(|_| Bytes::new()),
            // It refuses the service's tags, which have no Targets; these are lost.
            element::Tags::ID => {
                let tags = element::Tags::decode_body(&mut data).map(|tags| tags.tag).unwrap_or_default();
                for tag in tags.iter().flat_map(|tag| &tag.simple_tag) {
                    if let Some(text) = &tag.tag_string {
                        visit(Item::Tag(&tag.tag_name, text));
                    }
                }
                Ok(Bytes::new())
            }
            _ => Ok(Bytes::new()),
        };
        match block {
            Ok(mut block) if block.len() >= BLOCK_HEADER => {
                block.advance(BLOCK_HEADER);
                visit(Item::Frame(&block));
            }
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

/// One Segment of a seekable reader, frame by frame.
fn matroska_demuxer(body: &Bytes, visit: &mut dyn FnMut(Item<'_>)) {
    let Ok(mut file) = matroska_demuxer::MatroskaFile::open(Cursor::new(&body[..])) else { return };
    let mut frame = matroska_demuxer::Frame::default();
    while let Ok(true) = file.next_frame(&mut frame) {
        visit(Item::Frame(&frame.data));
    }
}
