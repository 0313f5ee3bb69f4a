//! What goes wrong with a service is one line that says what and what to do, with the right exit code.

mod common;

use std::process::Command;

use common::local::{Local, fails_with, signed, unsigned};
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
        case(what, with(&guarded, &[&args[..], &region].concat()), 1, &["kvs://door", "credentials"]);
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
