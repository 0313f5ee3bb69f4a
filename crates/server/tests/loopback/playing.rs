//! GetClip and HLS.

use std::process::Command;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use kineframe_server::Server;
use serde_json::json;

use crate::common::{Client, as_produced, options, read};

/// H.264 with B pictures and AAC, as GetMedia sent it.
const BODY: &[u8] = include_bytes!("../../../../testdata/generated/h264-high-bframes-aac.mkv");

async fn with_media() -> (Server, Client) {
    let server = Server::start(options()).await.unwrap();
    let client = Client::new(&server);
    client.create("door", 1).await;
    let acks = client.put_all("door", "ABSOLUTE", "0", &as_produced(BODY), 1 << 16).await;
    assert!(acks.iter().all(|ack| ack["EventType"] != "ERROR"), "{acks:?}");
    (server, client)
}

/// Frames of each kind that ffprobe counts; `None` where it is not installed.
async fn ffprobe(input: String) -> Option<(u64, u64)> {
    let output = tokio::task::spawn_blocking(move || {
        let mut command = Command::new("ffprobe");
        command.args(["-v", "error", "-count_packets", "-show_entries", "stream=codec_type,nb_read_packets"]);
        command.args(["-of", "csv=p=0", "-protocol_whitelist", "file,http,tcp", &input]).output()
    });
    let Ok(output) = output.await.unwrap() else {
        println!("skipped: no ffprobe; `cargo xtask setup` installs it");
        return None;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let count = |kind: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(kind)?.strip_prefix(','));
        line.and_then(|count| count.trim_end_matches(',').parse().ok()).unwrap_or(0)
    };
    Some((count("video"), count("audio")))
}

/// Frames of each kind in the body that was put.
fn expected() -> (u64, u64) {
    let count = |number| read(BODY).iter().flat_map(|(_, frames)| frames).filter(|frame| frame.0 == number).count();
    (count(1) as u64, count(2) as u64)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_holds_every_frame_of_its_fragments() {
    let (server, client) = with_media().await;
    let range = json!({ "StartTimestamp": 1_600_000_000, "EndTimestamp": 1_600_080_000 });
    let clip = |range: &serde_json::Value| {
        let selector = json!({ "FragmentSelectorType": "PRODUCER_TIMESTAMP", "TimestampRange": range });
        json!({ "StreamName": "door", "ClipFragmentSelector": selector })
    };
    assert_eq!(client.fails("/getClip", clip(&range)).await, (404, "ResourceNotFoundException".to_owned()));
    let long = json!({ "StartTimestamp": 1_600_000_000, "EndTimestamp": 1_700_000_010 });
    assert_eq!(client.fails("/getClip", clip(&long)).await, (400, "InvalidArgumentException".to_owned()));
    let all = json!({ "StartTimestamp": 1_699_999_999, "EndTimestamp": 1_700_000_100 });
    let answer = client.open("/getClip", clip(&all)).await;
    assert_eq!(answer.headers()["content-type"], "video/mp4");
    let file = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&file[4..8], b"ftyp");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clip.mp4");
    std::fs::write(&path, &file).unwrap();
    if let Some(counted) = ffprobe(path.to_str().unwrap().to_owned()).await {
        assert_eq!(counted, expected());
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_gets_every_frame() {
    let (server, client) = with_media().await;
    client.create("empty", 1).await;
    client.create("plain", 0).await;
    let url = |name: &str| json!({ "StreamName": name });
    let hls = "/getHLSStreamingSessionURL";
    assert_eq!(client.fails(hls, url("empty")).await, (404, "ResourceNotFoundException".to_owned()));
    assert_eq!(client.fails(hls, url("plain")).await, (400, "NoDataRetentionException".to_owned()));
    let range = json!({ "StartTimestamp": 1_000_000_000, "EndTimestamp": 4_000_000_000u64 });
    let input = json!({
        "StreamName": "door", "PlaybackMode": "ON_DEMAND", "DisplayFragmentTimestamp": "ALWAYS",
        "HLSFragmentSelector": { "FragmentSelectorType": "SERVER_TIMESTAMP", "TimestampRange": range },
    });
    let answer = client.call(hls, input).await;
    let url = answer["HLSStreamingSessionURL"].as_str().unwrap().to_owned();
    assert!(url.starts_with(&format!("{}/hls/v1/getHLSMasterPlaylist.m3u8?SessionToken=", server.endpoint())));
    let path = url.strip_prefix(server.endpoint()).unwrap();
    let master = get(&client, path).await.1;
    assert!(master.contains("CODECS=\"avc1."), "{master}");
    let media = format!("/hls/v1/{}", master.lines().last().unwrap());
    let (_, playlist) = get(&client, &media).await;
    assert!(playlist.contains("#EXT-X-ENDLIST") && playlist.contains("#EXT-X-PROGRAM-DATE-TIME:"), "{playlist}");
    assert_eq!(playlist.matches("#EXTINF").count(), read(BODY).len());
    if let Some(counted) = ffprobe(url).await {
        assert_eq!(counted, expected());
    }
    // Another token, another fragment: nothing.
    assert_eq!(get(&client, "/hls/v1/getHLSMediaPlaylist.m3u8?SessionToken=x").await.0, 403);
    let segment = playlist.lines().rfind(|line| line.starts_with("getMP4MediaFragment")).unwrap();
    assert_eq!(get(&client, &format!("/hls/v1/{segment}")).await.0, 200);
    let other = segment.replace("FragmentNumber=9", "FragmentNumber=8");
    assert_eq!(get(&client, &format!("/hls/v1/{other}")).await.0, 404);

    // The page, for a browser on this machine only.
    assert!(get(&client, "/").await.1.contains("<title>kineframe serve</title>"));
    assert!(get(&client, "/page/streams").await.1.contains("\"door\""));
    assert!(get(&client, "/page/fragments?stream=door").await.1.contains("\"frames\":"));
    assert!(get(&client, "/page/play?stream=door").await.1.contains("getHLSMasterPlaylist"));
    assert_eq!(get_of(&client, "/", "evil.example").await.0, 403);
    server.stop().await;
}

pub async fn get(client: &Client, path: &str) -> (u16, String) {
    get_of(client, path, "localhost").await
}

async fn get_of(client: &Client, path: &str, host: &str) -> (u16, String) {
    let request = Request::get(path).header("host", host).body(Full::new(Bytes::new()).boxed()).unwrap();
    let answer = client.send(request).await;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}
