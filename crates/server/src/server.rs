//! Listening, and what becomes of a connection.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::api::{archive, control, get_media, put_media};
use crate::http::{self, Answer, ApiError};
use crate::options::Options;
use crate::service::Service;

/// Bytes of a request's headers.
const HEADERS: usize = 64 << 10;
/// How long a client may take to send them.
const HEADER_TIME: Duration = Duration::from_secs(30);
/// How long connections may take to come to their end when the server stops.
const GRACE: Duration = Duration::from_secs(2);

/// Why a server did not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address is in use, not one of this machine, or not allowed.
    #[error("cannot listen on {address}: {kind}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        kind: io::ErrorKind,
    },
}

/// A Kinesis Video service on this machine. It serves until [`Server::stop`], or until it is dropped.
///
/// Needs a Tokio runtime with I/O and time.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    endpoint: String,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server. When this returns, it listens.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn start(options: Options) -> Result<Server, ServeError> {
        let address = options.listen;
        let failed = |error: io::Error| ServeError::Listen { address, kind: error.kind() };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopping) = watch::channel(false);
        let service = Arc::new(Service::new(options, stopping));
        let task = tokio::spawn(listen(listener, service));
        Ok(Server { address, endpoint: format!("http://{address}"), stop, task: Some(task) })
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends all connections and stops. What was acknowledged as persisted is kept.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task.take() {
            let _ = task.await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

async fn listen(listener: TcpListener, service: Arc<Service>) {
    let mut stopping = service.stopping.clone();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&service)));
                }
                // Too many open files, or a client that has gone already: others may be luckier.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
            () = stopped(&mut stopping) => break,
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(GRACE, all).await;
}

/// Waits until the server stops.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

async fn connection(stream: TcpStream, service: Arc<Service>) {
    let _ = stream.set_nodelay(true);
    let mut stopping = service.stopping.clone();
    let answer = service_fn(move |request| {
        let service = Arc::clone(&service);
        async move { Ok::<_, Infallible>(respond(&service, request).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(HEADERS.max(400 << 10))
        .half_close(true)
        .serve_connection(TokioIo::new(stream), answer);
    tokio::pin!(connection);
    let stopped = tokio::select! {
        _ = connection.as_mut() => false,
        () = stopped(&mut stopping) => true,
    };
    if stopped {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

async fn respond(service: &Arc<Service>, request: Request<Incoming>) -> Answer {
    http::identify(route(service, request).await.unwrap_or_else(|error| http::error(&error)))
}

async fn route(service: &Arc<Service>, request: Request<Incoming>) -> Result<Answer, ApiError> {
    if request.method() != Method::POST {
        return Ok(http::empty(StatusCode::METHOD_NOT_ALLOWED));
    }
    let path = request.uri().path().to_owned();
    if path == "/putMedia" {
        return put_media::put_media(service, request);
    }
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
    let body = http::read(request).await?;
    match path.as_str() {
        "/createStream" => control::create_stream(service, &body),
        "/describeStream" => control::describe_stream(service, &body),
        "/listStreams" => control::list_streams(service, &body),
        "/deleteStream" => control::delete_stream(service, &body),
        "/getDataEndpoint" => control::get_data_endpoint(service, &body, &host),
        "/getMedia" => get_media::get_media(service, &body),
        "/listFragments" => archive::list_fragments(service, &body),
        "/getMediaForFragmentList" => archive::get_media_for_fragment_list(service, &body),
        _ => Err(ApiError::unknown_operation("There is no such call, or this service does not have it.")),
    }
}
