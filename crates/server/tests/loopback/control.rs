//! The control plane: shapes of answers, types of errors.

use crate::common::{Client, options};
use kineframe_server::Server;
use serde_json::{Value, json};

#[tokio::test]
async fn a_stream_from_its_making_to_its_end() {
    let server = Server::start(options()).await.unwrap();
    let client = Client::new(&server);
    let arn = client.create("door", 2).await;
    assert!(arn.starts_with("arn:aws:kinesisvideo:us-east-1:123456789012:stream/door/"), "{arn}");
    let info = client.call("/describeStream", json!({ "StreamARN": arn })).await["StreamInfo"].clone();
    assert_eq!(info["StreamName"], "door");
    assert_eq!(info["Status"], "ACTIVE");
    assert_eq!(info["DataRetentionInHours"], 2);
    assert!(info["CreationTime"].as_f64().unwrap() > 1.7e9);
    let endpoint = client.call("/getDataEndpoint", json!({ "StreamName": "door", "APIName": "GET_MEDIA" })).await;
    assert_eq!(endpoint["DataEndpoint"], server.endpoint());
    assert_eq!(
        client.fails("/createStream", json!({ "StreamName": "door" })).await,
        (400, "ResourceInUseException".to_owned())
    );
    let wrong = json!({ "StreamARN": arn, "CurrentVersion": "x" });
    assert_eq!(client.fails("/deleteStream", wrong).await, (400, "VersionMismatchException".to_owned()));
    client.call("/deleteStream", json!({ "StreamARN": arn, "CurrentVersion": info["Version"] })).await;
    assert_eq!(
        client.fails("/describeStream", json!({ "StreamName": "door" })).await,
        (404, "ResourceNotFoundException".to_owned())
    );
    server.stop().await;
}

#[tokio::test]
async fn streams_are_listed_in_pages() {
    let server = Server::start(options()).await.unwrap();
    let client = Client::new(&server);
    for index in 0..5 {
        client.create(&format!("a{index}"), 0).await;
    }
    client.create("b", 0).await;
    let condition = json!({ "ComparisonOperator": "BEGINS_WITH", "ComparisonValue": "a" });
    let (mut names, mut token) = (Vec::new(), Value::Null);
    loop {
        let input = json!({ "MaxResults": 2, "NextToken": token, "StreamNameCondition": condition });
        let page = client.call("/listStreams", input).await;
        let infos = page["StreamInfoList"].as_array().unwrap().clone();
        names.extend(infos.iter().map(|info| info["StreamName"].as_str().unwrap().to_owned()));
        token = page["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(names, ["a0", "a1", "a2", "a3", "a4"]);
    server.stop().await;
}

#[tokio::test]
async fn wrong_requests_get_the_type_that_the_model_gives() {
    let server = Server::start(options()).await.unwrap();
    let client = Client::new(&server);
    client.create("door", 0).await;
    let invalid = "InvalidArgumentException";
    for (path, input, status, kind) in [
        ("/createStream", json!({}), 400, invalid),
        ("/createStream", json!({ "StreamName": "../../etc/passwd" }), 400, invalid),
        ("/createStream", json!({ "StreamName": "x", "DataRetentionInHours": -1 }), 400, invalid),
        ("/createStream", json!({ "StreamName": 7 }), 400, "SerializationException"),
        ("/describeStream", json!({}), 400, invalid),
        ("/describeStream", json!({ "StreamName": "a/b" }), 400, invalid),
        ("/describeStream", json!({ "StreamARN": "nonsense" }), 400, invalid),
        ("/describeStream", json!({ "StreamName": "nobody" }), 404, "ResourceNotFoundException"),
        ("/listStreams", json!({ "MaxResults": 0 }), 400, invalid),
        ("/listStreams", json!({ "NextToken": "!" }), 400, invalid),
        ("/getDataEndpoint", json!({ "StreamName": "door" }), 400, invalid),
        ("/getDataEndpoint", json!({ "StreamName": "door", "APIName": "GET" }), 400, invalid),
        ("/getMedia", json!({ "StreamName": "door" }), 400, invalid),
        ("/getMedia", json!({ "StreamName": "door", "StartSelector": { "StartSelectorType": "X" } }), 400, invalid),
        (
            "/getMedia",
            json!({ "StreamName": "door", "StartSelector": { "StartSelectorType": "FRAGMENT_NUMBER" } }),
            400,
            invalid,
        ),
        ("/listFragments", json!({ "StreamName": "door", "MaxResults": 1001 }), 400, invalid),
        ("/listFragments", json!({ "StreamName": "door", "NextToken": "AAAA" }), 400, invalid),
        ("/getMediaForFragmentList", json!({ "StreamName": "door", "Fragments": [] }), 400, invalid),
        ("/getMediaForFragmentList", json!({ "StreamName": "door", "Fragments": ["x"] }), 400, invalid),
        ("/nothing", json!({}), 404, "UnknownOperationException"),
    ] {
        assert_eq!(client.fails(path, input.clone()).await, (status, kind.to_owned()), "{path} {input}");
    }
    assert_eq!(client.raw("/createStream", "{").await.1, "SerializationException");
    assert_eq!(client.raw("/createStream", vec![b' '; 2 << 20]).await.1, "SerializationException");
    server.stop().await;
}

#[tokio::test]
async fn what_is_configured_is_told() {
    let server = Server::start(options()).await.unwrap();
    let client = Client::new(&server);
    client.create("door", 0).await;
    let stream = |more: Value| {
        let mut input = json!({ "StreamName": "door" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let version = async || {
        let info = client.call("/describeStream", stream(json!({}))).await;
        info["StreamInfo"]["Version"].as_str().unwrap().to_owned()
    };
    let images = json!({
        "Status": "ENABLED", "ImageSelectorType": "SERVER_TIMESTAMP", "SamplingInterval": 200, "Format": "JPEG",
        "DestinationConfig": { "Uri": "s3://bucket/prefix", "DestinationRegion": "us-east-1" },
        "FormatConfig": { "JPEGQuality": "80" }, "WidthPixels": 320,
    });
    let update = stream(json!({ "ImageGenerationConfiguration": images }));
    let refused = client.fails("/updateImageGenerationConfiguration", update.clone()).await;
    assert_eq!(refused, (400, "NoDataRetentionException".to_owned()));

    let mut change = json!({ "CurrentVersion": version().await, "Operation": "INCREASE_DATA_RETENTION" });
    change["DataRetentionChangeInHours"] = 5.into();
    client.call("/updateDataRetention", stream(change.clone())).await;
    let stale = client.fails("/updateDataRetention", stream(change.clone())).await;
    assert_eq!(stale, (400, "VersionMismatchException".to_owned()));
    change["CurrentVersion"] = version().await.into();
    change["Operation"] = "DECREASE_DATA_RETENTION".into();
    change["DataRetentionChangeInHours"] = 6.into();
    let below = client.fails("/updateDataRetention", stream(change)).await;
    assert_eq!(below, (400, "InvalidArgumentException".to_owned()));
    let reserved = client.fails("/tagStream", stream(json!({ "Tags": { "aws:owner": "me" } }))).await;
    assert_eq!(reserved, (400, "InvalidArgumentException".to_owned()));

    client.call("/updateImageGenerationConfiguration", update).await;
    let described = client.call("/describeImageGenerationConfiguration", stream(json!({}))).await;
    assert_eq!(described["ImageGenerationConfiguration"], images);
    client.call("/updateImageGenerationConfiguration", stream(json!({}))).await;
    assert_eq!(client.call("/describeImageGenerationConfiguration", stream(json!({}))).await, json!({}));
    let notification =
        json!({ "Status": "DISABLED", "DestinationConfig": { "Uri": "sns://arn:aws:sns:us-east-1:1:topic" } });
    let update = stream(json!({ "NotificationConfiguration": notification }));
    client.call("/updateNotificationConfiguration", update).await;
    let described = client.call("/describeNotificationConfiguration", stream(json!({}))).await;
    assert_eq!(described["NotificationConfiguration"], notification);

    let update = stream(json!({ "CurrentVersion": version().await, "MediaType": "video/h264" }));
    client.call("/updateStream", update).await;
    let info = client.call("/describeStream", stream(json!({}))).await;
    assert_eq!(info["StreamInfo"]["MediaType"], "video/h264");
    client.call("/tagStream", stream(json!({ "Tags": { "a": "1", "b": "2" } }))).await;
    client.call("/untagStream", stream(json!({ "TagKeyList": ["a"] }))).await;
    assert_eq!(client.call("/listTagsForStream", stream(json!({}))).await["Tags"], json!({ "b": "2" }));
    let tags: serde_json::Map<String, Value> = (0..51).map(|n| (n.to_string(), "x".into())).collect();
    let many = client.fails("/tagStream", stream(json!({ "Tags": tags }))).await;
    assert_eq!(many, (400, "TagsPerResourceExceededLimitException".to_owned()));
    let storage = client.call("/describeStreamStorageConfiguration", stream(json!({}))).await;
    assert_eq!(storage["StreamStorageConfiguration"]["DefaultStorageTier"], "HOT");
    server.stop().await;
}
