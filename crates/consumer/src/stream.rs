//! Pictures for async programs.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_core::Stream;
use tokio::sync::mpsc;

use crate::error::ConsumerError;
use crate::info::PictureItem;
use crate::pictures::Pictures;
use crate::summary::{Notice, Summary};
use crate::work::PictureWork;

/// Pictures that may wait between the reading thread and the program.
const AHEAD: usize = 4;

/// The pictures of an input as an async stream, on any runtime. Dropping it ends the read.
#[derive(Debug)]
pub struct PictureStream<T> {
    receiver: mpsc::Receiver<Result<PictureItem<T>, ConsumerError>>,
    told: Arc<Mutex<Told>>,
}

#[derive(Debug, Default)]
struct Told {
    summary: Summary,
    notices: Vec<Notice>,
}

impl<W> Pictures<W>
where
    W: PictureWork + 'static,
    W::Output: 'static,
{
    /// The same pictures without blocking: a thread of their own takes them, and waits while the program is slower.
    ///
    /// # Errors
    /// The thread could not be started.
    pub fn into_stream(self) -> Result<PictureStream<W::Output>, ConsumerError> {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let told = Arc::new(Mutex::new(Told::default()));
        let (shared, mut pictures) = (told.clone(), self);
        let tell = move |pictures: &mut Pictures<W>| {
            let mut told = shared.lock().unwrap_or_else(PoisonError::into_inner);
            told.notices.extend(pictures.take_notices());
            told.summary = pictures.summary();
        };
        let spawned = std::thread::Builder::new().name("kineframe-pictures".to_owned()).spawn(move || {
            while let Some(item) = pictures.next() {
                tell(&mut pictures);
                if sender.blocking_send(item).is_err() {
                    return;
                }
            }
            tell(&mut pictures);
        });
        match spawned {
            Ok(_) => Ok(PictureStream { receiver, told }),
            Err(error) => Err(ConsumerError::Thread(error.to_string())),
        }
    }
}

impl<T> PictureStream<T> {
    /// The next picture; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<PictureItem<T>, ConsumerError>> {
        self.receiver.recv().await
    }

    /// What was done so far; after the last item, all in all.
    pub fn summary(&self) -> Summary {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).summary.clone()
    }

    /// What happened since this was last called.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner).notices)
    }
}

impl<T> Stream for PictureStream<T> {
    type Item = Result<PictureItem<T>, ConsumerError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.receiver.poll_recv(context)
    }
}
