//! One account and region of the service.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::{Handle, Runtime};

use crate::endpoint::{Api, Endpoints};
use crate::error::{Error, ErrorKind};
use crate::id::StreamId;
use crate::options::Options;
use crate::quota::Meters;
use crate::retry::{self, Budget};
use crate::sdk::{Connectors, Sdk};
use crate::stream::StreamHandle;

/// One account and region of the service. Clones share connections, endpoints, meters and the budget of retries.
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) options: Options,
    connectors: Connectors,
    sdk: tokio::sync::Mutex<Arc<Sdk>>,
    /// The service called the credentials expired: the chain is to be asked again.
    stale: AtomicBool,
    pub(crate) endpoints: Endpoints,
    pub(crate) meters: Meters,
    budget: Budget,
    handle: Handle,
    /// Where the client has a runtime of its own.
    runtime: Mutex<Option<Runtime>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Waiting for it is neither needed nor allowed on an async thread.
        if let Some(runtime) = self.runtime.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            runtime.shutdown_background();
        }
    }
}

impl Client {
    /// Looks the configuration up, and asks nothing of the service yet. Reads run on the current tokio runtime.
    ///
    /// # Errors
    /// [`ErrorKind::NoRegion`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn new(options: Options) -> Result<Self, Error> {
        Self::on(options, Handle::current()).await
    }

    /// As [`new`](Self::new), for programs without a runtime: the client starts one of its own, with one thread. Not
    /// to be called on an async thread.
    ///
    /// # Errors
    /// As for `new`; or no thread could be started.
    pub fn blocking(options: Options) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("kineframe-aws")
            .enable_all()
            .build()
            .map_err(|error| {
                Error::new("Configuration", &Arc::from("runtime"), ErrorKind::Network, &error.to_string())
            })?;
        let handle = runtime.handle().clone();
        let client = handle.block_on(Self::on(options, handle.clone()));
        match &client {
            // Nobody else holds it yet.
            Ok(client) => *client.inner.runtime.lock().unwrap_or_else(PoisonError::into_inner) = Some(runtime),
            Err(_) => runtime.shutdown_background(),
        }
        client
    }

    async fn on(options: Options, handle: Handle) -> Result<Self, Error> {
        let connectors = Connectors::new(&options);
        let sdk = Sdk::load(&options, connectors.clone()).await?;
        let inner = Inner {
            sdk: tokio::sync::Mutex::new(Arc::new(sdk)),
            connectors,
            stale: AtomicBool::new(false),
            endpoints: Endpoints::default(),
            meters: Meters::new(options.quotas),
            budget: Budget::new(&options.retry),
            handle,
            runtime: Mutex::default(),
            options,
        };
        Ok(Client { inner: Arc::new(inner) })
    }

    /// Runs a future of this crate on the calling thread, which waits. Not to be called on an async thread.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.inner.handle.block_on(future)
    }

    /// Runs a future of this crate on the client's runtime, for whoever polls without one. `None` where that runtime is
    /// gone.
    pub async fn run<F>(&self, future: F) -> Option<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.inner.handle.spawn(future).await.ok()
    }

    /// A stream. Nothing is asked of the service yet.
    pub fn stream(&self, id: StreamId) -> StreamHandle {
        StreamHandle::new(self.clone(), id)
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.inner.handle
    }
}

impl Inner {
    pub(crate) async fn sdk(&self) -> Result<Arc<Sdk>, Error> {
        let mut sdk = self.sdk.lock().await;
        if self.stale.swap(false, Ordering::AcqRel) {
            *sdk = Arc::new(Sdk::load(&self.options, self.connectors.clone()).await?);
        }
        Ok(sdk.clone())
    }

    /// A control plane call.
    pub(crate) async fn control<T, F: Future<Output = Result<T, Error>>>(
        &self,
        operation: &'static str,
        target: &Arc<str>,
        call: impl Fn(Arc<Sdk>) -> F,
    ) -> Result<T, Error> {
        let meter = self.meters.of(target);
        let call = || async {
            let _metered = meter.control(operation).await;
            call(self.sdk().await?).await
        };
        retry::call(&self.options.retry, &self.budget, call, |kind| self.learn(kind)).await
    }

    /// A call to the data endpoint of a stream, which costs so many points of its quotas.
    pub(crate) async fn data<T, F: Future<Output = Result<T, Error>>>(
        &self,
        api: Api,
        stream: &StreamHandle,
        points: Points,
        call: impl Fn(Arc<Sdk>, Arc<str>) -> F,
    ) -> Result<T, Error> {
        let meter = self.meters.of(stream.label());
        let call = || async {
            let sdk = self.sdk().await?;
            let endpoint = stream.endpoint(api, &sdk).await?;
            let _metered = meter.call(api, points.metadata, points.media).await;
            call(sdk, endpoint).await
        };
        let failed = |kind: &ErrorKind| {
            self.learn(kind);
            self.learn_of_endpoint(kind, stream.label(), api);
        };
        retry::call(&self.options.retry, &self.budget, call, failed).await
    }

    /// What a failure says of what is remembered.
    pub(crate) fn learn(&self, kind: &ErrorKind) {
        if *kind == ErrorKind::ExpiredCredentials {
            self.stale.store(true, Ordering::Release);
        }
    }

    /// An endpoint that cannot be reached or does not know the stream may have moved.
    pub(crate) fn learn_of_endpoint(&self, kind: &ErrorKind, stream: &Arc<str>, api: Api) {
        let moved = matches!(
            kind,
            ErrorKind::InvalidEndpoint
                | ErrorKind::Network
                | ErrorKind::Timeout(_)
                | ErrorKind::InvalidResponse
                | ErrorKind::NotFound
                | ErrorKind::NotAuthorized
        );
        if moved {
            self.endpoints.forget(stream, api);
        }
    }
}

/// What a call costs (the service's quotas page).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Points {
    pub(crate) metadata: f64,
    pub(crate) media: f64,
}
