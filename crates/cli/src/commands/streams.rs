//! `kineframe streams` and `kineframe describe`: what is there.

use kineframe::source_aws::StreamInfo;
use serde_json::{Value, json};

use crate::args::{Common, Describe, Streams};
use crate::kvs;
use crate::outcome::{Failure, Outcome};
use crate::output::Output;

/// Runs `kineframe streams`.
///
/// # Errors
/// See [`Failure`].
pub fn streams(args: &Streams, common: &Common) -> Result<Outcome, Failure> {
    let client = kvs::client(&args.service, None)?;
    let streams = client.block_on(client.list_streams(&args.prefix)).map_err(kvs::failure)?;
    let mut output = Output::new(common.json);
    for info in &streams {
        output.item(&object(info), || {
            let kept = format!("{} h", info.retention_hours);
            format!("{:<40} {:<9} {kept:>8}  {}", info.name, info.status, info.media_type.as_deref().unwrap_or("-"))
        })?;
    }
    output.item(&json!({ "summary": { "streams": streams.len() } }), || match streams.len() {
        0 => "no streams in this region; `kineframe put FILE kvs://NAME --create` makes one".to_owned(),
        1 => "1 stream".to_owned(),
        many => format!("{many} streams"),
    })?;
    output.flush()?;
    Ok(Outcome::Good)
}

/// Runs `kineframe describe`.
///
/// # Errors
/// See [`Failure`].
pub fn describe(args: &Describe, common: &Common) -> Result<Outcome, Failure> {
    let stream = kvs::stream(&args.stream, &args.service)?;
    let info = stream.client().block_on(stream.describe()).map_err(kvs::failure)?;
    let mut output = Output::new(common.json);
    output.item(&object(&info), || {
        let none = || "-".to_owned();
        let lines = [
            ("name", info.name.clone()),
            ("ARN", info.arn.clone()),
            ("status", info.status.clone()),
            ("created", created(&info).unwrap_or_else(none)),
            ("retention", format!("{} h", info.retention_hours)),
            ("media type", info.media_type.clone().unwrap_or_else(none)),
            ("version", info.version.clone().unwrap_or_else(none)),
            ("KMS key", info.kms_key_id.clone().unwrap_or_else(none)),
        ];
        lines.map(|(name, value)| format!("{name:<11} {value}")).join("\n")
    })?;
    output.flush()?;
    Ok(Outcome::Good)
}

fn object(info: &StreamInfo) -> Value {
    json!({
        "stream_name": info.name,
        "stream_arn": info.arn,
        "status": info.status,
        "creation_time": created(info),
        "data_retention_hours": info.retention_hours,
        "media_type": info.media_type,
        "version": info.version,
        "device_name": info.device_name,
        "kms_key_id": info.kms_key_id,
    })
}

fn created(info: &StreamInfo) -> Option<String> {
    kineframe::fragment::ServerTimestamp(info.created?).to_rfc3339()
}
