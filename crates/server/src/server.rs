//! Listening, and what becomes of a connection.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{HOST, HeaderMap};
use hyper::service::service_fn;
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use kineframe_source::MediaSource;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::api::{archive, clip, control, get_media, hls, images, put_media};
use crate::auth::Payload;
use crate::fault::FaultTarget;
use crate::http::peer::{self, Peer};
use crate::http::{self, Answer, ApiError};
use crate::local::LocalStream;
use crate::media::stream::now_ms;
use crate::moves::{Door, Doors, MOVED, Moves};
use crate::options::{Auth, Data, Options};
use crate::page;
use crate::relay::{self, Relay, RelayError, RelayOptions};
use crate::service::Service;
use crate::store::{Store, StoredStream};
use crate::usage::Usage;

/// Bytes that are read at once, and so of a request's headers.
const BUFFER: usize = 400 << 10;
/// How often what is too old is looked for.
const TIDY: Duration = Duration::from_secs(1);
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
    /// The data folder cannot be used: it is no folder, not allowed, damaged, or in use by another server.
    #[error("the data folder {} cannot be used: {what}", folder.display())]
    Data {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        what: String,
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
    service: Arc<Service>,
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
        let (store, stored) = open(&options.data).await?;
        let (stop, stopping) = watch::channel(false);
        let (moves, doors) = Moves::new();
        let service = Arc::new(Service::new(options, stopping, store, stored, moves));
        let task = tokio::spawn(listen(listener, doors, Arc::clone(&service)));
        Ok(Server { address, endpoint: format!("http://{address}"), stop, task: Some(task), service })
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was asked of a stream since the server started; `None` if there is no stream of this name.
    ///
    /// `GET /page/usage?stream=NAME` gives the same as JSON to a program beside it.
    pub fn usage(&self, stream: &str) -> Option<Usage> {
        let stream = self.service.streams(|name| name == stream).pop()?;
        Some(stream.meter.usage())
    }

    /// Reads a source once and serves it as a stream of this server, to as many readers as like: by GetMedia, HLS and the
    /// calls of the archive, and in this process by [`Server::stream`].
    ///
    /// The source is a body of GetMedia: `kineframe_consumer::Session` over `kineframe_source_aws`'s GetMedia for a
    /// stream of the service, which holds one of its three connections whatever the number of readers here. Fragments
    /// keep their numbers, their times and their bytes; they go out frame by frame as they come in. The stream is made
    /// where it is not there; where it is, reading goes on behind its newest fragment. No other producer can fill it
    /// from then on, and its readers have no limits, until the server ends.
    ///
    /// # Errors
    /// See [`RelayError`]. What is wrong with the source is told by [`Relay::ended`].
    pub async fn relay(
        &self,
        stream: &str,
        source: impl MediaSource + 'static,
        options: RelayOptions,
    ) -> Result<Relay, RelayError> {
        relay::start(&self.service, stream, source, options).await
    }

    /// A stream as a source for readers in this process; `None` if there is no stream of this name.
    ///
    /// # Panics
    /// Outside a Tokio runtime: reads run on the one that this is called on.
    pub fn stream(&self, name: &str) -> Option<LocalStream> {
        let stream = self.service.streams(|other| other == name).pop()?;
        Some(LocalStream::new(Arc::clone(&self.service), stream, tokio::runtime::Handle::current()))
    }

    /// Asks for other credentials from now on. Requests that are signed with the old ones are told that these have
    /// expired.
    pub fn replace_auth(&self, auth: Auth) {
        self.service.guard.replace(auth);
    }

    /// Moves the data endpoint: GetDataEndpoint answers another port from now on, which is returned. Bodies that are
    /// being sent or taken in break off; the old address refuses data calls with `InvalidEndpointException`, or
    /// connections at all. The control plane stays where it was.
    ///
    /// # Errors
    /// No port is free.
    pub async fn move_data_endpoint(&self) -> io::Result<SocketAddr> {
        self.service.moves.move_on(self.address.ip()).await
    }

    /// Ends all connections and stops. What was acknowledged as persisted is kept.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task.take() {
            let _ = task.await;
        }
        self.service.close().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

async fn open(data: &Data) -> Result<(Option<Store>, Vec<StoredStream>), ServeError> {
    let Data::Folder(folder) = data else { return Ok((None, Vec::new())) };
    let path = folder.clone();
    let failed = |what: String| ServeError::Data { folder: folder.clone(), what };
    match tokio::task::spawn_blocking(move || Store::open(&path)).await {
        Ok(Ok((store, stored))) => Ok((Some(store), stored)),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(error) => Err(failed(error.to_string())),
    }
}

async fn listen(listener: TcpListener, mut doors: Doors, service: Arc<Service>) {
    let mut stopping = service.stopping.clone();
    let mut connections = JoinSet::new();
    let mut tidy = tokio::time::interval(TIDY);
    let places = Arc::new(Semaphore::new(service.options.max_connections));
    loop {
        tokio::select! {
            _ = tidy.tick() => {
                for stream in service.streams(|_| true) {
                    service.expire(&stream);
                }
            }
            accepted = accept(&listener, &mut doors, &places) => match accepted {
                Some((stream, door, place)) => {
                    connections.spawn(connection(stream, place, door, Arc::clone(&service)));
                }
                // Too many open files, or a client that has gone already: others may be luckier.
                None => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
            () = stopped(&mut stopping) => break,
        }
    }
    drop((listener, doors));
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(GRACE, all).await;
}

/// Waits until the server stops.
pub(crate) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// The next client, once there is a place for it: until then it waits in the system's queue.
async fn accept(
    listener: &TcpListener,
    doors: &mut Doors,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, Door, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    let (stream, door) = tokio::select! {
        accepted = listener.accept() => (accepted.ok()?.0, Door::HOME),
        accepted = doors.accept() => accepted,
    };
    Some((stream, door, place))
}

async fn connection(stream: TcpStream, _place: OwnedSemaphorePermit, door: Door, service: Arc<Service>) {
    let _ = stream.set_nodelay(true);
    let (peer, socket) = peer::split(stream);
    serve(socket, peer, door, service).await;
}

/// Answers the requests of a connection until it ends.
pub(crate) async fn serve(
    socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    door: Door,
    service: Arc<Service>,
) {
    let mut stopping = service.stopping.clone();
    let request_time = service.options.request_time;
    // What is answered here belongs to the data endpoint.
    let data = Arc::<AtomicBool>::default();
    let moved = service.moves.left(door);
    let answer = service_fn({
        let data = Arc::clone(&data);
        move |request| {
            let (service, peer, data) = (Arc::clone(&service), peer.clone(), Arc::clone(&data));
            async move {
                let is_data = is_data(&request);
                data.store(is_data, Ordering::Release);
                let answer = if is_data && service.moves.has_left(door) {
                    Err(ApiError::invalid_endpoint(MOVED))
                } else {
                    route(&service, &peer, request).await
                };
                Ok::<_, Infallible>(http::identify(answer.unwrap_or_else(|error| http::error(&error))))
            }
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(request_time)
        .max_buf_size(BUFFER)
        .half_close(true)
        .serve_connection(TokioIo::new(socket), answer);
    tokio::pin!(connection);
    let moved = async {
        moved.await;
        if !data.load(Ordering::Acquire) {
            std::future::pending::<()>().await;
        }
    };
    let stopped = tokio::select! {
        _ = connection.as_mut() => false,
        () = stopped(&mut stopping) => true,
        () = moved => return,
    };
    if stopped {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

/// The calls of the data endpoint.
const DATA_CALLS: [&str; 7] = [
    "/putMedia",
    "/getMedia",
    "/listFragments",
    "/getMediaForFragmentList",
    "/getClip",
    "/getImages",
    "/getHLSStreamingSessionURL",
];

/// Whether a request is one for the data endpoint.
fn is_data(request: &Request<Incoming>) -> bool {
    request.method() == Method::POST && DATA_CALLS.contains(&request.uri().path())
}

async fn route(service: &Arc<Service>, peer: &Peer, request: Request<Incoming>) -> Result<Answer, ApiError> {
    if request.method() == Method::GET {
        return get(service, request.uri(), request.headers()).await;
    }
    if request.method() != Method::POST {
        return Ok(http::empty(StatusCode::METHOD_NOT_ALLOWED));
    }
    let (parts, body) = request.into_parts();
    if parts.uri.path() == "/putMedia" {
        service.guard.check(&parts, Payload::Streamed, now_ms())?;
        return put_media::put_media(service, &parts.headers, body, peer).await;
    }
    let body = http::read(body, service.options.request_time).await?;
    service.guard.check(&parts, Payload::Whole(&body), now_ms())?;
    let path = parts.uri.path();
    if control::name_of(path).is_none() {
        service.befall(FaultTarget::Get).await?;
    }
    match path {
        "/getMedia" => get_media::get_media(service, &body, peer),
        "/listFragments" => archive::list_fragments(service, &body),
        "/getMediaForFragmentList" => archive::get_media_for_fragment_list(service, &body, peer),
        "/getClip" => clip::get_clip(service, &body).await,
        "/getImages" => images::get_images(service, &body).await,
        "/getHLSStreamingSessionURL" => hls::get_url(service, &body, host(&parts.headers)),
        _ => control::answer(service, path, &body, host(&parts.headers)).await,
    }
}

fn host(headers: &HeaderMap) -> &str {
    headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
}

/// What a player or a browser asks for.
async fn get(service: &Arc<Service>, uri: &Uri, headers: &HeaderMap) -> Result<Answer, ApiError> {
    let query = uri.query().unwrap_or_default();
    match uri.path().strip_prefix("/hls/v1/") {
        Some(name) => crate::hls::answer(&service.sessions, name, query).await,
        None => page::answer(service, uri.path(), query, host(headers)),
    }
}
