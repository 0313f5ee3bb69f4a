//! GetMedia: what a stream receives, as it arrives.

use std::sync::Arc;

use aws_sdk_kinesisvideomedia::types::{StartSelector as Selector, StartSelectorType};
use aws_smithy_types::DateTime;
use kineframe_source::{MediaSource, PieceStream, StartSelector};

use crate::client::Points;
use crate::endpoint::Api;
use crate::error::{Error, ErrorKind};
use crate::pump::{self, Body};
use crate::sdk::{Sdk, answer};
use crate::stream::StreamHandle;

/// The live media of a stream, from any place that is kept: one GetMedia call for each read.
///
/// A read ends when the service ends it: after three seconds in which the stream received nothing, or after some 45
/// minutes. `kineframe-consumer` has the session that goes on.
///
/// Dropping the stream closes its connection at once: the service counts three of them.
#[derive(Debug, Clone)]
pub struct GetMedia {
    stream: StreamHandle,
}

impl StreamHandle {
    /// The live media of this stream.
    pub fn get_media(&self) -> GetMedia {
        GetMedia { stream: self.clone() }
    }
}

impl GetMedia {
    async fn call(&self, start: &StartSelector) -> Result<Body, Error> {
        let selector = self.selector(start)?;
        let (api, label, inner) = (Api::GetMedia, self.stream.label(), &self.stream.client.inner);
        let call = |sdk: Arc<Sdk>, endpoint| {
            let request = sdk
                .media(&endpoint)
                .get_media()
                .set_stream_name(self.stream.id().as_name())
                .set_stream_arn(self.stream.id().as_arn())
                .start_selector(selector.clone());
            async move { answer(api.operation(), label, inner.options.answer_timeout, request.send()).await }
        };
        let output = inner.data(api, &self.stream, Points::default(), call).await?;
        // Its connection is in it.
        Ok(Body::new(output.payload, api.operation(), label, inner.options.read_timeout))
    }

    fn selector(&self, start: &StartSelector) -> Result<Selector, Error> {
        let builder = Selector::builder();
        let time = |nanos: i128| {
            DateTime::from_nanos(nanos).map_err(|_| {
                let message = "the start time is out of range";
                Error::new("GetMedia", self.stream.label(), ErrorKind::InvalidArgument, message)
            })
        };
        let builder = match start {
            StartSelector::Now => builder.start_selector_type(StartSelectorType::Now),
            StartSelector::Earliest => builder.start_selector_type(StartSelectorType::Earliest),
            StartSelector::AfterFragment(number) => {
                builder.start_selector_type(StartSelectorType::FragmentNumber).after_fragment_number(number.as_str())
            }
            StartSelector::ProducerTimestamp(at) => {
                builder.start_selector_type(StartSelectorType::ProducerTimestamp).start_timestamp(time(at.0)?)
            }
            StartSelector::ServerTimestamp(at) => {
                builder.start_selector_type(StartSelectorType::ServerTimestamp).start_timestamp(time(at.0)?)
            }
            StartSelector::ContinuationToken(token) => {
                builder.start_selector_type(StartSelectorType::ContinuationToken).continuation_token(token.as_str())
            }
        };
        builder.build().map_err(|error| {
            Error::new("GetMedia", self.stream.label(), ErrorKind::InvalidArgument, &error.to_string())
        })
    }
}

impl MediaSource for GetMedia {
    fn open(&self, start: &StartSelector) -> PieceStream {
        let (source, start) = (self.clone(), start.clone());
        pump::spawn(self.stream.client.handle(), |sender| async move {
            let label = source.stream.label();
            let meter = source.stream.client.inner.meters.of(label);
            // Given back when the body below is gone.
            let _connection = meter.connection(Api::GetMedia).await;
            let mut body = match source.call(&start).await {
                Ok(body) => body,
                Err(error) => return drop(sender.send(Err(error.at(label, 0))).await),
            };
            let mut offset = 0u64;
            while let Some(piece) = body.next().await {
                let piece = match piece {
                    Ok(piece) => piece,
                    Err(error) => {
                        source.stream.client.inner.learn_of_endpoint(&error.kind, label, Api::GetMedia);
                        return drop(sender.send(Err(error.at(label, offset))).await);
                    }
                };
                offset = offset.saturating_add(piece.len() as u64);
                if sender.send(Ok(piece)).await.is_err() {
                    return;
                }
            }
        })
    }
}
