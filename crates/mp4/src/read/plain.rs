//! The samples of a plain file in the order in which they lie in it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::moof::Extent;
use super::movie::Movie;
use super::table::{Chunk, Cursor};

/// Walks over all samples of a movie in the order of the file, without a list of them.
#[derive(Debug)]
pub(super) struct Samples {
    cursors: Vec<Cursor>,
    /// Where the next chunk of each track begins.
    next: BinaryHeap<Reverse<(u64, usize)>>,
    /// The chunk at hand: its track, the place of the next sample, and how many there are.
    open: Option<(usize, Chunk, u32)>,
    /// Where the documents begins: places in it are told from there.
    base: u64,
    told: Vec<bool>,
}

impl Samples {
    pub fn new(movie: &Movie, base: u64) -> Samples {
        let cursors: Vec<Cursor> = movie.tracks.iter().map(|track| Cursor::new(&track.table)).collect();
        let first = |(place, cursor): (usize, &Cursor)| {
            let table = &movie.tracks.get(place)?.table;
            Some(Reverse((cursor.peek(table)?.offset, place)))
        };
        let next = cursors.iter().enumerate().filter_map(first).collect();
        let told = movie.tracks.iter().map(|track| track.table.constant_duration().is_some() || track.table.in_order());
        Samples { told: told.collect(), cursors, next, open: None, base }
    }

    /// The track's samples do not come in decoding order.
    pub fn is_out_of_order(&self, track: usize) -> bool {
        self.cursors.get(track).is_some_and(Cursor::is_out_of_order)
    }

    /// Where the next chunk of any track begins, behind the one at hand.
    pub fn next_chunk(&self) -> Option<u64> {
        self.next.peek().map(|Reverse((offset, _))| self.base.saturating_add(*offset))
    }

    /// The next sample; the same until [`advance`](Self::advance).
    pub fn peek(&mut self, movie: &Movie) -> Option<Extent> {
        loop {
            if let Some((place, chunk, done)) = &self.open {
                let table = &movie.tracks.get(*place)?.table;
                let sample = chunk.first_sample.saturating_add(*done);
                if let Some(len) = table.size(sample).filter(|_| *done < chunk.samples) {
                    let (shown, duration) = table.time(sample);
                    let told = self.told.get(*place).copied().unwrap_or(false);
                    return Some(Extent {
                        track: *place,
                        sample,
                        offset: self.base.saturating_add(chunk.offset),
                        len,
                        shown,
                        duration: Some(duration).filter(|duration| told && *duration > 0),
                        key: table.is_key(sample),
                        description: usize::try_from(chunk.description).unwrap_or(1).saturating_sub(1),
                    });
                }
                self.open = None;
            }
            let Reverse((_, place)) = self.next.pop()?;
            let (cursor, table) = (self.cursors.get_mut(place)?, &movie.tracks.get(place)?.table);
            let chunk = cursor.peek(table)?;
            cursor.advance(table);
            if let Some(next) = cursor.peek(table) {
                self.next.push(Reverse((next.offset, place)));
            }
            self.open = Some((place, chunk, 0));
        }
    }

    /// The sample last told is one of these.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Goes on with the next chunk.
    pub fn skip_chunk(&mut self) {
        self.open = None;
    }

    /// Goes on behind the sample last told.
    pub fn advance(&mut self, len: u32) {
        if let Some((_, chunk, done)) = &mut self.open {
            *done = done.saturating_add(1);
            chunk.offset = chunk.offset.saturating_add(len.into());
        }
    }
}
