//! The AWS SDK, set up as this crate wants it: one HTTP client for everything, retries and deadlines by our own rules.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::credential_fn::provide_credentials_fn;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_kinesisvideo as control;
use aws_sdk_kinesisvideoarchivedmedia as archived;
use aws_sdk_kinesisvideomedia as media;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::service_config::ServiceConfigKey;

use crate::connection::OwnConnections;
use crate::endpoint::Api;
use crate::error::{Error, ErrorKind};
use crate::options::{Options, StaticCredentials, check_endpoint};
use crate::profile;

/// The clients of one look at the configuration.
pub(crate) struct Sdk {
    pub(crate) control: control::Client,
    pub(crate) connectors: Connectors,
    pub(crate) region: String,
    config: SdkConfig,
    media: Mutex<HashMap<Arc<str>, media::Client>>,
    archived: Mutex<HashMap<Arc<str>, archived::Client>>,
}

fn of_keys(keys: StaticCredentials) -> Credentials {
    let StaticCredentials { access_key_id, secret_access_key, session_token } = keys;
    Credentials::new(access_key_id, secret_access_key, session_token, None, "kineframe")
}

/// Connections of everything that a client does: TLS by rustls, proxies from the environment.
#[derive(Debug, Clone)]
pub(crate) struct Connectors {
    /// One pool.
    pooled: SharedHttpConnector,
    /// One connection for each call, for bodies that go on and on.
    pub(crate) own: SharedHttpConnector,
}

impl Connectors {
    pub(crate) fn new(options: &Options) -> Self {
        let settings = HttpConnectorSettings::builder().connect_timeout(options.connect_timeout).build();
        let pooled = aws_smithy_http_client::Connector::builder()
            .connector_settings(settings)
            .sleep_impl(aws_smithy_async::rt::sleep::TokioSleep::new())
            .proxy_config(ProxyConfig::from_env())
            .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
            .build();
        let own = OwnConnections::new(options.connect_timeout);
        Connectors { pooled: SharedHttpConnector::new(pooled), own: SharedHttpConnector::new(own) }
    }
}

impl Sdk {
    pub(crate) async fn load(options: &Options, connectors: Connectors) -> Result<Self, Error> {
        let target: Arc<str> = Arc::from("Kinesis Video Streams");
        let pooled = connectors.pooled.clone();
        let http: SharedHttpClient = http_client_fn(move |_, _| pooled.clone());
        let mut loader =
            aws_config::defaults(BehaviorVersion::latest())
                .http_client(http.clone())
                .retry_config(RetryConfig::disabled())
                .timeout_config(TimeoutConfig::disabled())
                .stalled_stream_protection(
                    aws_config::stalled_stream_protection::StalledStreamProtectionConfig::disabled(),
                );
        if let Ok(name) = AppName::new(concat!("kineframe-", env!("CARGO_PKG_VERSION"))) {
            loader = loader.app_name(name);
        }
        if let Some(region) = &options.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &options.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(endpoint) = &options.endpoint_url {
            loader = loader.endpoint_url(endpoint);
        }
        if let Some(keys) = &options.credentials {
            loader = loader.credentials_provider(of_keys(keys.clone()));
        } else if let Some(provider) = &options.credentials_provider {
            let provider = provider.clone();
            loader = loader.credentials_provider(provide_credentials_fn(move || {
                let keys = provider.provide().map(of_keys).map_err(CredentialsError::provider_error);
                std::future::ready(keys)
            }));
        }
        let own = options.credentials.is_some() || options.credentials_provider.is_some();
        let profile = options.profile.as_deref().filter(|_| !own);
        if let Some(name) = profile {
            profile::check(name, &target).await?;
        }
        let mut config = loader.load().await;
        if let Some(name) = profile {
            let keys = SharedCredentialsProvider::new(profile::credentials(name, &config, http));
            config = config.into_builder().credentials_provider(keys).build();
        }
        let Some(region) = config.region().map(ToString::to_string) else {
            return Err(Error::new("Configuration", &target, ErrorKind::NoRegion, ""));
        };
        let control = control::Client::new(&config);
        let (media, archived) = (Mutex::default(), Mutex::default());
        let sdk = Sdk { control, connectors, region, config, media, archived };
        // The flag, or what the environment or the shared files say of this service or of all.
        let given = options.endpoint_url.clone().or_else(|| sdk.configured("Kinesis Video"));
        match given.as_deref().map(check_endpoint) {
            Some(Err(why)) => Err(Error::new("Configuration", &target, ErrorKind::InvalidEndpointUrl, &why)),
            _ => Ok(sdk),
        }
    }

    /// A client of which each call has a connection of its own.
    pub(crate) fn media(&self, endpoint: &Arc<str>) -> media::Client {
        let mut known = self.media.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let own = self.connectors.own.clone();
            let config = media::config::Builder::from(&self.config)
                .endpoint_url(&**endpoint)
                .http_client(http_client_fn(move |_, _| own.clone()))
                .build();
            media::Client::from_conf(config)
        };
        known.entry(endpoint.clone()).or_insert_with(make).clone()
    }

    pub(crate) fn archived(&self, endpoint: &Arc<str>) -> archived::Client {
        let mut known = self.archived.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let config = archived::config::Builder::from(&self.config).endpoint_url(&**endpoint).build();
            archived::Client::from_conf(config)
        };
        known.entry(endpoint.clone()).or_insert_with(make).clone()
    }

    /// The endpoint that the configuration sets for a call, in place of asking.
    pub(crate) fn configured_endpoint(&self, api: Api) -> Option<String> {
        let service = match api {
            Api::PutMedia | Api::GetMedia => "Kinesis Video Media",
            _ => "Kinesis Video Archived Media",
        };
        // Where nothing is set for the service, the general setting answers, as for a service that is not there.
        // That one is the control plane's alone.
        self.configured(service).filter(|endpoint| self.configured("kineframe none").as_ref() != Some(endpoint))
    }

    /// The endpoint that the environment or the shared files set for a service, or for all.
    fn configured(&self, service: &str) -> Option<String> {
        let key = ServiceConfigKey::builder().service_id(service).env("AWS_ENDPOINT_URL").profile("endpoint_url");
        self.config.service_config()?.load_config(key.build().ok()?)
    }

    pub(crate) async fn credentials(&self, operation: &'static str, target: &Arc<str>) -> Result<Credentials, Error> {
        let provider: Option<SharedCredentialsProvider> = self.config.credentials_provider();
        let none = || Error::new(operation, target, ErrorKind::NoCredentials, "");
        let provider = provider.ok_or_else(none)?;
        provider.provide_credentials().await.map_err(|error| of_credentials(operation, target, &error))
    }
}

impl std::fmt::Debug for Sdk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sdk").field("region", &self.region).finish_non_exhaustive()
    }
}

/// An SDK call with a deadline for the beginning of its answer, and its error in our words.
pub(crate) async fn answer<T, E>(
    operation: &'static str,
    target: &Arc<str>,
    deadline: Duration,
    call: impl Future<Output = Result<T, SdkError<E, HttpResponse>>>,
) -> Result<T, Error>
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    match tokio::time::timeout(deadline, call).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(of_sdk(operation, target, &error, deadline)),
        Err(_) => Err(Error::new(operation, target, ErrorKind::Timeout(deadline), "")),
    }
}

fn of_sdk<E>(operation: &'static str, target: &Arc<str>, error: &SdkError<E, HttpResponse>, deadline: Duration) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let new = |kind, message: &str| Error::new(operation, target, kind, message);
    match error {
        SdkError::ServiceError(context) => {
            let (meta, raw) = (context.err().meta(), context.raw());
            let status = raw.status().as_u16();
            let header = |name: &str| raw.headers().get(name).map(ToOwned::to_owned);
            let answer = Answer { code: meta.code(), message: meta.message(), status };
            let mut error = answer.error(operation, target);
            error.request_id = header("x-amzn-requestid").or_else(|| header("x-amz-request-id"));
            error
        }
        SdkError::TimeoutError(_) => new(ErrorKind::Timeout(deadline), ""),
        SdkError::ResponseError(context) => {
            new(ErrorKind::InvalidResponse, &format!("HTTP {}", context.raw().status().as_u16()))
        }
        other => {
            if let Some(error) = find::<CredentialsError>(other) {
                return of_credentials(operation, target, error);
            }
            let message = innermost(other);
            match other {
                SdkError::DispatchFailure(failure) if failure.is_user() => new(ErrorKind::InvalidArgument, &message),
                SdkError::DispatchFailure(_) => new(ErrorKind::Network, &message),
                _ => new(ErrorKind::InvalidArgument, &message),
            }
        }
    }
}

/// An answer that is an error.
pub(crate) struct Answer<'a> {
    pub(crate) code: Option<&'a str>,
    pub(crate) message: Option<&'a str>,
    pub(crate) status: u16,
}

impl Answer<'_> {
    /// Its type decides. Without one it did not come from the service itself; a server error then may pass.
    pub(crate) fn error(&self, operation: &'static str, target: &Arc<str>) -> Error {
        let message = self.message.unwrap_or_default();
        match self.code {
            Some(code) => Error::new(operation, target, ErrorKind::of_type(code, message), message),
            None => {
                let kind = if self.status >= 500 { ErrorKind::Service } else { ErrorKind::InvalidResponse };
                let said = if message.is_empty() { String::new() } else { format!(": {message}") };
                Error::new(operation, target, kind, &format!("HTTP {} without an error type{said}", self.status))
            }
        }
    }
}

fn of_credentials(operation: &'static str, target: &Arc<str>, error: &CredentialsError) -> Error {
    let text = chain(error);
    let lower = text.to_ascii_lowercase();
    let kind = if lower.contains("expired") || lower.contains("sso session") {
        ErrorKind::ExpiredCredentials
    } else {
        ErrorKind::NoCredentials
    };
    let message = match error {
        CredentialsError::CredentialsNotLoaded(_) => String::new(),
        _ => text,
    };
    Error::new(operation, target, kind, &message)
}

fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// What an error says with all that is below it.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    let (mut text, mut next) = (error.to_string(), error.source());
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}

/// What the last error of a chain says: the system's own words.
pub(crate) fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut error = error;
    while let Some(next) = error.source() {
        error = next;
    }
    error.to_string()
}
