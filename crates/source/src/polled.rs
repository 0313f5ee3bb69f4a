//! Pieces that somebody else hands over.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;

use crate::{PieceStream, SourceError};

type Item = Result<Bytes, SourceError>;

/// The pieces that `next` gives, which is asked as [`Stream::poll_next`] is: for sources that are filled from elsewhere,
/// by way of the receiver of any channel.
///
/// ```
/// use bytes::Bytes;
///
/// let (sender, mut receiver) = tokio::sync::mpsc::channel(4);
/// let mut pieces = kineframe_source::polled(move |context| receiver.poll_recv(context));
/// sender.try_send(Ok(Bytes::from_static(b"piece")))?;
/// drop(sender);
/// # use futures_util::StreamExt as _;
/// # kineframe_source::block_on(async {
/// assert_eq!(pieces.next().await, Some(Ok(Bytes::from_static(b"piece"))));
/// assert_eq!(pieces.next().await, None);
/// # });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn polled(next: impl FnMut(&mut Context<'_>) -> Poll<Option<Item>> + Send + Unpin + 'static) -> PieceStream {
    Box::pin(Polled(next))
}

struct Polled<F>(F);

impl<F: FnMut(&mut Context<'_>) -> Poll<Option<Item>> + Unpin> Stream for Polled<F> {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Item>> {
        self.0(context)
    }
}
