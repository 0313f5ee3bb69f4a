//! `kineframe serve` as the AWS command line sees it, unmodified: only the endpoint and the credentials are its own.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::served::Served;
use common::{code, kineframe, testdata};
use serde_json::{Value, json};

/// Where `cargo xtask setup` puts it.
fn program() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/clients/bin/aws");
    path.is_file().then_some(path)
}

/// A running service, and an environment that leads to it.
struct Local {
    _served: Served,
    aws: PathBuf,
    environment: Vec<(&'static str, String)>,
    folder: tempfile::TempDir,
}

impl Local {
    fn start(aws: PathBuf) -> Local {
        let served = Served::start(&["--idle-end", "300ms"]);
        let text = |name| served.text(name);
        let folder = tempfile::tempdir().expect("a folder");
        let nowhere = folder.path().join("none").display().to_string();
        let environment = vec![
            ("AWS_ENDPOINT_URL", text("endpoint")),
            ("AWS_DEFAULT_REGION", text("region")),
            ("AWS_REGION", text("region")),
            ("AWS_ACCESS_KEY_ID", text("access_key_id")),
            ("AWS_SECRET_ACCESS_KEY", text("secret_access_key")),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_CONFIG_FILE", nowhere.clone()),
            ("AWS_SHARED_CREDENTIALS_FILE", nowhere),
            ("AWS_PAGER", String::new()),
        ];
        Local { _served: served, aws, environment, folder }
    }

    fn with_environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env_remove("AWS_PROFILE").env_remove("AWS_SESSION_TOKEN");
        command.envs(self.environment.iter().map(|(name, value)| (*name, value)))
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.with_environment(&mut Command::new(&self.aws)).args(arguments).output().expect("it starts")
    }

    /// A call that must succeed: its answer.
    fn call(&self, arguments: &[&str]) -> Value {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    /// A call that must be refused with this type.
    fn refused(&self, kind: &str, arguments: &[&str]) {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(&format!("({kind})")), "{arguments:?}: {error}");
    }

    /// A call that writes what it gets to a file: its content type, and the file.
    fn media(&self, service: &str, call: &str, arguments: &[&str]) -> (String, Vec<u8>) {
        let path = self.folder.path().join("media");
        let file = path.display().to_string();
        let answer = self.call(&[&[service, call, "--stream-name", "door", &file], arguments].concat());
        let kind = answer["ContentType"].as_str().expect("a content type").to_owned();
        (kind, std::fs::read(path).expect("a file"))
    }
}

fn documents(body: &[u8]) -> usize {
    body.windows(4).filter(|window| *window == [0x1A, 0x45, 0xDF, 0xA3]).count()
}

const VIDEO: &str = "kinesisvideo";
const MEDIA: &str = "kinesis-video-media";
const ARCHIVE: &str = "kinesis-video-archived-media";

#[test]
fn the_aws_command_line_does_its_whole_work_with_it() {
    let Some(aws) = program() else {
        println!("skipped: no AWS command line; `cargo xtask setup` installs it");
        return;
    };
    let local = Local::start(aws);
    let name = ["--stream-name", "door"];
    let made = local.call(&[VIDEO, "create-stream", "--stream-name", "door", "--data-retention-in-hours", "2"]);
    let arn = made["StreamARN"].as_str().expect("an ARN").to_owned();
    let endpoint = local.call(&[&[VIDEO, "get-data-endpoint", "--api-name", "GET_MEDIA"][..], &name].concat());
    assert_eq!(endpoint["DataEndpoint"].as_str(), Some(local.environment[0].1.as_str()));
    // It has no PutMedia, as no SDK has.
    let file = testdata("generated/h264-high-bframes-aac.mkv");
    let mut put = kineframe();
    let put = local.with_environment(&mut put).arg("put").arg(&file).arg("kvs://door").output().expect("it starts");
    assert_eq!(code(&put), 0, "{}", String::from_utf8_lossy(&put.stderr));

    let server = r#"{"FragmentSelectorType":"SERVER_TIMESTAMP","TimestampRange":{"StartTimestamp":1000000000,"EndTimestamp":4000000000}}"#;
    let listed = local.call(&[&[ARCHIVE, "list-fragments", "--fragment-selector", server][..], &name].concat());
    let mut fragments = listed["Fragments"].as_array().expect("a list").clone();
    fragments.sort_by_key(|fragment| fragment["FragmentNumber"].as_str().map(ToOwned::to_owned));
    let number = |index: usize| fragments[index]["FragmentNumber"].as_str().expect("a number");
    let time = fragments[0]["ProducerTimestamp"].to_string();
    let time = time.trim_matches('"');
    let count = fragments.len();
    assert_eq!(count, 4);

    let after = format!("StartSelectorType=FRAGMENT_NUMBER,AfterFragmentNumber={}", number(0));
    let token = format!("StartSelectorType=CONTINUATION_TOKEN,ContinuationToken={}", number(1));
    let producer = format!("StartSelectorType=PRODUCER_TIMESTAMP,StartTimestamp={time}");
    for (selector, expected) in [
        ("StartSelectorType=EARLIEST", count),
        (after.as_str(), count - 1),
        (token.as_str(), count - 2),
        (producer.as_str(), count),
        ("StartSelectorType=SERVER_TIMESTAMP,StartTimestamp=1000000000", count),
        ("StartSelectorType=NOW", 0),
    ] {
        let (kind, body) = local.media(MEDIA, "get-media", &["--start-selector", selector]);
        assert_eq!((kind.as_str(), documents(&body)), ("video/webm", expected), "{selector}");
    }
    let (kind, body) = local.media(ARCHIVE, "get-media-for-fragment-list", &["--fragments", number(2), number(0)]);
    assert_eq!((kind.as_str(), documents(&body)), ("video/webm", 2));
    let day = r#"{"FragmentSelectorType":"PRODUCER_TIMESTAMP","TimestampRange":{"StartTimestamp":1700000000,"EndTimestamp":1700001000}}"#;
    let (kind, body) = local.media(ARCHIVE, "get-clip", &["--clip-fragment-selector", day]);
    assert_eq!((kind.as_str(), &body[4..8]), ("video/mp4", &b"ftyp"[..]));

    let images = [
        ARCHIVE,
        "get-images",
        "--stream-name",
        "door",
        "--image-selector-type",
        "PRODUCER_TIMESTAMP",
        "--start-timestamp",
        "2023-11-14T22:13:20Z",
        "--end-timestamp",
        "2023-11-14T22:13:25Z",
        "--sampling-interval",
        "1000",
        "--format",
        "JPEG",
        "--format-config",
        "JPEGQuality=40",
    ];
    let answer = local.call(&images);
    let kinds: Vec<bool> =
        answer["Images"].as_array().expect("images").iter().map(|image| image.get("ImageContent").is_some()).collect();
    assert_eq!(kinds, [true, true, true, true, false], "{answer}");
    assert_eq!(answer["Images"][4]["Error"], "NO_MEDIA");
    let hls = local.call(&[ARCHIVE, "get-hls-streaming-session-url", "--stream-name", "door"]);
    assert!(hls["HLSStreamingSessionURL"].as_str().is_some_and(|url| url.contains("getHLSMasterPlaylist.m3u8")));

    let configuration = json!({
        "Status": "ENABLED", "ImageSelectorType": "SERVER_TIMESTAMP", "SamplingInterval": 3000, "Format": "JPEG",
        "DestinationConfig": { "Uri": "s3://bucket/prefix", "DestinationRegion": "us-east-1" },
    });
    let text = configuration.to_string();
    let update = [VIDEO, "update-image-generation-configuration", "--image-generation-configuration", &text];
    local.call(&[&update[..], &name].concat());
    let told = local.call(&[&[VIDEO, "describe-image-generation-configuration"][..], &name].concat());
    assert_eq!(told["ImageGenerationConfiguration"], configuration);
    let notification = json!({ "Status": "ENABLED", "DestinationConfig": { "Uri": "arn:aws:sns:us-east-1:1:topic" } });
    let text = notification.to_string();
    let update = [VIDEO, "update-notification-configuration", "--notification-configuration", &text];
    local.call(&[&update[..], &name].concat());
    let told = local.call(&[&[VIDEO, "describe-notification-configuration"][..], &name].concat());
    assert_eq!(told["NotificationConfiguration"], notification);

    local.refused("ResourceNotFoundException", &[VIDEO, "describe-stream", "--stream-name", "nobody"]);
    local.refused("ResourceInUseException", &[VIDEO, "create-stream", "--stream-name", "door"]);
    let long: Vec<&str> =
        images.iter().map(|word| if *word == "2023-11-14T22:13:25Z" { "2023-11-14T22:18:21Z" } else { word }).collect();
    local.refused("InvalidArgumentException", &long);
    local.call(&[VIDEO, "delete-stream", "--stream-arn", &arn]);
    assert_eq!(local.call(&[VIDEO, "list-streams"])["StreamInfoList"], json!([]));
}
