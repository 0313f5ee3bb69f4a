//! When a frame is, on the clocks that a selection may name.

use kineframe_fragment::{Frame, ServerTimestamp};

use crate::selection::Clock;

/// The times of a frame, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Times {
    /// Since the Unix epoch, on the chosen clock.
    pub wall: Option<i128>,
    /// Since the first frame of the input.
    pub elapsed: Option<i128>,
}

/// Places the frames of an input on one line.
///
/// Where fragments tell wall times, elapsed time is wall time less that of the first frame. Else a document goes on
/// from the time of the first one where its timestamps do not go back, and otherwise begins where the one before
/// ended, as `merge` lays them.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    clock: Clock,
    first_wall: Option<i128>,
    /// The document that frames without wall time were last placed of, and what is taken off its timestamps.
    document: Option<(u64, i128)>,
    end: i128,
}

impl Timeline {
    pub(crate) fn new(clock: Clock) -> Self {
        Timeline { clock, ..Self::default() }
    }

    pub(crate) fn place(&mut self, frame: &Frame) -> Times {
        let wall = match self.clock {
            Clock::Producer => frame.producer_time.map(|time| time.0),
            Clock::Server => server_time(frame).map(|time| time.0),
        };
        if let Some(wall) = wall {
            let first = *self.first_wall.get_or_insert(wall);
            return Times { wall: Some(wall), elapsed: Some(wall - first) };
        }
        let Some(timestamp) = frame.timestamp else { return Times::default() };
        let time = timestamp.to_nanos(frame.fragment.timestamp_scale);
        let index = frame.fragment.index;
        let zero = match self.document {
            None => time,
            Some((document, zero)) if document == index || time - zero >= self.end => zero,
            Some(_) => time - self.end,
        };
        self.document = Some((index, zero));
        let elapsed = time - zero;
        self.end = self.end.max(elapsed.saturating_add(i128::from(frame.duration.unwrap_or(0))));
        Times { wall: None, elapsed: Some(elapsed) }
    }
}

/// Wall time of a frame on the service's clock.
pub(crate) fn server_time(frame: &Frame) -> Option<ServerTimestamp> {
    frame.fragment.server_timestamp?.checked_add_nanos(frame.offset?)
}
