//! A profile that was named: its keys, and nothing that the environment says of keys.

use std::path::PathBuf;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::os_shim_internal::{Env, Fs};

use crate::error::{Error, ErrorKind};
use crate::sdk::chain;

/// That there is a profile of this name. The SDK passes over one that is not there as soon as anything else has keys.
///
/// # Errors
/// [`ErrorKind::NoProfile`] with the files that were looked in; a file that is none.
pub(crate) async fn check(name: &str, target: &Arc<str>) -> Result<(), Error> {
    let files = EnvConfigFiles::default();
    let new = |kind, message: &str| Error::new("Configuration", target, kind, message);
    match aws_config::profile::load(&Fs::default(), &Env::default(), &files, None).await {
        Ok(profiles) if profiles.get_profile(name).is_some() => Ok(()),
        Ok(_) => Err(new(ErrorKind::NoProfile, &format!("'{name}' is neither in {} nor in {}", config(), keys()))),
        Err(error) => Err(new(ErrorKind::NoCredentials, &chain(&error))),
    }
}

/// The usual chain without its first link, the keys in the environment: as in the AWS command line a profile that was
/// named goes before them, and one that `AWS_PROFILE` names does not.
pub(crate) fn credentials(name: &str, config: &SdkConfig, http: SharedHttpClient) -> CredentialsProviderChain {
    let mut provider = ProviderConfig::empty().with_http_client(http).with_region(config.region().cloned());
    if let Some(sleep) = config.sleep_impl() {
        provider = provider.with_sleep_impl(sleep);
    }
    let profile = ProfileFileCredentialsProvider::builder().configure(&provider).profile_name(name).build();
    CredentialsProviderChain::first_try("Profile", profile)
        .or_else("WebIdentityToken", WebIdentityTokenCredentialsProvider::builder().configure(&provider).build())
        .or_else("EcsContainer", EcsCredentialsProvider::builder().configure(&provider).build())
        .or_else("Ec2InstanceMetadata", ImdsCredentialsProvider::builder().configure(&provider).build())
}

fn config() -> String {
    file("AWS_CONFIG_FILE", "config")
}

fn keys() -> String {
    file("AWS_SHARED_CREDENTIALS_FILE", "credentials")
}

/// A shared file: where the environment says, else in its place in the home directory.
fn file(variable: &str, name: &str) -> String {
    let set = std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
    let path = set.unwrap_or_else(|| {
        let home = std::env::home_dir().unwrap_or_else(|| PathBuf::from("~"));
        home.join(".aws").join(name)
    });
    path.display().to_string()
}
