//! Sound of a stream as files: WAV for PCM and G.711, ADTS for AAC.
//!
//! - [`Format::of`] tells what a track holds from CodecID, CodecPrivate, Audio and Name: `A_PCM/…`, `A_MS/ACM`, `A_AAC`,
//!   and Amazon Connect's tracks, which say `A_AAC` and hold samples of 16 bits.
//! - A [`Recorder`] takes the events of `kineframe-fragment` and says what goes into which file, silence included where
//!   timestamps leave a gap. [`Output::write_to`] does it to anything that can be written and sought in.
//! - [`WaveFormat`], [`AacConfig`], [`Law`] and [`wav_header`] are its parts, and can be used alone.
//!
//! Samples come out as they were sent: nothing is resampled or mixed, A-law and µ-law become the 16 bits that G.711
//! gives them. AAC is not decoded.
//!
//! ```
//! use kineframe_audio::{Format, Law};
//! use kineframe_matroska::{TrackEntry, TrackType};
//!
//! let mut track = TrackEntry::new(1, TrackType::AUDIO, "A_AAC");
//! track.name = Some("AUDIO_FROM_CUSTOMER".into());
//! track.codec_private = Some(vec![0x11, 0x90].into());
//! // What Amazon Connect sends is no AAC.
//! let Format::Pcm(pcm) = Format::of(&track)? else { panic!("samples") };
//! assert_eq!((pcm.rate, pcm.channels, pcm.bits), (8_000, 1, 16));
//! assert_eq!(Law::A.sample(0x55), -8);
//! # Ok::<(), kineframe_audio::FormatError>(())
//! ```

mod aac;
mod bits;
mod error;
mod format;
#[doc(hidden)]
pub mod fuzzing;
mod g711;
mod output;
mod recorder;
mod timeline;
mod wav;
mod wave_format;

pub use aac::{ADTS_HEADER, AacConfig, FRAME_SAMPLES};
pub use error::FormatError;
pub use format::{CONNECT_TRACKS, Coding, Format, PcmFormat};
pub use g711::Law;
pub use output::{Output, Problem, ProblemKind, RecordingEnd, RecordingStart};
pub use recorder::{Part, RecordOptions, Recorder};
pub use wav::wav_header;
pub use wave_format::{TAG_A_LAW, TAG_EXTENSIBLE, TAG_FLOAT, TAG_MU_LAW, TAG_PCM, TAG_RAW_AAC, WaveFormat};
