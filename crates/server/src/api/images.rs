//! GetImages: pictures of a stream at an interval.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kineframe_image_export::{ExportOptions, Fit, ImageFormat, Resize};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::archive::{token, untoken};
use super::clip::with_archive;
use super::{StreamRef, Timestamp, epoch_seconds, in_range, one_of, required};
use crate::http::{self, Answer, ApiError};
use crate::media::fragment::Fragment;
use crate::pictures::{Grid, Sample};
use crate::service::Service;
use crate::usage::Points;

/// Images of a page, whatever `MaxResults` says beyond that.
const PAGE: i64 = 25;
/// Milliseconds from the beginning of the range to its end.
const RANGE_MS: i64 = 300_000;
/// Milliseconds between samples where the request does not say it.
const INTERVAL_MS: i64 = 3000;
/// Characters of one image in base64.
const CONTENT: usize = 6_291_456;
/// Bytes of all images of a page, in base64: what is beyond them goes to the next.
const PAGE_BYTES: usize = 100_000_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetImages {
    #[serde(flatten)]
    stream: StreamRef,
    image_selector_type: Option<String>,
    start_timestamp: Option<Timestamp>,
    end_timestamp: Option<Timestamp>,
    sampling_interval: Option<i64>,
    format: Option<String>,
    format_config: Option<BTreeMap<String, String>>,
    width_pixels: Option<i64>,
    height_pixels: Option<i64>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

impl GetImages {
    fn grid(&self) -> Result<Grid, ApiError> {
        let kind = required("imageSelectorType", self.image_selector_type.as_deref())?;
        one_of("imageSelectorType", kind, &["PRODUCER_TIMESTAMP", "SERVER_TIMESTAMP"])?;
        let start_ms = required("startTimestamp", self.start_timestamp)?.millis;
        let end_ms = required("endTimestamp", self.end_timestamp)?.millis;
        if end_ms < start_ms {
            return Err(ApiError::invalid_argument("EndTimestamp is before StartTimestamp."));
        }
        if end_ms.saturating_sub(start_ms) > RANGE_MS {
            return Err(ApiError::invalid_argument("EndTimestamp must be within 300 seconds of StartTimestamp."));
        }
        let interval = in_range("samplingInterval", self.sampling_interval, 200, i64::from(i32::MAX))?;
        let interval_ms = interval.unwrap_or(INTERVAL_MS);
        Ok(Grid { producer: kind == "PRODUCER_TIMESTAMP", start_ms, end_ms, interval_ms })
    }

    fn export(&self) -> Result<ExportOptions, ApiError> {
        let format = required("format", self.format.as_deref())?;
        one_of("format", format, &["JPEG", "PNG"])?;
        let mut options = ExportOptions::new(if format == "PNG" { ImageFormat::Png } else { ImageFormat::Jpeg });
        for (key, value) in self.format_config.iter().flatten() {
            one_of("formatConfig", key, &["JPEGQuality"])?;
            let wrong = |_| ApiError::invalid_argument("JPEGQuality must be a number from 1 to 100, as text.");
            options.quality = value.parse().map_err(wrong)?;
        }
        let size = |value: Option<i64>| value.and_then(|value| u32::try_from(value).ok()?.try_into().ok());
        let width = size(in_range("widthPixels", self.width_pixels, 1, 3840)?);
        let height = size(in_range("heightPixels", self.height_pixels, 1, 2160)?);
        options.fit = Fit::Stretch;
        options.resize = match (width, height) {
            (None, None) => Resize::Keep,
            (Some(width), Some(height)) => Resize::Both(width, height),
            (None, Some(height)) => Resize::Height(height),
            (Some(_), None) => {
                return Err(ApiError::validation("WidthPixels must be given together with HeightPixels."));
            }
        };
        Ok(options)
    }
}

/// Where the next page begins.
#[derive(Serialize, Deserialize)]
struct Page {
    sample: u64,
}

/// GetImages.
pub(crate) async fn get_images(service: &Service, body: &[u8]) -> Result<Answer, ApiError> {
    let input: GetImages = http::parse(body)?;
    let stream = service.stream(&input.stream)?;
    let (grid, export) = (input.grid()?, input.export()?);
    let most = in_range("maxResults", input.max_results, 1, 100)?.map_or(PAGE, |most| most.min(PAGE));
    let first = match &input.next_token {
        None => 0,
        Some(token) => {
            let page: Page = serde_json::from_str(&untoken(token)?)
                .map_err(|_| ApiError::invalid_argument("NextToken is not one that this service gave."))?;
            page.sample
        }
    };
    with_archive(&stream)?;
    // What the quotas page has: 400 and the images to look up, the images of media.
    let points = Points { media: most as f64, metadata: 400.0 + most as f64 };
    stream.meter.call("GetImages", points)?;
    let samples = first..grid.samples().min(first.saturating_add(most.unsigned_abs())).max(first);
    let fragments: Vec<Arc<Fragment>> =
        stream.stored().into_iter().filter(|fragment| grid.holds(fragment, &samples)).collect();
    let made = service.pictures.samples(fragments, grid, samples.clone(), export).await;
    let made = made.ok_or_else(|| ApiError::internal_failure("The images could not be made."))?;
    let (mut images, mut bytes, mut next) = (Vec::new(), 0, samples.end);
    for (sample, made) in samples.zip(made) {
        let image = image(grid.time_ms(sample), made);
        bytes += image.get("ImageContent").and_then(Value::as_str).map_or(0, str::len);
        if bytes > PAGE_BYTES && !images.is_empty() {
            next = sample;
            break;
        }
        images.push(Value::Object(image));
    }
    let mut answer = Map::new();
    answer.insert("Images".into(), images.into());
    if next < grid.samples() {
        answer.insert("NextToken".into(), token(&serde_json::json!({ "sample": next }).to_string()).into());
    }
    Ok(http::json(&answer))
}

/// One image as the service tells it: its content, or why there is none.
fn image(time_ms: i64, sample: Sample) -> Map<String, Value> {
    let mut image = Map::new();
    image.insert("TimeStamp".into(), epoch_seconds(time_ms).into());
    match sample {
        Sample::Image(file) if file.len().div_ceil(3) * 4 <= CONTENT => {
            image.insert("ImageContent".into(), STANDARD.encode(file).into());
        }
        Sample::Image(_) | Sample::MediaError => {
            image.insert("Error".into(), "MEDIA_ERROR".into());
        }
        Sample::NoMedia => {
            image.insert("Error".into(), "NO_MEDIA".into());
        }
    }
    image
}
