//! MP4 and fragmented MP4, in and out, as the fragment events of Matroska. No I/O.
//!
//! [`AnySplitter`] reads MP4 and Matroska, told apart by content. [`Writer`] makes a plain file (what GetClip returns), [`FragmentedWriter`] the segments of HLS:
//!
//! ```
//! use bytes::Bytes;
//! use kineframe_fragment::{Event, Options, Splitter};
//! use kineframe_mp4::{Layout, WriteFrame, Writer};
//!
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/generated/h264-high-bframes-aac.mkv");
//! # let body = Bytes::from(std::fs::read(path).unwrap());
//! let mut splitter = Splitter::new(Options::default());
//! splitter.push(body);
//! splitter.finish();
//! let (mut writer, mut origin, mut start) = (None, None, 0);
//! while let Some(event) = splitter.next_event()? {
//!     match event {
//!         Event::Started(head) => {
//!             // Fragments lie at producer time.
//!             let time = head.producer_timestamp.unwrap().0;
//!             start = i64::try_from(time - *origin.get_or_insert(time))?;
//!             let tracks = &head.tracks.as_ref().unwrap().entries;
//!             if writer.is_none() {
//!                 writer = Some(Writer::new(Layout::MoovFirst, tracks)?);
//!             }
//!         }
//!         Event::Frame(frame) => {
//!             if let (Some(writer), Some(frame)) = (&mut writer, WriteFrame::of(&frame, start)) {
//!                 writer.frame(frame)?;
//!             }
//!         }
//!         _ => {}
//!     }
//! }
//! let end = writer.unwrap().finish()?;
//! assert_eq!((end.frames, end.duration / 1_000_000), (124, 4_096));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[doc(hidden)]
pub mod fuzzing;
mod read;
mod write;

pub use read::{AnySplitter, MovieBox, ReadError, find_movie, is_mp4};
pub use write::{
    Finished, FragmentedWriter, Layout, Patch, Payloads, WriteError, WriteFrame, Writer, with_parameter_sets,
};
