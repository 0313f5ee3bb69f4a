//! `kineframe put`: what goes in comes out, from Matroska, MP4 and byte streams.

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use common::local::{Local, stderr};
use common::mp4::{BODY, made};
use common::{code, framemd5, objects, testdata};
use kineframe::fragment::{Event, Options, Splitter};
use kineframe::mp4::AnySplitter;
use kineframe::source::{MediaSource, StartSelector};
use kineframe::source_aws::{Client, Options as ServiceOptions, StaticCredentials};
use md5::{Digest, Md5};

/// A frame: its track, its time in milliseconds from the first fragment's, whether it is a key frame, its bytes.
type Seen = (u64, i64, bool, bytes::Bytes);

/// Fragments of frames.
fn told(events: impl Iterator<Item = Event>) -> Vec<Vec<Seen>> {
    let (mut fragments, mut first, mut start) = (Vec::<Vec<Seen>>::new(), None, 0);
    for event in events {
        match event {
            Event::Started(head) => {
                let nanos = match head.producer_timestamp {
                    Some(time) => time.0,
                    None => head.first_cluster.expect("frames").to_nanos(head.timestamp_scale),
                };
                let millis = (nanos / 1_000_000) as i64;
                start = millis - *first.get_or_insert(millis);
                fragments.push(Vec::new());
            }
            Event::Frame(frame) => {
                let time = start + frame.offset.expect("a time").div_euclid(1_000_000);
                fragments.last_mut().expect("begun").push((frame.track_number, time, frame.keyframe, frame.data));
            }
            Event::Damage(damage) => panic!("{damage:?}"),
            _ => {}
        }
    }
    fragments
}

/// What GetMedia sends of a stream.
fn received(local: &Local, stream: &str) -> Vec<Vec<Seen>> {
    let mut options = ServiceOptions::default();
    options.region = Some("us-east-1".into());
    options.endpoint_url = Some(local.endpoint.clone());
    options.credentials = Some(StaticCredentials {
        access_key_id: "AKIDEXAMPLE".into(),
        secret_access_key: "secret".into(),
        session_token: None,
    });
    let client = Client::blocking(options).expect("a region");
    let media = client.stream(stream.parse().expect("a name")).get_media();
    let mut splitter = Splitter::new(Options::default());
    media.open_blocking(&StartSelector::Earliest).for_each(|piece| splitter.push(piece.expect("a piece")));
    splitter.finish();
    told(std::iter::from_fn(move || splitter.next_event().expect("not strict")))
}

/// The frames of each track in stored order, whatever the fragments.
fn by_track(fragments: &[Vec<Seen>]) -> Vec<Vec<Seen>> {
    // An MP4 file may begin with a frame that is not shown first.
    let first = fragments.iter().flatten().map(|frame| frame.1).min().unwrap_or(0);
    let from = |frame: &Seen| (frame.0, frame.1 - first, frame.2, frame.3.clone());
    let of = |track: u64| fragments.iter().flatten().filter(|frame| frame.0 == track).map(from).collect();
    (1..=3).map(of).filter(|frames: &Vec<Seen>| !frames.is_empty()).collect()
}

fn put(local: &Local, file: &Path, stream: &str, more: &[&str]) -> u64 {
    let mut args = vec!["put", file.to_str().expect("UTF-8"), stream, "--create", "--json"];
    args.extend_from_slice(more);
    let output = local.run(&args);
    assert_eq!(code(&output), 0, "{}: {}", file.display(), stderr(&output));
    objects(&output).1["fragments"].as_u64().expect("a count")
}

#[test]
fn mp4_goes_in_and_comes_out_frame_for_frame() {
    let (local, folder) = (Local::start(), tempfile::tempdir().expect("a folder"));
    for (path, stream) in made(folder.path()).iter().zip(["kvs://last", "kvs://first", "kvs://fragmented"]) {
        let mut splitter = AnySplitter::new(Options::default());
        splitter.push(fs::read(path).expect("it is there").into());
        splitter.finish();
        let sent = told(std::iter::from_fn(|| splitter.next_event().expect("not strict")));
        assert_eq!(sent.len(), 1);
        let count = put(&local, path, stream, &["--fragment-duration", "1s"]);
        let got = received(&local, stream);
        assert!(count >= 4 && got.len() as u64 == count, "{stream}: {count} and {} fragments", got.len());
        assert_eq!(by_track(&got), by_track(&sent), "{stream}");
        for fragment in &got {
            let video: Vec<&Seen> = fragment.iter().filter(|frame| frame.0 == 1).collect();
            assert!(video[0].2, "{stream}: a fragment begins with a key frame");
            assert!(fragment.iter().any(|frame| frame.0 == 2), "{stream}: each has sound");
        }
    }
}

#[test]
fn clusters_stay_unless_others_are_wanted() {
    let local = Local::start();
    let file = testdata(BODY);
    let mut splitter = Splitter::new(Options::default());
    splitter.push(fs::read(&file).expect("it is there").into());
    splitter.finish();
    let sent = told(std::iter::from_fn(|| splitter.next_event().expect("not strict")));
    assert_eq!(put(&local, &file, "kvs://kept", &[]), sent.len() as u64);
    assert_eq!(received(&local, "kvs://kept"), sent);
    assert_eq!(put(&local, &file, "kvs://cut", &["--fragment-duration", "10s"]), 1);
    assert_eq!(by_track(&received(&local, "kvs://cut")), by_track(&sent));
}

/// Byte streams: the pictures that come out of the stream are those that the encoder meant, at an even pace.
#[test]
fn byte_streams_get_their_times_from_the_order_of_output() {
    let local = Local::start();
    let folder = tempfile::tempdir().expect("a folder");
    for (name, step) in [
        ("h264/gen_main_cabac_b2.264", 40),
        ("h264/gen_high_pyramid_strict.264", 40),
        ("h264/gen_high_open_gop.264", 40),
        ("h264/gen_mbaff_tff.264", 40),
        ("h264/gen_aud_sei_hrd.264", 40),
        ("h264/gen_resolution_change.264", 40),
        ("h264/oh_SVA_Base_B.264", 0),
        ("h265/gen_main_bpyramid.265", 40),
        ("h265/gen_main_hrd_sei.265", 40),
    ] {
        let path = testdata(&format!("codec/{name}"));
        let stream = format!("kvs://{}", name.replace('/', "-"));
        put(&local, &path, &stream, &["--start", "2026-01-01T00:00:00Z", "--fragment-duration", "200ms"]);
        let out = folder.path().join(name);
        let out = out.to_str().expect("UTF-8");
        let frames = ["frames", &stream, "--from", "earliest", "--to", "+60s", "-o", out, "--format", "yuv", "--json"];
        let output = local.run(&frames);
        assert_eq!(code(&output), 0, "{name}: {}", stderr(&output));
        let (items, _) = objects(&output);
        let sums: Vec<String> = items
            .iter()
            .map(|item| format!("{:x}", Md5::digest(fs::read(item["file"].as_str().expect("a file")).expect("read"))))
            .collect();
        assert_eq!(sums, framemd5(&path.with_extension("framemd5")), "{name}");
        let times: Vec<i64> = items.iter().map(|item| millis(&item["producer_timestamp"])).collect();
        let even = times.windows(2).all(|pair| step == 0 && pair[0] < pair[1] || pair[1] - pair[0] == step);
        assert!(even, "{name}: {times:?}");
    }
}

/// Milliseconds of the day of a time as JSON has it.
fn millis(time: &serde_json::Value) -> i64 {
    let text = time.as_str().expect("a time");
    let part = |range: std::ops::Range<usize>| text[range].parse::<i64>().expect("digits");
    ((part(11..13) * 60 + part(14..16)) * 60 + part(17..19)) * 1000 + part(20..23)
}

#[test]
fn a_byte_stream_may_come_in_pieces_of_a_pipe() {
    let local = Local::start();
    let path = testdata("codec/h264/gen_main_cabac_b2.264");
    put(&local, &path, "kvs://whole", &["--fragment-duration", "200ms", "--start", "2026-01-01T00:00:00Z"]);
    let mut command = local.command();
    let args = ["put", "-", "kvs://pieces", "--create", "--fragment-duration", "200ms", "-q"];
    let mut child = command.args(args).args(["--start", "2026-01-01T00:00:00Z"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().expect("a pipe");
    for piece in fs::read(&path).expect("it is there").chunks(701) {
        std::io::Write::write_all(&mut stdin, piece).expect("it is read");
        std::io::Write::flush(&mut stdin).expect("it is read");
    }
    drop(stdin);
    assert!(child.wait().expect("it ends").success());
    let (whole, pieces) = (received(&local, "kvs://whole"), received(&local, "kvs://pieces"));
    assert!(whole.len() > 1);
    assert_eq!(pieces, whole);
}

#[test]
fn what_is_no_byte_stream_is_told() {
    let local = Local::start();
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in [("zeros", &[0, 0, 0, 1, 0, 0, 0, 0, 0][..]), ("no-sets", &[0, 0, 1, 0x65, 0x88, 0x84, 0x40])]
    {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("written");
        let output = local.run(&["put", path.to_str().expect("UTF-8"), "kvs://none", "--create"]);
        assert_eq!(code(&output), 1, "{name}");
        assert!(stderr(&output).contains("parameter sets"), "{name}: {}", stderr(&output));
    }
}

#[test]
fn the_file_s_own_pace_takes_its_time() {
    let local = Local::start();
    let path = testdata("codec/h264/gen_main_cabac_b2.264");
    let frames = framemd5(&path.with_extension("framemd5")).len() as u128;
    let began = Instant::now();
    put(&local, &path, "kvs://slow", &["--pace", "realtime", "--loop", "2", "--fragment-duration", "200ms"]);
    let (took, wanted) = (began.elapsed().as_millis(), frames * 40 * 2);
    assert!(took + 500 >= wanted && took < wanted + 20_000, "{took} ms for {wanted} ms of media");
    let got = received(&local, "kvs://slow");
    assert_eq!(got.iter().flatten().count() as u128, frames * 2);
}

#[test]
fn a_service_that_takes_so_many_fragments_a_second_is_waited_for() {
    let local = Local::with(|options| {
        options.limits.put_fragments = 2.0;
        options.max_fragment_time = std::time::Duration::from_secs(2);
    });
    let began = Instant::now();
    let count = put(&local, &testdata(BODY), "kvs://paced", &["--fragment-duration", "400ms"]);
    assert!(count > 2 && began.elapsed().as_secs() >= (count - 1) / 2, "{count} in {:?}", began.elapsed());
    assert_eq!(received(&local, "kvs://paced").len() as u64, count);
    let body = testdata(BODY);
    let output =
        local.run(&["put", body.to_str().expect("UTF-8"), "kvs://long", "--create", "--fragment-duration", "10s"]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(stderr(&output).contains("MAX_FRAGMENT_DURATION_REACHED"), "{}", stderr(&output));
}
