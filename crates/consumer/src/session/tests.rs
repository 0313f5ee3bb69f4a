//! The session against fake back ends that fail on purpose.

use kineframe_codec::fake::{Counts, FakeFactory};
use kineframe_codec::{Codec, DecodeErrorKind, Framing};
use kineframe_fragment::FragmentHead;
use kineframe_matroska::{Info, TimestampScale};
use std::collections::VecDeque;

use super::*;

type Values = VecDeque<Outcome<u8>>;

fn info(frame: u64) -> Arc<PictureInfo> {
    let fragment = Arc::new(FragmentHead {
        index: 0,
        offset: 0,
        number: None,
        producer_timestamp: None,
        server_timestamp: None,
        info: Arc::new(Info::default()),
        tracks: None,
        first_cluster: None,
        timestamp_scale: TimestampScale::default(),
    });
    Arc::new(PictureInfo {
        fragment,
        track: 1,
        frame,
        offset: None,
        producer_time: None,
        server_time: None,
        elapsed: None,
        keyframe: frame == 0,
        sample_aspect: None,
        rotation: kineframe_image_export::Rotation::None,
        position: frame * 100,
    })
}

fn params() -> Arc<CodecParameters> {
    Arc::new(CodecParameters::new(Codec::H264))
}

/// The fake shows the first byte of the packet; here that is the frame's number.
fn unit(frame: u64, wanted: bool, params: &Arc<CodecParameters>) -> Unit {
    Unit {
        data: vec![u8::try_from(frame).unwrap(); 10].into(),
        random_access: frame == 0,
        wanted,
        suspect: false,
        unreadable: false,
        framing: NalFraming::None,
        info: info(frame),
        params: params.clone(),
    }
}

fn session(
    factories: Vec<FakeFactory>,
    replay_bytes: usize,
    damaged: Damaged,
) -> Session<impl PictureWork<Output = u8>> {
    let decoders = Decoders(factories.into_iter().map(|one| Arc::new(one) as Arc<dyn DecoderFactory>).collect());
    let setup = Setup { decoders, decode: DecodeOptions::default(), damaged, replay_bytes };
    Session::new(Arc::new(setup), |_: &PictureInfo, picture: Picture<'_>| match picture.planes[0].samples {
        kineframe_codec::Samples::U8(samples) => samples[0],
        kineframe_codec::Samples::U16(_) => unreachable!("the fake has eight bits"),
    })
}

fn group<W: PictureWork<Output = u8>>(session: &mut Session<W>, frames: u64, out: &mut Values) {
    let params = params();
    for frame in 0..frames {
        assert!(session.unit(unit(frame, true, &params), out).is_continue());
    }
    assert!(session.end(out).is_continue());
}

fn pictures(out: &Values) -> Vec<(u8, String)> {
    out.iter()
        .filter_map(|outcome| match outcome {
            Outcome::Picture { info, output, decoder, .. } => {
                assert_eq!(u64::from(*output), info.frame, "a picture comes with its own frame's description");
                Some((*output, decoder.to_string()))
            }
            _ => None,
        })
        .collect()
}

fn values(out: &Values) -> Vec<u8> {
    pictures(out).into_iter().map(|(value, _)| value).collect()
}

fn notices(out: &Values) -> Vec<&Notice> {
    out.iter().filter_map(|outcome| if let Outcome::Notice(notice) = outcome { Some(notice) } else { None }).collect()
}

fn dropped(out: &Values) -> Vec<(DropReason, u64)> {
    out.iter()
        .filter_map(
            |outcome| if let Outcome::Dropped(reason, count) = outcome { Some((*reason, *count)) } else { None },
        )
        .collect()
}

fn decoded(out: &Values) -> usize {
    out.iter().filter(|outcome| matches!(outcome, Outcome::Decoded)).count()
}

fn damage(text: &str) -> DecodeErrorKind {
    DecodeErrorKind::Damaged(text.to_owned())
}

fn ids(counts: &Counts) -> Vec<u64> {
    counts.decoded().into_iter().map(|id| id.0).collect()
}

#[test]
fn a_switch_loses_no_picture_and_shows_none_twice() {
    for hold_back in 0..6 {
        for (recovery, kind) in [
            (Recovery::Reopen, DecodeErrorKind::Panicked("index".to_owned())),
            (Recovery::NextRandomAccess, damage("slice")),
            (Recovery::NextPacket, damage("slice")),
        ] {
            let first = FakeFactory::new("first").holding_back(hold_back).failing_at(PacketId(4), kind, recovery);
            let second = FakeFactory::new("second").holding_back(2);
            let counts = second.counts();
            let mut session = session(vec![first, second], 1000, Damaged::Keep);
            let mut out = Values::new();
            group(&mut session, 8, &mut out);
            assert_eq!(values(&out), [0, 1, 2, 3, 4, 5, 6, 7], "holding back {hold_back}");
            assert_eq!(decoded(&out), 8, "replays are not counted");
            assert_eq!(ids(&counts), [0, 1, 2, 3, 4, 5, 6, 7], "from the beginning of the group");
            let [Notice::Switched { at, error, to, replayed }] = notices(&out)[..] else {
                panic!("{:?}", notices(&out))
            };
            assert_eq!((at.frame, &*error.factory, &**to, *replayed), (4, "first", "second", 5));
            assert_eq!(dropped(&out), []);
        }
    }
}

#[test]
fn the_next_group_begins_with_the_preferred_back_end_again() {
    let first = FakeFactory::new("first").failing_at(PacketId(1), damage("x"), Recovery::Reopen);
    let mut session = session(vec![first, FakeFactory::new("second")], 1000, Damaged::Keep);
    let mut out = Values::new();
    group(&mut session, 3, &mut out);
    group(&mut session, 3, &mut out);
    let names: Vec<String> = pictures(&out).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["first", "second", "second", "first", "first", "first"]);
}

#[test]
fn a_replay_goes_on_behind_a_packet_that_the_next_back_end_can_do_without() {
    let first = FakeFactory::new("first").failing_at(PacketId(4), damage("x"), Recovery::NextRandomAccess);
    let second = FakeFactory::new("second").failing_at(PacketId(2), damage("y"), Recovery::NextPacket);
    let counts = second.counts();
    let mut session = session(vec![first.holding_back(3), second, FakeFactory::new("third")], 1000, Damaged::Keep);
    let mut out = Values::new();
    group(&mut session, 8, &mut out);
    assert_eq!(values(&out), [0, 1, 3, 4, 5, 6, 7]);
    assert_eq!(ids(&counts), [0, 1, 2, 3, 4, 5, 6, 7], "the third is not asked");
    assert_eq!(dropped(&out), [(DropReason::Undecodable, 1)]);
    let [Notice::Lost { at, rest_of_group: false, .. }, Notice::Switched { .. }] = notices(&out)[..] else {
        panic!("{:?}", notices(&out))
    };
    assert_eq!(at.frame, 2);
}

#[test]
fn an_unreadable_frame_is_counted_once() {
    let only = FakeFactory::new("only").failing_at(PacketId(1), damage("x"), Recovery::NextRandomAccess);
    let mut session = session(vec![only], 1000, Damaged::Keep);
    let (mut out, params) = (Values::new(), params());
    let unreadable = |frame| Unit { unreadable: true, ..unit(frame, false, &params) };
    for unit in [unit(0, true, &params), unreadable(1), unreadable(2)] {
        assert!(session.unit(unit, &mut out).is_continue());
    }
    assert!(session.end(&mut out).is_continue());
    assert_eq!((values(&out), decoded(&out)), (vec![0], 2));
    assert_eq!(dropped(&out), [(DropReason::Undecodable, 1), (DropReason::AfterFailure, 1)]);
}

#[test]
fn a_panic_inside_is_one_of_the_errors() {
    let mut session = session(
        vec![FakeFactory::new("first").panicking_at(PacketId(2)), FakeFactory::new("second")],
        1000,
        Damaged::Keep,
    );
    let mut out = Values::new();
    group(&mut session, 4, &mut out);
    assert_eq!(values(&out), [0, 1, 2, 3]);
    assert!(notices(&out)[0].to_string().contains("first: the decoder panicked"), "{}", notices(&out)[0]);
}

#[test]
fn past_the_bound_the_rest_of_the_group_is_named_as_lost() {
    let first = FakeFactory::new("first").failing_at(PacketId(5), damage("x"), Recovery::Reopen);
    let second = FakeFactory::new("second");
    let counts = second.counts();
    let mut session = session(vec![first, second], 35, Damaged::Keep);
    let mut out = Values::new();
    group(&mut session, 8, &mut out);
    group(&mut session, 2, &mut out);
    assert_eq!(values(&out), [0, 1, 2, 3, 4, 0, 1]);
    assert!(ids(&counts).is_empty());
    assert!(matches!(notices(&out)[..], [Notice::Lost { rest_of_group: true, .. }]));
    assert_eq!(
        dropped(&out),
        [(DropReason::Undecodable, 1), (DropReason::AfterFailure, 1), (DropReason::AfterFailure, 1)]
    );
}

#[test]
fn an_error_of_one_packet_costs_that_packet_where_nobody_can_replace() {
    let only = FakeFactory::new("only").holding_back(1).failing_at(PacketId(2), damage("x"), Recovery::NextPacket);
    let mut session = session(vec![only], 1000, Damaged::Keep);
    let mut out = Values::new();
    group(&mut session, 5, &mut out);
    assert_eq!(values(&out), [0, 1, 3, 4]);
    assert_eq!(dropped(&out), [(DropReason::Undecodable, 1)]);
    assert!(matches!(notices(&out)[..], [Notice::Lost { rest_of_group: false, .. }]));
}

#[test]
fn what_a_failing_decoder_held_back_comes_out_where_nobody_can_replace() {
    let only =
        FakeFactory::new("only").holding_back(3).failing_at(PacketId(4), damage("x"), Recovery::NextRandomAccess);
    let mut session = session(vec![only], 1000, Damaged::Keep);
    let mut out = Values::new();
    group(&mut session, 6, &mut out);
    assert_eq!(values(&out), [0, 1, 2, 3]);
    assert_eq!(dropped(&out), [(DropReason::Undecodable, 1), (DropReason::AfterFailure, 1)]);
}

#[test]
fn nobody_exact_is_told_with_every_reason() {
    let factories = vec![FakeFactory::new("a").refusing("too old"), FakeFactory::new("b").refusing("too new")];
    let mut session = session(factories, 1000, Damaged::Keep);
    let mut out = Values::new();
    group(&mut session, 2, &mut out);
    group(&mut session, 1, &mut out);
    assert_eq!((decoded(&out), dropped(&out).len()), (0, 3));
    let [notice] = notices(&out)[..] else { panic!("told once: {:?}", notices(&out)) };
    let text = notice.to_string();
    assert!(text.ends_with("no back end decodes this h264 exactly: a: too old; b: too new"), "{text}");
}

#[test]
fn equal_parameters_do_not_reopen_and_changed_ones_ask_again() {
    let factory = FakeFactory::new("one");
    let counts = factory.counts();
    let mut session = session(vec![factory], 1000, Damaged::Keep);
    let mut out = Values::new();
    for _ in 0..3 {
        // Another handle each time, with equal contents.
        group(&mut session, 2, &mut out);
    }
    assert_eq!(counts.opened(), 1);
    let changed = Arc::new(CodecParameters { private: vec![1].into(), ..CodecParameters::new(Codec::H264) });
    assert!(session.unit(unit(0, true, &changed), &mut out).is_continue());
    assert_eq!(counts.opened(), 2);
}

#[test]
fn suspect_pictures_are_marked_or_left_out() {
    for (damaged, shown) in [(Damaged::Keep, vec![0, 1]), (Damaged::Skip, vec![0])] {
        let mut session = session(vec![FakeFactory::new("one")], 1000, damaged);
        let (mut out, params) = (Values::new(), params());
        let _ = session.unit(unit(0, true, &params), &mut out);
        let _ = session.unit(Unit { suspect: true, ..unit(1, true, &params) }, &mut out);
        let _ = session.end(&mut out);
        assert_eq!(values(&out), shown);
        let marked: Vec<bool> = out
            .iter()
            .filter_map(|outcome| if let Outcome::Picture { damaged, .. } = outcome { Some(*damaged) } else { None })
            .collect();
        assert_eq!(marked, [false, true][..shown.len()]);
    }
}

#[test]
fn frames_that_are_not_wanted_are_decoded_and_not_shown() {
    let factory = FakeFactory::new("one").framing_of(Framing::StartCodes);
    let mut session = session(vec![factory], 1000, Damaged::Keep);
    let (mut out, params) = (Values::new(), params());
    for frame in 0..4 {
        let _ = session.unit(unit(frame, frame == 3, &params), &mut out);
    }
    let _ = session.end(&mut out);
    assert_eq!((values(&out), decoded(&out)), (vec![3], 4));
}
