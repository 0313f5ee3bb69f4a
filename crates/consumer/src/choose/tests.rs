//! The chooser against a reader that decodes everything and filters.

use std::sync::Arc;

use kineframe_fragment::{FragmentHead, FragmentNumber};
use kineframe_matroska::{Info, TimestampScale};
use proptest::prelude::*;

use super::*;
use crate::selection::{At, Every, FragmentRef, Grid, MediaTime};

const SECOND: i128 = 1_000_000_000;

/// One frame of a made-up track, in stored order.
#[derive(Debug, Clone)]
struct Model {
    /// Its group of pictures.
    group: u64,
    /// Place in presentation within the group.
    place: i64,
    reference: bool,
    keyframe: bool,
    tie: Tie,
    fragment: u64,
    /// Nanoseconds.
    elapsed: i128,
}

fn head(index: u64) -> Arc<FragmentHead> {
    Arc::new(FragmentHead {
        index,
        offset: index * 1000,
        number: FragmentNumber::new(&format!("{}", 100 + index)),
        producer_timestamp: None,
        server_timestamp: None,
        info: Arc::new(Info::default()),
        tracks: None,
        first_cluster: None,
        timestamp_scale: TimestampScale::default(),
    })
}

fn about(frame: &Model, heads: &[Arc<FragmentHead>], index: u64) -> (Arc<PictureInfo>, Times) {
    let info = PictureInfo {
        fragment: heads[usize::try_from(frame.fragment).unwrap()].clone(),
        track: 1,
        frame: index,
        offset: Some(i64::try_from(frame.elapsed - i128::from(frame.fragment) * SECOND).unwrap()),
        producer_time: None,
        server_time: None,
        elapsed: Some(frame.elapsed),
        keyframe: frame.keyframe,
        sample_aspect: None,
        rotation: kineframe_image_export::Rotation::None,
        position: 0,
    };
    (Arc::new(info), Times { wall: None, elapsed: Some(frame.elapsed) })
}

/// Runs the chooser over frames, and gives (decoded, wanted) by stored index, in the order of decoding.
fn run(frames: &[Model], selection: &Selection, range: Range, depth: usize, bound: usize) -> Vec<(usize, bool)> {
    let heads: Vec<_> = (0..frames.iter().map(|frame| frame.fragment + 1).max().unwrap_or(1)).map(head).collect();
    let mut chooser = Chooser::new(selection, range, bound);
    let mut limit = selection.limit;
    let (mut out, mut group) = (Vec::new(), 0);
    for (index, frame) in frames.iter().enumerate() {
        if frame.group != group {
            chooser.boundary(&mut limit, &mut out);
            group = frame.group;
        }
        let order = OutputOrder { epoch: frame.group, count: frame.place };
        let Model { reference, tie, .. } = *frame;
        let coded = Coded { picture: true, reference, second_field: false, order, depth, tie };
        chooser.push(coded, about(frame, &heads, index as u64), (index, 10), &mut limit, &mut out);
    }
    chooser.finish(&mut limit, &mut out);
    assert!(chooser.held.is_empty() && chooser.wanted.is_empty() && chooser.groups.is_empty());
    assert!(chooser.entries.open.is_empty());
    assert_eq!(chooser.held_bytes, 0);
    let fates = out.iter().filter(|fate| !matches!(fate, Fate::GroupEnd)).count();
    assert_eq!(fates, frames.len(), "each frame has one fate");
    let ends = out.iter().filter(|fate| matches!(fate, Fate::GroupEnd)).count();
    let least = frames.last().map_or(1, |frame| frame.group as usize + 1);
    let entries = frames.iter().filter(|frame| frame.tie == Tie::Entry).count();
    assert!((least..=least + entries).contains(&ends), "each group ends once, and some at a clean random access point");
    let (mut ended, mut begun) = (0, 0);
    let mut decoded = Vec::new();
    for fate in out {
        match fate {
            Fate::Decode { payload, wanted } => {
                // Of the group, or behind a point within it.
                if begun < ended {
                    let from = &frames[payload];
                    assert!(from.keyframe, "a group begins at a random access point");
                    let points = frames[..=payload].iter().enumerate().filter(|(index, frame)| {
                        frame.tie == Tie::Entry || *index == 0 || frames[index - 1].group != frame.group
                    });
                    assert!(points.count() > ended, "a group ends after its frames and before the next");
                    begun = ended;
                }
                decoded.push((payload, wanted));
            }
            Fate::Drop => {}
            Fate::GroupEnd => ended += 1,
        }
    }
    decoded
}

/// A track in which groups begin at clean random access points where the wanted frames allow it, and what they refer to.
fn as_groups(frames: &[Model], wanted: &[usize]) -> Vec<Model> {
    let (mut out, mut group, mut parted) = (frames.to_vec(), 0, false);
    for index in 0..frames.len() {
        if index > 0 && frames[index].group != frames[index - 1].group {
            (group, parted) = (group + 1, false);
        }
        if frames[index].tie == Tie::Entry {
            let leading = (index + 1..frames.len()).take_while(|at| frames[*at].tie == Tie::Past);
            parted = !leading.clone().any(|at| wanted.contains(&at));
            group += u64::from(parted);
        }
        out[index].group = group;
        out[index].reference &= !(parted && frames[index].tie == Tie::Past);
    }
    out
}

/// What a reader would do who decodes everything: filters pictures in presentation order.
fn brute_force(frames: &[Model], selection: &Selection, range: Range) -> Vec<usize> {
    let mut shown: Vec<usize> = (0..frames.len()).collect();
    shown.sort_by_key(|index| (frames[*index].group, frames[*index].place, *index));
    let elapsed = |index: usize| frames[index].elapsed;
    let bound = |time: Option<MediaTime>| match time {
        Some(MediaTime::Elapsed(time)) => Some(time),
        _ => None,
    };
    if let Some(to) = bound(range.to) {
        let end = shown.iter().position(|index| elapsed(*index) >= to).unwrap_or(shown.len());
        shown.truncate(end);
    }
    if let Some(from) = bound(range.from) {
        shown.retain(|index| elapsed(*index) >= from);
    }
    let mut wanted = vec![true; shown.len()];
    if let Some(n) = selection.one_in {
        wanted.iter_mut().enumerate().for_each(|(at, wanted)| *wanted &= (at as u64).is_multiple_of(n.get()));
    }
    if selection.keyframes {
        wanted.iter_mut().zip(&shown).for_each(|(wanted, index)| *wanted &= frames[*index].keyframe);
    }
    if let (Some(every), Some(first)) = (selection.every, shown.first()) {
        let origin = bound(range.from).unwrap_or(elapsed(*first));
        let step = i128::try_from(every.step.as_nanos()).unwrap();
        let mut served = std::collections::HashSet::new();
        wanted.iter_mut().zip(&shown).for_each(|(wanted, index)| {
            *wanted &= served.insert((elapsed(*index) - origin).div_euclid(step));
        });
    }
    if !selection.at.is_empty() || !selection.fragments.is_empty() {
        let mut named = vec![false; shown.len()];
        for at in &selection.at {
            let meant = |fragment: &FragmentRef, index: usize| fragment.is(&head(frames[index].fragment));
            let found = match at {
                At::Time(MediaTime::Elapsed(time)) => {
                    // The last picture before the time is first passed.
                    let start = shown.iter().position(|index| elapsed(*index) <= *time);
                    start.map(|start| {
                        let run = shown[start..].iter().take_while(|index| elapsed(**index) <= *time).count();
                        start + run - 1
                    })
                }
                At::Time(_) => None,
                At::First(fragment) => shown.iter().position(|index| meant(fragment, *index)),
                At::Offset { fragment, offset } => shown
                    .iter()
                    .enumerate()
                    .filter(|(_, index)| meant(fragment, **index))
                    .take_while(|(_, index)| {
                        elapsed(**index) - i128::from(frames[**index].fragment) * SECOND <= i128::from(*offset)
                    })
                    .last()
                    .map(|(at, _)| at),
            };
            if let Some(found) = found {
                named[found] = true;
            }
        }
        for fragment in &selection.fragments {
            named.iter_mut().zip(&shown).for_each(|(named, index)| {
                *named |= fragment.is(&head(frames[*index].fragment));
            });
        }
        wanted.iter_mut().zip(named).for_each(|(wanted, named)| *wanted &= named);
    }
    let mut chosen: Vec<usize> =
        shown.into_iter().zip(wanted).filter_map(|(index, wanted)| wanted.then_some(index)).collect();
    chosen.truncate(usize::try_from(selection.limit.unwrap_or(u64::MAX)).unwrap_or(usize::MAX));
    chosen
}

/// The fewest frames that the references allow: the wanted ones, and references stored before a wanted one of
/// their group.
fn fewest(frames: &[Model], wanted: &[usize]) -> Vec<usize> {
    (0..frames.len())
        .filter(|index| {
            wanted.contains(index)
                || frames[*index].reference
                    && wanted.iter().any(|other| other > index && frames[*other].group == frames[*index].group)
        })
        .collect()
}

/// Groups of I P B B … with the B frames stored behind the P frame that they precede.
fn track() -> impl Strategy<Value = Vec<Model>> {
    let group = (1_usize..7, prop::bool::ANY, 1_u64..4);
    prop::collection::vec(group, 1..6).prop_map(|groups| {
        let (mut frames, mut picture, mut fragment) = (Vec::new(), 0_i64, 0);
        for (group, (mini_groups, b_is_reference, fragments_on)) in groups.into_iter().enumerate() {
            let mut places = vec![(0_i64, true)];
            for mini in 0..mini_groups as i64 {
                let base = 1 + mini * 3;
                places.extend([(base + 2, true), (base, b_is_reference), (base + 1, false)]);
            }
            for (stored, (place, reference)) in places.iter().enumerate() {
                frames.push(Model {
                    group: group as u64,
                    place: *place,
                    reference: *reference,
                    keyframe: stored == 0,
                    tie: Tie::Behind,
                    fragment,
                    elapsed: i128::from(picture + place) * 200_000_000,
                });
            }
            picture += places.len() as i64;
            fragment += fragments_on / 2;
        }
        frames
    })
}

/// As [`track`], with groups that begin at clean random access points with leading pictures, of which the first is a
/// reference for the others.
fn open_track() -> impl Strategy<Value = Vec<Model>> {
    let part = (prop::bool::ANY, 0_i64..4, 0_i64..6);
    prop::collection::vec(part, 1..7).prop_map(|parts| {
        let (mut frames, mut picture, mut group, mut start) = (Vec::<Model>::new(), 0_i64, 0, 0);
        for (index, (closed, leading, behind)) in parts.into_iter().enumerate() {
            let begins = closed || index == 0;
            if begins && index > 0 {
                (group, start) = (group + 1, picture);
            }
            let leading = if begins { 0 } else { leading };
            let point = if begins { Tie::Behind } else { Tie::Entry };
            let mut places = vec![(leading, true, point)];
            places.extend((0..leading).map(|place| (place, place == 0, Tie::Past)));
            places.extend((0..behind).map(|place| (leading + 1 + place, place % 3 != 2, Tie::Behind)));
            for (stored, (place, reference, tie)) in places.iter().enumerate() {
                frames.push(Model {
                    group,
                    place: picture - start + place,
                    reference: *reference,
                    keyframe: stored == 0,
                    tie: *tie,
                    fragment: index as u64,
                    elapsed: i128::from(picture + place) * 200_000_000,
                });
            }
            picture += places.len() as i64;
        }
        frames
    })
}

fn selection() -> impl Strategy<Value = Selection> {
    let fragment = || {
        prop_oneof![
            (0_u64..8).prop_map(FragmentRef::Index),
            (0_u64..8).prop_map(|n| FragmentRef::Number(FragmentNumber::new(&format!("{}", 100 + n)).unwrap())),
        ]
    };
    let at = prop_oneof![
        (-10_i128..200).prop_map(|tenths| At::Time(MediaTime::Elapsed(tenths * 100_000_000))),
        fragment().prop_map(At::First),
        (fragment(), -20_i64..80).prop_map(|(fragment, tenths)| At::Offset { fragment, offset: tenths * 100_000_000 }),
    ];
    let some = |strategy: BoxedStrategy<u64>| prop::option::weighted(0.3, strategy);
    (
        prop::collection::vec(at, 0..3),
        prop::collection::vec(fragment(), 0..2),
        some((1_u64..40).boxed()),
        some((1_u64..6).boxed()),
        prop::bool::weighted(0.2),
        some((0_u64..9).boxed()),
    )
        .prop_map(|(at, fragments, every, one_in, keyframes, limit)| Selection {
            at,
            fragments,
            every: every
                .map(|tenths| Every { step: std::time::Duration::from_millis(tenths * 100), grid: Grid::Start }),
            one_in: one_in.and_then(std::num::NonZeroU64::new),
            keyframes,
            limit,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn choosing_equals_decoding_all_and_filtering(
        frames in track(), selection in selection(), from in prop::option::of(0_i128..80), to in prop::option::of(0_i128..120)
    ) {
        let time = |tenths: i128| MediaTime::Elapsed(tenths * 100_000_000);
        let range = Range { from: from.map(time), to: to.map(time), ..Range::default() };
        let decoded = run(&frames, &selection, range.clone(), 1, usize::MAX);
        let wanted: Vec<usize> = decoded.iter().filter(|(_, wanted)| *wanted).map(|(index, _)| *index).collect();
        let mut expected = brute_force(&frames, &selection, range);
        expected.sort_unstable();
        prop_assert_eq!(&wanted, &expected, "the pictures");
        let decoded: Vec<usize> = decoded.into_iter().map(|(index, _)| index).collect();
        prop_assert_eq!(decoded, fewest(&frames, &expected), "in stored order, and no more than is needed");
    }

    #[test]
    fn a_bound_costs_decoding_and_never_pictures(frames in track(), selection in selection(), bound in 0_usize..100) {
        let range = Range::default();
        let bounded = run(&frames, &selection, range.clone(), 1, bound);
        let free = run(&frames, &selection, range.clone(), 1, usize::MAX);
        let wanted = |decoded: &[(usize, bool)]| decoded.iter().filter(|one| one.1).copied().collect::<Vec<_>>();
        prop_assert_eq!(wanted(&bounded), wanted(&free));
        prop_assert!(free.iter().all(|one| bounded.contains(one)));
        prop_assert!(bounded.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn clean_random_access_within_a_sequence_saves_decoding_and_no_picture(
        frames in open_track(), selection in selection(), from in prop::option::of(0_i128..80), depth in 1_usize..5,
    ) {
        let time = |tenths: i128| MediaTime::Elapsed(tenths * 100_000_000);
        let range = Range { from: from.map(time), ..Range::default() };
        let decoded = run(&frames, &selection, range.clone(), depth, usize::MAX);
        let wanted: Vec<usize> = decoded.iter().filter(|(_, wanted)| *wanted).map(|(index, _)| *index).collect();
        let mut expected = brute_force(&frames, &selection, range.clone());
        expected.sort_unstable();
        prop_assert_eq!(&wanted, &expected, "the pictures");
        let least = fewest(&as_groups(&frames, &expected), &expected);
        let decoded: Vec<usize> = decoded.into_iter().map(|(index, _)| index).collect();
        prop_assert!(decoded.is_sorted());
        prop_assert!(least.iter().all(|index| decoded.contains(index)), "all that is needed: {:?}, {:?}", decoded, least);
        let more = decoded.iter().filter(|index| !least.contains(index));
        prop_assert!(more.clone().all(|index| frames[*index].tie == Tie::Past), "{:?}, {:?}", decoded, least);
        // Nothing is lost where little may be held.
        let bounded = run(&frames, &selection, range, depth, 25);
        prop_assert!(least.iter().all(|index| bounded.iter().any(|(at, _)| at == index)));
        prop_assert_eq!(bounded.into_iter().filter(|one| one.1).map(|one| one.0).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn more_reordering_than_there_is_changes_nothing(frames in track(), selection in selection(), depth in 1_usize..17) {
        prop_assert_eq!(
            run(&frames, &selection, Range::default(), depth, usize::MAX),
            run(&frames, &selection, Range::default(), 1, usize::MAX)
        );
    }
}

/// I P P P … of which every `reference_every`th is a reference, five pictures a second.
fn plain(frames: u64, group: u64) -> Vec<Model> {
    (0..frames)
        .map(|index| Model {
            group: index / group,
            place: i64::try_from(index % group).unwrap(),
            reference: true,
            keyframe: index % group == 0,
            tie: Tie::Behind,
            fragment: index / group,
            elapsed: i128::from(index) * 200_000_000,
        })
        .collect()
}

#[test]
fn nothing_is_decoded_behind_the_last_wanted_picture_of_a_group() {
    let frames = plain(30, 10);
    let at = At::Time(MediaTime::Elapsed(2 * SECOND + 650_000_000));
    let selection = Selection { at: vec![at], ..Selection::all() };
    let decoded = run(&frames, &selection, Range::default(), 0, usize::MAX);
    assert_eq!(decoded, [(10, false), (11, false), (12, false), (13, true)]);
}

#[test]
fn the_picture_on_screen_between_two_groups_is_the_last_of_the_first() {
    let frames = plain(30, 10);
    let at = At::Time(MediaTime::Elapsed(SECOND + 900_000_000));
    let selection = Selection { at: vec![at.clone(), at], ..Selection::all() };
    let decoded = run(&frames, &selection, Range::default(), 0, usize::MAX);
    assert_eq!(decoded.last(), Some(&(9, true)));
    assert_eq!(decoded.len(), 10, "asked twice, told once");
}

#[test]
fn frames_that_are_decided_on_alone_are_not_held() {
    let frames = plain(3, 10);
    let heads = [head(0)];
    for (selection, held) in [(Selection::all(), 0), (Selection::keyframes(), 0), (Selection::one_in(50), 1)] {
        let mut chooser: Chooser<usize> = Chooser::new(&selection, Range::default(), usize::MAX);
        let mut out = Vec::new();
        let order = OutputOrder { epoch: 0, count: 0 };
        let coded = Coded { picture: true, reference: true, second_field: false, order, depth: 16, tie: Tie::Behind };
        chooser.push(coded, about(&frames[0], &heads, 0), (0, 1), &mut None, &mut out);
        assert_eq!(chooser.held.len(), held, "{selection:?}");
        assert_eq!(out.len(), 1 - held);
    }
}

#[test]
fn a_second_field_goes_with_the_first() {
    let heads = [head(0)];
    let frame = plain(1, 1).remove(0);
    let mut chooser: Chooser<usize> = Chooser::new(&Selection::one_in(2), Range::default(), usize::MAX);
    let mut out = Vec::new();
    for index in 0..6 {
        let order = OutputOrder { epoch: 0, count: index as i64 / 2 };
        let second_field = index % 2 == 1;
        let coded =
            Coded { picture: !second_field, reference: index < 2, second_field, order, depth: 0, tie: Tie::Behind };
        chooser.push(coded, about(&frame, &heads, index as u64), (index, 1), &mut None, &mut out);
    }
    chooser.finish(&mut None, &mut out);
    let wanted = |payload| Fate::Decode { payload, wanted: true };
    let other = |payload| Fate::Decode { payload, wanted: false };
    assert_eq!(out, [wanted(0), other(1), Fate::Drop, Fate::Drop, wanted(4), other(5), Fate::GroupEnd]);
}

/// I B B P B B P …, with clean random access points every ten frames that two leading pictures refer past.
fn open_groups(points: u64) -> Vec<Model> {
    let mut frames = plain(10 * points, u64::MAX);
    for point in 1..points {
        let at = usize::try_from(10 * point).unwrap();
        for (frame, (place, reference, tie)) in
            frames[at..].iter_mut().zip([(2, true, Tie::Entry), (0, true, Tie::Past), (1, false, Tie::Past)])
        {
            frame.place = at as i64 + place;
            frame.elapsed = i128::from(frame.place) * 200_000_000;
            (frame.reference, frame.keyframe, frame.tie) = (reference, tie == Tie::Entry, tie);
        }
    }
    frames
}

#[test]
fn decoding_begins_anew_at_clean_random_access_that_no_wanted_picture_refers_past() {
    let frames = open_groups(4);
    let decode = |at: i128| {
        let at = At::Time(MediaTime::Elapsed(at * 200_000_000));
        run(&frames, &Selection { at: vec![at], ..Selection::all() }, Range::default(), 2, usize::MAX)
    };
    // Frame 25 is the 24th that is shown after 20, 21 (leading) and 22 (the point): nothing before 20 is needed.
    assert_eq!(decode(25), [(20, false), (23, false), (24, false), (25, true)]);
    assert_eq!(decode(22), [(20, true)], "the point itself, stored before and shown behind its leading pictures");
    // The first leading picture needs all that is stored before it since the point before.
    let chain: Vec<(usize, bool)> = (10..=21).filter(|at| ![11, 12].contains(at)).map(|at| (at, at == 21)).collect();
    assert_eq!(decode(20), chain);
    let keyframes = run(&frames, &Selection::keyframes(), Range::default(), 2, usize::MAX);
    assert_eq!(keyframes, [(0, true), (10, true), (20, true), (30, true)]);
}
