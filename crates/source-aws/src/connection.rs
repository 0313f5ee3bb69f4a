//! Connections that live in the bodies of their answers: one for each call, closed at once when its body is dropped.
//!
//! The SDK's HTTP client looks after each connection on a task of its own, which sees that nobody reads a body only when
//! the next bytes come. From a silent camera none come for seconds, and the service counts three connections of a
//! stream. Here the one that reads the body drives the connection, and both go together.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Request, Uri, header};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::rt::{Read, Write};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector};
use hyper_util::client::legacy::connect::HttpConnector as Dial;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use rustls::ClientConfig;
use tower_service::Service;

/// Makes a connection for each call, by the environment's proxies, with TLS where the address asks for it.
#[derive(Debug, Clone)]
pub(crate) struct OwnConnections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connect_timeout: Duration,
    proxies: Matcher,
    /// Made when it is needed first: the system's certificates are read for it.
    tls: OnceLock<Result<Arc<ClientConfig>, String>>,
}

impl OwnConnections {
    pub(crate) fn new(connect_timeout: Duration) -> Self {
        let inner = Inner { connect_timeout, proxies: Matcher::from_env(), tls: OnceLock::new() };
        OwnConnections(Arc::new(inner))
    }

    async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let inner = &self.0;
        let (wire, request) = match tokio::time::timeout(inner.connect_timeout, inner.connect(request)).await {
            Ok(connected) => connected.map_err(ConnectorError::io)?,
            Err(late) => return Err(ConnectorError::timeout(late.into())),
        };
        let failed = |error: hyper::Error| ConnectorError::io(error.into());
        let (mut sender, connection) = http1::handshake(wire).await.map_err(failed)?;
        let mut driven = Driven(Some(connection));
        let mut answer = pin!(sender.send_request(request));
        let response = poll_fn(|context| {
            driven.drive(context);
            answer.as_mut().poll(context)
        });
        let response = response.await.map_err(failed)?;
        let response = response.map(|body| SdkBody::from_body_1_x(Owned { driven, body, _sender: sender }));
        HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
    }
}

impl HttpConnector for OwnConnections {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let connections = self.clone();
        HttpConnectorFuture::new(async move { connections.answer(request).await })
    }
}

/// What bytes go over.
trait Wire: Read + Write + Send + Sync + Unpin {}

impl<T: Read + Write + Send + Sync + Unpin> Wire for T {}

impl Inner {
    /// A connection for a request, and the request as that connection wants it.
    async fn connect(&self, mut request: Request<SdkBody>) -> Result<(Box<dyn Wire>, Request<SdkBody>), BoxError> {
        let to = request.uri().clone();
        let secret = to.scheme() == Some(&Scheme::HTTPS);
        if !request.headers().contains_key(header::HOST) {
            request.headers_mut().insert(header::HOST, host(&to)?);
        }
        let Some(proxy) = self.proxies.intercept(&to) else {
            let wire: Box<dyn Wire> = match secret {
                true => Box::new(open(self.with_tls(dial())?, to).await?),
                false => Box::new(open(dial(), to).await?),
            };
            of_origin(&mut request);
            return Ok((wire, request));
        };
        let to_proxy = self.with_tls(dial())?;
        if !secret {
            // Such a proxy is told the whole address.
            if let Some(keys) = proxy.basic_auth() {
                request.headers_mut().entry(header::PROXY_AUTHORIZATION).or_insert(keys.clone());
            }
            return Ok((Box::new(open(to_proxy, proxy.uri().clone()).await?), request));
        }
        let tunnel = Tunnel::new(proxy.uri().clone(), to_proxy);
        let tunnel = match proxy.basic_auth() {
            Some(keys) => tunnel.with_auth(keys.clone()),
            None => tunnel,
        };
        let wire = open(self.with_tls(tunnel)?, to).await?;
        of_origin(&mut request);
        Ok((Box::new(wire), request))
    }

    /// The same with TLS, for addresses that ask for it.
    fn with_tls<C>(&self, inner: C) -> Result<HttpsConnector<C>, BoxError> {
        let config = self.tls.get_or_init(|| {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
            let builder = builder.map_err(io::Error::other).and_then(ConfigBuilderExt::with_native_roots);
            builder.map(|builder| Arc::new(builder.with_no_client_auth())).map_err(|error| error.to_string())
        });
        Ok(HttpsConnector::from((inner, config.clone()?)))
    }
}

fn dial() -> Dial {
    let mut dial = Dial::new();
    dial.set_nodelay(true);
    dial.enforce_http(false);
    dial
}

async fn open<C>(mut connector: C, to: Uri) -> Result<C::Response, BoxError>
where
    C: Service<Uri, Error: Into<BoxError>>,
{
    poll_fn(|context| connector.poll_ready(context)).await.map_err(Into::into)?;
    connector.call(to).await.map_err(Into::into)
}

/// The `Host` of an address: with its port, where that is not its scheme's own.
fn host(to: &Uri) -> Result<HeaderValue, BoxError> {
    let name = to.host().ok_or("an address without a host")?;
    let usual = if to.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    Ok(match to.port_u16() {
        Some(port) if port != usual => HeaderValue::try_from(format!("{name}:{port}"))?,
        _ => HeaderValue::try_from(name)?,
    })
}

/// A server is told the path of an address alone.
fn of_origin(request: &mut Request<SdkBody>) {
    let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);
}

type Connection = http1::Connection<Box<dyn Wire>, SdkBody>;

/// A connection until it is over.
struct Driven(Option<Connection>);

impl Driven {
    /// Lets the connection read and write what it can. How it fails is told by the answer or its body.
    fn drive(&mut self, context: &mut Context<'_>) {
        if let Some(connection) = &mut self.0
            && Pin::new(connection).poll(context).is_ready()
        {
            self.0 = None;
        }
    }
}

/// A body with the connection that it comes by.
struct Owned {
    driven: Driven,
    body: Incoming,
    /// A connection that could take no other request would close once it had nothing to do.
    _sender: http1::SendRequest<SdkBody>,
}

impl http_body::Body for Owned {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        this.driven.drive(context);
        Pin::new(&mut this.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
