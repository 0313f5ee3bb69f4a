//! GetImages: pictures that the service makes.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kinesisvideoarchivedmedia::types::{Format, FormatConfigKey, Image, ImageError, ImageSelectorType};
use aws_smithy_types::DateTime;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::client::Points;
use crate::endpoint::Api;
use crate::error::{Error, ErrorKind};
use crate::listing::{Clock, TimeRange};
use crate::sdk::answer;
use crate::stream::StreamHandle;

/// The longest range of one call, in nanoseconds.
const LONGEST: i128 = 300_000_000_000;

/// Images a page; the service gives no more.
const PAGE: i64 = 25;

/// Images at an interval, as the service makes them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImageRequest {
    /// The time that they are from; may be longer than the 300 s of one call.
    pub range: TimeRange,
    /// The time between two, whole milliseconds, at least 200. The first is at the range's start.
    pub interval: Duration,
    /// PNG in place of JPEG.
    pub png: bool,
    /// JPEG quality, 1 to 100; the service's default is 80.
    pub quality: Option<u8>,
    /// Columns, 1 to 3840. With `height` the service stretches.
    pub width: Option<u16>,
    /// Lines, 1 to 2160.
    pub height: Option<u16>,
}

/// One sample of GetImages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSample {
    /// Its time, in nanoseconds since the Unix epoch, as the service tells it.
    pub time: Option<i128>,
    /// The JPEG or PNG file, or why there is none.
    pub image: Result<Bytes, ImageAbsence>,
}

/// Why there is no image at a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageAbsence {
    /// No fragment *begins* in this interval; the one that reaches in does not count for the service.
    #[error("the service found no media (NO_MEDIA); begin one fragment earlier, or read with `--via fragments`")]
    NoMedia,
    /// The service cannot decode it, or it has no video.
    #[error("the service could not decode the media (MEDIA_ERROR); read with `--via fragments`")]
    MediaError,
    /// Another reason, as the service names it.
    #[error("the service gave no image: {0}")]
    Other(String),
}

/// The pages of GetImages, over as many calls as the range takes.
#[derive(Debug)]
pub struct Images {
    stream: StreamHandle,
    request: ImageRequest,
    /// Where the window of the next call begins.
    from: i128,
    token: Option<String>,
}

impl StreamHandle {
    /// Images that the service makes of this stream.
    pub fn images(&self, request: ImageRequest) -> Images {
        Images { stream: self.clone(), from: request.range.from, request, token: None }
    }
}

impl Images {
    /// The next page; `None` behind the last.
    ///
    /// # Errors
    /// The service refused or could not be reached. The next call asks for the same page again.
    pub async fn next_page(&mut self) -> Result<Option<Vec<ImageSample>>, Error> {
        let range = self.request.range;
        if self.from >= range.to {
            return Ok(None);
        }
        let millis = self.request.interval.as_millis().max(1);
        let interval = i128::try_from(millis).unwrap_or(LONGEST).saturating_mul(1_000_000);
        // A window is a whole number of intervals, so that the grid runs on across calls.
        let window = (LONGEST / interval).max(1).saturating_mul(interval);
        let to = self.from.saturating_add(window).min(range.to);
        let page = self.page(self.from, to, i32::try_from(millis).unwrap_or(i32::MAX)).await?;
        let token = page.next_token.filter(|next| !next.is_empty());
        if token.is_none() || token == self.token {
            self.from = to;
            self.token = None;
        } else {
            self.token = token;
        }
        Ok(Some(page.images.unwrap_or_default().into_iter().map(sample).collect()))
    }

    async fn page(
        &self,
        from: i128,
        to: i128,
        interval: i32,
    ) -> Result<aws_sdk_kinesisvideoarchivedmedia::operation::get_images::GetImagesOutput, Error> {
        let (api, label, inner) = (Api::GetImages, self.stream.label(), &self.stream.client.inner);
        let time = |nanos: i128| {
            let illegal = |_| Error::new("GetImages", label, ErrorKind::InvalidArgument, "a time is out of range");
            DateTime::from_nanos(nanos).map_err(illegal)
        };
        let (start, end) = (time(from)?, time(to)?);
        let request = self.request;
        // The quotas page: 400 plus the images, and the images.
        let points = Points { metadata: 400.0 + PAGE as f64, media: PAGE as f64 };
        let call = |sdk: Arc<crate::sdk::Sdk>, endpoint| {
            let mut call = sdk
                .archived(&endpoint)
                .get_images()
                .set_stream_name(self.stream.id().as_name())
                .set_stream_arn(self.stream.id().as_arn())
                .image_selector_type(match request.range.clock {
                    Clock::Producer => ImageSelectorType::ProducerTimestamp,
                    Clock::Server => ImageSelectorType::ServerTimestamp,
                })
                .start_timestamp(start)
                .end_timestamp(end)
                .sampling_interval(interval)
                .format(if request.png { Format::Png } else { Format::Jpeg })
                .set_width_pixels(request.width.map(i32::from))
                .set_height_pixels(request.height.map(i32::from))
                .max_results(PAGE)
                .set_next_token(self.token.clone());
            if let (Some(quality), false) = (request.quality, request.png) {
                call = call.format_config(FormatConfigKey::JpegQuality, quality.to_string());
            }
            async move { answer(api.operation(), label, inner.options.answer_timeout, call.send()).await }
        };
        inner.data(api, &self.stream, points, call).await
    }
}

fn sample(image: Image) -> ImageSample {
    let time = image.time_stamp().map(DateTime::as_nanos);
    let image = match (image.image_content(), image.error()) {
        (_, Some(ImageError::NoMedia)) => Err(ImageAbsence::NoMedia),
        (_, Some(ImageError::MediaError)) => Err(ImageAbsence::MediaError),
        (_, Some(other)) => Err(ImageAbsence::Other(other.as_str().to_owned())),
        (Some(content), None) => match STANDARD.decode(content) {
            Ok(bytes) if !bytes.is_empty() => Ok(bytes.into()),
            Ok(_) => Err(ImageAbsence::Other("an empty image".into())),
            Err(error) => Err(ImageAbsence::Other(format!("not base64: {error}"))),
        },
        (None, None) => Err(ImageAbsence::Other("neither an image nor an error".into())),
    };
    ImageSample { time, image }
}
