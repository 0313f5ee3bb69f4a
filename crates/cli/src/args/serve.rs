//! `kineframe serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use kineframe_server::Fault;

use crate::units::Duration;

/// `kineframe serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Where streams are kept, or `:memory:` to keep nothing [default: in the user's data directory]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The region in ARNs, for which requests are signed
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    pub region: String,
    /// Answer requests whether they are signed or not
    #[arg(long)]
    pub no_auth: bool,
    /// Sign with this instead of an access key made up at the start
    #[arg(long, value_name = "ID", conflicts_with = "no_auth")]
    pub access_key_id: Option<String>,
    /// The secret of that access key
    #[arg(long, value_name = "SECRET", conflicts_with = "no_auth")]
    pub secret_access_key: Option<String>,
    /// Something that goes wrong on purpose: cut|stall|reset|garbage|throttle|error|error:ID, then @bytes=N or @p=P, then
    /// ,seed=S and ,on=get|put as you like (repeatable)
    #[arg(long, value_name = "SPEC")]
    pub fault: Vec<Fault>,
    /// A GetMedia body ends when no media came for this long [default: 3s]
    #[arg(long, value_name = "DURATION", help_heading = "Limits and clocks")]
    pub idle_end: Option<Duration>,
    /// GetMedia and PutMedia connections end after this long [default: 45m]
    #[arg(long, value_name = "DURATION", help_heading = "Limits and clocks")]
    pub session_end: Option<Duration>,
    /// A PutMedia connection on which nothing comes for this long is ended [default: 30s]
    #[arg(long, value_name = "DURATION", help_heading = "Limits and clocks")]
    pub put_idle_end: Option<Duration>,
    /// GetMedia connections of one stream at a time [default: 3]
    #[arg(long, value_name = "N", help_heading = "Limits and clocks")]
    pub max_get_media: Option<usize>,
    /// GetMediaForFragmentList connections of one stream at a time [default: 5]
    #[arg(long, value_name = "N", help_heading = "Limits and clocks")]
    pub max_get_media_for_fragment_list: Option<usize>,
    /// PutMedia connections of one stream at a time [default: 1]
    #[arg(long, value_name = "N", help_heading = "Limits and clocks")]
    pub max_put_media: Option<usize>,
}
