//! GetMediaForFragmentList: fragments by their numbers, as many as there are, in the order of the list.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use kineframe_fragment::FragmentNumber;
use kineframe_source::{MediaSource, PieceStream, SourceError, SourceErrorKind, StartSelector};
use tokio::sync::{Semaphore, mpsc};

use crate::absent;
use crate::client::Points;
use crate::documents::{Document, Documents, Verdict};
use crate::endpoint::Api;
use crate::error::Error;
use crate::pump::{self, Body, Sender};
use crate::sdk::answer;
use crate::stream::StreamHandle;

/// Fragments of a call. With the five calls a second that a stream allows, this is all of its 500 fragments a second.
const LONGEST_CALL: usize = 100;

/// How an archive is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArchiveOptions {
    /// Calls that run at a time. Default 4, of the five connections that a stream has.
    pub connections: usize,
    /// Bytes that may wait for the reader, all calls together. A fragment that is larger than its call's part is
    /// held all the same. Default 64 MiB.
    pub ahead: usize,
    /// Tries for a fragment that the service reports as not there, all fragments of a read together: what is a second
    /// old may not be archived yet. Default 8.
    pub absent_tries: u32,
}

impl Default for ArchiveOptions {
    fn default() -> Self {
        ArchiveOptions { connections: 4, ahead: 64 << 20, absent_tries: 8 }
    }
}

/// The archived media of a stream, by fragment numbers.
///
/// The body is that of one GetMediaForFragmentList call, of any length: fragments come in the order of the list, each
/// whole and once. It is made of several calls that run ahead in parallel, each of at most 100 fragments; what a call
/// leaves out or cuts is asked for again. What the service then still reports as not there comes as its error in
/// band, in place of the fragment.
///
/// A read from [`StartSelector::AfterFragment`] begins behind that number in the list.
#[derive(Debug, Clone)]
pub struct FragmentList {
    stream: StreamHandle,
    numbers: Arc<[FragmentNumber]>,
    options: ArchiveOptions,
}

impl StreamHandle {
    /// The media of these fragments of the stream, in this order.
    pub fn fragment_list(&self, numbers: Vec<FragmentNumber>, options: ArchiveOptions) -> FragmentList {
        FragmentList { stream: self.clone(), numbers: numbers.into(), options }
    }
}

impl MediaSource for FragmentList {
    fn open(&self, start: &StartSelector) -> PieceStream {
        let first = match start {
            StartSelector::Earliest | StartSelector::Now => Ok(0),
            StartSelector::AfterFragment(number) => self
                .numbers
                .iter()
                .position(|listed| listed == number)
                .map(|at| at + 1)
                .ok_or("after a number not listed"),
            _ => Err("by time or token"),
        };
        let list = self.clone();
        pump::spawn(self.stream.client.handle(), |sender| async move {
            match first {
                Ok(first) => list.read(first, &sender).await,
                Err(how) => {
                    let kind = SourceErrorKind::Start(how.to_owned());
                    drop(sender.send(Err(SourceError { input: list.stream.label().clone(), offset: 0, kind })).await);
                }
            }
        })
    }
}

impl FragmentList {
    /// Runs calls ahead, hands their fragments on in order.
    async fn read(&self, first: usize, sender: &Sender) {
        let wanted = self.numbers.get(first..).unwrap_or_default();
        let connections = self.options.connections.max(1);
        let longest = wanted.len().div_ceil(connections).clamp(1, LONGEST_CALL);
        let absent_tries = Arc::new(AtomicU32::new(self.options.absent_tries));
        let mut batches = wanted.chunks(longest);
        let mut running = VecDeque::new();
        let mut offset = 0u64;
        loop {
            while running.len() < connections
                && let Some(numbers) = batches.next()
            {
                running.push_back(Batch::start(self, numbers, connections, absent_tries.clone()));
            }
            let Some(mut batch) = running.pop_front() else { return };
            while let Some(got) = batch.next().await {
                let pieces = match got {
                    Ok(pieces) => pieces,
                    Err(error) => return drop(sender.send(Err(error.at(self.stream.label(), offset))).await),
                };
                for piece in pieces {
                    offset = offset.saturating_add(piece.len() as u64);
                    if sender.send(Ok(piece)).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// A call that runs on a task of its own, ended with this.
struct Batch {
    fragments: mpsc::UnboundedReceiver<Result<Vec<Bytes>, Error>>,
    room: Arc<Semaphore>,
    part: usize,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Batch {
    fn start(list: &FragmentList, numbers: &[FragmentNumber], calls: usize, absent_tries: Arc<AtomicU32>) -> Self {
        let part = (list.options.ahead / calls).clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        let (sender, fragments) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(part));
        let reader = Reader {
            stream: list.stream.clone(),
            pending: numbers.iter().cloned().collect(),
            sender,
            room: room.clone(),
            part,
            absent_tries,
        };
        Batch { fragments, room, part, task: list.stream.client.handle().spawn(reader.run()) }
    }

    async fn next(&mut self) -> Option<Result<Vec<Bytes>, Error>> {
        let got = self.fragments.recv().await;
        if let Some(Ok(pieces)) = &got {
            self.room.add_permits(weight(pieces, self.part));
        }
        got
    }
}

/// What a fragment takes of a call's room: never more than all of it.
fn weight(pieces: &[Bytes], part: usize) -> usize {
    pieces.iter().map(Bytes::len).sum::<usize>().min(part)
}

/// Reads the fragments of one batch, in as many calls as it takes.
struct Reader {
    stream: StreamHandle,
    pending: VecDeque<FragmentNumber>,
    sender: mpsc::UnboundedSender<Result<Vec<Bytes>, Error>>,
    room: Arc<Semaphore>,
    part: usize,
    absent_tries: Arc<AtomicU32>,
}

/// How a call ended before its list did.
enum Ending {
    /// The body was over.
    Short,
    /// The connection broke.
    Broke(Error),
    /// The call was refused, after the tries that a call has.
    Refused(Error),
    /// An error in band, in place of the next fragment.
    Reported(Document),
    /// The next fragment came with bytes that are not media.
    Damaged(Document),
    /// Nobody reads.
    Gone,
}

/// Tries of a fragment that comes damaged or not at all, before that is taken as how it is stored.
const TRIES: u32 = 3;

impl Reader {
    async fn run(mut self) {
        let policy = self.stream.client.inner.options.retry;
        let mut tries = 0;
        while !self.pending.is_empty() {
            let before = self.pending.len();
            let ending = self.call().await;
            tries = if self.pending.len() < before { 1 } else { tries + 1 };
            let given_up = match ending {
                Ending::Gone => return,
                Ending::Short if self.pending.is_empty() => return,
                Ending::Short if tries < TRIES => None,
                Ending::Short => self.pending.front().map(|number| vec![absent::document(number)]),
                Ending::Damaged(_) if tries < TRIES => None,
                Ending::Damaged(document) => Some(document.pieces),
                Ending::Reported(document) => match self.may_come(&document) {
                    true => None,
                    false => Some(document.pieces),
                },
                Ending::Broke(error) if tries < policy.tries && error.kind.is_retryable() => None,
                Ending::Broke(error) | Ending::Refused(error) => return drop(self.sender.send(Err(error))),
            };
            match given_up {
                Some(pieces) => {
                    self.pending.pop_front();
                    tries = 0;
                    if !self.hand_over(pieces).await {
                        return;
                    }
                }
                None => tokio::time::sleep(policy.pause(tries)).await,
            }
        }
    }

    /// Whether an error in band may pass: a fragment that is not archived yet (3000), or an internal error (5000).
    fn may_come(&self, document: &Document) -> bool {
        let passing = document.error.as_ref().is_none_or(|error| match (error.id, error.code.as_deref()) {
            (Some(id), _) => matches!(id, 3000 | 3002 | 4000 | 5000),
            (None, code) => code.is_none_or(|code| !code.starts_with("KMS")),
        });
        let left = |tries: u32| tries.checked_sub(1);
        passing && self.absent_tries.fetch_update(Ordering::AcqRel, Ordering::Acquire, left).is_ok()
    }

    async fn hand_over(&self, pieces: Vec<Bytes>) -> bool {
        let weight = u32::try_from(weight(&pieces, self.part)).unwrap_or(u32::MAX);
        match self.room.acquire_many(weight).await {
            Ok(permit) => permit.forget(),
            Err(_) => return false,
        }
        self.sender.send(Ok(pieces)).is_ok()
    }

    /// One call for all that is pending.
    async fn call(&mut self) -> Ending {
        let (api, label, inner) = (Api::GetMediaForFragmentList, self.stream.label(), &self.stream.client.inner);
        let _connection = inner.meters.of(label).connection(api).await;
        let numbers: Vec<String> = self.pending.iter().map(ToString::to_string).collect();
        let points = Points { metadata: 0.0, media: numbers.len() as f64 };
        let call = |sdk: Arc<crate::sdk::Sdk>, endpoint| {
            let request = sdk
                .archived(&endpoint)
                .get_media_for_fragment_list()
                .set_stream_name(self.stream.id().as_name())
                .set_stream_arn(self.stream.id().as_arn())
                .set_fragments(Some(numbers.clone()));
            async move { answer(api.operation(), label, inner.options.answer_timeout, request.send()).await }
        };
        let output = match inner.data(api, &self.stream, points, call).await {
            Ok(output) => output,
            Err(error) => return Ending::Refused(error),
        };
        let mut body = Body::new(output.payload, api.operation(), label, inner.options.read_timeout);
        let mut documents = Documents::default();
        loop {
            match body.next().await {
                Some(Ok(piece)) => documents.push(piece),
                Some(Err(error)) => {
                    inner.learn_of_endpoint(&error.kind, self.stream.label(), api);
                    return Ending::Broke(error);
                }
                None => documents.finish(),
            }
            while let Some(document) = documents.next() {
                let expected = document.number.is_none() || document.number.as_ref() == self.pending.front();
                match document.verdict {
                    Verdict::Error => return Ending::Reported(document),
                    Verdict::Whole if expected && document.number.is_some() => {
                        self.pending.pop_front();
                        if !self.hand_over(document.pieces).await {
                            return Ending::Gone;
                        }
                    }
                    // Out of order: the one in between is missing. The list is asked for anew from there.
                    Verdict::Whole => return Ending::Short,
                    Verdict::Damaged if expected => return Ending::Damaged(document),
                    Verdict::Damaged => return Ending::Short,
                }
            }
            if documents.is_over() || self.pending.is_empty() {
                return Ending::Short;
            }
        }
    }
}
