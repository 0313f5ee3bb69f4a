//! PutMedia: media into a stream, acknowledged fragment by fragment. No SDK has it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;
use http_body::Frame;
use kineframe_fragment::ProducerTimestamp;
use tokio::sync::mpsc;

use crate::ack::{Ack, AckParser};
use crate::endpoint::Api;
use crate::error::{Error, ErrorKind};
use crate::pump::Body;
use crate::sdk::{Answer, Sdk, innermost};
use crate::stream::StreamHandle;

/// How Cluster Timestamps of an upload are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PutTimecodes {
    /// Milliseconds since the Unix epoch.
    Absolute,
    /// Milliseconds since this time.
    Relative(ProducerTimestamp),
}

/// Pieces that may wait for the network.
const AHEAD: usize = 4;

/// The service sends an IDLE acknowledgement now and then; when nothing at all comes for this long, the connection
/// is dead.
const SILENCE: Duration = Duration::from_secs(60);

/// An upload: pieces of a Matroska stream go in, acknowledgements come out.
///
/// The body is one EBML Header and one Segment with many Clusters, each of which becomes a fragment. Take
/// acknowledgements while pieces go in: they tell what the service has, and their number is not bounded.
#[derive(Debug)]
pub struct PutMedia {
    /// Where pieces go in.
    pub sender: PutSender,
    /// Where acknowledgements come out.
    pub acks: Acks,
}

/// Where pieces go in. Dropping it ends the upload: the service stores what is whole.
#[derive(Debug)]
pub struct PutSender(mpsc::Sender<Bytes>);

/// The connection is over; the acknowledgements tell why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the upload is over; its acknowledgements tell why")]
pub struct PutClosed;

impl PutSender {
    /// Hands a piece to the network; waits while that is busy.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn send(&self, piece: Bytes) -> Result<(), PutClosed> {
        if piece.is_empty() {
            return Ok(());
        }
        self.0.send(piece).await.map_err(|_| PutClosed)
    }
}

/// Acknowledgements as they come. Dropping it ends the upload at once.
#[derive(Debug)]
pub struct Acks(mpsc::UnboundedReceiver<Result<Ack, Error>>);

impl Acks {
    /// The next one; `None` when the service has ended its answer. An error is the last item.
    pub async fn next(&mut self) -> Option<Result<Ack, Error>> {
        self.0.recv().await
    }
}

impl StreamHandle {
    /// Begins an upload. A stream takes one at a time.
    ///
    /// It is not tried again by itself, since what went in is gone: what fails comes as the last acknowledgement.
    pub fn put_media(&self, timecodes: PutTimecodes) -> PutMedia {
        let (sender, pieces) = mpsc::channel(AHEAD);
        let (out, acks) = mpsc::unbounded_channel();
        let stream = self.clone();
        let gone = out.clone();
        let work = async move {
            if let Err(error) = stream.upload(timecodes, pieces, &out).await {
                // The next upload asks again for what this failure speaks against.
                stream.client.inner.learn(&error.kind);
                stream.client.inner.learn_of_endpoint(&error.kind, stream.label(), Api::PutMedia);
                let _ = out.send(Err(error));
            }
        };
        self.client.handle().spawn(async move {
            tokio::select! {
                () = work => {}
                () = gone.closed() => {}
            }
        });
        PutMedia { sender: PutSender(sender), acks: Acks(acks) }
    }

    async fn upload(
        &self,
        timecodes: PutTimecodes,
        pieces: mpsc::Receiver<Bytes>,
        out: &mpsc::UnboundedSender<Result<Ack, Error>>,
    ) -> Result<(), Error> {
        let (api, inner) = (Api::PutMedia, &self.client.inner);
        let sdk = inner.sdk().await?;
        let endpoint = self.endpoint(api, &sdk).await?;
        let metered = inner.meters.of(self.label()).call(api, 0.0, 0.0).await;
        let credentials = sdk.credentials(api.operation(), self.label()).await?;
        let request = self.request(&sdk, &endpoint, timecodes, &credentials, pieces)?;
        let response = sdk
            .connectors
            .own
            .call(request)
            .await
            .map_err(|error| Error::new(api.operation(), self.label(), ErrorKind::Network, &innermost(&error)))?;
        drop(metered);
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name).map(ToOwned::to_owned);
        let (code, id) = (header("x-amzn-errortype"), header("x-amzn-requestid"));
        let mut body = Body::new(ByteStream::new(response.into_body()), api.operation(), self.label(), SILENCE);
        if status != 200 {
            return Err(Error { request_id: id, ..self.refusal(status, code, &mut body).await });
        }
        let mut parser = AckParser::default();
        while let Some(piece) = body.next().await {
            parser.push(&piece?);
            loop {
                let ack = parser.next().map_err(|message| {
                    Error::new(api.operation(), self.label(), ErrorKind::InvalidResponse, &message)
                })?;
                let Some(ack) = ack else { break };
                if out.send(Ok(ack)).is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn refusal(&self, status: u16, code: Option<String>, body: &mut Body) -> Error {
        let mut text = Vec::new();
        while let Some(Ok(piece)) = body.next().await {
            text.extend_from_slice(&piece);
            if text.len() > 16 << 10 {
                break;
            }
        }
        let json: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        let field = |names: &[&str]| {
            names.iter().find_map(|name| json.get(name).and_then(serde_json::Value::as_str)).map(ToOwned::to_owned)
        };
        let code = code.or_else(|| field(&["__type", "code"]));
        let message = field(&["Message", "message"]);
        let answer = Answer { code: code.as_deref(), message: message.as_deref(), status };
        answer.error(Api::PutMedia.operation(), self.label())
    }

    fn request(
        &self,
        sdk: &Arc<Sdk>,
        endpoint: &str,
        timecodes: PutTimecodes,
        credentials: &Credentials,
        pieces: mpsc::Receiver<Bytes>,
    ) -> Result<HttpRequest, Error> {
        let illegal =
            |message: String| Error::new(Api::PutMedia.operation(), self.label(), ErrorKind::InvalidArgument, &message);
        let uri = format!("{}/putMedia", endpoint.trim_end_matches('/'));
        let (kind, start) = match timecodes {
            PutTimecodes::Absolute => ("ABSOLUTE", seconds(0)),
            PutTimecodes::Relative(start) => ("RELATIVE", seconds(start.0)),
        };
        let (name, arn) = (self.id().as_name(), self.id().as_arn());
        let mut headers = vec![
            ("x-amzn-fragment-timecode-type", kind.to_owned()),
            ("x-amzn-producer-start-timestamp", start),
            ("x-amzn-fragment-acknowledgment-required", "1".to_owned()),
        ];
        headers.extend(name.map(|name| ("x-amzn-stream-name", name)));
        headers.extend(arn.map(|arn| ("x-amzn-stream-arn", arn)));
        let identity = credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&sdk.region)
            .name("kinesisvideo")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| illegal(error.to_string()))?
            .into();
        let pairs = headers.iter().map(|(name, value)| (*name, value.as_str()));
        // Producers sign as if the body were empty: it has no end that could be hashed first.
        let signable = SignableRequest::new("POST", &uri, pairs, SignableBody::Bytes(&[]));
        let signed =
            signable.and_then(|signable| sign(signable, &params)).map_err(|error| illegal(error.to_string()))?;
        let mut request = http::Request::post(&uri).header("user-agent", USER_AGENT);
        for (name, value) in &headers {
            request = request.header(*name, value);
        }
        let body = SdkBody::from_body_1_x(PutBody(pieces));
        let mut request = request.body(body).map_err(|error| illegal(error.to_string()))?;
        signed.into_parts().0.apply_to_request_http1x(&mut request);
        HttpRequest::try_from(request).map_err(|error| illegal(error.to_string()))
    }
}

const USER_AGENT: &str = concat!("kineframe/", env!("CARGO_PKG_VERSION"));

/// Decimal seconds with three decimals, as the service itself writes times.
fn seconds(nanos: i128) -> String {
    let millis = nanos.div_euclid(1_000_000);
    format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000))
}

/// The upload's body: as long as pieces come.
struct PutBody(mpsc::Receiver<Bytes>);

impl http_body::Body for PutBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
