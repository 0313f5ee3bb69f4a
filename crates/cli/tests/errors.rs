//! What goes wrong with a service is one line that says what and what to do, with the right exit code.

mod common;

use std::process::Command;

use common::local::{Local, fails_with, signed, stderr, unsigned};
use common::{code, kineframe, testdata};
use kineframe_server::Auth;

/// How a command is made to fail: its environment and arguments, and what its line says.
struct Case {
    what: &'static str,
    command: Command,
    exit: i32,
    words: &'static [&'static str],
}

/// A service that takes one key alone.
fn guarded() -> Local {
    Local::with(|options| {
        options.auth = Auth::SigV4 { access_key_id: "AKIDEXAMPLE".into(), secret_access_key: "secret".into() };
    })
}

#[test]
fn one_line_says_what_and_what_to_do() {
    let (local, guarded) = (Local::start(), guarded());
    let throttling = Local::with(|options| options.faults = vec!["throttle@p=1".parse().expect("a fault")]);
    let file = testdata("captures/output_get_media.mkv");
    let file = file.to_str().expect("UTF-8");
    for service in [&local, &guarded, &throttling] {
        assert_eq!(code(&service.run(&["put", file, "kvs://door", "--create", "-q"])), 0);
        let fleeting = ["put", file, "kvs://fleeting", "--create", "--retention", "0", "-q"];
        assert_eq!(code(&service.run(&fleeting)), 0);
    }
    let with = |service: &Local, args: &[&str]| {
        let mut command = service.command();
        command.args(args);
        command
    };
    let other = |service: &Local, name: &str, value: &str, args: &[&str]| {
        let mut command = with(service, args);
        command.env(name, value);
        command
    };
    let read = ["fragments", "kvs://door", "--from", "earliest"];
    let past = ["--to", "2020-01-01T00:00:00Z"];
    let live = [&read[..], &["--via", "get-media"], &past].concat();
    let archive = [&read[..], &["--via", "fragments"]].concat();
    let fleeting = |via| ["fragments", "kvs://fleeting", "--from", "earliest", "--via", via];

    let mut cases = Vec::new();
    let mut case = |what, command, exit, words| cases.push(Case { what, command, exit, words });
    for (what, args) in [("live", &live), ("archived", &archive)] {
        let refused: &[&str] = &["kvs://door", "does not accept the AWS credentials", "AWS_SECRET_ACCESS_KEY"];
        case(what, other(&guarded, "AWS_SECRET_ACCESS_KEY", "wrong", args), 1, refused);
        case(what, other(&guarded, "AWS_ACCESS_KEY_ID", "AKIDUNKNOWN", args), 1, refused);
        // Signatures are for a region.
        let region = ["--region", "eu-west-1"];
        case(what, with(&guarded, &[&args[..], &region].concat()), 1, &["kvs://door", "--region"]);
        let unknown: Vec<&str> =
            args.iter().map(|&arg| if arg == "kvs://door" { "kvs://nobody" } else { arg }).collect();
        case(what, with(&local, &unknown), 1, &["kvs://nobody", "no such stream", "kineframe streams"]);
        case(what, with(&throttling, args), 1, &["kvs://door", "rate limit", "try again later"]);
        let mut unreachable = kineframe();
        signed(&mut unreachable).args(args.iter()).args(["--region", "us-east-1"]);
        unreachable.args(["--endpoint-url", "http://127.0.0.1:9"]);
        case(what, unreachable, 1, &["kvs://door", "cannot be reached", "check the network"]);
    }
    case(
        "put",
        other(&guarded, "AWS_SECRET_ACCESS_KEY", "wrong", &["put", file, "kvs://door"]),
        1,
        &["does not accept the AWS credentials"],
    );
    case("no retention", with(&local, &fleeting("clip")), 1, &["kvs://fleeting", "retains no data", "retention"]);
    case("no retention", with(&local, &fleeting("fragments")), 1, &["kvs://fleeting", "retains no data", "retention"]);
    case("no stream", with(&local, &["describe", "kvs://nobody"]), 1, &["DescribeStream", "no such stream"]);
    case("no stream", with(&local, &["put", file, "kvs://nobody"]), 1, &["no such stream", "--create"]);
    const NUMBER: &str = "91343852333181432392682062658249485133423434402";
    let picture = |stream, which: [&'static str; 2]| ["frame", stream, which[0], which[1], "-o", "never.jpg"];
    for which in [["--fragment", NUMBER], ["--at", "2020-01-01T00:00:00Z"]] {
        let nobody = picture("kvs://nobody", which);
        case("no stream", with(&local, &nobody), 1, &["kvs://nobody", "no such stream", "kineframe streams"]);
        let fleeting = picture("kvs://fleeting", which);
        case("no retention", with(&local, &fleeting), 1, &["kvs://fleeting", "retains no data", "retention"]);
    }
    let swapped = ["--from", "2020-01-02T00:00:00Z", "--to", "2020-01-01T00:00:00Z"];
    for input in ["kvs://door", file] {
        for command in [&["fragments"][..], &["inspect"], &["frames", "-o", "never"], &["merge", "-o", "never.mkv"]] {
            case("swapped", with(&local, &[command, &[input], &swapped].concat()), 2, &["--from", "--to", "swapped"]);
        }
    }
    let images = ["frames", "kvs://door", "--via", "images", "--every", "1s", "-o", "never"];
    case("swapped", with(&local, &[&images[..], &swapped].concat()), 2, &["--from", "--to", "swapped"]);
    let early = ["frame", file, "--fragment", NUMBER, "--offset", "-1", "-o", "never.jpg"];
    case("too early", with(&local, &early), 2, &["--offset -1", "before the first picture", NUMBER]);
    case("a name", with(&local, &["fragments", "door"]), 1, &["no such file", "kvs://door"]);
    case("a name", with(&local, &["fragments", "kvs:/door"]), 1, &["no such file", "kvs://door"]);
    case(
        "no scheme",
        other(&local, "AWS_ENDPOINT_URL_KINESIS_VIDEO", "127.0.0.1:9", &["streams"]),
        1,
        &["give http://127.0.0.1:9"],
    );
    case("no name", with(&local, &["fragments", "kvs://a/b"]), 2, &["not a stream"]);
    case("a file", with(&local, &["fragments", file, "--region", "eu-west-1"]), 2, &["--region"]);
    case("fragments", with(&local, &["put", file, "kvs://door", "--fragment-duration", "1m"]), 2, &["18s"]);
    let mut nowhere = kineframe();
    signed(&mut nowhere).args(["streams", "--endpoint-url", &local.endpoint]);
    case("no region", nowhere, 1, &["no AWS region", "--region"]);
    let mut keyless = kineframe();
    unsigned(&mut keyless).args(["streams", "--region", "us-east-1", "--endpoint-url", &local.endpoint]);
    case("no keys", keyless, 1, &["no AWS credentials", "AWS_ACCESS_KEY_ID"]);

    // Side by side, since what is tried again takes its time.
    std::thread::scope(|scope| {
        for mut case in cases {
            scope.spawn(move || {
                let output = case.command.output().expect("the command starts");
                println!("{}: {}", case.what, String::from_utf8_lossy(&output.stderr).trim_end());
                fails_with(&output, case.exit, case.words);
            });
        }
    });
}

#[test]
fn a_profile_that_is_named_goes_before_keys_in_the_environment() {
    let guarded = guarded();
    let folder = tempfile::tempdir().expect("a folder");
    let (config, keys) = (folder.path().join("config"), folder.path().join("credentials"));
    std::fs::write(&config, "[profile empty]\nregion = us-east-1\n").expect("a file");
    let text = |key| format!("aws_access_key_id = {key}\naws_secret_access_key = secret\n");
    let sections = format!("[right]\n{}[wrong]\n{}", text("AKIDEXAMPLE"), text("AKIDUNKNOWN"));
    std::fs::write(&keys, sections).expect("a file");
    let streams = |profile: &[&str], environment: &[(&str, &str)]| {
        let mut command = guarded.command();
        command.args(["streams", "--json"]).args(profile).envs(environment.iter().copied());
        command.env("AWS_CONFIG_FILE", &config).env("AWS_SHARED_CREDENTIALS_FILE", &keys);
        command.output().expect("the command starts")
    };
    let unknown = [("AWS_ACCESS_KEY_ID", "AKIDUNKNOWN")];
    fails_with(&streams(&[], &unknown), 1, &["does not accept the AWS credentials"]);
    assert_eq!(code(&streams(&["--profile", "right"], &unknown)), 0);
    fails_with(&streams(&["--profile", "wrong"], &[]), 1, &["does not accept the AWS credentials"]);
    // What the environment says of profiles comes after what it says of keys.
    assert_eq!(code(&streams(&[], &[("AWS_PROFILE", "wrong")])), 0);
    let places = [config.to_str().expect("UTF-8"), keys.to_str().expect("UTF-8")];
    let absent = streams(&["--profile", "nobody"], &[]);
    fails_with(&absent, 1, &["no such profile", "'nobody'", places[0], places[1], "--profile"]);
    // It has no keys, and those of the environment are not its own.
    fails_with(&streams(&["--profile", "empty"], &[]), 1, &["no AWS credentials"]);
}

#[test]
fn what_is_put_is_looked_at_before_a_stream_is_made() {
    let local = Local::start();
    let folder = tempfile::tempdir().expect("a folder");
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "no media").expect("a file");
    let empty = testdata("captures/empty-mkv-with-tags.mkv");
    for file in [folder.path().join("absent.mkv"), text, empty] {
        let file = file.to_str().expect("UTF-8");
        fails_with(&local.run(&["put", file, "kvs://x", "--create"]), 1, &[file]);
    }
    fails_with(&local.run(&["describe", "kvs://x"]), 1, &["no such stream"]);
}

#[test]
fn what_is_missing_or_wrong_in_the_flags_is_said_with_what_would_be_right() {
    let local = Local::start();
    let frame = local.run(&["frame", "kvs://door", "-o", "never.jpg"]);
    let said = stderr(&frame);
    assert!(code(&frame) == 2 && said.contains("--fragment") && said.contains("--at"), "{said}");
    let endpoint = local.run(&["streams", "--endpoint-url", "127.0.0.1:9"]);
    let said = stderr(&endpoint);
    assert!(code(&endpoint) == 2 && said.contains("give http://127.0.0.1:9"), "{said}");
}

#[test]
fn an_error_of_the_service_is_told_with_number_and_name() {
    let faulty = |fault: &str| Local::with(|options| options.faults = vec![fault.parse().expect("a fault")]);
    let (local, file) = (faulty("error:4006@bytes=1000,on=put"), testdata("captures/output_get_media.mkv"));
    let refused = local.run(&["put", file.to_str().expect("UTF-8"), "kvs://door", "--create", "-q"]);
    let said = stderr(&refused);
    assert!(code(&refused) == 1 && said.contains("INVALID_MKV_DATA 4006"), "{said}");

    let local = faulty("error:4500@bytes=1000");
    local.put(&file, "kvs://door");
    let past = ["--from", "earliest", "--to", "2020-01-01T00:00:00Z", "--via", "get-media"];
    let fragments = local.run(&[&["fragments", "kvs://door"], &past[..]].concat());
    let said = stderr(&fragments);
    assert!(code(&fragments) == 3 && said.contains("the service reported KMS_KEY_ACCESS_DENIED (4500)"), "{said}");
}

#[test]
fn an_offset_behind_a_fragment_gives_its_last_picture_and_a_word() {
    let local = Local::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = testdata("captures/output_get_media.mkv");
    let at = |offset, name| {
        let picture = folder.path().join(name);
        let number = "91343852333181432392682062607743920146159169392";
        let command = ["frame", file.to_str().expect("UTF-8"), "--fragment", number, "--offset", offset, "-o"];
        let output = local.run(&[&command[..], &[picture.to_str().expect("UTF-8")]].concat());
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        (stderr(&output), std::fs::read(picture).expect("a picture"))
    };
    let (said, last) = at("100", "a.jpg");
    assert!(said.contains("--offset 100 s lies past the fragment's end"), "{said}");
    // The last picture of the two seconds.
    assert_eq!(at("1990ms", "b.jpg"), (String::new(), last));
    assert_eq!(at("1.25", "c.jpg"), at("1.25s", "d.jpg"));
}
