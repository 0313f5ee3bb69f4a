//! The index: streams, the heads of their fragments, and where each fragment's bytes are.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::{Location, Segment, StoreError};
use crate::ingest::Facts;
use crate::media::stream::Settings;

/// Stream id to [`StreamRow`] as JSON.
const STREAMS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("streams");
/// Stream id and number of the head to its bytes.
const HEADS: TableDefinition<'_, (&str, u64), &[u8]> = TableDefinition::new("heads");
/// Stream id and counter to [`FragmentRow`] as JSON.
const FRAGMENTS: TableDefinition<'_, (&str, u64), &[u8]> = TableDefinition::new("fragments");

#[derive(Serialize, Deserialize)]
struct StreamRow {
    settings: Settings,
    counter: u64,
}

/// What the index knows of a fragment.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FragmentRow {
    pub(super) number: String,
    pub(super) server_ms: i64,
    pub(super) producer_ms: i64,
    /// Where it is not `server_ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) came_ms: Option<i64>,
    pub(super) head: u64,
    pub(super) segment: u64,
    pub(super) offset: u64,
    pub(super) len: u64,
    pub(super) facts: Facts,
}

/// A stream as it was found at the start.
#[derive(Debug)]
pub(crate) struct StoredStream {
    pub(crate) id: String,
    pub(crate) settings: Settings,
    /// New fragments have greater counters.
    pub(crate) counter: u64,
    /// In order of their counters.
    pub(crate) fragments: Vec<StoredFragment>,
    /// Heads by number.
    pub(super) heads: BTreeMap<u64, Bytes>,
}

/// A fragment as it was found at the start.
#[derive(Debug)]
pub(crate) struct StoredFragment {
    pub(crate) counter: u64,
    pub(crate) number: String,
    pub(crate) server_ms: i64,
    pub(crate) producer_ms: i64,
    pub(crate) came_ms: i64,
    pub(crate) head: Bytes,
    pub(super) head_number: u64,
    pub(crate) location: Location,
    pub(crate) facts: Facts,
}

/// The database.
#[derive(Debug)]
pub(crate) struct Index(Database);

/// Any error of the database as one of the store.
fn failed(error: impl Into<redb::Error>) -> StoreError {
    StoreError::from(error.into())
}

fn unreadable(error: &serde_json::Error) -> StoreError {
    StoreError(format!("index.redb holds a row that this version does not read: {error}"))
}

impl Index {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let database = Database::create(path).map_err(failed)?;
        let index = Index(database);
        index.write(|transaction| {
            transaction.open_table(STREAMS).map_err(failed)?;
            transaction.open_table(HEADS).map_err(failed)?;
            transaction.open_table(FRAGMENTS).map_err(failed)?;
            Ok(())
        })?;
        Ok(index)
    }

    /// Does something in a transaction that is on disk when this returns.
    pub(super) fn write(
        &self,
        change: impl FnOnce(&WriteTransaction) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let transaction = self.0.begin_write().map_err(failed)?;
        change(&transaction)?;
        transaction.commit().map_err(failed)
    }

    /// All that is stored.
    pub(super) fn streams(&self, media: &Path) -> Result<Vec<StoredStream>, StoreError> {
        let transaction = self.0.begin_read().map_err(failed)?;
        let rows = transaction.open_table(STREAMS).map_err(failed)?;
        let heads = transaction.open_table(HEADS).map_err(failed)?;
        let fragments = transaction.open_table(FRAGMENTS).map_err(failed)?;
        let mut streams = Vec::new();
        for row in rows.iter().map_err(failed)? {
            let (id, row) = row.map_err(failed)?;
            let (id, row): (&str, StreamRow) =
                (id.value(), serde_json::from_slice(row.value()).map_err(|error| unreadable(&error))?);
            let mut stream = StoredStream {
                id: id.to_owned(),
                settings: row.settings,
                counter: row.counter,
                fragments: Vec::new(),
                heads: BTreeMap::new(),
            };
            for head in heads.range((id, 0)..=(id, u64::MAX)).map_err(failed)? {
                let (key, bytes) = head.map_err(failed)?;
                stream.heads.insert(key.value().1, Bytes::copy_from_slice(bytes.value()));
            }
            let mut segments: BTreeMap<u64, Arc<Segment>> = BTreeMap::new();
            let folder = media.join(id);
            for row in fragments.range((id, 0)..=(id, u64::MAX)).map_err(failed)? {
                let (key, row) = row.map_err(failed)?;
                let counter = key.value().1;
                let row: FragmentRow = serde_json::from_slice(row.value()).map_err(|error| unreadable(&error))?;
                let segment = segments.entry(row.segment).or_insert_with(|| Segment::new(&folder, row.segment).into());
                let location = Location { segment: Arc::clone(segment), offset: row.offset, len: row.len };
                stream.counter = stream.counter.max(counter);
                stream.fragments.push(StoredFragment {
                    counter,
                    number: row.number,
                    server_ms: row.server_ms,
                    producer_ms: row.producer_ms,
                    came_ms: row.came_ms.unwrap_or(row.server_ms),
                    head: stream.heads.get(&row.head).cloned().unwrap_or_default(),
                    head_number: row.head,
                    location,
                    facts: row.facts,
                });
            }
            streams.push(stream);
        }
        Ok(streams)
    }
}

pub(super) fn put_stream(
    transaction: &WriteTransaction,
    id: &str,
    settings: Settings,
    counter: u64,
) -> Result<(), StoreError> {
    let row = serde_json::to_vec(&StreamRow { settings, counter }).map_err(|error| unreadable(&error))?;
    transaction.open_table(STREAMS).map_err(failed)?.insert(id, row.as_slice()).map_err(failed)?;
    Ok(())
}

pub(super) fn put_head(transaction: &WriteTransaction, id: &str, number: u64, head: &[u8]) -> Result<(), StoreError> {
    transaction.open_table(HEADS).map_err(failed)?.insert((id, number), head).map_err(failed)?;
    Ok(())
}

pub(super) fn put_fragment(
    transaction: &WriteTransaction,
    id: &str,
    counter: u64,
    row: &FragmentRow,
) -> Result<(), StoreError> {
    let row = serde_json::to_vec(row).map_err(|error| unreadable(&error))?;
    transaction.open_table(FRAGMENTS).map_err(failed)?.insert((id, counter), row.as_slice()).map_err(failed)?;
    Ok(())
}

/// Removes a stream's fragments below this counter, and its heads below this number.
pub(super) fn remove_below(
    transaction: &WriteTransaction,
    id: &str,
    counter: u64,
    head: u64,
) -> Result<(), StoreError> {
    let mut fragments = transaction.open_table(FRAGMENTS).map_err(failed)?;
    fragments.retain_in((id, 0)..(id, counter), |_, _| false).map_err(failed)?;
    let mut heads = transaction.open_table(HEADS).map_err(failed)?;
    heads.retain_in((id, 0)..(id, head), |_, _| false).map_err(failed)
}

pub(super) fn remove_stream(transaction: &WriteTransaction, id: &str) -> Result<(), StoreError> {
    remove_below(transaction, id, u64::MAX, u64::MAX)?;
    transaction.open_table(STREAMS).map_err(failed)?.remove(id).map_err(failed)?;
    Ok(())
}
