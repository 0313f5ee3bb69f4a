//! How the service is reached.

use std::sync::Arc;
use std::time::Duration;

use crate::quota::Quotas;
use crate::retry::RetryPolicy;

/// How the service is reached. What is left out comes from the usual AWS chain: environment, shared files (static
/// keys, SSO, `credential_process`, assumed roles), web identity, container and instance metadata.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// The region.
    pub region: Option<String>,
    /// The profile of the shared files. Its keys go before those of the environment, as with the AWS command line;
    /// the profile that `AWS_PROFILE` names comes after them.
    pub profile: Option<String>,
    /// The address of the control plane, for the local service or a private endpoint. It goes before
    /// `AWS_ENDPOINT_URL_KINESIS_VIDEO` and `AWS_ENDPOINT_URL`. Data calls go where GetDataEndpoint says, unless
    /// `AWS_ENDPOINT_URL_KINESIS_VIDEO_MEDIA` or `AWS_ENDPOINT_URL_KINESIS_VIDEO_ARCHIVED_MEDIA` is set.
    pub endpoint_url: Option<String>,
    /// Keys in place of the chain.
    pub credentials: Option<StaticCredentials>,
    /// Who is asked for keys in place of the chain, where `credentials` is `None`.
    pub credentials_provider: Option<CredentialsProvider>,
    /// How often and how patiently calls are tried again.
    pub retry: RetryPolicy,
    /// What is asked of the service at most.
    pub quotas: Quotas,
    /// How long a connection may take to come about. Default 5 s.
    pub connect_timeout: Duration,
    /// How long a call may take to begin to answer. Default 30 s.
    pub answer_timeout: Duration,
    /// How long a body may stay silent. The service ends a GetMedia body after 3 s without media; this is for when
    /// it does not. Default 15 s.
    pub read_timeout: Duration,
}

/// An access key.
#[derive(Clone, PartialEq, Eq)]
pub struct StaticCredentials {
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
    /// `AWS_SESSION_TOKEN`, for temporary keys.
    pub session_token: Option<String>,
}

/// Hands out keys that change: from a vault, from a broker of yours. It is asked once at first, and again when the
/// service says that the keys have expired; on the runtime that makes the call, so it is to be quick.
#[derive(Clone)]
pub struct CredentialsProvider(Arc<dyn Fn() -> Result<StaticCredentials, String> + Send + Sync>);

impl CredentialsProvider {
    /// Keys by this function; its error is a line for a person.
    pub fn new(provide: impl Fn() -> Result<StaticCredentials, String> + Send + Sync + 'static) -> Self {
        CredentialsProvider(Arc::new(provide))
    }

    pub(crate) fn provide(&self) -> Result<StaticCredentials, String> {
        (self.0)()
    }
}

/// Two are equal where they are the same one.
impl PartialEq for CredentialsProvider {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl std::fmt::Debug for CredentialsProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CredentialsProvider")
    }
}

/// Without the secrets.
impl std::fmt::Debug for StaticCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StaticCredentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// That an address is one of the control plane: `http://` or `https://` and a host.
///
/// # Errors
/// What is wrong with it, and how it would be right, on one line.
pub fn check_endpoint(url: &str) -> Result<(), String> {
    let scheme = |text: &str, scheme: &str| {
        let (head, rest) = text.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then(|| rest.to_owned())
    };
    let rest = scheme(url, "http://").or_else(|| scheme(url, "https://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with(['/', ':', '?', '#']) => Ok(()),
        Some(_) => Err(format!("'{url}' names no host: give one such as http://127.0.0.1:8080")),
        None if url.contains("://") || url.is_empty() => {
            Err(format!("'{url}' is no address of the service: it begins with http:// or https://"))
        }
        None => {
            // What is named by a number or runs here speaks HTTP most of the time, the rest of the world HTTPS.
            let near =
                url.starts_with("localhost") || url.starts_with('[') || url.starts_with(|c: char| c.is_ascii_digit());
            let scheme = if near { "http" } else { "https" };
            Err(format!("'{url}' has no scheme: give {scheme}://{url}"))
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            region: None,
            profile: None,
            endpoint_url: None,
            credentials: None,
            credentials_provider: None,
            retry: RetryPolicy::default(),
            quotas: Quotas::default(),
            connect_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(30),
            read_timeout: Duration::from_secs(15),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_has_a_scheme_and_a_host() {
        for right in ["http://127.0.0.1:8080", "https://kinesisvideo.eu-west-1.amazonaws.com", "HTTP://[::1]:80/"] {
            assert_eq!(check_endpoint(right), Ok(()), "{right}");
        }
        for (wrong, word) in [
            ("127.0.0.1:33691", "give http://127.0.0.1:33691"),
            ("localhost:80", "give http://localhost:80"),
            ("kinesisvideo.eu-west-1.amazonaws.com", "give https://kinesisvideo.eu-west-1.amazonaws.com"),
            ("ftp://host", "begins with http://"),
            ("http://", "names no host"),
            ("", "begins with http://"),
        ] {
            assert!(check_endpoint(wrong).is_err_and(|why| why.contains(word)), "{wrong}");
        }
    }
}
