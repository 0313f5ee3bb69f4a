//! A stream taken on the calling thread.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use bytes::Bytes;

use crate::{PieceStream, SourceError};

/// Runs a future on the calling thread, which sleeps while there is nothing to do.
///
/// For futures that need no runtime: those of this crate, channels, timers of other threads. Do not call it from
/// an async function.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            // A wake-up between poll and park leaves a token behind, so that park returns at once.
            Poll::Pending => thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// The items of a stream, each waited for.
pub(crate) struct BlockingPieces {
    stream: Option<PieceStream>,
}

impl BlockingPieces {
    pub(crate) fn new(stream: PieceStream) -> Self {
        BlockingPieces { stream: Some(stream) }
    }
}

impl Iterator for BlockingPieces {
    type Item = Result<Bytes, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        let stream = self.stream.as_mut()?;
        let item = block_on(std::future::poll_fn(|context| stream.as_mut().poll_next(context)));
        if !matches!(item, Some(Ok(_))) {
            self.stream = None;
        }
        item
    }
}
