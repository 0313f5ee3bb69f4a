//! Bytes in, fragments out.

use bytes::Bytes;
use kineframe_matroska::{DemuxOptions, Demuxer, Event as Element, Recover};

use crate::{Assembler, Error, Event, Options};

/// Takes a body in pieces of any size and tells its fragments. Does no I/O and never blocks.
///
/// The events are the same however the body was cut. A frame that lies within one piece shares its memory
/// with it; one that lies across pieces is gathered once.
///
/// Unless [`Options::strict`] is set, damage never stops it: bytes that nothing can be made of are told as
/// [`Event::Damage`], and reading goes on at the next fragment or Cluster.
///
/// ```
/// use bytes::Bytes;
/// use kineframe_fragment::{Event, Options, Splitter};
///
/// # let body = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/fixtures/gap.mkv")).unwrap();
/// # let pieces = body.chunks(100).map(Bytes::copy_from_slice);
/// let mut splitter = Splitter::new(Options::default());
/// let mut frames = 0;
/// for piece in pieces {
///     splitter.push(piece);
///     while let Some(event) = splitter.next_event()? {
///         frames += u64::from(matches!(event, Event::Frame(_)));
///     }
/// }
/// splitter.finish();
/// while let Some(event) = splitter.next_event()? {
///     // The last fragment of a body without closing tags finishes here.
///     frames += u64::from(matches!(event, Event::Frame(_)));
/// }
/// assert_eq!(frames, 3);
/// # Ok::<(), kineframe_fragment::Error>(())
/// ```
#[derive(Debug)]
pub struct Splitter {
    demuxer: Demuxer,
    assembler: Assembler,
    strict: bool,
    pushed: u64,
    input: Input,
    failed: Option<Error>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Open,
    /// `finish` was called; the demuxer may have events left.
    Finished,
    /// The assembler knows it too.
    Ended,
}

impl Splitter {
    /// A splitter at the start of an input.
    pub fn new(options: Options) -> Self {
        let recover = if options.strict { Recover::Stop } else { Recover::Resync };
        Splitter {
            demuxer: Demuxer::new(DemuxOptions::from(options.limits).recover(recover).payload(options.payload)),
            assembler: Assembler::new(options),
            strict: options.strict,
            pushed: 0,
            input: Input::Open,
            failed: None,
        }
    }

    /// Takes the next piece of the input, of any size. What comes after [`finish`](Self::finish) is ignored.
    pub fn push(&mut self, piece: Bytes) {
        if self.input == Input::Open {
            self.pushed = self.pushed.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            self.demuxer.push(piece);
        }
    }

    /// Says that the input is over: fragments that are still open finish.
    pub fn finish(&mut self) {
        if self.input == Input::Open {
            self.demuxer.finish();
            self.input = Input::Finished;
        }
    }

    /// Bytes that were pushed so far.
    pub fn bytes_pushed(&self) -> u64 {
        self.pushed
    }

    /// Bytes that were copied because an element lay across pieces; content encodings that are undone not counted.
    /// See [`Demuxer::copied_bytes`].
    pub fn bytes_copied(&self) -> u64 {
        self.demuxer.copied_bytes()
    }

    /// The next event; `Ok(None)` where more input is needed, or, after [`finish`](Self::finish), where all was
    /// told.
    ///
    /// # Errors
    /// Only where [`Options::strict`] is set: the first damage, after all events before it. The splitter then
    /// stays stopped and gives the same error again.
    pub fn next_event(&mut self) -> Result<Option<Event>, Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        loop {
            match self.assembler.pop() {
                Some(Event::Damage(damage)) if self.strict => return Err(self.fail(damage.error)),
                Some(event) => return Ok(Some(event)),
                None => {}
            }
            match self.demuxer.next_event() {
                Ok(Some(Element::Block(ref mut block))) => {
                    if let Some(frame) = self.assembler.frame(block) {
                        return Ok(Some(Event::Frame(frame)));
                    }
                }
                Ok(Some(element)) => self.assembler.take(element),
                Ok(None) if self.input == Input::Finished => {
                    self.input = Input::Ended;
                    self.assembler.finish(self.pushed);
                }
                Ok(None) => return Ok(None),
                Err(error) => return Err(self.fail(error)),
            }
        }
    }

    fn fail(&mut self, damage: kineframe_matroska::Error) -> Error {
        let (fragment, number) = self.assembler.current().unzip();
        self.failed.insert(Error { fragment, number: number.flatten(), damage }).clone()
    }
}
