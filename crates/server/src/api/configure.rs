//! What can be changed of a stream: its settings, retention, tags, image generation and notifications.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::control::{RETENTION, check_tags, check_version};
use super::{StreamRef, in_range, one_of, required};
use crate::http::{self, Answer, ApiError};
use crate::media::stream::{Settings, Stream};
use crate::names;
use crate::service::Service;

/// The answer to a call of this module.
pub(crate) async fn answer(service: &Service, path: &str, body: &[u8]) -> Result<Answer, ApiError> {
    match path {
        "/updateStream" => update_stream(service, body).await,
        "/updateDataRetention" => update_data_retention(service, body).await,
        "/tagStream" => tag_stream(service, body).await,
        "/untagStream" => untag_stream(service, body).await,
        "/listTagsForStream" => list_tags(service, body),
        "/describeImageGenerationConfiguration" => {
            describe(service, body, "ImageGenerationConfiguration", |settings| json!(settings.image_generation))
        }
        "/updateImageGenerationConfiguration" => update_images(service, body).await,
        "/describeNotificationConfiguration" => {
            describe(service, body, "NotificationConfiguration", |settings| json!(settings.notification))
        }
        "/updateNotificationConfiguration" => update_notification(service, body).await,
        "/describeStreamStorageConfiguration" => describe_storage(service, body),
        "/updateStreamStorageConfiguration" => update_storage(service, body).await,
        _ => Err(ApiError::unknown_operation("There is no such call, or this service does not have it.")),
    }
}

fn empty() -> Answer {
    http::json(&json!({}))
}

/// Changes a stream's settings, which get a new version, and stores them.
async fn change(
    service: &Service,
    stream: &Arc<Stream>,
    version: Option<&str>,
    change: impl FnOnce(&mut Settings) -> Result<(), ApiError>,
) -> Result<Answer, ApiError> {
    {
        let mut settings = stream.settings();
        check_version(&settings, version)?;
        let mut changed = settings.clone();
        change(&mut changed)?;
        changed.version = names::random_text::<20>();
        *settings = changed;
    }
    service.store_settings(stream).await?;
    Ok(empty())
}

/// A stream, and the rest of a call's input.
fn input<T: DeserializeOwned>(service: &Service, body: &[u8]) -> Result<(Arc<Stream>, T), ApiError> {
    let stream: StreamRef = http::parse(body)?;
    let input = http::parse(body)?;
    Ok((service.stream(&stream)?, input))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateStream {
    current_version: Option<String>,
    device_name: Option<String>,
    media_type: Option<String>,
}

async fn update_stream(service: &Service, body: &[u8]) -> Result<Answer, ApiError> {
    let (stream, input): (_, UpdateStream) = input(service, body)?;
    let version = required("currentVersion", input.current_version)?;
    change(service, &stream, Some(&version), |settings| {
        settings.device_name = input.device_name.or(settings.device_name.take());
        settings.media_type = input.media_type.or(settings.media_type.take());
        Ok(())
    })
    .await
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateDataRetention {
    current_version: Option<String>,
    operation: Option<String>,
    data_retention_change_in_hours: Option<i64>,
}

async fn update_data_retention(service: &Service, body: &[u8]) -> Result<Answer, ApiError> {
    let (stream, input): (_, UpdateDataRetention) = input(service, body)?;
    let version = required("currentVersion", input.current_version)?;
    let operation = required("operation", input.operation)?;
    one_of("operation", &operation, &["INCREASE_DATA_RETENTION", "DECREASE_DATA_RETENTION"])?;
    let hours = required("dataRetentionChangeInHours", input.data_retention_change_in_hours)?;
    in_range("dataRetentionChangeInHours", Some(hours), 1, RETENTION)?;
    let changed = change(service, &stream, Some(&version), |settings| {
        let now = i64::from(settings.retention_hours);
        let then = if operation.starts_with('I') { now + hours } else { now - hours };
        if !(0..=RETENTION).contains(&then) {
            return Err(ApiError::invalid_argument(format!(
                "Value '{hours}' at 'dataRetentionChangeInHours' does not go with {operation}: the stream retains {now} \
                 hours, and has to stay between 0 and {RETENTION}."
            )));
        }
        settings.retention_hours = u32::try_from(then).unwrap_or(0);
        Ok(())
    })
    .await?;
    // What is retained no longer goes at once; of a stream that retains nothing the latest stays for GetMedia.
    service.expire(&stream);
    Ok(changed)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagStream {
    tags: Option<BTreeMap<String, String>>,
}

async fn tag_stream(service: &Service, body: &[u8]) -> Result<Answer, ApiError> {
    let (stream, input): (_, TagStream) = input(service, body)?;
    let tags = required("tags", input.tags)?;
    change(service, &stream, None, |settings| {
        settings.tags.extend(tags);
        check_tags(&settings.tags)
    })
    .await
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UntagStream {
    tag_key_list: Option<Vec<String>>,
}

async fn untag_stream(service: &Service, body: &[u8]) -> Result<Answer, ApiError> {
    let (stream, input): (_, UntagStream) = input(service, body)?;
    let keys = required("tagKeyList", input.tag_key_list)?;
    change(service, &stream, None, |settings| {
        settings.tags.retain(|key, _| !keys.contains(key));
        Ok(())
    })
    .await
}

/// ListTagsForStream. All tags fit a page.
fn list_tags(service: &Service, body: &[u8]) -> Result<Answer, ApiError> {
    let (stream, _): (_, Value) = input(service, body)?;
    let tags = stream.settings().tags.clone();
    Ok(http::json(&json!({ "Tags": tags })))
}

fn describe(
    service: &Service,
    body: &[u8],
    member: &str,
    value: impl FnOnce(&Settings) -> Value,
) -> Result<Answer, ApiError> {
    let (stream, _): (_, Value) = input(service, body)?;
    let value = value(&stream.settings());
    let mut answer = json!({});
    if !value.is_null() {
        answer[member] = value;
    }
    Ok(http::json(&answer))
}

/// Where images or notifications go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Destination {
    uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination_region: Option<String>,
}

/// `ImageGenerationConfiguration`: kept and told; this service makes no images of its own accord.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ImageGeneration {
    status: Option<String>,
    image_selector_type: Option<String>,
    destination_config: Option<Destination>,
    sampling_interval: Option<i64>,
    format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format_config: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width_pixels: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height_pixels: Option<i64>,
}

impl ImageGeneration {
    fn check(&self, region: &str) -> Result<(), ApiError> {
        let at = |name: &str| format!("imageGenerationConfiguration.{name}");
        one_of(&at("status"), &required(&at("status"), self.status.clone())?, &["ENABLED", "DISABLED"])?;
        let selector = required(&at("imageSelectorType"), self.image_selector_type.clone())?;
        one_of(&at("imageSelectorType"), &selector, &["SERVER_TIMESTAMP", "PRODUCER_TIMESTAMP"])?;
        one_of(&at("format"), &required(&at("format"), self.format.clone())?, &["JPEG", "PNG"])?;
        let interval = required(&at("samplingInterval"), self.sampling_interval)?;
        in_range(&at("samplingInterval"), Some(interval), 200, i64::from(i32::MAX))?;
        in_range(&at("widthPixels"), self.width_pixels, 1, 3840)?;
        in_range(&at("heightPixels"), self.height_pixels, 1, 2160)?;
        check_format_config(self.format_config.as_ref())?;
        let destination = required(&at("destinationConfig"), self.destination_config.clone())?;
        check_uri(destination.uri.as_deref(), "s3://")?;
        let told = required(&at("destinationConfig.destinationRegion"), destination.destination_region)?;
        if told != region {
            return Err(ApiError::invalid_argument("DestinationRegion must be the region of the stream."));
        }
        Ok(())
    }
}

/// `FormatConfig` may only have `JPEGQuality`, from 1 to 100.
pub(crate) fn check_format_config(config: Option<&BTreeMap<String, String>>) -> Result<Option<u8>, ApiError> {
    let Some(config) = config else { return Ok(None) };
    let mut quality = None;
    for (key, value) in config {
        quality = value.parse().ok().filter(|quality| key == "JPEGQuality" && (1..=100u8).contains(quality));
        if quality.is_none() {
            return Err(ApiError::invalid_argument("FormatConfig can only have JPEGQuality, from 1 to 100."));
        }
    }
    Ok(quality)
}

fn check_uri(uri: Option<&str>, scheme: &str) -> Result<(), ApiError> {
    let sound = uri.is_some_and(|uri| uri.len() <= 255 && uri.len() > scheme.len() && uri.starts_with(scheme));
    if sound { Ok(()) } else { Err(ApiError::invalid_argument(format!("Uri must begin with {scheme}"))) }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateImages {
    image_generation_configuration: Option<ImageGeneration>,
}

async fn update_images(service: &Service, body: &[u8]) -> Result<Answer, ApiError> {
    let (stream, input): (_, UpdateImages) = input(service, body)?;
    let configuration = input.image_generation_configuration;
    if let Some(configuration) = &configuration {
        configuration.check(&service.options.region)?;
    }
    change(service, &stream, None, |settings| {
        with_retention(settings)?;
        settings.image_generation = configuration;
        Ok(())
    })
    .await
}

fn with_retention(settings: &Settings) -> Result<(), ApiError> {
    match settings.retention_hours {
        0 => Err(ApiError::no_retention("The stream does not retain data: its DataRetentionInHours is 0.")),
        _ => Ok(()),
    }
}

/// `NotificationConfiguration`: kept and told; this service sends none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Notification {
    status: Option<String>,
    destination_config: Option<Destination>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateNotification {
    notification_configuration: Option<Notification>,
}

async fn update_notification(service: &Service, body: &[u8]) -> Result<Answer, ApiError> {
    let (stream, input): (_, UpdateNotification) = input(service, body)?;
    let configuration = input.notification_configuration;
    if let Some(configuration) = &configuration {
        let status = required("notificationConfiguration.status", configuration.status.clone())?;
        one_of("notificationConfiguration.status", &status, &["ENABLED", "DISABLED"])?;
        let destination =
            required("notificationConfiguration.destinationConfig", configuration.destination_config.clone())?;
        check_uri(destination.uri.as_deref(), "sns://").or(check_uri(destination.uri.as_deref(), "arn:"))?;
    }
    change(service, &stream, None, |settings| {
        with_retention(settings)?;
        settings.notification = configuration;
        Ok(())
    })
    .await
}

fn describe_storage(service: &Service, body: &[u8]) -> Result<Answer, ApiError> {
    let (stream, _): (_, Value) = input(service, body)?;
    let settings = stream.settings();
    Ok(http::json(&json!({
        "StreamName": settings.name,
        "StreamARN": settings.arn,
        "StreamStorageConfiguration": { "DefaultStorageTier": settings.storage_tier },
    })))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateStorage {
    current_version: Option<String>,
    stream_storage_configuration: Option<StorageConfiguration>,
}

/// `StreamStorageConfiguration`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StorageConfiguration {
    default_storage_tier: Option<String>,
}

impl StorageConfiguration {
    /// The tier, if it is one.
    pub(crate) fn tier(self) -> Result<String, ApiError> {
        let name = "streamStorageConfiguration.defaultStorageTier";
        let tier = required(name, self.default_storage_tier)?;
        one_of(name, &tier, &["HOT", "WARM"])?;
        Ok(tier)
    }
}

async fn update_storage(service: &Service, body: &[u8]) -> Result<Answer, ApiError> {
    let (stream, input): (_, UpdateStorage) = input(service, body)?;
    let version = required("currentVersion", input.current_version)?;
    let tier = required("streamStorageConfiguration", input.stream_storage_configuration)?.tier()?;
    change(service, &stream, Some(&version), |settings| {
        settings.storage_tier = tier;
        Ok(())
    })
    .await
}
