//! What an encoded frame says of itself, and the parameters in force at it.

use std::sync::Arc;

use bytes::Bytes;
use kineframe_bitstream::frames::FrameStream;
use kineframe_bitstream::h264::{OutputOrder, PictureOrder, RandomAccess, SliceHeader, Stream};
use kineframe_bitstream::{h265, identify};
use kineframe_codec::{
    ChromaSiting, Codec, CodecParameters, ColorRange, ColorSpace, MatrixCoefficients, NalFraming, Size,
};
use kineframe_image_export::Rotation;
use kineframe_matroska::{TrackEntry, Video};

use crate::choose::{Coded, Tie};

/// Reads the frames of one track in stored order.
#[derive(Debug)]
pub(crate) enum Analyser {
    H264(Box<H264>, Option<(u32, u32)>),
    H265(Box<H265>, Option<(u32, u32)>),
    /// A codec whose packets are whole frames in presentation order.
    Frames(Box<Frames>, Option<(u32, u32)>),
}

/// What was found in a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub coded: Coded,
    pub random_access: RandomAccess,
    /// After a start here, pictures are right from this place in presentation on, and once so many more references
    /// have come (H.264 §D.2.8).
    pub sound_from: (OutputOrder, u16),
    /// How its NAL units are told apart, whatever the container announces.
    pub framing: NalFraming,
    /// There should be something in it, and nothing can be read.
    pub unreadable: bool,
}

impl Analyser {
    /// For a track; `None` for a codec that has no name here.
    pub(crate) fn new(track: &TrackEntry) -> Option<Self> {
        let private = track.codec_private.clone().unwrap_or_default();
        let identified = identify(&track.codec_id, &private)?;
        let size = track.video.as_ref().and_then(container_size);
        let aspect = track.video.as_ref().and_then(container_aspect);
        let color = track.video.as_ref().map(container_color).unwrap_or_default();
        if identified.codec == Codec::H264 {
            let mut stream = Stream::new(&identified.private);
            stream.set_container(size, color);
            let (order, told) = (PictureOrder::default(), Told::default());
            let track = H264 { stream, order, last: None, place: START, told };
            return Some(Self::H264(Box::new(track), aspect));
        }
        if identified.codec == Codec::H265 {
            let mut stream = h265::Stream::new(&identified.private);
            stream.set_container(size, color);
            return Some(Self::H265(Box::new(H265 { stream, told: Told::default() }), aspect));
        }
        let mut stream = FrameStream::new(&identified);
        stream.set_container(size, color);
        Some(Self::Frames(Box::new(Frames { stream, place: START, params: None }), aspect))
    }

    /// Reads one frame; `keyframe` is the container's word.
    pub(crate) fn read(&mut self, data: &Bytes, keyframe: bool) -> Found {
        match self {
            Self::H264(track, _) => track.read(data),
            Self::H265(track, _) => track.read(data),
            Self::Frames(track, _) => track.read(data, keyframe),
        }
    }

    /// Width to height of a sample.
    pub(crate) fn sample_aspect(&self) -> Option<(u32, u32)> {
        let (stated, container) = match self {
            Self::Frames(_, container) => (None, container),
            Self::H264(track, container) => {
                (track.stream.sps().and_then(|sps| sps.vui?.usability.sample_aspect_ratio), container)
            }
            Self::H265(track, container) => {
                (track.stream.sps().and_then(|sps| sps.vui?.usability.sample_aspect_ratio), container)
            }
        };
        stated.map(|(width, height)| (width.into(), height.into())).or(*container)
    }

    /// The parameters in force, the frame last read included. The same handle as long as nothing has changed.
    pub(crate) fn parameters(&mut self) -> Arc<CodecParameters> {
        match self {
            Self::Frames(track, _) => track.parameters(),
            Self::H264(track, _) => track.told.parameters(track.stream.generation(), || track.stream.parameters()),
            Self::H265(track, _) => track.told.parameters(track.stream.generation(), || track.stream.parameters()),
        }
    }
}

const START: OutputOrder = OutputOrder { epoch: 0, count: 0 };

/// An H.264 track.
#[derive(Debug)]
pub(crate) struct H264 {
    stream: Stream,
    order: PictureOrder,
    /// The first slice of the frame before, unless that was a second field.
    last: Option<SliceHeader>,
    place: OutputOrder,
    told: Told,
}

/// What has been told of a track whose frames are NAL units.
#[derive(Debug, Default)]
struct Told {
    /// Of the last frame at which decoding can start.
    framing: Option<NalFraming>,
    params: Option<(u64, Arc<CodecParameters>)>,
}

impl Told {
    /// A frame at which decoding can start is framed like this, whatever the track announces.
    fn start(&mut self, framing: NalFraming) {
        if self.framing != Some(framing) {
            self.framing = Some(framing);
            self.params = None;
        }
    }

    /// The parameters of this generation, with the framing that frames have.
    fn parameters(&mut self, generation: u64, of_stream: impl FnOnce() -> CodecParameters) -> Arc<CodecParameters> {
        if let Some((of, params)) = &self.params
            && *of == generation
        {
            return params.clone();
        }
        // One real capture announces lengths and has start codes.
        let framing = self.framing.unwrap_or(NalFraming::None);
        let mut params = Arc::new(CodecParameters { framing, ..of_stream() });
        // Sets that came again, or another CodecPrivate that says the same: an open decoder stays right.
        if let Some((_, before)) = &self.params
            && *before.as_ref() == *params
        {
            params = before.clone();
        }
        self.params = Some((generation, params.clone()));
        params
    }
}

impl H264 {
    fn read(&mut self, data: &Bytes) -> Found {
        let unit = self.stream.packet(data);
        let depth = self.stream.sps().map_or(16, |sps| usize::try_from(sps.max_reorder_frames()).unwrap_or(16));
        let mut second_field = false;
        if let (Some(slice), Some(sps)) = (&unit.slice, self.stream.sps()) {
            let place = self.order.next(sps, slice);
            second_field = self.last.as_ref().is_some_and(|last| slice.completes_frame(last));
            if !second_field {
                self.place = place;
            }
        }
        if unit.random_access != RandomAccess::None {
            self.told.start(unit.framing);
        }
        self.last = unit.slice.clone().filter(|_| !second_field);
        let coded = Coded {
            picture: unit.slices > 0 && !second_field,
            // Parameter sets alone must reach the decoder, whatever is chosen.
            reference: unit.is_reference || unit.slices == 0,
            second_field,
            order: self.place,
            depth,
            tie: Tie::Behind,
        };
        let unreadable = unit.slices == 0 && unit.error.is_some();
        let frames = if let RandomAccess::RecoveryPoint { frames } = unit.random_access { frames } else { 0 };
        let sound_from = (self.place, frames);
        Found { coded, random_access: unit.random_access, sound_from, framing: unit.framing, unreadable }
    }
}

/// An H.265 track.
#[derive(Debug)]
pub(crate) struct H265 {
    stream: h265::Stream,
    told: Told,
}

impl H265 {
    fn read(&mut self, data: &Bytes) -> Found {
        let unit = self.stream.packet(data);
        if unit.random_access != RandomAccess::None {
            self.told.start(unit.framing);
        }
        let coded = Coded {
            picture: unit.is_shown,
            // Parameter sets alone must reach the decoder, and so must an end of sequence.
            reference: unit.is_reference || unit.slices == 0,
            second_field: false,
            order: unit.order,
            depth: self.stream.sps().map_or(16, |sps| sps.max_reorder.into()),
            tie: match unit.slice.as_ref().map(|slice| slice.nal.kind) {
                Some(kind) if kind.is_irap() && unit.random_access != RandomAccess::Idr => Tie::Entry,
                Some(kind) if kind.is_rasl() => Tie::Past,
                Some(kind) if !kind.is_radl() => Tie::Behind,
                Some(_) | None => Tie::Beside,
            },
        };
        let unreadable = unit.slices == 0 && unit.error.is_some();
        let sound_from = (unit.sound_from, 0);
        Found { coded, random_access: unit.random_access, sound_from, framing: unit.framing, unreadable }
    }
}

/// A track of whole frames.
#[derive(Debug)]
pub(crate) struct Frames {
    stream: FrameStream,
    place: OutputOrder,
    params: Option<(u64, Arc<CodecParameters>)>,
}

impl Frames {
    fn read(&mut self, data: &Bytes, keyframe: bool) -> Found {
        let look = self.stream.packet(data, keyframe);
        self.place.count += 1;
        let coded = Coded {
            picture: look.picture,
            reference: look.reference,
            second_field: false,
            order: self.place,
            depth: 0,
            tie: Tie::Behind,
        };
        let unreadable = look.error.is_some();
        let sound_from = (self.place, 0);
        Found { coded, random_access: look.random_access, sound_from, framing: NalFraming::None, unreadable }
    }

    fn parameters(&mut self) -> Arc<CodecParameters> {
        let generation = self.stream.generation();
        if let Some((of, params)) = &self.params
            && *of == generation
        {
            return params.clone();
        }
        let params = Arc::new(self.stream.parameters());
        self.params = Some((generation, params.clone()));
        params
    }
}

fn container_size(video: &Video) -> Option<Size> {
    let size = Size { width: video.pixel_width.try_into().ok()?, height: video.pixel_height.try_into().ok()? };
    (size.width > 0 && size.height > 0).then_some(size)
}

/// From `DisplayWidth` and `DisplayHeight`, where they are in pixels or a ratio (RFC 9559 §5.1.4.1.28.12 to .14).
fn container_aspect(video: &Video) -> Option<(u32, u32)> {
    let (display_width, display_height) = (video.display_width?, video.display_height?);
    if !matches!(video.display_unit, 0 | 3) {
        return None;
    }
    let width = display_width.checked_mul(video.pixel_height)?;
    let height = display_height.checked_mul(video.pixel_width)?;
    let divisor = greatest_common_divisor(width, height).max(1);
    let aspect = (u32::try_from(width / divisor).ok()?, u32::try_from(height / divisor).ok()?);
    (aspect.0 > 0 && aspect.1 > 0).then_some(aspect)
}

/// From `ProjectionPoseRoll`, which counts counter-clockwise (RFC 9559).
pub(crate) fn container_rotation(video: &Video) -> Rotation {
    Rotation::from_degrees(-video.pose_roll).unwrap_or_default()
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// `Colour` of the container (RFC 9559 §5.1.4.1.28.16).
fn container_color(video: &Video) -> ColorSpace {
    let Some(colour) = &video.colour else { return ColorSpace::default() };
    let code = |value: Option<u64>| value.and_then(|value| u8::try_from(value).ok());
    ColorSpace {
        matrix: code(colour.matrix_coefficients).and_then(MatrixCoefficients::from_code),
        range: match colour.range {
            Some(1) => Some(ColorRange::Limited),
            Some(2) => Some(ColorRange::Full),
            _ => None,
        },
        siting: match (colour.chroma_siting_horz, colour.chroma_siting_vert) {
            (Some(1), Some(1)) => Some(ChromaSiting::TopLeft),
            (Some(1), Some(2)) => Some(ChromaSiting::Left),
            (Some(2), Some(1)) => Some(ChromaSiting::Top),
            (Some(2), Some(2)) => Some(ChromaSiting::Center),
            _ => None,
        },
        primaries: code(colour.primaries).filter(|code| *code != 2),
        transfer: code(colour.transfer_characteristics).filter(|code| *code != 2),
    }
}

#[cfg(test)]
mod tests;
