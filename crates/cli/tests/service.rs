//! Streams of a service as inputs and outputs of the command, against the local service in this process.

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use common::local::{Local, fails_with, stderr};
use common::served::Served;
use common::{code, kineframe, objects, testdata};
use serde_json::Value;

fn capture() -> std::path::PathBuf {
    testdata("captures/output_get_media.mkv")
}

/// What must be the same of a fragment wherever it is read: all but its number and when the service received it.
fn of_the_producer(items: &[Value]) -> Vec<Value> {
    let keep = ["producer_timestamp", "frames", "payload_bytes", "duration_ms", "truncated"];
    items
        .iter()
        .map(|item| {
            keep.iter().map(|&key| (key.to_owned(), item[key].clone())).collect::<serde_json::Map<_, _>>().into()
        })
        .collect()
}

fn fragments(local: &Local, args: &[&str]) -> Vec<Value> {
    let output = local.run(&[&["fragments", "--json"], args].concat());
    assert_eq!(code(&output), 0, "{args:?}: {}", stderr(&output));
    objects(&output).0
}

#[test]
fn what_was_put_is_read_back_by_every_way() {
    let local = Local::start();
    local.put(&capture(), "kvs://door");
    let file = kineframe().args(["fragments", "--json"]).arg(capture()).output().expect("the command starts");
    let wanted = of_the_producer(&objects(&file).0);
    assert!(wanted.len() >= 5);
    let archive = fragments(&local, &["kvs://door", "--via", "fragments", "--from", "earliest"]);
    assert_eq!(of_the_producer(&archive), wanted);
    let live =
        fragments(&local, &["kvs://door", "--via", "get-media", "--from", "earliest", "--to", "2020-01-01T00:00:00Z"]);
    assert_eq!(of_the_producer(&live), wanted);
    let numbers: Vec<&str> = archive.iter().map(|item| item["fragment_number"].as_str().expect("a number")).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    // From a fragment on, that one included, and after it.
    let from = |bound: String| fragments(&local, &["kvs://door", "--from", &bound, "--to", "2020-01-01T00:00:00Z"]);
    assert_eq!(from(format!("fragment:{}", numbers[2])), archive_from(&archive, 2));
    assert_eq!(from(format!("after:{}", numbers[2])), archive_from(&archive, 3));
    let included = format!("fragment:{}", numbers[2]);
    let live = ["kvs://door", "--via", "get-media", "--from", &included, "--to", "2020-01-01T00:00:00Z"];
    assert_eq!(of_the_producer(&fragments(&local, &live)), wanted[2..]);
    // A time range, which begins inside a fragment: fragments that overlap it stay whole.
    let second = archive[1]["producer_timestamp"].as_str().expect("a time");
    let inside = second.replace("Z", "9Z");
    let range = fragments(&local, &["kvs://door", "--from", &inside, "--to", "+100ms"]);
    assert_eq!(range.len(), 1, "{range:?}");
    assert_eq!(range[0]["fragment_number"], archive[1]["fragment_number"]);
}

fn archive_from(archive: &[Value], first: usize) -> Vec<Value> {
    archive[first..]
        .iter()
        .scan(0u64, |offset, item| {
            let mut item = item.clone();
            let length = item["length"].as_u64().expect("bytes");
            item["offset"] = (*offset).into();
            *offset += length;
            Some(item)
        })
        .enumerate()
        .map(|(index, mut item)| {
            item["index"] = index.into();
            item
        })
        .collect()
}

#[test]
fn pictures_of_a_stream_are_those_of_the_file() {
    let local = Local::start();
    local.put(&capture(), "kvs://door");
    let folder = tempfile::tempdir().expect("a folder");
    let (of_file, of_stream) = (folder.path().join("file"), folder.path().join("stream"));
    let path = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let names = ["--name", "{index:03}", "--every", "1s"];
    let file =
        kineframe().arg("frames").arg(capture()).args(["-o", &path(&of_file)]).args(names).output().expect("it starts");
    assert_eq!(code(&file), 0, "{}", stderr(&file));
    let read = ["frames", "kvs://door", "--from", "earliest", "--via", "fragments", "-o", &path(&of_stream)];
    let stream = local.run(&[&read[..], &names].concat());
    assert_eq!(code(&stream), 0, "{}", stderr(&stream));
    let mut compared = 0;
    for entry in fs::read_dir(&of_file).expect("pictures") {
        let entry = entry.expect("a file");
        let other = of_stream.join(entry.file_name());
        assert_eq!(fs::read(entry.path()).expect("a file"), fs::read(&other).expect("the same"), "{}", other.display());
        compared += 1;
    }
    assert!(compared >= 5, "{compared}");
    assert_eq!(fs::read_dir(&of_stream).expect("pictures").count(), compared);

    // The stream's name names its pictures.
    let named = path(&folder.path().join("named"));
    let one = ["frames", "kvs://door", "--from", "earliest", "--via", "fragments", "--limit", "1", "-o", &named];
    assert_eq!(code(&local.run(&[&one[..], &["--name", "{stream}-{index}"]].concat())), 0);
    assert!(Path::new(&named).join("door-0.jpg").is_file());

    // One picture by fragment and by time, without reading more than that fragment.
    let listed = fragments(&local, &["kvs://door", "--via", "fragments", "--from", "earliest"]);
    let number = listed[3]["fragment_number"].as_str().expect("a number");
    let (by_number, by_time) = (path(&folder.path().join("n.jpg")), path(&folder.path().join("t.jpg")));
    let one = local.run(&["frame", "kvs://door", "--fragment", number, "--offset", "0.5", "-o", &by_number, "--json"]);
    assert_eq!(code(&one), 0, "{}", stderr(&one));
    let (items, summary) = objects(&one);
    assert_eq!(items[0]["fragment_number"], listed[3]["fragment_number"]);
    assert!(summary["bytes_read"].as_u64() <= listed[3]["length"].as_u64(), "{summary}");
    let time = items[0]["producer_timestamp"].as_str().expect("a time");
    let two = local.run(&["frame", "kvs://door", "--at", time, "-o", &by_time]);
    assert_eq!(code(&two), 0, "{}", stderr(&two));
    assert_eq!(fs::read(by_number).expect("a picture"), fs::read(by_time).expect("a picture"));
}

/// The producer's times run ahead of the clock, since ten seconds of media are sent at once.
#[test]
fn a_length_that_reaches_beyond_now_is_read_live() {
    let local = Local::start();
    let file = capture();
    let put = ["put", file.to_str().expect("UTF-8"), "kvs://ahead", "--create", "--start", "now", "-q"];
    assert_eq!(code(&local.run(&put)), 0);
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().to_str().expect("UTF-8");
    let frames = ["frames", "kvs://ahead", "--from", "earliest", "--to", "+3s", "--keyframes", "--json", "-o", out];
    let output = local.run(&frames);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let (pictures, summary) = objects(&output);
    // Three seconds, and the frame that shows that they are over.
    assert_eq!((pictures.len(), &summary["frames_seen"]), (2, &Value::from(91)), "{summary}");
}

/// The recipe of docs/guides/months.md: what a stopped run and the next one write is what one run would have written.
#[test]
fn a_run_that_was_stopped_goes_on_into_the_same_folder() {
    let local = Local::start();
    let file = capture();
    let begin = "2026-11-22T00:00:00Z";
    for start in [begin, "2026-11-22T00:00:10Z"] {
        let put = ["put", file.to_str().expect("UTF-8"), "kvs://front-door", "--create", "--start", start, "-q"];
        assert_eq!(code(&local.run(&put)), 0);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let out = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let flags = ["frames", "kvs://front-door", "--every", "1s", "--name", "{producer_ms}", "--overwrite", "--json"];
    // Reads live until there are so many pictures, and is stopped.
    let run = |from: &str, pictures: usize| {
        let mut command = local.command();
        command.args(flags).args(["--from", from, "-o", &out("pictures")]).stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut lines = lines.map(|line| line.expect("a line"));
        let mut written: Vec<String> = lines.by_ref().take(pictures).collect();
        let stopped = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
        assert!(stopped.success());
        written.extend(lines);
        assert_eq!(child.wait().expect("it ends").code(), Some(130));
        let last: Value = serde_json::from_str(written.last().expect("a picture")).expect("an object");
        last["producer_timestamp"].as_str().expect("a time").to_owned()
    };
    let last = run(begin, 4);
    let (second, _) = last.split_once('.').expect("a fraction");
    run(&format!("{second}Z"), 7);
    let whole =
        local.run(&[&flags[..], &["--from", begin, "--to", "2026-11-22T00:01:00Z", "-o", &out("whole")]].concat());
    assert_eq!(code(&whole), 0, "{}", stderr(&whole));
    let files = |name: &str| {
        let files = fs::read_dir(out(name)).expect("pictures").map(|file| file.expect("a file").path());
        let mut files: Vec<_> =
            files.map(|file| (file.file_name().map(ToOwned::to_owned), fs::read(&file).expect("a picture"))).collect();
        files.sort();
        files
    };
    let (pictures, whole) = (files("pictures"), files("whole"));
    // Names are times: the first ones are those of the first pictures.
    assert_eq!(whole.len(), 20);
    assert!(pictures.len() >= 10, "{}", pictures.len());
    assert!(pictures == whole[..pictures.len()], "other names or bytes");
}

/// Clips and pictures that the service makes tell no times of frames: whatever lies between fragments, times are right.
#[test]
fn times_are_right_behind_a_gap_whoever_makes_the_pictures() {
    let local = Local::start();
    let file = capture();
    let put = |start: &str| {
        let put = ["put", file.to_str().expect("UTF-8"), "kvs://gap", "--create", "--start", start, "-q"];
        let output = local.run(&put);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
    };
    put("2024-05-01T12:00:00.033Z");
    put("2024-05-01T12:01:00.016Z");
    let folder = tempfile::tempdir().expect("a folder");
    let out = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let range = ["--from", "2024-05-01T12:00:00Z", "--to", "2024-05-01T12:02:00Z", "--keyframes", "--json"];
    let times = |via: &str| {
        let output = local.run(&[&["frames", "kvs://gap", "--via", via, "-o", &out(via)], &range[..]].concat());
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let times = objects(&output).0.into_iter();
        times.map(|picture| (picture["producer_timestamp"].clone(), picture["server_timestamp"].clone())).collect()
    };
    let (of_fragments, of_clips): (Vec<_>, Vec<_>) = (times("fragments"), times("clip"));
    assert_eq!(of_fragments.len(), 10);
    assert_eq!(
        of_clips.iter().map(|(producer, _)| producer).collect::<Vec<_>>(),
        of_fragments.iter().map(|(producer, _)| producer).collect::<Vec<_>>()
    );
    // Of a clip's first fragment the service's time is known as well.
    assert_eq!((&of_clips[0], &of_clips[5]), (&of_fragments[0], &of_fragments[5]));
    // A picture at any time within a fragment.
    for (index, at) in
        ["00:00.033", "00:01.5", "00:04", "00:05.321", "01:00.016", "01:05", "01:07.007"].iter().enumerate()
    {
        let at = format!("2024-05-01T12:{at}Z");
        let image = out(&format!("{index}.jpg"));
        let image = local.run(&["frame", "kvs://gap", "--via", "images", "--at", &at, "-o", &image, "--json"]);
        assert_eq!(code(&image), 0, "{at}: {}", stderr(&image));
        assert!(Path::new(&out(&format!("{index}.jpg"))).is_file());
    }
}

/// A moment that has just passed lies in a fragment that is still coming in, and is in no archive.
#[test]
fn a_moment_that_has_just_passed_is_there() {
    let local = Local::start();
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let file = capture();
    local.put(&file, "kvs://live");
    // What was seen of its second fragment is past, and its end is to come.
    let watch = ["frames", "kvs://live", "--from", "now", "--json", "-o", &path("live")];
    let mut watch = local.command().args(watch).stdout(Stdio::piped()).spawn().expect("it starts");
    let put = ["put", file.to_str().expect("UTF-8"), "kvs://live", "--start", "now", "--pace", "realtime", "-q"];
    let mut producer = local.command().args(put).spawn().expect("it starts");
    let lines = BufReader::new(watch.stdout.take().expect("piped")).lines();
    let pictures = lines.map(|line| serde_json::from_str::<Value>(&line.expect("a line")).expect("an object"));
    let mut seen = Vec::new();
    for picture in pictures {
        let other = seen.first().is_some_and(|first: &Value| first["fragment_number"] != picture["fragment_number"]);
        let inside = other && picture["offset_ms"].as_i64().is_some_and(|offset| offset >= 700);
        seen.push(picture);
        if inside {
            break;
        }
    }
    let time = |picture: &Value| picture["producer_timestamp"].as_str().expect("a time").to_owned();
    let [.., earlier, _, _, now] = &seen[..] else { panic!("{seen:?}") };
    let one = local.run(&["frame", "kvs://live", "--at", &time(now), "-o", &path("one.jpg"), "--json"]);
    let range = ["frames", "kvs://live", "--from", &time(earlier), "--to", &time(now), "-o", &path("range"), "--json"];
    let range = local.run(&range);
    for process in [&mut watch, &mut producer] {
        process.kill().expect("it runs");
        process.wait().expect("it ends");
    }
    assert_eq!(code(&one), 0, "{}", stderr(&one));
    assert_eq!(objects(&one).0.iter().map(time).collect::<Vec<_>>(), [time(now)], "{}", stderr(&one));
    assert_eq!(code(&range), 0, "{}", stderr(&range));
    let range: Vec<String> = objects(&range).0.iter().map(time).collect();
    assert_eq!(range, seen[seen.len() - 4..seen.len() - 1].iter().map(time).collect::<Vec<_>>());
}

/// A producer that cuts fragments where no key frame is.
#[test]
fn what_lies_within_a_group_of_pictures_is_decoded_from_its_beginning() {
    let local = Local::start();
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let film = path("film.mkv");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=10:duration=8", "-pix_fmt", "yuv420p"])
        .args(["-c:v", "libx264", "-g", "40", "-bf", "0", "-preset", "ultrafast"])
        .args(["-cluster_time_limit", "1000", &film])
        .status();
    if !made.is_ok_and(|status| status.success()) {
        return println!("skipped: ffmpeg with libx264 is not installed");
    }
    let start = "2024-05-01T12:00:00Z";
    let put = ["put", &film, "kvs://long", "--create", "--start", start, "-q"];
    let put = local.run(&put);
    assert_eq!(code(&put), 0, "{}", stderr(&put));
    let listed = fragments(&local, &["kvs://long", "--from", "earliest", "--to", "2024-05-02T00:00:00Z"]);
    assert!(listed.len() >= 7, "{listed:?}");
    let all =
        ["frames", "kvs://long", "--from", "earliest", "--to", "2024-05-02T00:00:00Z", "-o", &path("all"), "--json"];
    let (all, _) = objects(&local.run(&all));
    assert_eq!(all.len(), 80);
    let bytes = |picture: &Value| fs::read(picture["file"].as_str().expect("a file")).expect("a picture");
    // By time, and by number: the fragment of the 26th picture has no key frame, nor have the two before it.
    let wanted = &all[25];
    let time = wanted["producer_timestamp"].as_str().expect("a time");
    let one = local.run(&["frame", "kvs://long", "--at", time, "-o", &path("one.jpg"), "--json"]);
    assert_eq!(code(&one), 0, "{}", stderr(&one));
    let (items, _) = objects(&one);
    assert_eq!(
        (&items[0]["producer_timestamp"], &items[0]["damaged"]),
        (&wanted["producer_timestamp"], &Value::from(false))
    );
    assert_eq!(bytes(&items[0]), bytes(wanted));
    let number = wanted["fragment_number"].as_str().expect("a number");
    let first = all.iter().find(|picture| picture["fragment_number"] == number).expect("a picture of it");
    assert_eq!(first["keyframe"], false);
    let of_number = local.run(&["frame", "kvs://long", "--fragment", number, "-o", &path("two.jpg"), "--json"]);
    assert_eq!(code(&of_number), 0, "{}", stderr(&of_number));
    assert_eq!(bytes(&objects(&of_number).0[0]), bytes(first));
    // A range gives all that it holds, and nothing from before.
    let until = all[30]["producer_timestamp"].as_str().expect("a time");
    let range = ["frames", "kvs://long", "--from", time, "--to", until, "-o", &path("range"), "--json"];
    let range = local.run(&range);
    assert_eq!(code(&range), 0, "{}", stderr(&range));
    let (range, _) = objects(&range);
    assert_eq!(range.iter().map(bytes).collect::<Vec<_>>(), all[25..30].iter().map(bytes).collect::<Vec<_>>());
}

#[test]
fn streams_are_listed_and_described() {
    let local = Local::start();
    local.put(&capture(), "kvs://door");
    local.put(&testdata("generated/h264-high-bframes-aac.mkv"), "kvs://gate");
    let (items, summary) = objects(&local.run(&["streams", "--json"]));
    let names: Vec<&str> = items.iter().map(|item| item["stream_name"].as_str().expect("a name")).collect();
    assert_eq!((names, summary["streams"].as_u64()), (vec!["door", "gate"], Some(2)));
    assert_eq!(objects(&local.run(&["streams", "ga", "--json"])).0.len(), 1);
    let described: Value =
        serde_json::from_slice(&local.run(&["describe", "kvs://gate", "--json"]).stdout).expect("JSON");
    assert_eq!((&described["status"], &described["data_retention_hours"]), (&"ACTIVE".into(), &24.into()));
    // Its ARN names it too.
    let arn = described["stream_arn"].as_str().expect("an ARN");
    assert_eq!(code(&local.run(&["describe", arn])), 0);
}

#[test]
fn acknowledgements_are_told_one_by_one() {
    let local = Local::start();
    let file = capture();
    let args = [
        "put",
        file.to_str().expect("UTF-8"),
        "kvs://door",
        "--create",
        "--start",
        "2026-01-01T00:00:00Z",
        "--loop",
        "2",
        "--tag",
        "camera=front",
        "--json",
    ];
    let output = local.run(&args);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let (items, summary) = objects(&output);
    let persisted = items.iter().filter(|item| item["EventType"] == "PERSISTED").count() as u64;
    assert_eq!((summary["fragments"].as_u64(), summary["acknowledged"].as_u64()), (Some(persisted), Some(persisted)));
    let listed = fragments(&local, &["kvs://door", "--via", "fragments", "--from", "earliest"]);
    assert_eq!(listed.len() as u64, persisted);
    assert_eq!(listed[0]["producer_timestamp"], "2026-01-01T00:00:00.000Z");
    for fragment in &listed {
        let tags = fragment["tags"].as_array().expect("tags");
        assert!(tags.contains(&serde_json::json!({"name": "camera", "value": "front"})), "{tags:?}");
    }
}

/// The pictures that a command wrote: producer time and bytes of each, in order.
fn pictures(output: &Output) -> Vec<(Value, Vec<u8>)> {
    assert_eq!(code(output), 0, "{}", stderr(output));
    let (items, summary) = objects(output);
    assert_eq!(summary["pictures"].as_u64(), Some(items.len() as u64));
    let read = |item: &Value| fs::read(item["file"].as_str().expect("a name")).expect("a file");
    items.iter().map(|item| (item["producer_timestamp"].clone(), read(item))).collect()
}

#[test]
fn clips_of_the_service_give_the_same_pictures() {
    let local = Local::start();
    local.put(&capture(), "kvs://door");
    local.put(&testdata("generated/h264-high-bframes-aac.mkv"), "kvs://gate");
    let folder = tempfile::tempdir().expect("a folder");
    let frames = |stream: &str, via: &str, flags: &[&str]| {
        let target = folder.path().join(format!("{via}-{}", flags.join("").replace([':', '/'], "")));
        let target = target.to_str().expect("UTF-8").to_owned();
        let read = ["frames", stream, "--via", via, "--json", "--overwrite", "--name", "{index:04}", "-o", &target];
        pictures(&local.run(&[&read[..], flags].concat()))
    };
    for (stream, flags) in [
        ("kvs://gate", &["--from", "earliest"][..]),
        ("kvs://gate", &["--from", "2023-11-14T22:13:20.500Z", "--to", "2023-11-14T22:13:22.700Z"]),
        ("kvs://door", &["--from", "earliest", "--every", "1s"]),
    ] {
        let (clip, fragments) = (frames(stream, "clip", flags), frames(stream, "fragments", flags));
        assert!(clip.len() >= 5, "{}", clip.len());
        assert!(clip == fragments, "{stream} {flags:?}: {} and {}", clip.len(), fragments.len());
    }
    // One document for each file of the service, with its time.
    let listed = fragments(&local, &["kvs://gate", "--via", "clip", "--from", "earliest"]);
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0]["frames"], &listed[0]["fragment_number"]), (&124.into(), &Value::Null));
    fails_with(&local.run(&["fragments", "kvs://gate", "--via", "clip"]), 2, &["--from earliest"]);
    fails_with(&local.run(&["split", "kvs://gate", "--via", "images", "-o", "x"]), 2, &["kineframe frames"]);
}

#[test]
fn pictures_that_the_service_makes() {
    let local = Local::start();
    local.put(&testdata("generated/h264-high-bframes-aac.mkv"), "kvs://gate");
    let folder = tempfile::tempdir().expect("a folder");
    let target = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    // From the middle of a fragment, which the service would leave out.
    let range = ["--from", "2023-11-14T22:13:20.500Z", "--to", "2023-11-14T22:13:23Z", "--every", "300ms", "--json"];
    let run = |via: &str, more: &[&str]| {
        let target = target(&format!("{via}{}", more.len()));
        pictures(&local.run(&[&["frames", "kvs://gate", "--via", via, "-o", &target], &range[..], more].concat()))
    };
    for more in [&[][..], &["--format", "png", "--size", "80x60", "--limit", "4"]] {
        let (theirs, ours) = (run("images", more), run("fragments", more));
        assert_eq!(theirs.len(), if more.is_empty() { 9 } else { 4 });
        let same = theirs.iter().zip(&ours).filter(|((_, theirs), (_, ours))| theirs == ours).count();
        assert_eq!((same, ours.len()), (theirs.len(), theirs.len()));
    }
    let (theirs, ours) = (target("theirs.png"), target("ours.png"));
    // A picture's own time, at which both mean the same one.
    let at = "2023-11-14T22:13:22.597Z";
    let one = local.run(&["frame", "kvs://gate", "--via", "images", "--at", at, "-o", &theirs, "--json"]);
    assert_eq!(code(&one), 0, "{}", stderr(&one));
    assert_eq!(objects(&one).0[0]["producer_timestamp"], at);
    assert_eq!((objects(&one).0[0]["width"].as_u64(), objects(&one).0[0]["height"].as_u64()), (Some(320), Some(180)));
    let two = local.run(&["frame", "kvs://gate", "--at", at, "-o", &ours, "--json"]);
    let shown = objects(&two).0[0]["producer_timestamp"].clone();
    assert_eq!(fs::read(&theirs).expect("a file") == fs::read(&ours).expect("a file"), shown == at, "{shown}");
    let out = target("none");
    let late =
        ["frames", "kvs://gate", "--via", "images", "--every", "1s", "--from", "2024-01-01T00:00:00Z", "-o", &out];
    fails_with(&local.run(&[&late[..], &["--to", "+5s"]].concat()), 1, &["no picture", "--via fragments"]);
    let keys = ["frames", "kvs://gate", "--via", "images", "--keyframes", "--every", "1s", "-o", &out];
    fails_with(&local.run(&keys), 2, &["--keyframes"]);
}

#[test]
fn a_stream_is_read_once_and_served_on() {
    let local = Local::start();
    local.put(&capture(), "kvs://door");
    let mut serve = local.command();
    let upstream = "kvs://door?from=earliest&name=copy&retention=2";
    serve.args(["serve", "--json", "--no-auth", "--data", ":memory:", "--upstream", upstream]);
    let served = Served::of(&mut serve);
    let endpoint = &served.text("endpoint")[..];
    let archived = ["--via", "fragments", "--from", "earliest"];
    let wanted = fragments(&local, &[&["kvs://door"], &archived[..]].concat());
    let patience = std::time::Instant::now() + Duration::from_secs(30);
    loop {
        let args = ["fragments", "--json", "kvs://copy", "--endpoint-url", endpoint];
        let found = local.run(&[&args[..], &archived].concat());
        if code(&found) == 0 && objects(&found).0 == wanted {
            break;
        }
        assert!(std::time::Instant::now() < patience, "{}", stderr(&found));
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(served);
    let usage = local.server.as_ref().expect("a server").usage("door").expect("the stream").of("GetMedia");
    assert_eq!(usage.most_connections, 1);
    let gone = local.run(&["serve", "--json", "--data", ":memory:", "--upstream", "kvs://nobody"]);
    assert_eq!(code(&gone), 1);
    assert!(stderr(&gone).contains("--upstream kvs://nobody") && stderr(&gone).contains("no such stream"));
    assert_eq!(code(&local.run(&["serve", "--upstream", "kvs://door?speed=2"])), 2);
}

#[test]
fn the_sound_of_a_stream_is_that_of_the_file() {
    let local = Local::start();
    let body = testdata("generated/connect-like-audio.mkv");
    local.put(&body, "kvs://calls");
    let folders = tempfile::tempdir().expect("a folder");
    let record = |input: &str, name: &str, more: &[&str]| {
        let folder = folders.path().join(name);
        let output = local.run(&[&["audio", input, "-o", folder.to_str().expect("UTF-8")], more].concat());
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        ["track-1-AUDIO_FROM_CUSTOMER.wav", "track-2-AUDIO_TO_CUSTOMER.wav"]
            .map(|file| fs::read(folder.join(file)).expect("recorded"))
    };
    let file = record(body.to_str().expect("UTF-8"), "file", &[]);
    let archive = ["--via", "fragments", "--from", "earliest"];
    assert!(record("kvs://calls", "archive", &archive) == file);
    let live = ["--via", "get-media", "--from", "earliest", "--to", "+1h"];
    assert!(record("kvs://calls", "live", &live) == file);
}

/// Also that a signal ends it with a summary.
#[cfg(unix)]
#[test]
fn a_stream_from_which_nothing_comes_is_waited_for_aloud() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    let local = Local::start();
    local.put(&capture(), "kvs://still");
    let mut command = local.command();
    command.args(["fragments", "kvs://still"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().expect("piped")).read_line(&mut line).expect("a line");
    assert_eq!(line, "kineframe: kvs://still: nothing has come for 5 s; still waiting\n");
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
    let output = child.wait_with_output().expect("its end");
    let summary = String::from_utf8_lossy(&output.stdout);
    // The service begins with the last fragment that it has.
    assert_eq!(code(&output), 130, "{summary}");
    assert!(summary.lines().next_back().is_some_and(|line| line.starts_with("1 fragment, ")), "{summary}");
}
