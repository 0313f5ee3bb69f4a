//! One stream of the service.

use std::sync::Arc;

use crate::client::Client;
use crate::endpoint::Api;
use crate::error::Error;
use crate::id::StreamId;
use crate::sdk::{Sdk, answer};

/// One stream of the service, and everything that can be done with it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StreamHandle {
    pub(crate) client: Client,
    id: StreamId,
    label: Arc<str>,
}

impl StreamHandle {
    pub(crate) fn new(client: Client, id: StreamId) -> Self {
        let label = Arc::from(id.to_string());
        StreamHandle { client, id, label }
    }

    /// Its name or ARN.
    pub fn id(&self) -> &StreamId {
        &self.id
    }

    /// The client that it belongs to.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// As errors name it.
    pub(crate) fn label(&self) -> &Arc<str> {
        &self.label
    }

    /// The address that serves a call of this stream: what the configuration sets, else what GetDataEndpoint said, at
    /// most 40 minutes ago.
    ///
    /// # Errors
    /// The control plane refused or could not be reached.
    pub async fn data_endpoint(&self, api: Api) -> Result<String, Error> {
        let sdk = self.client.inner.sdk().await?;
        Ok(self.endpoint(api, &sdk).await?.to_string())
    }

    pub(crate) async fn endpoint(&self, api: Api, sdk: &Arc<Sdk>) -> Result<Arc<str>, Error> {
        if let Some(endpoint) = sdk.configured_endpoint(api) {
            return Ok(Arc::from(endpoint));
        }
        let inner = &self.client.inner;
        let ask = || async {
            // It is asked within calls that are tried again themselves.
            let _metered = inner.meters.of(&self.label).control("GetDataEndpoint").await;
            let call = sdk
                .control
                .get_data_endpoint()
                .set_stream_name(self.id.as_name())
                .set_stream_arn(self.id.as_arn())
                .api_name(api.name().into());
            let output = answer("GetDataEndpoint", &self.label, inner.options.answer_timeout, call.send()).await?;
            let missing = || {
                let kind = crate::ErrorKind::InvalidResponse;
                Error::new("GetDataEndpoint", &self.label, kind, "no DataEndpoint in it")
            };
            output.data_endpoint.ok_or_else(missing)
        };
        inner.endpoints.get(&self.label, api, ask).await
    }
}
