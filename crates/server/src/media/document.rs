//! A stored fragment as one document, and its frames.

use bytes::{Bytes, BytesMut};
use kineframe_fragment::{Event, Frame, Options, Splitter};
use kineframe_matroska::TrackEntry;

use super::fragment::{Fragment, Next, Place};
use super::tags;

/// A whole fragment as GetMediaForFragmentList sends it. `None` when it is not there any more.
pub(crate) async fn document(fragment: &Fragment) -> Option<Bytes> {
    let mut bytes = BytesMut::from(&fragment.head[..]);
    bytes.extend_from_slice(&tags::opening(fragment));
    let mut place = Place::default();
    loop {
        match fragment.next(&mut place).await {
            Next::Bytes(more) => bytes.extend_from_slice(&more),
            Next::End => return Some(bytes.freeze()),
            Next::Wait | Next::Broken => return None,
        }
    }
}

/// The tracks and the frames of a document, in stored order.
pub(crate) fn frames(document: Bytes) -> (Vec<TrackEntry>, Vec<Frame>) {
    let mut splitter = Splitter::new(Options::default());
    splitter.push(document);
    splitter.finish();
    let (mut tracks, mut frames) = (Vec::new(), Vec::new());
    // What was taken in was sound; what could not be read of it is left out.
    while let Ok(Some(event)) = splitter.next_event() {
        match event {
            Event::Started(head) => {
                tracks = head.tracks.as_ref().map(|tracks| tracks.entries.clone()).unwrap_or_default()
            }
            Event::Frame(frame) => frames.push(frame),
            _ => {}
        }
    }
    (tracks, frames)
}
