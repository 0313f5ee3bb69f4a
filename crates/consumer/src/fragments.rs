//! A whole fragment: tags, element tree, bytes, frames, pictures.

use std::sync::Arc;

use bytes::Bytes;
use kineframe_codec::{Picture, Size};
use kineframe_ebml::{Limits, Tree};
use kineframe_fragment::{
    Event, FragmentFiles, FragmentHead, FragmentNumber, FragmentTail, Frame, Output, RemuxOptions,
};
use kineframe_image_export::{ExportError, ExportOptions, Exporter};
use kineframe_matroska::{MatroskaSchema, SimpleTag, TagValue};

use crate::error::ConsumerError;
use crate::info::PictureInfo;
use crate::pictures::{Options, Pictures};
use crate::selection::Selection;

/// A fragment that is over: whole, or as much as came of it.
#[derive(Debug, Clone)]
pub struct Fragment {
    pub(crate) tail: Arc<FragmentTail>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) parts: Option<Vec<Bytes>>,
}

impl Fragment {
    /// What is known of it at its end: times, token, counts, whether it is complete.
    pub fn tail(&self) -> &Arc<FragmentTail> {
        &self.tail
    }

    /// What is known of it without its frames.
    pub fn head(&self) -> &Arc<FragmentHead> {
        &self.tail.head
    }

    /// Its number, where the body tells one.
    pub fn number(&self) -> Option<&FragmentNumber> {
        self.tail.head.number.as_ref()
    }

    /// Its tags in stored order, repeats kept, those of the service too.
    pub fn tags(&self) -> &[SimpleTag] {
        &self.tail.tags
    }

    /// The text of the last tag of this name.
    pub fn tag(&self, name: &str) -> Option<&str> {
        self.tail.tags.iter().rev().find(|tag| tag.name == name).and_then(|tag| match &tag.value {
            TagValue::String(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// Its encoded frames of all tracks, in stored order.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// The frames of one track end to end, as stored: an elementary stream, or the samples of PCM.
    pub fn track_bytes(&self, track: u64) -> Vec<u8> {
        let frames = self.frames.iter().filter(|frame| frame.track_number == track);
        frames.flat_map(|frame| frame.data.iter().copied()).collect()
    }

    /// Its bytes as they came: an EBML Document, which most players take as it is. `None` where it was longer than
    /// the consumer was to keep. Without a copy where it came in one piece.
    pub fn bytes(&self) -> Option<Bytes> {
        match self.parts.as_deref()? {
            [one] => Some(one.clone()),
            parts => Some(parts.concat().into()),
        }
    }

    /// Its elements, to look things up in: `tree.find("Segment/Tracks/TrackEntry/CodecID")`. `None` as for
    /// [`bytes`](Self::bytes).
    pub fn tree(&self) -> Option<Tree> {
        Some(Tree::parse(self.bytes()?, self.tail.head.offset, MatroskaSchema, &Limits::default()))
    }

    /// A stand-alone MKV of it, made anew: times from 0, duration and index, which every player takes. `None` where
    /// it has no frames that a file could be made of.
    pub fn to_mkv(&self) -> Option<Vec<u8>> {
        let mut files = FragmentFiles::new(RemuxOptions::default());
        files.push(&Event::Started(self.tail.head.clone()));
        self.tail.tags.iter().for_each(|tag| files.push(&Event::Tag(tag.clone())));
        self.frames.iter().for_each(|frame| files.push(&Event::Frame(frame.clone())));
        files.push(&Event::Finished(self.tail.clone()));
        let mut file = Vec::new();
        while let Some(output) = files.next_output() {
            match output {
                Output::Data(data) => file.extend_from_slice(&data),
                Output::Patch { position, data } => {
                    let start = usize::try_from(position).ok()?;
                    file.get_mut(start..start.checked_add(data.len())?)?.copy_from_slice(&data);
                }
                Output::Failed { .. } => return None,
                _ => {}
            }
        }
        (!file.is_empty()).then_some(file)
    }

    /// Its pictures 0, N, 2N, … of the first video track as arrays, decoded on this thread.
    ///
    /// # Errors
    /// Not for pictures that cannot be decoded: they are missing. A picture that cannot be converted is told in its
    /// place.
    pub fn rgb_images(
        &self,
        one_in: u64,
        options: Options,
    ) -> Result<Vec<Result<RgbImage, ExportError>>, ConsumerError> {
        let Some(bytes) = self.bytes() else { return Ok(Vec::new()) };
        let mut options = options;
        options.selection = Selection::one_in(one_in);
        options.threads = std::num::NonZeroUsize::MIN;
        options.start = kineframe_fragment::StartSelector::Earliest;
        let pictures = Pictures::of_pieces(Box::new(std::iter::once(Ok(bytes))), options, rgb_work)?;
        pictures.map(|item| item.map(|item| item.output)).collect()
    }
}

/// A picture as an array of height × width × 3 samples R', G', B' of eight bits, as NumPy has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RgbImage {
    /// Columns and lines.
    pub size: Size,
    /// Line by line, 3 bytes a pixel, no padding.
    pub data: Vec<u8>,
}

/// Work that makes an array of each picture, in the stream's own matrix and range, turned as its container says.
///
/// Use: `Pictures::open(&source, options, rgb_work)`.
pub fn rgb_work() -> impl FnMut(&PictureInfo, Picture<'_>) -> Result<RgbImage, ExportError> + Send + 'static {
    let mut exporter = Exporter::new(ExportOptions::default());
    move |info, picture| {
        info.set_shape(&mut exporter);
        let mut data = Vec::new();
        let size = exporter.rgb8(&picture, &mut data)?;
        Ok(RgbImage { size, data })
    }
}
