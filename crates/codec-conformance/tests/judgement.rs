//! The kit itself: a good back end passes, and each way to be bad is found.

use std::ops::ControlFlow;

use kineframe_bitstream::h264::RandomAccess;
use kineframe_codec::fake::FakeFactory;
use kineframe_codec::{
    BitDepth, ChromaSampling, Codec, CodecParameters, DecodeError, DecodeErrorKind, DecodeOptions, DecoderFactory,
    Framing, NalFraming, Packet, PacketId, Picture, PictureSink, PixelFormat, Plane, Recovery, Rect, Samples, Size,
    Support, VideoDecoder,
};
use kineframe_codec_conformance::{Kit, Outcome, Report, TestPacket, TestStream, TruePicture, Verdict, run};
use md5::{Digest, Md5};

/// A stream for [`FakeFactory`]: nine packets, IDR pictures at the first and the sixth.
fn synthetic() -> Kit {
    let mut params = CodecParameters::new(Codec::H264);
    params.size = Some(Size { width: 16, height: 16 });
    let packets = (0..9_u8).map(|value| TestPacket {
        data: vec![value; 30 + usize::from(value)].into(),
        framing: NalFraming::None,
        random_access: if value % 5 == 0 { RandomAccess::Idr } else { RandomAccess::None },
        params: (value == 0).then(|| params.clone()),
    });
    let truth = (0..9_u8).map(|value| TruePicture { bytes: 256, md5: Md5::digest([value; 256]).into() });
    let stream = TestStream {
        name: "synthetic".to_owned(),
        codec: Codec::H264,
        packets: packets.collect(),
        truth: truth.collect(),
        order: (0..9).collect(),
        planes: Vec::new(),
        disputed: false,
        forbidden_gap: false,
        losses_show: true,
    };
    Kit { streams: vec![stream] }
}

fn failed(report: &Report) -> String {
    assert!(!report.passed(), "{report}");
    report.failures().join("\n")
}

#[test]
fn a_good_back_end_passes_everything() {
    for held_back in [0, 1, 4, 100] {
        let report = run(&FakeFactory::new("good").holding_back(held_back), &synthetic());
        assert!(report.passed(), "{report}");
        assert_eq!((report.exact(), report.refused()), (1, 0));
        let names: Vec<&str> = report.rows[0].checks.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["limits", "reset", "break", "flush", "damage"]);
        let (_, count) = report.damage()[0];
        assert_eq!((count.runs, count.equal, count.missing), (2, 36, 0));
    }
}

#[test]
fn a_refusal_is_noted_and_is_no_failure() {
    let report = run(&FakeFactory::new("modest").refusing("not mine"), &synthetic());
    assert!(report.passed());
    assert_eq!(report.rows[0].whole, Verdict::Refused("not mine".to_owned()));
    assert!(report.to_markdown().contains("| synthetic | – of 9 | refused: not mine | – |"));
}

#[test]
fn an_error_on_a_sound_stream_is_a_failure() {
    // The kit numbers packets 0, 3, 6, …
    let kind = DecodeErrorKind::Damaged("slice".to_owned());
    let report = run(&FakeFactory::new("sour").failing_at(PacketId(6), kind, Recovery::NextPacket), &synthetic());
    let Verdict::Wrong(mismatch) = &report.rows[0].whole else { panic!("{report}") };
    assert_eq!((mismatch.shown, mismatch.equal, mismatch.first), (8, 2, Some(2)));
    assert!(failed(&report).contains("at packet 6: sour: the packet cannot be decoded: slice"));
}

#[test]
fn giving_up_before_anything_wrong_is_shown_is_told_apart() {
    let kind = DecodeErrorKind::Unsupported("slice groups".to_owned());
    let report = run(&FakeFactory::new("frank").failing_at(PacketId(6), kind.clone(), Recovery::Reopen), &synthetic());
    assert!(report.passed(), "{report}");
    assert!(matches!(report.rows[0].whole, Verdict::GaveUp(_)), "{report}");
    assert_eq!(report.exact(), 0);
    // To go on as if only a packet were bad is not giving up.
    let report = run(&FakeFactory::new("sly").failing_at(PacketId(6), kind, Recovery::NextPacket), &synthetic());
    assert!(!report.passed(), "{report}");
}

#[test]
fn a_caught_panic_is_an_error_like_another() {
    let report = run(&FakeFactory::new("jumpy").panicking_at(PacketId(12)), &synthetic());
    assert!(failed(&report).contains("the decoder panicked"));
}

/// What a bad back end does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Panics,
    IgnoresBreak,
    CountsIds,
    KeepsHeldBackAtReset,
    LosesAtFlush,
    ShowsTwice,
    ShortPlane,
    Marks,
    NoLimits,
    StaysDamaged,
    SilentAfterLoss,
}

/// A back end with one fault: shows each packet's first byte, one picture behind.
#[derive(Debug)]
struct Faulty(Fault);

struct FaultyDecoder {
    fault: Fault,
    options: DecodeOptions,
    held: Vec<(PacketId, u8)>,
    count: u64,
    hurt: bool,
    last: Option<u64>,
    lost: bool,
}

impl DecoderFactory for Faulty {
    fn name(&self) -> &str {
        "faulty"
    }

    fn framing(&self) -> Framing {
        Framing::Either
    }

    fn supports(&self, _: &CodecParameters) -> Support {
        Support::Exact
    }

    fn open(&self, params: &CodecParameters, options: &DecodeOptions) -> Result<Box<dyn VideoDecoder>, DecodeError> {
        if self.0 != Fault::NoLimits {
            options.limits.check_size("faulty", params.size.unwrap())?;
        }
        let options = options.clone();
        Ok(Box::new(FaultyDecoder {
            fault: self.0,
            options,
            held: Vec::new(),
            count: 0,
            hurt: false,
            last: None,
            lost: false,
        }))
    }
}

impl FaultyDecoder {
    fn show(&mut self, keep: usize, sink: &mut dyn PictureSink) {
        while self.held.len() > keep {
            let (id, value) = self.held.remove(0);
            let samples = [value; 256];
            let length = if self.fault == Fault::ShortPlane { 255 } else { 256 };
            let planes = [Plane { samples: Samples::U8(&samples[..length]), stride: 16 }];
            let times = if self.fault == Fault::ShowsTwice { 2 } else { 1 };
            for _ in 0..times {
                let flow = sink.picture(Picture {
                    id: if self.fault == Fault::CountsIds { PacketId(self.count) } else { id },
                    visible: Rect::whole(Size { width: 16, height: 16 }),
                    format: PixelFormat { chroma: ChromaSampling::Monochrome, depth: BitDepth::EIGHT },
                    color: Default::default(),
                    damaged: self.fault == Fault::Marks,
                    planes: &planes,
                    shared: None,
                });
                if flow == ControlFlow::Break(()) && self.fault != Fault::IgnoresBreak {
                    return;
                }
            }
            self.count += 1;
        }
    }
}

impl VideoDecoder for FaultyDecoder {
    fn decode(&mut self, packet: Packet, sink: &mut dyn PictureSink) -> Result<(), DecodeError> {
        self.options.limits.check_packet("faulty", packet.data.len())?;
        assert!(self.fault != Fault::Panics, "index out of bounds");
        let first = packet.data.first().copied().unwrap_or(0);
        // Sound packets hold one value throughout.
        self.hurt |= packet.data.iter().any(|byte| *byte != first) || packet.data.len() < 30;
        // The kit numbers packets by threes.
        let gap = self.last.replace(packet.id.0).is_some_and(|last| packet.id.0 != last + 3);
        self.lost = !packet.random_access && (self.lost || gap);
        let wrong = match self.fault {
            Fault::StaysDamaged => self.hurt,
            Fault::SilentAfterLoss => self.lost,
            _ => false,
        };
        let value = if wrong { 77 } else { first };
        self.held.push((packet.id, value));
        let keep = if self.fault == Fault::IgnoresBreak && self.held.len() < 9 { 9 } else { 1 };
        self.show(keep, sink);
        Ok(())
    }

    fn flush(&mut self, sink: &mut dyn PictureSink) -> Result<(), DecodeError> {
        if self.fault == Fault::LosesAtFlush {
            self.held.clear();
        }
        self.show(0, sink);
        Ok(())
    }

    fn reset(&mut self) -> Result<(), DecodeError> {
        self.last = None;
        if self.fault != Fault::KeepsHeldBackAtReset {
            self.held.clear();
        }
        Ok(())
    }
}

#[test]
fn each_fault_is_found_and_named() {
    let cases = [
        (Fault::Panics, "a panic came through: index out of bounds"),
        (Fault::IgnoresBreak, "a picture after the sink broke"),
        (Fault::CountsIds, "which there is not"),
        (Fault::KeepsHeldBackAtReset, "reset: "),
        (Fault::LosesAtFlush, "8 shown, 8 equal, other from picture 8"),
        (Fault::ShowsTwice, "two pictures of packet 0"),
        (Fault::ShortPlane, "plane 0: 255 samples where the visible part needs 256"),
        (Fault::Marks, "9 marked damaged"),
        (Fault::NoLimits, "limits: a side of 15: "),
        (Fault::StaysDamaged, "after the next clean IDR picture, is another"),
        (Fault::SilentAfterLoss, "built on a lost reference are not marked"),
    ];
    for (fault, expected) in cases {
        let report = run(&Faulty(fault), &synthetic());
        let failures = failed(&report);
        assert!(failures.contains(expected), "{fault:?}: {failures}");
    }
}

#[test]
fn a_disputed_stream_may_differ_but_not_break() {
    let mut kit = synthetic();
    kit.streams[0].disputed = true;
    kit.streams[0].order.clear();
    let report = run(&Faulty(Fault::LosesAtFlush), &kit);
    assert!(matches!(report.rows[0].whole, Verdict::Tolerated(_)), "{report}");
    let report = run(&Faulty(Fault::ShowsTwice), &kit);
    assert!(matches!(report.rows[0].whole, Verdict::Broken(_)), "{report}");
}

#[test]
fn the_table_has_a_line_for_each_stream_and_kind_of_damage() {
    let report = run(&FakeFactory::new("good"), &synthetic());
    let text = report.to_string();
    assert!(text.starts_with("good: 1 streams: 1 exact, 0 refused, 0 otherwise; every check passed."), "{text}");
    assert_eq!(text.lines().count(), 1 + 1 + 4, "{text}");
    assert!(report.rows[0].checks.iter().all(|(_, outcome)| *outcome == Outcome::Passed));
}

#[test]
fn a_folder_is_read_with_its_truths() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/codec/h264");
    let kit = Kit::from_dir(&folder).unwrap();
    let inside = Kit::inside().of(Codec::H264);
    assert_eq!(kit.streams.len(), inside.streams.len());
    for (read, known) in kit.streams.iter().zip(&inside.streams) {
        assert_eq!((&read.name, &read.truth, &read.order), (&known.name, &known.truth, &known.order));
    }
    // What is disputed in a folder is so for its truth; the same bytes with the truth that was put right are not.
    let h265 = Kit::from_dir(folder.join("../h265")).unwrap().only("gen_format_change");
    assert!(!h265.streams[0].disputed);
    let other = tempfile::tempdir().unwrap();
    let copy = |from: &str, to: &str| std::fs::copy(folder.join(from), other.path().join(to)).unwrap();
    copy("gen_colour_change.264", "colours.264");
    copy("gen_sps_id_5.framemd5", "colours.framemd5");
    let settled = Kit::from_dir(other.path()).unwrap().streams.remove(0);
    assert_eq!((settled.name, settled.truth.len()), ("colours".to_owned(), 24));
    assert!(Kit::from_dir(folder.join("nowhere")).unwrap_err().to_string().contains("nowhere"));
}
