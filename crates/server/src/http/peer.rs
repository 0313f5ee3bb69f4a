//! The other end of a connection: whether it is still there, and how it is left.

use std::future::poll_fn;
use std::io;
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The client of a connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Peer {
    /// Held by the [`Socket`]: the connection ends with that, whoever still asks about its client.
    stream: Weak<TcpStream>,
    reset: Arc<AtomicBool>,
}

/// A socket that can be told to end with a reset instead of in order.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Arc<TcpStream>,
    reset: Arc<AtomicBool>,
}

/// The client of a connection, and the socket that leads to it.
pub(crate) fn split(stream: TcpStream) -> (Peer, Socket) {
    let (stream, reset) = (Arc::new(stream), Arc::<AtomicBool>::default());
    (Peer { stream: Arc::downgrade(&stream), reset: Arc::clone(&reset) }, Socket { stream, reset })
}

impl Peer {
    /// The connection is to end with a reset.
    pub(crate) fn reset(&self) {
        self.reset.store(true, Ordering::Release);
    }

    /// Waits until the client has closed its end. To be asked while an answer is sent, when nothing else reads: who
    /// writes sees that its reader has gone, and on a silent stream nothing is written.
    ///
    /// A client that closes its sending side alone, and would still read, cannot be told from one that has gone.
    pub(crate) async fn gone(&self) {
        let mut byte = [0];
        let peeked = poll_fn(|context| match self.stream.upgrade() {
            Some(stream) => stream.poll_peek(context, &mut ReadBuf::new(&mut byte)),
            None => Poll::Ready(Ok(0)),
        });
        if matches!(peeked.await, Ok(more) if more > 0) {
            // The beginning of its next request: it is there, and what comes behind that cannot be seen.
            std::future::pending::<()>().await;
        }
    }
}

impl Socket {
    fn is_reset(&self) -> bool {
        self.reset.load(Ordering::Acquire)
    }

    /// Writes as soon as the socket takes something.
    fn write(
        &self,
        context: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(context))?;
            match write(&self.stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.is_reset() {
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.stream.poll_read_ready(context))?;
            match self.stream.try_read_buf(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done.map(drop)),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.write(context, |stream| stream.try_write(data))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(())) // what was written is with the system
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // After a reset was asked for, an orderly end would come before it.
        if self.is_reset() {
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(SockRef::from(&*self.stream).shutdown(Shutdown::Write))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(context, |stream| stream.try_write_vectored(data))
    }
}
