//! What a data folder keeps, and what it forgets.

use std::time::Duration;

use kineframe_server::{Data, Options, Server};
use serde_json::{Value, json};

use crate::common::{Client, fragments, payloads, producer_body, read};

fn options(folder: &std::path::Path) -> Options {
    let mut options = crate::common::options();
    options.data = Data::Folder(folder.to_owned());
    options.idle_end = Duration::from_millis(100);
    options
}

async fn numbers(client: &Client) -> Vec<String> {
    let listed = client.call("/listFragments", json!({ "StreamName": "door", "MaxResults": 1000 })).await;
    let infos = listed["Fragments"].as_array().unwrap();
    let mut numbers: Vec<String> =
        infos.iter().map(|info| info["FragmentNumber"].as_str().unwrap().to_owned()).collect();
    numbers.sort();
    numbers
}

#[tokio::test]
async fn streams_and_fragments_are_there_after_a_new_start() {
    let folder = tempfile::tempdir().unwrap();
    let sent = fragments(8);
    let body = producer_body(&sent);
    let mut known: Vec<String> = Vec::new();
    let mut arn = String::new();
    for round in 0..3 {
        let server = Server::start(options(folder.path())).await.unwrap();
        let client = Client::new(&server);
        if round == 0 {
            arn = client.create("door", 24).await;
            client.call("/tagStream", json!({ "StreamName": "door", "Tags": { "room": "hall" } })).await;
        }
        assert_eq!(numbers(&client).await, known);
        let acks =
            client.put_all("door", "RELATIVE", &format!("{}", 1_700_000_000 + 100 * round), &body.bytes, 999).await;
        let persisted: Vec<String> = acks
            .iter()
            .filter(|ack| ack["EventType"] == "PERSISTED")
            .map(|ack| ack["FragmentNumber"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(persisted.len(), 8);
        assert!(known.last().is_none_or(|last| *last < persisted[0]), "numbers go on rising");
        known.extend(persisted);
        assert_eq!(numbers(&client).await, known);

        let media = client
            .media("/getMedia", json!({ "StreamName": "door", "StartSelector": { "StartSelectorType": "EARLIEST" } }))
            .await;
        let found = read(&media);
        assert_eq!(found.len(), known.len());
        for (index, (tail, frames)) in found.iter().enumerate() {
            assert!(tail.complete);
            assert_eq!(tail.head.number.as_ref().unwrap().as_str(), known[index]);
            let frames: Vec<Vec<u8>> = frames.iter().map(|frame| frame.2.to_vec()).collect();
            assert_eq!(frames, payloads(&sent[index % 8]));
        }
        let tags = client.call("/listTagsForStream", json!({ "StreamName": "door" })).await;
        assert_eq!(tags["Tags"], json!({ "room": "hall" }));
        let described = client.call("/describeStream", json!({ "StreamName": "door" })).await;
        assert_eq!(described["StreamInfo"]["StreamARN"], arn);
        // An end in order and one without: what was told as persisted is there.
        server.stop().await;
    }
    // A deleted stream leaves nothing behind.
    let server = Server::start(options(folder.path())).await.unwrap();
    let client = Client::new(&server);
    client.call("/deleteStream", json!({ "StreamARN": arn })).await;
    assert_eq!(std::fs::read_dir(folder.path().join("media")).unwrap().count(), 0);
    server.stop().await;
    let server = Server::start(options(folder.path())).await.unwrap();
    assert_eq!(Client::new(&server).call("/listStreams", json!({})).await["StreamInfoList"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn names_never_become_paths() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("data");
    let server = Server::start(options(&folder)).await.unwrap();
    let client = Client::new(&server);
    let body = producer_body(&fragments(1));
    for name in ["..", ".", "...", "con", "-rf"] {
        client.create(name, 1).await;
        let acks = client.put_all(name, "ABSOLUTE", "0", &body.bytes, 1 << 16).await;
        assert_eq!(acks.last().unwrap()["EventType"], "PERSISTED", "{name}");
    }
    let beside: Vec<_> = std::fs::read_dir(parent.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(beside, ["data"]);
    let mut inside: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    inside.sort();
    assert_eq!(inside, ["index.redb", "media"]);
    server.stop().await;
}

#[tokio::test]
async fn a_folder_serves_one_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(options(folder.path())).await.unwrap();
    let second = Server::start(options(folder.path())).await;
    assert!(second.is_err_and(|error| error.to_string().contains("cannot be used")));
    server.stop().await;
}

#[tokio::test]
async fn retention_is_kept() {
    for folder in [None, Some(tempfile::tempdir().unwrap())] {
        let mut options = match &folder {
            Some(folder) => options(folder.path()),
            None => crate::common::options(),
        };
        options.idle_end = Duration::from_millis(100);
        options.buffer_time = Duration::from_millis(1);
        options.buffer_bytes = 1;
        let server = Server::start(options).await.unwrap();
        let client = Client::new(&server);
        client.create("door", 0).await;
        let acks = client.put_all("door", "RELATIVE", "5", &producer_body(&fragments(3)).bytes, 1000).await;
        assert!(acks.iter().all(|ack| ack["EventType"] != "PERSISTED"), "{acks:?}");
        assert_eq!(numbers(&client).await, Vec::<String>::new());
        // What was there and is no more is an error in band.
        let number: &Value = &acks[0]["FragmentNumber"];
        let selector = json!({ "StartSelectorType": "FRAGMENT_NUMBER", "AfterFragmentNumber": number });
        let get = json!({ "StreamName": "door", "StartSelector": selector });
        let found = read(&client.media("/getMedia", get).await);
        assert_eq!(found[0].0.error.as_ref().unwrap().id, Some(4000));
        server.stop().await;
    }
}
