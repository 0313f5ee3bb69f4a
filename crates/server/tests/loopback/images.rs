//! GetImages: the pictures of the samples, and why there are none.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use kineframe_codec::Picture;
use kineframe_consumer::{Options as Reading, PictureInfo, Pictures};
use kineframe_image_export::{ExportOptions, Exporter, ImageFormat, Quality};
use kineframe_server::Server;
use serde_json::{Value, json};

use crate::common::{Client, as_produced, fragments, options, producer_body, read};

/// Four fragments of a second of H.264 with B pictures, 15 a second, and AAC.
const BODY: &[u8] = include_bytes!("../../../../testdata/generated/h264-high-bframes-aac.mkv");
/// The producer's time of the first of them.
const START_MS: i64 = 1_700_000_000_000;

async fn with_media() -> (Server, Client) {
    let mut options = options();
    options.decoders = kineframe_decoders::default_list();
    let server = Server::start(options).await.unwrap();
    let client = Client::new(&server);
    client.create("door", 1).await;
    client.put_all("door", "ABSOLUTE", "0", &as_produced(BODY), 1 << 16).await;
    (server, client)
}

fn request(from_ms: i64, to_ms: i64, more: Value) -> Value {
    let seconds = |millis: i64| millis as f64 / 1000.0;
    let mut input = json!({
        "StreamName": "door", "ImageSelectorType": "PRODUCER_TIMESTAMP", "Format": "PNG",
        "StartTimestamp": seconds(START_MS + from_ms), "EndTimestamp": seconds(START_MS + to_ms),
    });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

/// Each image: milliseconds since the first fragment, and its file or its error.
fn told(answer: &Value) -> Vec<(i64, Result<Vec<u8>, String>)> {
    let images = answer["Images"].as_array().unwrap().iter();
    images
        .map(|image| {
            let time = (image["TimeStamp"].as_f64().unwrap() * 1000.0).round() as i64 - START_MS;
            let file = match image["ImageContent"].as_str() {
                Some(content) => Ok(STANDARD.decode(content).unwrap()),
                None => Err(image["Error"].as_str().unwrap().to_owned()),
            };
            assert_eq!(image.as_object().unwrap().len(), 2);
            (time, file)
        })
        .collect()
}

/// Every picture of the stored body as a file, by its time.
fn pictures(export: ExportOptions) -> BTreeMap<i64, Vec<u8>> {
    let work = move || {
        let mut exporter = Exporter::new(export.clone());
        move |_: &PictureInfo, picture: Picture<'_>| {
            let mut file = Vec::new();
            exporter.encode(&picture, &mut file).map(|_| file)
        }
    };
    let pieces = Box::new(std::iter::once(Ok(Bytes::from_static(BODY))));
    let pictures = Pictures::of_pieces(pieces, Reading::new(kineframe_decoders::default_list()), work).unwrap();
    pictures
        .map(|item| {
            let item = item.unwrap();
            (item.info.producer_time.unwrap().as_millis().unwrap() - START_MS, item.output.unwrap())
        })
        .collect()
}

/// The time of the first video frame of each step, as the blocks of the stored body have it.
fn first_of_steps(from: i64, to: i64, step: i64) -> Vec<Option<i64>> {
    let times: Vec<i64> = read(BODY)
        .iter()
        .filter(|(tail, _)| tail.head.producer_timestamp.unwrap().as_millis().unwrap() - START_MS >= from)
        .flat_map(|(_, frames)| frames.iter())
        .filter(|(track, ..)| *track == 1)
        .map(|(_, time, _)| time.unwrap() - START_MS)
        .collect();
    let steps = (0..).map(|index| from + index * step).take_while(|start| *start < to);
    steps.map(|start| times.iter().copied().filter(|time| (start..start + step).contains(time)).min()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sample_is_the_first_picture_from_its_time_on() {
    let (server, client) = with_media().await;
    let png = pictures(ExportOptions::new(ImageFormat::Png));
    for (from, to, step) in [(0, 4000, 200), (0, 3999, 1000), (-1000, 5000, 500), (500, 4000, 300), (1000, 1000, 200)] {
        let answer = client.call("/getImages", request(from, to, json!({ "SamplingInterval": step }))).await;
        let told = told(&answer);
        let mut expected = first_of_steps(from, to.max(from + 1), step);
        assert!(answer.get("NextToken").is_none() && expected.len() <= 25);
        if to == from {
            // A sample at the very start, and nothing at or behind it but the audio.
            expected = vec![None];
        }
        assert_eq!(told.len(), expected.len(), "{from} {to} {step}");
        for (index, ((time, file), expected)) in told.iter().zip(expected).enumerate() {
            assert_eq!(*time, from + index as i64 * step);
            match expected {
                Some(at) => assert!(file.as_ref().unwrap() == &png[&at], "{from} {step}: {index} is not that of {at}"),
                None => assert_eq!(file.as_ref().unwrap_err(), "NO_MEDIA", "{from} {step}: {index}"),
            }
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quality_and_size_are_those_asked_for() {
    let (server, client) = with_media().await;
    let range = (0, 500, json!({}));
    let one = |more: Value| client.call("/getImages", request(range.0, range.1, more));
    let file = |answer: Value| told(&answer).remove(0).1.unwrap();
    for (quality, text) in [(80, None), (5, Some("5")), (100, Some("100"))] {
        let mut export = ExportOptions::new(ImageFormat::Jpeg);
        export.quality = Quality::new(quality).unwrap();
        let config = text.map_or(json!({}), |text| json!({ "FormatConfig": { "JPEGQuality": text } }));
        let mut input = config;
        input["Format"] = "JPEG".into();
        assert!(file(one(input).await) == *pictures(export).values().next().unwrap(), "{quality}");
    }
    for (width, height, expected) in [(Some(64u32), Some(64u32), (64, 64)), (None, Some(90), (160, 90))] {
        let mut input = json!({});
        for (name, side) in [("WidthPixels", width), ("HeightPixels", height)] {
            if let Some(side) = side {
                input[name] = side.into();
            }
        }
        let file = file(one(input).await);
        // IHDR (PNG §11.2.2).
        let side = |at: usize| u32::from_be_bytes(file[at..at + 4].try_into().unwrap());
        assert_eq!((side(16), side(20)), expected);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_25_at_most_and_leave_nothing_out() {
    let (server, client) = with_media().await;
    let all = first_of_steps(0, 6000, 200);
    for (most, expected) in [(None, vec![25, 5]), (Some(100u32), vec![25, 5]), (Some(12), vec![12, 12, 6])] {
        let (mut pages, mut images, mut token) = (Vec::new(), Vec::new(), None);
        loop {
            let mut input = request(0, 6000, json!({ "SamplingInterval": 200 }));
            let more: [(&str, Option<Value>); 2] = [("MaxResults", most.map(Value::from)), ("NextToken", token)];
            for (name, value) in more {
                if let Some(value) = value {
                    input[name] = value;
                }
            }
            let answer = client.call("/getImages", input).await;
            let page = told(&answer);
            pages.push(page.len());
            images.extend(page);
            token = answer.get("NextToken").cloned();
            if token.is_none() {
                break;
            }
        }
        assert_eq!(pages, expected, "{most:?}");
        let found: Vec<(i64, bool)> = images.iter().map(|(time, file)| (*time, file.is_ok())).collect();
        let wanted: Vec<(i64, bool)> =
            all.iter().enumerate().map(|(index, time)| (200 * index as i64, time.is_some())).collect();
        assert_eq!(found, wanted);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_decoded_is_a_media_error_and_what_is_wrong_is_refused() {
    let (server, client) = with_media().await;
    // The testkit's frames are no video that anything decodes.
    client.create("noise", 1).await;
    client.put_all("noise", "RELATIVE", "1700000000", &producer_body(&fragments(2)).bytes, 5000).await;
    let mut input = request(0, 8000, json!({ "SamplingInterval": 2000 }));
    input["StreamName"] = "noise".into();
    let errors: Vec<String> =
        told(&client.call("/getImages", input).await).into_iter().map(|(_, file)| file.unwrap_err()).collect();
    assert_eq!(errors, ["MEDIA_ERROR", "MEDIA_ERROR", "NO_MEDIA", "NO_MEDIA"]);

    client.create("plain", 0).await;
    let mut input = request(0, 1000, json!({}));
    input["StreamName"] = "plain".into();
    assert_eq!(client.fails("/getImages", input).await, (400, "NoDataRetentionException".to_owned()));
    let invalid = (400, "InvalidArgumentException".to_owned());
    for wrong in [
        json!({ "ImageSelectorType": "NOW" }),
        json!({ "Format": "WEBP" }),
        json!({ "SamplingInterval": 199 }),
        json!({ "WidthPixels": 3841, "HeightPixels": 10 }),
        json!({ "WidthPixels": 10, "HeightPixels": 0 }),
        json!({ "MaxResults": 101 }),
        json!({ "FormatConfig": { "JPEGQuality": "101" } }),
        json!({ "FormatConfig": { "Quality": "10" } }),
        json!({ "NextToken": "eA==" }),
        json!({ "EndTimestamp": 1_600_000_000 }),
        json!({ "EndTimestamp": 1_700_000_301 }),
        json!({ "StartTimestamp": null }),
    ] {
        assert_eq!(client.fails("/getImages", request(0, 1000, wrong.clone())).await, invalid, "{wrong}");
    }
    let narrow = request(0, 1000, json!({ "WidthPixels": 10 }));
    assert_eq!(client.fails("/getImages", narrow).await, (400, "ValidationException".to_owned()));
    let mut nobody = request(0, 1000, json!({}));
    nobody["StreamName"] = "nobody".into();
    assert_eq!(client.fails("/getImages", nobody).await, (404, "ResourceNotFoundException".to_owned()));
    server.stop().await;
}
