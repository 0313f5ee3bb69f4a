//! `kineframe serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use kineframe_server::Fault;

use crate::args::Service;
use crate::units::{Bound, ByteSize, Duration};

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
    /// The access key that requests are signed with [default: that of the data folder, where one is made up at the first
    /// start]
    #[arg(long, value_name = "ID", conflicts_with = "no_auth")]
    pub access_key_id: Option<String>,
    /// The secret of that access key
    #[arg(long, value_name = "SECRET", conflicts_with = "no_auth")]
    pub secret_access_key: Option<String>,
    /// A stream of the service that is read once and served here to as many readers as like (repeatable). Behind `?` and
    /// between `&`: from=now|earliest|TIME|after:NUMBER|token:TOKEN (default now), name=NAME (its name here),
    /// retention=HOURS (default 24), region=REGION, profile=NAME, endpoint-url=URL
    #[arg(long, value_name = "kvs://STREAM[?...]")]
    pub upstream: Vec<Upstream>,
    /// Something that goes wrong on purpose: cut|stall|reset|garbage|throttle|expired|moved|error|error:ID, then @bytes=N
    /// or @p=P, then ,seed=S and ,on=get|put as you like (repeatable)
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
    /// Connections at a time; who comes then waits until one is closed [default: 500]
    #[arg(long, value_name = "N", help_heading = "Limits and clocks")]
    pub max_connections: Option<usize>,
    /// GetMedia connections of one stream at a time [default: 3]
    #[arg(long, value_name = "N", help_heading = "Limits and clocks")]
    pub max_get_media: Option<usize>,
    /// GetMediaForFragmentList connections of one stream at a time [default: 5]
    #[arg(long, value_name = "N", help_heading = "Limits and clocks")]
    pub max_get_media_for_fragment_list: Option<usize>,
    /// PutMedia connections of one stream at a time [default: 1]
    #[arg(long, value_name = "N", help_heading = "Limits and clocks")]
    pub max_put_media: Option<usize>,
    /// How long a fragment of a producer may be [default: 20s]
    #[arg(long, value_name = "DURATION", help_heading = "Limits and clocks")]
    pub max_fragment_time: Option<Duration>,
    /// Bytes that it may have [default: 52428800]
    #[arg(long, value_name = "SIZE", help_heading = "Limits and clocks")]
    pub max_fragment_bytes: Option<ByteSize>,
    /// Calls of each API for one stream a second [default: 5]
    #[arg(long, value_name = "N", value_parser = rate, help_heading = "Limits and clocks")]
    pub calls_per_second: Option<f64>,
    /// Fragments that are read, and images, of one stream a second [default: 500]
    #[arg(long, value_name = "N", value_parser = rate, help_heading = "Limits and clocks")]
    pub media_points_per_second: Option<f64>,
    /// Fragments that are looked up in one stream a second [default: 10000]
    #[arg(long, value_name = "N", value_parser = rate, help_heading = "Limits and clocks")]
    pub metadata_points_per_second: Option<f64>,
    /// Bytes of one GetMedia or GetMediaForFragmentList connection a second [default: 25000000]
    #[arg(long, value_name = "SIZE", help_heading = "Limits and clocks")]
    pub get_bytes_per_second: Option<ByteSize>,
    /// Bytes of one PutMedia connection a second [default: 12500000]
    #[arg(long, value_name = "SIZE", help_heading = "Limits and clocks")]
    pub put_bytes_per_second: Option<ByteSize>,
    /// Fragments that begin in one stream a second [default: 5]
    #[arg(long, value_name = "N", value_parser = rate, help_heading = "Limits and clocks")]
    pub put_fragments_per_second: Option<f64>,
    /// Fragments of one GetMedia connection a second [default: 5]
    #[arg(long, value_name = "N", value_parser = rate, help_heading = "Limits and clocks")]
    pub get_fragments_per_second: Option<f64>,
    /// Playlists of one HLS session a second [default: 5]
    #[arg(long, value_name = "N", value_parser = rate, help_heading = "Limits and clocks")]
    pub hls_playlists_per_second: Option<f64>,
    /// Fragments of one HLS session a second [default: 20]
    #[arg(long, value_name = "N", value_parser = rate, help_heading = "Limits and clocks")]
    pub hls_fragments_per_second: Option<f64>,
    /// No limit of calls, fragments and bytes a second but those given
    #[arg(long, help_heading = "Limits and clocks")]
    pub no_limits: bool,
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 => Ok(rate),
        _ => Err("it is a number above 0".into()),
    }
}

/// `--upstream`.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// `kvs://STREAM` or an ARN.
    pub stream: String,
    /// Where reading begins.
    pub from: Option<Bound>,
    /// What it is called here.
    pub name: Option<String>,
    /// How long it is kept here.
    pub retention_hours: u32,
    /// How the service is reached.
    pub service: Service,
}

impl std::str::FromStr for Upstream {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (stream, settings) = text.split_once('?').unwrap_or((text, ""));
        if !crate::kvs::is_stream(stream) {
            return Err(format!("'{stream}' is neither kvs://STREAM nor an ARN"));
        }
        let mut upstream = Upstream {
            stream: stream.to_owned(),
            from: None,
            name: None,
            retention_hours: 24,
            service: Service::default(),
        };
        for setting in settings.split('&').filter(|setting| !setting.is_empty()) {
            let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
            let text = || Some(value.to_owned()).filter(|value| !value.is_empty());
            match name {
                "from" => upstream.from = Some(value.parse()?),
                "name" => upstream.name = text(),
                "retention" => {
                    let hours = value.parse().map_err(|_| format!("retention={value}: it is a number of hours"))?;
                    upstream.retention_hours = hours;
                }
                "region" => upstream.service.region = text(),
                "profile" => upstream.service.profile = text(),
                "endpoint-url" => upstream.service.endpoint_url = text(),
                _ => return Err(format!("'{name}' is none of from, name, retention, region, profile, endpoint-url")),
            }
        }
        Ok(upstream)
    }
}
