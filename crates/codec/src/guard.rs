//! Stops a wrapped decoder's panic at the back end's door.

use std::any::Any;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::{DecodeError, DecodeErrorKind, Picture, PictureSink, Recovery};

/// Runs `f` and turns a panic inside it into [`DecodeErrorKind::Panicked`] of the back end named `factory`.
///
/// The recovery is [`Recovery::Reopen`]: whatever `f` was changing is in an unknown state, so the wrapped decoder
/// must be dropped (dropping it may be guarded too). Needs a profile that unwinds; the process's panic hook still
/// runs and prints.
///
/// Call the caller's sink outside of the closure, or use [`guard_with_sink`]: a panic of the caller's own code is
/// not the decoder's.
///
/// ```
/// use kineframe_codec::{DecodeErrorKind, Recovery, guard};
///
/// # std::panic::set_hook(Box::new(|_| {}));
/// let error = guard("shaky", || -> Result<(), _> { panic!("index 7 of 3") }).unwrap_err();
/// assert_eq!(error.kind, DecodeErrorKind::Panicked("index 7 of 3".to_owned()));
/// assert_eq!(error.recovery, Recovery::Reopen);
/// assert_eq!(guard("shaky", || Ok(5)), Ok(5));
/// ```
///
/// # Errors
/// The error of `f`, or the panic.
pub fn guard<T>(factory: &str, f: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    // Nothing that `f` borrows is looked at again before it is thrown away: that is the contract above.
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => result,
        Err(payload) => {
            let what = message(payload.as_ref());
            // A payload may be of any type, and dropping one may panic again.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
            Err(DecodeError::new(factory, DecodeErrorKind::Panicked(what), Recovery::Reopen))
        }
    }
}

/// As [`guard`], for an `f` that hands pictures to a sink while the wrapped decoder lends them.
///
/// A panic of the sink is the caller's: it is kept while `f` winds down (the sink answers `Break`), and goes on
/// from here. Pictures that `f` offers after the sink broke are not handed on.
///
/// # Errors
/// The error of `f`, or its panic.
pub fn guard_with_sink<T>(
    factory: &str,
    sink: &mut dyn PictureSink,
    f: impl FnOnce(&mut dyn PictureSink) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let mut fenced = Fenced { sink, broken: false, payload: None };
    let result = guard(factory, || f(&mut fenced));
    match fenced.payload {
        Some(payload) => resume_unwind(payload),
        None => result,
    }
}

struct Fenced<'a> {
    sink: &'a mut dyn PictureSink,
    broken: bool,
    payload: Option<Box<dyn Any + Send>>,
}

impl PictureSink for Fenced<'_> {
    fn picture(&mut self, picture: Picture<'_>) -> ControlFlow<()> {
        if self.broken {
            return ControlFlow::Break(());
        }
        let flow = catch_unwind(AssertUnwindSafe(|| self.sink.picture(picture))).unwrap_or_else(|payload| {
            self.payload = Some(payload);
            ControlFlow::Break(())
        });
        self.broken = flow.is_break();
        flow
    }
}

/// What a panic said, where it said it as text.
fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "without a message".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BitDepth, ChromaSampling, ColorSpace, PacketId, PixelFormat, Rect};

    fn picture() -> Picture<'static> {
        Picture {
            id: PacketId(1),
            visible: Rect { left: 0, top: 0, width: 0, height: 0 },
            format: PixelFormat { chroma: ChromaSampling::Monochrome, depth: BitDepth::EIGHT },
            color: ColorSpace::default(),
            damaged: false,
            planes: &[],
            shared: None,
        }
    }

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        let formatted = guard("x", || -> Result<(), _> { panic!("slice {}..{}", 3, 2) }).unwrap_err();
        assert_eq!(formatted.kind, DecodeErrorKind::Panicked("slice 3..2".to_owned()));
        assert_eq!(&*formatted.factory, "x");
        let other = guard("x", || -> Result<(), _> { std::panic::panic_any(7_u8) }).unwrap_err();
        assert_eq!(other.kind, DecodeErrorKind::Panicked("without a message".to_owned()));
    }

    #[test]
    fn an_error_passes_as_it_is() {
        let error = DecodeError::new("x", DecodeErrorKind::Unsupported("B".to_owned()), Recovery::NextPacket);
        assert_eq!(guard("x", || -> Result<(), _> { Err(error.clone()) }), Err(error));
    }

    #[test]
    fn the_sinks_panic_is_not_the_decoders() {
        let mut sink = |_: Picture<'_>| -> ControlFlow<()> { panic!("the caller's") };
        let mut went_on = false;
        let caught = catch_unwind(AssertUnwindSafe(|| {
            guard_with_sink("x", &mut sink, |sink| {
                assert!(sink.picture(picture()).is_break());
                went_on = true;
                Ok(())
            })
        }));
        assert!(went_on, "the decoder winds down in order");
        assert_eq!(message(caught.unwrap_err().as_ref()), "the caller's");
    }

    #[test]
    fn a_broken_sink_sees_no_more_pictures() {
        let mut seen = 0;
        let mut sink = |_: Picture<'_>| {
            seen += 1;
            ControlFlow::Break(())
        };
        let result = guard_with_sink("x", &mut sink, |sink| {
            for _ in 0..3 {
                assert!(sink.picture(picture()).is_break());
            }
            Ok(())
        });
        assert_eq!(result, Ok(()));
        assert_eq!(seen, 1);
    }
}
