//! What is known of a picture apart from its samples.

use std::sync::Arc;

use kineframe_codec::Size;
use kineframe_fragment::{FragmentHead, ProducerTimestamp, ServerTimestamp};
use kineframe_image_export::{Exporter, Rotation, SampleAspect};

/// What is known of a picture before it is decoded. Its identity is (fragment, track, frame), never its time.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureInfo {
    /// The fragment that its frame stands in.
    pub fragment: Arc<FragmentHead>,
    /// Its track.
    pub track: u64,
    /// Index among the frames of its track in the fragment, in stored order, from 0.
    pub frame: u64,
    /// Nanoseconds from the Timestamp of the fragment's first Cluster; may be negative.
    pub offset: Option<i64>,
    /// Wall time on the producer's clock.
    pub producer_time: Option<ProducerTimestamp>,
    /// Wall time on the service's clock: when the fragment came, plus the offset.
    pub server_time: Option<ServerTimestamp>,
    /// Nanoseconds since the first frame of the input.
    pub elapsed: Option<i128>,
    /// It belongs to a random access point of the bitstream; of the container, where the codec is not parsed.
    pub keyframe: bool,
    /// Width to height of a sample, where the stream or else the container says so.
    pub sample_aspect: Option<(u32, u32)>,
    /// How far the container says that the picture is to be turned: `ProjectionPoseRoll` of Matroska, the matrix of an MP4
    /// track, where they are whole quarters. Planes come as they are decoded.
    pub rotation: Rotation,
    /// Where the frame's stored bytes start in the input.
    pub position: u64,
}

impl PictureInfo {
    /// Tells an exporter how this picture is meant to stand: its sample aspect and its rotation. To be called before each
    /// picture, since both may change with the track's description.
    pub fn set_shape(&self, exporter: &mut Exporter) {
        exporter.set_sample_aspect(self.sample_aspect.and_then(|(width, height)| SampleAspect::new(width, height)));
        exporter.set_rotation(self.rotation);
    }
}

/// A picture, as it comes out: in presentation order within its track.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureItem<T> {
    /// Counts the pictures handed out, from 0.
    pub index: u64,
    /// What was known before it was decoded.
    pub info: Arc<PictureInfo>,
    /// The size of its visible part.
    pub size: Size,
    /// Built on missing or damaged references: not what the encoder made.
    pub damaged: bool,
    /// The name of the back end that decoded it.
    pub decoder: Arc<str>,
    /// What was made of it.
    pub output: T,
}
