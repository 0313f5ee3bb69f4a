//! H.265: pictures in decoding order, which `bitstream` puts into output order.

use std::num::NonZeroUsize;
use std::sync::Arc;

use bytes::Bytes;
use kineframe_bitstream::h265::backend::{CodedPicture, Decoded, Engine, EngineError};
use kineframe_bitstream::h265::{NalType, Sps};
use kineframe_codec::{CodecParameters, DecodeOptions};

use crate::library::{Library, START_CODE, Settings};
use crate::{decoder_of, exact};

/// FFmpeg is told that nothing is reordered: what it holds back it loses where the next picture is damaged, and it drops
/// sound pictures where a stream says so (`no_output_of_prior_pics_flag`).
pub(crate) struct Hevc {
    threads: NonZeroUsize,
    samples: u64,
    library: Option<Library>,
    /// Sets that FFmpeg does not have yet: first the VPS that the stream was opened with, of which it wants to have one.
    sets: Vec<Bytes>,
    stamp: i64,
}

impl Hevc {
    /// What makes engines for a stream of these parameters.
    pub(crate) fn maker(params: &CodecParameters, options: &DecodeOptions) -> impl Fn() -> Self + Send + 'static {
        let is_vps = |set: &&Bytes| set.first().is_some_and(|first| first >> 1 & 0x3f == NalType::VPS.0);
        let sets: Vec<Bytes> = params.parameter_sets.iter().filter(is_vps).cloned().collect();
        let (threads, samples) = (options.threads, options.limits.samples);
        move || Hevc { threads, samples, library: None, sets: sets.clone(), stamp: 0 }
    }

    fn library(&mut self) -> Result<&mut Library, EngineError> {
        if self.library.is_none() {
            let name = decoder_of(kineframe_codec::Codec::H265).map_err(EngineError::Unsupported)?;
            let settings = Settings { threads: self.threads, low_delay: false, cut: true, samples: self.samples };
            self.library = Some(Library::open(name, &settings)?);
        }
        self.library.as_mut().ok_or_else(|| EngineError::Internal("FFmpeg was not opened".to_owned()))
    }
}

impl Engine for Hevc {
    fn parameter_set(&mut self, nal: &[u8]) -> Result<(), EngineError> {
        let is_sps = nal.first().is_some_and(|first| first >> 1 & 0x3f == NalType::SPS.0);
        let set = if is_sps {
            Sps::without_reordering(nal).map_err(|error| EngineError::Damaged(error.to_string()))?.into()
        } else {
            Bytes::copy_from_slice(nal)
        };
        self.sets.push(set);
        Ok(())
    }

    fn end_of_sequence(&mut self) {
        self.library.iter_mut().for_each(Library::forget);
    }

    fn picture(&mut self, packet: &[u8], picture: &CodedPicture) -> Result<Option<Decoded>, EngineError> {
        exact::h265_sps(&picture.sps.set).map_err(EngineError::Unsupported)?;
        if picture.begins_sequence {
            // It then takes clean random access for a beginning, as it is one here.
            self.end_of_sequence();
        }
        self.stamp += 1;
        let (stamp, sets) = (self.stamp, std::mem::take(&mut self.sets));
        let slices = picture.segments.iter().map(|range| packet.get(range.clone()).unwrap_or_default());
        let units = sets.iter().map(|set| &set[..]).chain(slices);
        let parts: Vec<&[u8]> = units.flat_map(|unit| [START_CODE, unit]).collect();
        let mut frames = Vec::new();
        let result = self.library()?.send(&parts, stamp, picture.begins_sequence, &mut frames);
        let frame = frames.into_iter().find(|frame| frame.stamp == stamp);
        match (frame, result) {
            (_, Err(error @ EngineError::Unsupported(_))) => Err(error),
            (Some(frame), result) => {
                let damaged = frame.concealed || result.is_err();
                Ok(Some(Decoded { buffer: Arc::new(frame), damaged }))
            }
            (None, Err(error)) => Err(error),
            (None, Ok(())) if !picture.header.output => Ok(None),
            (None, Ok(())) => Err(EngineError::Damaged("nothing of the picture could be decoded".to_owned())),
        }
    }
}
