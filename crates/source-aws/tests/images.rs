//! GetImages against the local service.

mod common;

use std::time::Duration;

use common::{as_produced, options, put, server, stream, upload};
use kineframe_source_aws::{Clock, ErrorKind, ImageAbsence, ImageRequest, ImageSample, StreamHandle, TimeRange};

/// Four seconds of H.264, 15 pictures a second, from 2023-11-14T22:13:20Z on.
const BODY: &[u8] = include_bytes!("../../../testdata/generated/h264-high-bframes-aac.mkv");
const START: i128 = 1_700_000_000_000_000_000;
const SECOND: i128 = 1_000_000_000;

fn request(from: i128, to: i128, interval: Duration) -> ImageRequest {
    ImageRequest {
        range: TimeRange { clock: Clock::Producer, from: START + from, to: START + to },
        interval,
        png: false,
        quality: None,
        width: None,
        height: None,
    }
}

async fn all(stream: &StreamHandle, request: ImageRequest) -> (Vec<ImageSample>, usize) {
    let (mut samples, mut pages, mut images) = (Vec::new(), 0, stream.images(request));
    while let Some(page) = images.next_page().await.expect("a page") {
        samples.extend(page);
        pages += 1;
    }
    (samples, pages)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_of_a_range_longer_than_a_call() {
    let server = server(|options| options.decoders = kineframe_decoders::default_list()).await;
    let stream = stream(options(&server), "door").await;
    put(&stream, as_produced(BODY), 10_000).await;
    // 700 s in steps of 7 s: windows of 294 s, pages of 25.
    let (samples, pages) = all(&stream, request(-7 * SECOND, 693 * SECOND, Duration::from_secs(7))).await;
    assert_eq!((samples.len(), pages), (100, 5));
    for (index, sample) in samples.iter().enumerate() {
        assert_eq!(sample.time, Some(START + (index as i128 - 1) * 7 * SECOND));
        match &sample.image {
            Ok(image) => assert!(index == 1 && image.starts_with(b"\xFF\xD8"), "{index}"),
            Err(absence) => assert!(index != 1 && *absence == ImageAbsence::NoMedia, "{index}: {absence}"),
        }
    }
    let mut small = request(0, 4 * SECOND, Duration::from_millis(500));
    (small.png, small.width, small.height) = (true, Some(40), Some(30));
    let (samples, _) = all(&stream, small).await;
    assert_eq!(samples.len(), 8);
    for sample in samples {
        let image = sample.image.expect("an image");
        // IHDR (PNG §11.2.2).
        assert_eq!((&image[..4], &image[16..24]), (&b"\x89PNG"[..], &[0, 0, 0, 40, 0, 0, 0, 30][..]));
    }
    let mut narrow = request(0, SECOND, Duration::from_secs(1));
    narrow.width = Some(40);
    let error = stream.images(narrow).next_page().await.expect_err("a width without a height");
    assert_eq!(error.kind, ErrorKind::InvalidArgument, "{error}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_service_cannot_decode_is_told() {
    let server = server(|options| options.decoders = kineframe_decoders::default_list()).await;
    let stream = stream(options(&server), "door").await;
    put(&stream, upload(0, 1), 10_000).await;
    let (samples, _) = all(&stream, request(0, 2 * SECOND, Duration::from_secs(2))).await;
    assert_eq!(samples.len(), 1);
    assert_eq!(samples[0].image, Err(ImageAbsence::MediaError));
    server.stop().await;
}
