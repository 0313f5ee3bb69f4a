//! Faults on purpose, and signatures.

use std::time::Duration;

use http_body_util::BodyExt;
use kineframe_server::{Auth, Server};
use serde_json::json;

use crate::common::{Client, fragments, producer_body, read_damaged};

async fn with(fault: &str) -> (Server, Client, Vec<u8>) {
    let mut options = crate::common::options();
    options.idle_end = Duration::from_millis(100);
    options.faults = vec![fault.parse().unwrap()];
    let server = Server::start(options).await.unwrap();
    let client = Client::new(&server);
    client.create("door", 1).await;
    let body = producer_body(&fragments(3)).bytes;
    (server, client, body)
}

/// What comes of a GetMedia body, and whether it came to its end.
async fn get(client: &Client) -> (Vec<u8>, bool) {
    let input = json!({ "StreamName": "door", "StartSelector": { "StartSelectorType": "EARLIEST" } });
    let answer = client.open("/getMedia", input).await;
    assert_eq!(answer.status(), 200);
    let mut body = answer.into_body();
    let mut got = Vec::new();
    loop {
        match tokio::time::timeout(Duration::from_secs(2), body.frame()).await {
            Err(_) => return (got, false),
            Ok(None) => return (got, true),
            Ok(Some(Err(_))) => return (got, false),
            Ok(Some(Ok(frame))) => got.extend_from_slice(&frame.into_data().unwrap()),
        }
    }
}

#[tokio::test]
async fn what_is_read_goes_wrong_where_it_should() {
    for (fault, ends) in [("cut", false), ("reset", false), ("stall", false), ("garbage", true), ("error:3002", true)] {
        let (server, client, body) = with(&format!("{fault}@bytes=1500,seed=4")).await;
        client.put_all("door", "RELATIVE", "5", &body, 4096).await;
        let (got, ended) = get(&client).await;
        assert_eq!(ended, ends, "{fault}");
        match fault {
            "cut" | "stall" => assert_eq!(got.len(), 1500, "{fault}"),
            // A reset may take with it what was on its way.
            "reset" => assert!(got.len() <= 1500),
            "error:3002" => {
                let (found, _) = read_damaged(&got);
                assert_eq!(found.last().unwrap().0.error.as_ref().unwrap().id, Some(3002));
            }
            _ => assert!(got.len() > 1500),
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn what_is_put_goes_wrong_where_it_should() {
    for fault in ["cut", "reset", "garbage", "error:4008"] {
        let (server, client, body) = with(&format!("{fault}@bytes=1200,on=put")).await;
        let acks = client.put_all("door", "RELATIVE", "5", &body, 100).await;
        let last = acks.last().unwrap();
        match fault {
            "garbage" => assert_eq!(last["ErrorId"], 4006, "{acks:?}"),
            "error:4008" => assert_eq!(last["ErrorId"], 4008, "{acks:?}"),
            _ => assert_ne!(last["EventType"], "ERROR", "{acks:?}"),
        }
        assert!(acks.len() < 9, "{fault} {acks:?}");
        server.stop().await;
    }
}

#[tokio::test]
async fn throttled_requests_have_the_type_of_the_service() {
    let (server, client, _) = with("throttle@p=1").await;
    let limited = (400, "ClientLimitExceededException".to_owned());
    assert_eq!(client.fails("/listFragments", json!({ "StreamName": "door" })).await, limited);
    client.call("/describeStream", json!({ "StreamName": "door" })).await;
    server.stop().await;
}

#[tokio::test]
async fn unsigned_requests_are_refused_before_anything_else() {
    let mut options = crate::common::options();
    options.auth = Auth::generate();
    let server = Server::start(options).await.unwrap();
    let client = Client::new(&server);
    let refused = (403, "MissingAuthenticationTokenException".to_owned());
    for path in ["/createStream", "/getMedia", "/putMedia", "/nothing"] {
        assert_eq!(client.fails(path, json!({})).await, refused, "{path}");
    }
    server.replace_auth(Auth::Off);
    client.create("door", 0).await;
    server.stop().await;
}
