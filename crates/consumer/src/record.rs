//! Audio tracks of an input as recordings.

use std::collections::HashMap;
use std::io::{self, Seek, Write};

use kineframe_audio::{Output, Part, Problem, RecordOptions, Recorder, RecordingEnd, RecordingStart};

use crate::consumer::{Consumer, Item};
use crate::error::ConsumerError;

/// What ended a recording before the input did.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The input could not be read on.
    #[error(transparent)]
    Consumer(#[from] ConsumerError),
    /// A file could not be opened or written.
    #[error("recording {recording} of track {track}: {error}; what was finished before is kept")]
    File {
        /// Which recording, counted from 0.
        recording: u64,
        /// Its track.
        track: u64,
        /// What the file said.
        #[source]
        error: io::Error,
    },
}

/// Everything that was recorded.
#[derive(Debug)]
#[non_exhaustive]
pub struct Recordings<W> {
    /// The recordings in the order in which they ended, with their files.
    pub files: Vec<(RecordingEnd, W)>,
    /// What is not in them, and why.
    pub problems: Vec<Problem>,
}

impl Consumer {
    /// Records every audio track to its end, each to what `open` gives for it: WAV for PCM and G.711, ADTS for AAC, with
    /// silence where timestamps leave gaps (see [`Recorder`]).
    ///
    /// ```
    /// use std::io::Cursor;
    /// use kineframe_audio::RecordOptions;
    /// use kineframe_consumer::Consumer;
    /// use kineframe_source::File;
    ///
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/generated/connect-like-audio.mkv");
    /// let call = Consumer::open(&File::new(path));
    /// let recordings = call.record_audio(RecordOptions::default(), |_| Ok(Cursor::new(Vec::new())))?;
    /// for (end, wav) in &recordings.files {
    ///     println!("{:?}: {} samples, {} bytes", end.start.name, end.samples, wav.get_ref().len());
    /// }
    /// # assert_eq!(recordings.files.len(), 2);
    /// # Ok::<(), kineframe_consumer::RecordError>(())
    /// ```
    ///
    /// # Errors
    /// The input cannot be read on; a file cannot be opened or written. Damage and tracks that are not written are no
    /// errors.
    pub fn record_audio<W: Write + Seek>(
        self,
        options: RecordOptions,
        mut open: impl FnMut(&RecordingStart) -> io::Result<W>,
    ) -> Result<Recordings<W>, RecordError> {
        let mut recorder = Recorder::new(options);
        let mut written = Recordings { files: Vec::new(), problems: Vec::new() };
        let mut files = HashMap::new();
        for item in self.without_bytes() {
            match item? {
                Item::Started(head) => recorder.start(&head),
                Item::Frame(frame) => recorder.frame(&frame, Part::ALL),
                _ => continue,
            }
            drain(&mut recorder, &mut files, &mut written, &mut open)?;
        }
        recorder.finish();
        drain(&mut recorder, &mut files, &mut written, &mut open)?;
        Ok(written)
    }
}

fn drain<W: Write + Seek>(
    recorder: &mut Recorder,
    files: &mut HashMap<u64, (u64, W)>,
    written: &mut Recordings<W>,
    open: &mut impl FnMut(&RecordingStart) -> io::Result<W>,
) -> Result<(), RecordError> {
    while let Some(output) = recorder.next_output() {
        let failed = |recording, track| move |error| RecordError::File { recording, track, error };
        match output {
            Output::Begin(start) => {
                let file = open(&start).map_err(failed(start.index, start.track))?;
                files.insert(start.index, (start.track, file));
            }
            Output::End(end) => written.files.extend(files.remove(&end.start.index).map(|(_, file)| (end, file))),
            Output::Problem(problem) => written.problems.push(problem),
            bytes => {
                let Some(recording) = bytes.recording() else { continue };
                if let Some((track, file)) = files.get_mut(&recording) {
                    bytes.write_to(file).map_err(failed(recording, *track))?;
                }
            }
        }
    }
    Ok(())
}
