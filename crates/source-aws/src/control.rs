//! The control plane: which streams there are.

use std::sync::Arc;

use aws_sdk_kinesisvideo::types::{ComparisonOperator, StreamInfo as Info, StreamNameCondition};

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::sdk::{Sdk, answer};
use crate::stream::StreamHandle;

/// A stream, as the control plane describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamInfo {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// `CREATING`, `ACTIVE`, `UPDATING` or `DELETING`.
    pub status: String,
    /// Its media type, such as `video/h264`, where the producer said one.
    pub media_type: Option<String>,
    /// Hours that its media is kept; 0 keeps a few minutes in memory alone.
    pub retention_hours: u32,
    /// When it was made, in nanoseconds since the Unix epoch.
    pub created: Option<i128>,
    /// Its version, which changes must name.
    pub version: Option<String>,
    /// The device that it belongs to.
    pub device_name: Option<String>,
    /// The key that its media is encrypted with.
    pub kms_key_id: Option<String>,
}

impl StreamInfo {
    fn of(info: Info) -> Self {
        StreamInfo {
            status: info.status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
            retention_hours: info.data_retention_in_hours.and_then(|hours| u32::try_from(hours).ok()).unwrap_or(0),
            created: info.creation_time.map(|time| time.as_nanos()),
            name: info.stream_name.unwrap_or_default(),
            arn: info.stream_arn.unwrap_or_default(),
            media_type: info.media_type,
            version: info.version,
            device_name: info.device_name,
            kms_key_id: info.kms_key_id,
        }
    }
}

impl Client {
    /// Every stream of the account in this region whose name begins so, sorted by name.
    ///
    /// # Errors
    /// The service refused or could not be reached.
    pub async fn list_streams(&self, prefix: &str) -> Result<Vec<StreamInfo>, Error> {
        let target: Arc<str> = Arc::from("Kinesis Video Streams");
        let deadline = self.inner.options.answer_timeout;
        let (mut streams, mut token) = (Vec::new(), None::<String>);
        loop {
            let condition = (!prefix.is_empty()).then(|| {
                let begins = ComparisonOperator::BeginsWith;
                StreamNameCondition::builder().comparison_operator(begins).comparison_value(prefix).build()
            });
            let call = |sdk: Arc<Sdk>| {
                let request = sdk.control.list_streams().set_stream_name_condition(condition.clone());
                let request = request.set_next_token(token.clone());
                let target = target.clone();
                async move { answer("ListStreams", &target, deadline, request.send()).await }
            };
            let page = self.inner.control("ListStreams", &target, call).await?;
            streams.extend(page.stream_info_list.unwrap_or_default().into_iter().map(StreamInfo::of));
            let next = page.next_token.filter(|next| !next.is_empty());
            if next.is_none() || next == token {
                streams.sort_by(|a, b| a.name.cmp(&b.name));
                return Ok(streams);
            }
            token = next;
        }
    }
}

impl StreamHandle {
    /// What the service knows of the stream.
    ///
    /// # Errors
    /// There is no such stream, or the service refused or could not be reached.
    pub async fn describe(&self) -> Result<StreamInfo, Error> {
        let deadline = self.client.inner.options.answer_timeout;
        let call = |sdk: Arc<Sdk>| {
            let request = sdk.control.describe_stream().set_stream_name(self.id().as_name());
            let request = request.set_stream_arn(self.id().as_arn());
            async move { answer("DescribeStream", self.label(), deadline, request.send()).await }
        };
        let output = self.client.inner.control("DescribeStream", self.label(), call).await?;
        let missing = || Error::new("DescribeStream", self.label(), ErrorKind::InvalidResponse, "no StreamInfo in it");
        output.stream_info.map(StreamInfo::of).ok_or_else(missing)
    }

    /// Makes the stream; its name must not be taken. Returns its ARN.
    ///
    /// # Errors
    /// [`ErrorKind::InUse`] where it is there already; the service refused or could not be reached.
    pub async fn create(&self, retention_hours: u32, media_type: Option<&str>) -> Result<String, Error> {
        let hours = i32::try_from(retention_hours).unwrap_or(i32::MAX);
        let deadline = self.client.inner.options.answer_timeout;
        let call = |sdk: Arc<Sdk>| {
            let request = sdk.control.create_stream().stream_name(self.id().name());
            let request = request.data_retention_in_hours(hours).set_media_type(media_type.map(ToOwned::to_owned));
            async move { answer("CreateStream", self.label(), deadline, request.send()).await }
        };
        let output = self.client.inner.control("CreateStream", self.label(), call).await?;
        Ok(output.stream_arn.unwrap_or_default())
    }

    /// Deletes the stream with everything in it.
    ///
    /// # Errors
    /// There is no such stream, or the service refused or could not be reached.
    pub async fn delete(&self) -> Result<(), Error> {
        let info = self.describe().await?;
        let deadline = self.client.inner.options.answer_timeout;
        let call = |sdk: Arc<Sdk>| {
            let request = sdk.control.delete_stream().stream_arn(&info.arn);
            async move { answer("DeleteStream", self.label(), deadline, request.send()).await }
        };
        self.client.inner.control("DeleteStream", self.label(), call).await.map(drop)
    }
}
