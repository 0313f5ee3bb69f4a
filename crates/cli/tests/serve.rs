//! `kineframe serve`: its first line, its signals, and what is there after `kill -9`.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;

use common::kineframe;
use common::served::Served;
use kineframe_testkit::{Fragment, ids};
use serde_json::{Value, json};

/// A running `kineframe serve`, and calls to it.
struct Serve(Served);

impl Serve {
    fn start(data: &Path, more: &[&str]) -> Serve {
        let mut command = kineframe();
        command.args(["serve", "--json", "--idle-end", "200ms", "--no-limits", "--data"]).arg(data).args(more);
        Serve(Served::of(&mut command))
    }

    fn address(&self) -> &str {
        self.0.ready["endpoint"].as_str().and_then(|endpoint| endpoint.strip_prefix("http://")).expect("an address")
    }

    /// Status line and body of an answer to a call with `Connection: close`.
    fn call(&self, path: &str, input: &Value) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(self.address()).expect("it listens");
        let body = input.to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            self.address(),
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("headers");
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let body = answer.split_off(end + 4);
        (head.lines().next().unwrap_or_default().to_owned(), body)
    }

    fn json(&self, path: &str, input: &Value) -> Value {
        let (status, body) = self.call(path, input);
        assert!(status.contains(" 200 "), "{path}: {status} {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).expect("JSON")
    }

    /// Numbers of the fragments in the archive, in order.
    fn numbers(&self) -> Vec<String> {
        let listed = self.json("/listFragments", &json!({ "StreamName": "door", "MaxResults": 1000 }));
        let infos = listed["Fragments"].as_array().expect("a list");
        let mut numbers: Vec<String> =
            infos.iter().map(|info| info["FragmentNumber"].as_str().expect("a number").to_owned()).collect();
        numbers.sort();
        numbers
    }

    #[cfg(unix)]
    fn signal(&self, name: &str) {
        let id = self.0.child.id().to_string();
        assert!(std::process::Command::new("kill").args([name, &id]).status().expect("kill").success());
    }
}

/// A producer's body of so many fragments of two seconds: one Segment.
fn producer_body(count: u64) -> Vec<u8> {
    let mut body = Vec::new();
    for index in 0..count {
        let mut fragment = Fragment::new(index);
        fragment.tags_before.clear();
        fragment.tags_after.clear();
        let whole = fragment.encode();
        let cluster = whole.windows(4).position(|window| window == ids::CLUSTER.to_be_bytes()).expect("a Cluster");
        body.extend_from_slice(if index == 0 { &whole } else { &whole[cluster..] });
    }
    body
}

#[cfg(unix)]
#[test]
fn what_was_acknowledged_is_there_after_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut persisted: Vec<String> = Vec::new();
    for round in 0..3u64 {
        let mut serve = Serve::start(folder.path(), &["--no-auth"]);
        if round == 0 {
            serve.json("/createStream", &json!({ "StreamName": "door", "DataRetentionInHours": 1 }));
        }
        let kept = serve.numbers();
        assert!(persisted.iter().all(|number| kept.contains(number)), "round {round}: {persisted:?} of {kept:?}");
        // Each is whole: its five frames are there, and nothing else.
        for number in &kept {
            let list = json!({ "StreamName": "door", "Fragments": [number] });
            let (status, body) = serve.call("/getMediaForFragmentList", &list);
            assert!(status.contains(" 200 "));
            let error = body.windows(10).any(|window| window == b"ERROR_CODE");
            assert!(!error && body.len() > 600, "{number}");
        }

        let mut stream = TcpStream::connect(serve.address()).expect("it listens");
        let head = "POST /putMedia HTTP/1.1\r\nhost: x\r\nx-amzn-stream-name: door\r\n\
                    x-amzn-fragment-timecode-type: ABSOLUTE\r\nx-amzn-producer-start-timestamp: 0\r\n\
                    transfer-encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).expect("sent");
        let body = producer_body(200);
        let mut sender = stream.try_clone().expect("a second handle");
        let sending = std::thread::spawn(move || {
            for piece in body.chunks(700) {
                let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
                if sender.write_all(&chunk).is_err() {
                    break; // killed
                }
            }
        });
        // Killed in the middle of it, at another place each time.
        let wanted = 5 + 20 * round;
        let mut seen = 0;
        for line in BufReader::new(&mut stream).lines() {
            let Ok(line) = line else { break };
            let Some(start) = line.find('{') else { continue };
            let ack: Value = serde_json::from_str(&line[start..]).expect("an acknowledgement");
            if ack["EventType"] == "PERSISTED" {
                persisted.push(ack["FragmentNumber"].as_str().expect("a number").to_owned());
                seen += 1;
            }
            if seen == wanted {
                serve.0.child.kill().expect("SIGKILL");
            }
        }
        serve.0.child.wait().expect("its end");
        sending.join().expect("the sender ends");
    }
    assert!(persisted.len() >= 5 + 25 + 45);
}

#[cfg(unix)]
#[test]
fn sigterm_ends_it_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut serve = Serve::start(folder.path(), &["--region", "eu-west-1"]);
    for field in ["access_key_id", "secret_access_key"] {
        assert!(serve.0.ready[field].as_str().expect("text").len() >= 20);
    }
    assert_eq!(serve.0.ready["region"], "eu-west-1");
    let (status, body) = serve.call("/listStreams", &json!({}));
    assert!(status.contains(" 403 "), "{status}");
    assert!(String::from_utf8_lossy(&body).contains("Missing Authentication Token"));
    serve.signal("-TERM");
    assert_eq!(serve.0.child.wait().expect("its end").code(), Some(0));
}

/// Programs that have the credentials go on working after a new start.
#[cfg(unix)]
#[test]
fn credentials_stay_with_the_data_folder() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("new");
    let keys = |serve: &Serve| ["access_key_id", "secret_access_key"].map(|field| serve.0.text(field));
    let first = keys(&Serve::start(&data, &[]));
    let path = data.join("credentials.json");
    assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    assert_eq!(keys(&Serve::start(&data, &[])), first);
    assert_eq!(keys(&Serve::start(&data, &["--access-key-id", "AKID", "--secret-access-key", "s"])), ["AKID", "s"]);
    assert_ne!(keys(&Serve::start(&folder.path().join("other"), &[])), first);
    std::fs::write(&path, "{}").expect("written");
    let failed = common::run(&["serve", "--data", data.to_str().expect("text")]);
    assert_eq!(common::code(&failed), 1);
    assert!(String::from_utf8_lossy(&failed.stderr).contains("credentials.json"));
}

#[test]
fn without_json_the_first_line_is_to_be_pasted() {
    let mut command = kineframe();
    command.args(["serve", "--data", ":memory:"]).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a line");
    let _ = child.kill();
    let _ = child.wait();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[0], "export");
    for name in ["AWS_ENDPOINT_URL=http://127.0.0.1:", "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AKIA"] {
        assert!(words.iter().any(|word| word.starts_with(name)), "{line}");
    }
}

#[test]
fn wrong_use_is_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let serve = Serve::start(folder.path(), &[]);
    let used = common::run(&["serve", "--data", folder.path().to_str().expect("text")]);
    assert_eq!(common::code(&used), 1);
    let why = String::from_utf8_lossy(&used.stderr).into_owned();
    assert!(why.lines().count() == 1 && why.contains("cannot be used"), "{why}");
    let taken = common::run(&["serve", "--data", ":memory:", "--listen", serve.address()]);
    assert_eq!(common::code(&taken), 1);
    assert_eq!(common::code(&common::run(&["serve", "--fault", "burn@p=1"])), 2);
}
