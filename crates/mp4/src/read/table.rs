//! The sample table of a track in a plain file (ISO/IEC 14496-12 §8.6 and §8.7), read lazily: nothing is expanded.

use mp4_atom::{Ctts, Stsc, StszSamples, Stts};

/// Where a chunk begins.
#[derive(Debug)]
pub(super) enum Offsets {
    Narrow(Vec<u32>),
    Wide(Vec<u64>),
}

impl Default for Offsets {
    fn default() -> Self {
        Offsets::Narrow(Vec::new())
    }
}

impl Offsets {
    pub fn get(&self, chunk: usize) -> Option<u64> {
        match self {
            Offsets::Narrow(offsets) => offsets.get(chunk).map(|offset| u64::from(*offset)),
            Offsets::Wide(offsets) => offsets.get(chunk).copied(),
        }
    }

    fn rise(&self) -> bool {
        match self {
            Offsets::Narrow(offsets) => offsets.is_sorted(),
            Offsets::Wide(offsets) => offsets.is_sorted(),
        }
    }
}

/// The sample table of a track.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub sizes: StszSamples,
    pub offsets: Offsets,
    pub chunks: Stsc,
    /// First sample and its decoding time, of each run of equal durations.
    times: Vec<(u32, u64, u32)>,
    /// First sample of each run of equal offsets.
    shifts: Vec<(u32, i64)>,
    /// Numbers of key frames from 1, rising; `None` where all are.
    pub keys: Option<Vec<u32>>,
}

impl Table {
    pub fn set_times(&mut self, stts: &Stts) {
        self.times.clear();
        let (mut first, mut time) = (0u32, 0u64);
        for entry in &stts.entries {
            self.times.push((first, time, entry.sample_delta));
            first = first.saturating_add(entry.sample_count);
            let span = u64::from(entry.sample_count).saturating_mul(entry.sample_delta.into());
            time = time.saturating_add(span);
        }
    }

    pub fn set_shifts(&mut self, ctts: &Ctts) {
        self.shifts.clear();
        let mut first = 0u32;
        for entry in &ctts.entries {
            self.shifts.push((first, entry.sample_offset));
            first = first.saturating_add(entry.sample_count);
        }
    }

    pub fn set_keys(&mut self, mut keys: Vec<u32>) {
        keys.sort_unstable();
        self.keys = Some(keys);
    }

    /// Samples in all.
    pub fn samples(&self) -> u32 {
        match &self.sizes {
            StszSamples::Identical { count, .. } => *count,
            StszSamples::Different { sizes } => u32::try_from(sizes.len()).unwrap_or(u32::MAX),
        }
    }

    pub fn size(&self, sample: u32) -> Option<u32> {
        match &self.sizes {
            StszSamples::Identical { count, size } => (sample < *count).then_some(*size),
            StszSamples::Different { sizes } => sizes.get(usize::try_from(sample).ok()?).copied(),
        }
    }

    /// When a sample is shown, in ticks, and how long it lasts until the next is decoded.
    pub fn time(&self, sample: u32) -> (i64, u32) {
        let run = self.times.partition_point(|(first, ..)| *first <= sample).checked_sub(1);
        let (first, start, delta) = run.and_then(|run| self.times.get(run)).copied().unwrap_or((0, 0, 0));
        let decoded = start.saturating_add(u64::from(sample.saturating_sub(first)).saturating_mul(delta.into()));
        let run = self.shifts.partition_point(|(first, _)| *first <= sample).checked_sub(1);
        let shift = run.and_then(|run| self.shifts.get(run)).map_or(0, |(_, shift)| *shift);
        (i64::try_from(decoded).unwrap_or(i64::MAX).saturating_add(shift), delta)
    }

    pub fn is_key(&self, sample: u32) -> bool {
        self.keys.as_ref().is_none_or(|keys| keys.binary_search(&sample.saturating_add(1)).is_ok())
    }

    /// Frames are shown in the order in which they are decoded.
    pub fn in_order(&self) -> bool {
        self.shifts.windows(2).all(|pair| matches!(pair, [a, b] if a.1 == b.1))
    }

    /// Ticks that every sample lasts, but for the last one.
    pub fn constant_duration(&self) -> Option<u32> {
        let (_, _, delta) = self.times.first()?;
        let samples = self.samples();
        let same = |(first, _, other): &(u32, u64, u32)| other == delta || first.saturating_add(1) >= samples;
        self.times.iter().all(same).then_some(*delta).filter(|delta| *delta > 0)
    }
}

/// Walks over the chunks of a track in the order of the file.
#[derive(Debug)]
pub(super) struct Cursor {
    /// Chunks in the order of the file, with their first sample, where that is not the order of the samples.
    order: Option<Vec<(u32, u32)>>,
    /// The next chunk, or the next place in `order`.
    next: u32,
    /// The run of `stsc` that it lies in.
    run: usize,
    first_sample: u32,
}

/// Samples that lie one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    pub offset: u64,
    pub first_sample: u32,
    pub samples: u32,
    /// Index of the sample entry, from 1.
    pub description: u32,
}

impl Cursor {
    pub fn new(table: &Table) -> Cursor {
        let mut cursor = Cursor { order: None, next: 0, run: 0, first_sample: 0 };
        if !table.offsets.rise() {
            let mut order = Vec::new();
            while let Some(chunk) = cursor.peek(table) {
                order.push((cursor.next, chunk.first_sample));
                cursor.advance(table);
            }
            order.sort_by_key(|(chunk, _)| table.offsets.get(*chunk as usize));
            cursor = Cursor { order: Some(order), next: 0, run: 0, first_sample: 0 };
        }
        cursor
    }

    /// Samples come in another order than they are decoded in.
    pub fn is_out_of_order(&self) -> bool {
        self.order.is_some()
    }

    /// The next chunk.
    pub fn peek(&self, table: &Table) -> Option<Chunk> {
        let (chunk, first_sample, run) = match &self.order {
            None => (self.next, self.first_sample, self.run),
            Some(order) => {
                let (chunk, first_sample) = *order.get(self.next as usize)?;
                let run = table.chunks.entries.partition_point(|entry| entry.first_chunk <= chunk.saturating_add(1));
                (chunk, first_sample, run.saturating_sub(1))
            }
        };
        let offset = table.offsets.get(chunk as usize)?;
        let entry = table.chunks.entries.get(run)?;
        let left = table.samples().checked_sub(first_sample).filter(|left| *left > 0)?;
        let samples = entry.samples_per_chunk.min(left);
        Some(Chunk { offset, first_sample, samples, description: entry.sample_description_index })
    }

    /// Goes on behind the next chunk.
    pub fn advance(&mut self, table: &Table) {
        if self.order.is_none()
            && let Some(chunk) = self.peek(table)
        {
            self.first_sample = chunk.first_sample.saturating_add(chunk.samples);
        }
        self.next = self.next.saturating_add(1);
        while self.order.is_none()
            && table
                .chunks
                .entries
                .get(self.run + 1)
                .is_some_and(|entry| entry.first_chunk <= self.next.saturating_add(1))
        {
            self.run += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use mp4_atom::{CttsEntry, StscEntry, SttsEntry};

    use super::*;

    fn table() -> Table {
        let mut table = Table {
            sizes: StszSamples::Different { sizes: vec![10, 20, 30, 40, 50] },
            offsets: Offsets::Narrow(vec![100, 200, 300]),
            ..Table::default()
        };
        let entry =
            |first_chunk, samples_per_chunk| StscEntry { first_chunk, samples_per_chunk, sample_description_index: 1 };
        table.chunks.entries = vec![entry(1, 2), entry(3, 9)];
        let run = |sample_count, sample_delta| SttsEntry { sample_count, sample_delta };
        table.set_times(&Stts { entries: vec![run(4, 100), run(1, 7)] });
        let run = |sample_count, sample_offset| CttsEntry { sample_count, sample_offset };
        table.set_shifts(&Ctts { entries: vec![run(1, 0), run(1, 200), run(9, -50)] });
        table.set_keys(vec![4, 1]);
        table
    }

    #[test]
    fn chunks_follow_the_file() {
        let mut table = table();
        let all = |table: &Table| {
            let mut cursor = Cursor::new(table);
            let mut found = Vec::new();
            while let Some(chunk) = cursor.peek(table) {
                found.push((chunk.offset, chunk.first_sample, chunk.samples));
                cursor.advance(table);
            }
            (cursor.is_out_of_order(), found)
        };
        assert_eq!(all(&table), (false, vec![(100, 0, 2), (200, 2, 2), (300, 4, 1)]));
        table.offsets = Offsets::Wide(vec![300, 100, 200]);
        assert_eq!(all(&table), (true, vec![(100, 2, 2), (200, 4, 1), (300, 0, 2)]));
    }

    #[test]
    fn times_run_by_run() {
        let table = table();
        let times: Vec<_> = (0..5).map(|sample| table.time(sample)).collect();
        assert_eq!(times, [(0, 100), (300, 100), (150, 100), (250, 100), (350, 7)]);
        assert_eq!((table.is_key(0), table.is_key(1), table.is_key(3)), (true, false, true));
        assert_eq!((table.constant_duration(), table.in_order()), (Some(100), false));
    }
}
