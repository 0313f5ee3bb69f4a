//! `kineframe serve --upstream`: streams of the service, read once each and served on.

use std::sync::Arc;
use std::time::Duration;

use kineframe::consumer::{Session, SessionMonitor, SessionOptions};
use kineframe::fragment::{ContinuationToken, FragmentNumber, ProducerTimestamp};
use kineframe::source::StartSelector;
use kineframe::source_aws::{Client, StreamId};
use kineframe_server::{RelayOptions, Server};
use tokio::task::JoinSet;

use crate::args::Upstream;
use crate::kvs;
use crate::outcome::Failure;
use crate::units::{Bound, Moment};

/// How often what happened is said.
const SAID: Duration = Duration::from_secs(1);

/// The streams that are being read.
pub struct Upstreams {
    relays: JoinSet<Option<Failure>>,
    monitors: Vec<SessionMonitor>,
}

/// Begins to read.
///
/// # Errors
/// What is wrong with an address; what the service refuses at once is told later, by [`Upstreams::failure`].
pub async fn start(server: &Server, upstreams: &[Upstream]) -> Result<Upstreams, Failure> {
    let (mut relays, mut monitors) = (JoinSet::new(), Vec::new());
    for upstream in upstreams {
        let label = upstream.stream.clone();
        let id: StreamId = label.parse().map_err(|error| Failure::Usage(format!("{label}: {error}")))?;
        let name = upstream.name.clone().unwrap_or_else(|| id.name().to_owned());
        let client = Client::new(kvs::options(&upstream.service, id.region().map(ToOwned::to_owned)));
        let client = client.await.map_err(kvs::failure)?;
        let session = Session::new(client.stream(id).get_media(), SessionOptions::default());
        monitors.push(session.monitor());
        let mut options = RelayOptions::default();
        options.start = start_of(upstream)?;
        options.retention_hours = upstream.retention_hours;
        let relay = server.relay(&name, session, options).await;
        let mut relay = relay.map_err(|error| Failure::Work(format!("--upstream {label}: {error}")))?;
        relays.spawn(async move {
            let ended = relay.ended().await;
            ended.err().map(|error| Failure::Work(format!("--upstream {label}: {error}")))
        });
    }
    Ok(Upstreams { relays, monitors })
}

fn start_of(upstream: &Upstream) -> Result<StartSelector, Failure> {
    let wrong = || {
        Failure::Usage(format!(
            "--upstream {}: from= is now, earliest, a time such as 2017-11-28T06:55:08.513Z, after:NUMBER or token:TOKEN",
            upstream.stream
        ))
    };
    Ok(match &upstream.from {
        None | Some(Bound::Now) => StartSelector::Now,
        Some(Bound::Earliest) => StartSelector::Earliest,
        Some(Bound::AfterFragment(number)) => {
            StartSelector::AfterFragment(FragmentNumber::new(number).ok_or_else(wrong)?)
        }
        Some(Bound::Token(token)) => StartSelector::ContinuationToken(ContinuationToken(Arc::from(token.as_str()))),
        Some(Bound::At(Moment::Wall(nanos))) => StartSelector::ProducerTimestamp(ProducerTimestamp(*nanos)),
        Some(_) => return Err(wrong()),
    })
}

impl Upstreams {
    /// Says what happens on standard error, until one of the streams cannot be read any more.
    pub async fn failure(&mut self) -> Failure {
        let mut tick = tokio::time::interval(SAID);
        loop {
            tokio::select! {
                Some(ended) = self.relays.join_next() => {
                    self.monitors.iter().for_each(kvs::say);
                    if let Ok(Some(failure)) = ended {
                        return failure;
                    }
                }
                _ = tick.tick() => self.monitors.iter().for_each(kvs::say),
            }
        }
    }
}
