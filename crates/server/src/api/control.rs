//! The control plane: streams, what is configured of them, and where their data plane is.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::configure::StorageConfiguration;
use super::{StreamRef, configure, epoch_seconds, in_range, one_of, required};
use crate::http::{self, Answer, ApiError};
use crate::media::stream::{Settings, Stream, now_ms};
use crate::names;
use crate::options::Options;
use crate::service::Service;

/// The calls of the data plane, each of which has its endpoint.
const API_NAMES: [&str; 8] = [
    "PUT_MEDIA",
    "GET_MEDIA",
    "LIST_FRAGMENTS",
    "GET_MEDIA_FOR_FRAGMENT_LIST",
    "GET_HLS_STREAMING_SESSION_URL",
    "GET_DASH_STREAMING_SESSION_URL",
    "GET_CLIP",
    "GET_IMAGES",
];
/// Hours of ten years.
pub(crate) const RETENTION: i64 = 87_600;
const TAGS: usize = 50;

/// The calls of the control plane: their paths and names.
pub(crate) const CALLS: [(&str, &str); 16] = [
    ("/createStream", "CreateStream"),
    ("/describeStream", "DescribeStream"),
    ("/listStreams", "ListStreams"),
    ("/getDataEndpoint", "GetDataEndpoint"),
    ("/updateStream", "UpdateStream"),
    ("/updateDataRetention", "UpdateDataRetention"),
    ("/tagStream", "TagStream"),
    ("/untagStream", "UntagStream"),
    ("/listTagsForStream", "ListTagsForStream"),
    ("/describeImageGenerationConfiguration", "DescribeImageGenerationConfiguration"),
    ("/updateImageGenerationConfiguration", "UpdateImageGenerationConfiguration"),
    ("/describeNotificationConfiguration", "DescribeNotificationConfiguration"),
    ("/updateNotificationConfiguration", "UpdateNotificationConfiguration"),
    ("/describeStreamStorageConfiguration", "DescribeStreamStorageConfiguration"),
    ("/updateStreamStorageConfiguration", "UpdateStreamStorageConfiguration"),
    ("/deleteStream", "DeleteStream"),
];

/// The name of the call of the control plane that has this path.
pub(crate) fn name_of(path: &str) -> Option<&'static str> {
    CALLS.iter().find(|(other, _)| *other == path).map(|(_, name)| *name)
}

/// The answer to a call of the control plane.
pub(crate) async fn answer(service: &Service, path: &str, body: &[u8], host: &str) -> Result<Answer, ApiError> {
    if let Some(name) = name_of(path) {
        // What is wrong with the name of the stream is the call's own matter.
        let stream = http::parse::<StreamRef>(body).ok().and_then(|stream| service.stream(&stream).ok());
        service.control_call(name, stream.as_deref().filter(|_| name != "CreateStream"))?;
    }
    match path {
        "/createStream" => create_stream(service, body).await,
        "/describeStream" => describe_stream(service, body),
        "/listStreams" => list_streams(service, body),
        "/deleteStream" => delete_stream(service, body).await,
        "/getDataEndpoint" => get_data_endpoint(service, body, host),
        _ => configure::answer(service, path, body).await,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateStream {
    stream_name: Option<String>,
    device_name: Option<String>,
    media_type: Option<String>,
    kms_key_id: Option<String>,
    data_retention_in_hours: Option<i64>,
    tags: Option<BTreeMap<String, String>>,
    stream_storage_configuration: Option<StorageConfiguration>,
}

/// CreateStream.
async fn create_stream(service: &Service, body: &[u8]) -> Result<Answer, ApiError> {
    let input: CreateStream = http::parse(body)?;
    let name = required("streamName", input.stream_name)?;
    check_name(&name)?;
    let hours = in_range("dataRetentionInHours", input.data_retention_in_hours, 0, RETENTION)?.unwrap_or(0);
    let tags = input.tags.unwrap_or_default();
    check_tags(&tags)?;
    let tier = match input.stream_storage_configuration {
        Some(configuration) => configuration.tier()?,
        None => "HOT".to_owned(),
    };
    let options = &service.options;
    let mut settings = settings(options, &name, u32::try_from(hours).unwrap_or(0));
    (settings.device_name, settings.media_type) = (input.device_name, input.media_type);
    settings.kms_key_id = input.kms_key_id.unwrap_or(settings.kms_key_id);
    (settings.tags, settings.storage_tier) = (tags, tier);
    let arn = settings.arn.clone();
    let stream = Stream::new(settings, options.limits);
    service.add_stream(name, stream).await?;
    Ok(http::json(&serde_json::json!({ "StreamARN": arn })))
}

/// The settings of a new stream, as far as nobody has said otherwise.
pub(crate) fn settings(options: &Options, name: &str, retention_hours: u32) -> Settings {
    let (region, account, created_ms) = (&options.region, &options.account_id, now_ms());
    Settings {
        name: name.to_owned(),
        arn: format!("arn:aws:kinesisvideo:{region}:{account}:stream/{name}/{created_ms}"),
        created_ms,
        version: names::random_text::<20>(),
        device_name: None,
        media_type: None,
        kms_key_id: format!("arn:aws:kms:{region}:{account}:alias/aws/kinesisvideo"),
        retention_hours,
        tags: BTreeMap::new(),
        image_generation: None,
        notification: None,
        storage_tier: "HOT".to_owned(),
    }
}

fn check_name(name: &str) -> Result<(), ApiError> {
    if names::is_stream_name(name) {
        return Ok(());
    }
    Err(ApiError::invalid_argument(
        "1 validation error detected: Value at 'streamName' failed to satisfy constraint: Member must satisfy regular \
         expression pattern: [a-zA-Z0-9_.-]+, and have a length between 1 and 256",
    ))
}

pub(crate) fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), ApiError> {
    if tags.len() > TAGS {
        return Err(ApiError::too_many_tags("A stream has at most 50 tags."));
    }
    let sound =
        |(key, value): (&String, &String)| (1..=128).contains(&key.chars().count()) && value.chars().count() <= 256;
    if !tags.iter().all(sound) {
        return Err(ApiError::invalid_argument("A tag's key has 1 to 128 characters, its value at most 256."));
    }
    let reserved = |key: &String| key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
    match tags.keys().find(|key| reserved(key)) {
        Some(key) => Err(ApiError::invalid_argument(format!("The tag key {key} begins with aws:, which is reserved."))),
        None => Ok(()),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StreamInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    device_name: Option<String>,
    stream_name: String,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<String>,
    kms_key_id: String,
    version: String,
    status: &'static str,
    creation_time: f64,
    data_retention_in_hours: u32,
}

impl StreamInfo {
    fn of(stream: &Stream) -> Self {
        let settings = stream.settings();
        StreamInfo {
            device_name: settings.device_name.clone(),
            stream_name: settings.name.clone(),
            stream_arn: settings.arn.clone(),
            media_type: settings.media_type.clone(),
            kms_key_id: settings.kms_key_id.clone(),
            version: settings.version.clone(),
            status: "ACTIVE",
            creation_time: epoch_seconds(settings.created_ms),
            data_retention_in_hours: settings.retention_hours,
        }
    }
}

/// DescribeStream.
fn describe_stream(service: &Service, body: &[u8]) -> Result<Answer, ApiError> {
    let input: StreamRef = http::parse(body)?;
    let stream = service.stream(&input)?;
    Ok(http::json(&serde_json::json!({ "StreamInfo": StreamInfo::of(&stream) })))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListStreams {
    max_results: Option<i64>,
    next_token: Option<String>,
    stream_name_condition: Option<StreamNameCondition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamNameCondition {
    comparison_operator: Option<String>,
    comparison_value: Option<String>,
}

/// ListStreams. The token is the name of the last stream told, in base64.
fn list_streams(service: &Service, body: &[u8]) -> Result<Answer, ApiError> {
    let input: ListStreams = http::parse(body)?;
    let most = in_range("maxResults", input.max_results, 1, 10_000)?.unwrap_or(10_000);
    let prefix = match input.stream_name_condition {
        Some(condition) => {
            if condition.comparison_operator.is_some_and(|operator| operator != "BEGINS_WITH") {
                return Err(ApiError::invalid_argument("ComparisonOperator can only be BEGINS_WITH."));
            }
            condition.comparison_value.unwrap_or_default()
        }
        None => String::new(),
    };
    let after = match input.next_token {
        Some(token) => Some(super::archive::untoken(&token)?),
        None => None,
    };
    let mut found: Vec<Arc<Stream>> =
        service.streams(|name| name.starts_with(&prefix) && after.as_deref().is_none_or(|after| name > after));
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let more = found.len() > most;
    found.truncate(most);
    let mut answer = serde_json::json!({
        "StreamInfoList": found.iter().map(|stream| StreamInfo::of(stream)).collect::<Vec<_>>(),
    });
    if let (true, Some(last)) = (more, found.last()) {
        answer["NextToken"] = super::archive::token(&last.settings().name).into();
    }
    Ok(http::json(&answer))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteStream {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    current_version: Option<String>,
}

/// DeleteStream.
async fn delete_stream(service: &Service, body: &[u8]) -> Result<Answer, ApiError> {
    let input: DeleteStream = http::parse(body)?;
    let arn = required("streamARN", input.stream_arn)?;
    let stream = service.stream(&StreamRef { stream_name: None, stream_arn: Some(arn) })?;
    check_version(&stream.settings(), input.current_version.as_deref())?;
    service.remove_stream(&stream).await?;
    Ok(http::json(&serde_json::json!({})))
}

pub(crate) fn check_version(settings: &Settings, version: Option<&str>) -> Result<(), ApiError> {
    match version {
        Some(version) if version != settings.version => {
            Err(ApiError::version_mismatch("The stream version that you specified is not the latest version."))
        }
        _ => Ok(()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetDataEndpoint {
    #[serde(flatten)]
    stream: StreamRef,
    #[serde(rename = "APIName")]
    api_name: Option<String>,
}

/// GetDataEndpoint: the address that the request came to.
fn get_data_endpoint(service: &Service, body: &[u8], host: &str) -> Result<Answer, ApiError> {
    let input: GetDataEndpoint = http::parse(body)?;
    let api = required("aPIName", input.api_name)?;
    one_of("aPIName", &api, &API_NAMES)?;
    service.stream(&input.stream)?;
    let endpoint = format!("http://{}", service.moves.host(host));
    Ok(http::json(&serde_json::json!({ "DataEndpoint": endpoint })))
}
