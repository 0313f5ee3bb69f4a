//! From the events of a body to groups of encoded frames, chosen.

use std::collections::BTreeMap;
use std::sync::Arc;

use kineframe_fragment::{Event, FragmentHead, Frame};
use kineframe_matroska::{TrackEntry, TrackType, Tracks};

use crate::choose::timeline::Timeline;
use crate::lane::{Lane, Passed};
use crate::selection::{Clock, Range, Selection, TrackChoice};
use crate::session::Unit;
use crate::summary::{Notice, Summary, Undecodable};

/// What goes to the decode stage, in order.
#[derive(Debug)]
pub(crate) enum Fed {
    /// A frame of a group; the group begins with its first frame.
    Unit {
        lane: u64,
        unit: Unit,
    },
    /// The group of this lane is over.
    GroupEnd {
        lane: u64,
    },
    Notice(Notice),
}

/// Which frames are read, and which of them are wanted.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub track: TrackChoice,
    pub selection: Selection,
    pub range: Range,
    pub clock: Clock,
    /// Bytes of encoded frames that one track may hold undecided.
    pub hold: usize,
}

/// Takes events, gives what is to be decoded.
#[derive(Debug)]
pub(crate) struct Feeder {
    wish: Wish,
    timeline: Timeline,
    /// By slot: the track's number, or 0 for "the first video track", whatever its number.
    lanes: BTreeMap<u64, Lane>,
    /// Which slot the tracks of the current fragment go to, by track number.
    slots: BTreeMap<u64, u64>,
    tracks: Option<Arc<Tracks>>,
    told: Vec<u64>,
    limit: Option<u64>,
    passed: Vec<Passed>,
    over: bool,
}

impl Feeder {
    pub(crate) fn new(wish: Wish) -> Self {
        Feeder {
            timeline: Timeline::new(wish.clock),
            limit: wish.selection.limit,
            wish,
            lanes: BTreeMap::new(),
            slots: BTreeMap::new(),
            tracks: None,
            told: Vec::new(),
            passed: Vec::new(),
            over: false,
        }
    }

    /// Nothing that follows is wanted: reading may end.
    pub(crate) fn is_done(&self) -> bool {
        let settled = !self.lanes.is_empty() && self.lanes.values().all(Lane::is_done);
        self.over || self.limit == Some(0) || settled
    }

    pub(crate) fn event(&mut self, event: Event, summary: &mut Summary, out: &mut Vec<Fed>) {
        match event {
            Event::Started(head) => self.started(&head, out),
            Event::Frame(frame) => self.frame(frame, summary, out),
            Event::Finished(tail) => {
                summary.fragments += 1;
                if tail.truncated {
                    summary.truncated += 1;
                    self.lost();
                    out.push(Fed::Notice(Notice::Truncated(tail.head.clone())));
                }
            }
            Event::ServiceError(error) => {
                self.lost();
                out.push(Fed::Notice(Notice::Service(error)));
            }
            Event::Damage(damage) => {
                self.lost();
                summary.bytes_skipped = summary.bytes_skipped.saturating_add(damage.length);
                if summary.damage.len() < Summary::DAMAGE {
                    summary.damage.push(damage.clone());
                } else {
                    summary.damage_omitted += 1;
                }
                out.push(Fed::Notice(Notice::Damage(damage)));
            }
            _ => {}
        }
    }

    /// There is nothing more.
    pub(crate) fn finish(&mut self, summary: &mut Summary, out: &mut Vec<Fed>) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        for (slot, lane) in &mut self.lanes {
            lane.finish(&mut self.limit, &mut self.passed);
            pass(*slot, &mut self.passed, summary, out);
        }
    }

    fn lost(&mut self) {
        self.lanes.values_mut().for_each(Lane::lost);
    }

    fn started(&mut self, head: &Arc<FragmentHead>, out: &mut Vec<Fed>) {
        let Some(tracks) = &head.tracks else { return };
        if self.tracks.as_ref().is_some_and(|known| Arc::ptr_eq(known, tracks)) {
            return;
        }
        self.tracks = Some(tracks.clone());
        let video = |track: &&TrackEntry| track.track_type == TrackType::VIDEO;
        let chosen: Vec<&TrackEntry> = match self.wish.track {
            TrackChoice::FirstVideo => tracks.entries.iter().find(video).into_iter().collect(),
            TrackChoice::Number(number) => {
                tracks.entries.iter().find(|track| track.number == number).into_iter().collect()
            }
            TrackChoice::AllVideo => tracks.entries.iter().filter(video).collect(),
        };
        self.slots.clear();
        for track in &chosen {
            let slot = if self.wish.track == TrackChoice::FirstVideo { 0 } else { track.number };
            self.slots.insert(track.number, slot);
            if let Some(lane) = self.lanes.get_mut(&slot) {
                lane.describe(track, &mut self.limit, &mut self.passed);
            } else {
                let wish = &self.wish;
                self.lanes.insert(slot, Lane::new(track, &wish.selection, wish.range.clone(), wish.hold));
            }
            if self.lanes.get(&slot).is_some_and(Lane::is_unknown) {
                out.push(Fed::Notice(Notice::NoDecoder(Undecodable {
                    fragment: head.clone(),
                    track: track.number,
                    codec: track.codec_id.clone(),
                    refusals: Vec::new(),
                })));
            }
        }
        let others: Vec<&TrackEntry> =
            tracks.entries.iter().filter(|track| !self.slots.contains_key(&track.number)).collect();
        let numbers: Vec<u64> = others.iter().map(|track| track.number).collect();
        if !chosen.is_empty() && numbers.iter().any(|number| !self.told.contains(number)) {
            self.told.extend(&numbers);
            out.push(Fed::Notice(Notice::Tracks {
                chosen: self.slots.keys().copied().collect(),
                others: others.iter().map(|t| (t.number, t.track_type.name(), t.codec_id.clone())).collect(),
            }));
        }
    }

    fn frame(&mut self, frame: Frame, summary: &mut Summary, out: &mut Vec<Fed>) {
        let Some(slot) = self.slots.get(&frame.track_number).copied() else { return };
        let Some(lane) = self.lanes.get_mut(&slot) else { return };
        summary.frames_seen += 1;
        let times = self.timeline.place(&frame);
        lane.frame(frame, times, &mut self.limit, &mut self.passed);
        pass(slot, &mut self.passed, summary, out);
    }
}

fn pass(lane: u64, passed: &mut Vec<Passed>, summary: &mut Summary, out: &mut Vec<Fed>) {
    for passed in passed.drain(..) {
        match passed {
            Passed::Unit(unit) => out.push(Fed::Unit { lane, unit }),
            Passed::Dropped(reason) => summary.dropped(reason, 1),
            Passed::GroupEnd => out.push(Fed::GroupEnd { lane }),
        }
    }
}
