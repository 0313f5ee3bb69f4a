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
            "error:4008" => {
                let told = (&last["ErrorId"], &last["ErrorCode"]);
                assert_eq!(told, (&json!(4008), &json!("STREAM_NOT_ACTIVE")), "{acks:?}");
            }
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

#[tokio::test]
async fn a_data_endpoint_that_moved_refuses_and_the_new_one_answers() {
    let (server, client, body) = with("cut@p=0").await;
    client.put_all("door", "RELATIVE", "5", &body, 4096).await;
    let asked = json!({ "StreamName": "door", "APIName": "GET_MEDIA" });
    let home = client.call("/getDataEndpoint", asked.clone()).await["DataEndpoint"].clone();
    assert_eq!(home, server.endpoint());
    // A body that is on its way breaks off.
    let input = json!({ "StreamName": "door", "StartSelector": { "StartSelectorType": "EARLIEST" } });
    let mut open = client.open("/getMedia", input.clone()).await.into_body();
    assert!(open.frame().await.is_some_and(|frame| frame.is_ok()));
    let address = server.move_data_endpoint().await.unwrap();
    let end = async { while let Some(Ok(_)) = open.frame().await {} };
    tokio::time::timeout(Duration::from_secs(2), end).await.unwrap();
    let moved = (400, "InvalidEndpointException".to_owned());
    for path in ["/getMedia", "/putMedia", "/listFragments", "/getClip"] {
        assert_eq!(client.fails(path, input.clone()).await, moved, "{path}");
    }
    let there = client.call("/getDataEndpoint", asked.clone()).await["DataEndpoint"].clone();
    assert_eq!(there, format!("http://{address}"));
    let listed = client.at(address).call("/listFragments", json!({ "StreamName": "door" })).await;
    assert_eq!(listed["Fragments"].as_array().unwrap().len(), 3);
    // The second move closes the first one's door.
    let next = server.move_data_endpoint().await.unwrap();
    assert_ne!(next, address);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    assert_eq!(client.fails("/getMedia", input).await, moved);
    server.stop().await;
}

#[tokio::test]
async fn requests_expire_and_endpoints_move_by_chance() {
    let list = json!({ "StreamName": "door" });
    let (server, client, _) = with("expired@p=1").await;
    assert_eq!(client.fails("/listFragments", list.clone()).await, (403, "ExpiredTokenException".to_owned()));
    client.call("/describeStream", list.clone()).await;
    server.stop().await;
    let (server, client, _) = with("moved@p=1").await;
    assert_eq!(client.fails("/listFragments", list).await, (400, "InvalidEndpointException".to_owned()));
    let asked = json!({ "StreamName": "door", "APIName": "GET_MEDIA" });
    assert_ne!(client.call("/getDataEndpoint", asked).await["DataEndpoint"], server.endpoint());
    server.stop().await;
}
