//! GetHLSStreamingSessionURL.

use std::sync::Mutex;

use serde::Deserialize;

use super::archive::{FragmentSelector, Range};
use super::clip::with_archive;
use super::{StreamRef, in_range, one_of};
use crate::hls::{Discontinuity, Mode, Session};
use crate::http::{self, Answer, ApiError};
use crate::limits::Bucket;
use crate::media::stream::now_ms;
use crate::service::Service;
use crate::usage::Points;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetUrl {
    #[serde(flatten)]
    stream: StreamRef,
    playback_mode: Option<String>,
    #[serde(rename = "HLSFragmentSelector")]
    selector: Option<FragmentSelector>,
    container_format: Option<String>,
    discontinuity_mode: Option<String>,
    display_fragment_timestamp: Option<String>,
    expires: Option<i64>,
    max_media_playlist_fragment_results: Option<i64>,
}

/// In a stream that is live something came in within this time.
const LIVE_MS: i64 = 30_000;

/// GetHLSStreamingSessionURL.
pub(crate) fn get_url(service: &Service, body: &[u8], host: &str) -> Result<Answer, ApiError> {
    let input: GetUrl = http::parse(body)?;
    let stream = service.stream(&input.stream)?;
    stream.meter.call("GetHLSStreamingSessionURL", Points::default())?;
    let choice = |name: &str, value: Option<String>, values: &[&str]| -> Result<usize, ApiError> {
        let Some(value) = value else { return Ok(0) };
        one_of(name, &value, values)?;
        Ok(values.iter().position(|other| *other == value).unwrap_or(0))
    };
    let mode = match choice("playbackMode", input.playback_mode, &["LIVE", "LIVE_REPLAY", "ON_DEMAND"])? {
        0 => Mode::Live,
        1 => Mode::LiveReplay,
        _ => Mode::OnDemand,
    };
    if choice("containerFormat", input.container_format, &["FRAGMENTED_MP4", "MPEG_TS"])? == 1 {
        return Err(ApiError::invalid_argument("ContainerFormat MPEG_TS is not served here."));
    }
    let discontinuities = ["ALWAYS", "NEVER", "ON_DISCONTINUITY"];
    let discontinuity = match choice("discontinuityMode", input.discontinuity_mode, &discontinuities)? {
        0 => Discontinuity::Always,
        1 => Discontinuity::Never,
        _ => Discontinuity::Gaps,
    };
    let show = choice("displayFragmentTimestamp", input.display_fragment_timestamp, &["NEVER", "ALWAYS"])? == 1;
    let expires = in_range("expires", input.expires, 300, 43_200)?.unwrap_or(300);
    let most = in_range("maxMediaPlaylistFragmentResults", input.max_media_playlist_fragment_results, 1, 5000)?;
    let most = most.unwrap_or(if mode == Mode::OnDemand { 1000 } else { 5 });
    let producer_clock = input.selector.as_ref().is_some_and(FragmentSelector::is_producer);
    let range = match (mode, input.selector) {
        (Mode::Live, Some(selector)) if selector.has_range() => {
            return Err(ApiError::invalid_argument("TimestampRange must not be given with PlaybackMode LIVE."));
        }
        (Mode::Live, _) => None,
        (Mode::OnDemand, Some(selector)) => Some(Range::of(selector.or_server())?),
        (Mode::LiveReplay, Some(selector)) => Some(Range::open(selector.or_server())?),
        (_, None) => {
            return Err(ApiError::invalid_argument("HLSFragmentSelector must be given with this PlaybackMode."));
        }
    };
    with_archive(&stream)?;
    let limits = service.options.limits;
    let session = Session {
        mode,
        range,
        producer_clock,
        discontinuity,
        show_times: show,
        most: usize::try_from(most).unwrap_or(5),
        created_ms: now_ms(),
        expires_ms: now_ms().saturating_add(expires.saturating_mul(1000)),
        items: Mutex::default(),
        playlists: Mutex::new(Bucket::of_calls(limits.hls_playlists)),
        fragments: Mutex::new(Bucket::of_calls(limits.hls_fragments)),
        stream,
    };
    let (items, _) = session.playlist();
    let recent = session.stream.newest().is_some_and(|newest| now_ms() - newest.touched_ms() <= LIVE_MS);
    if items.is_empty() || (mode == Mode::Live && !recent) {
        return Err(ApiError::not_found("No fragments found in the stream for the streaming request."));
    }
    let token = service.sessions.open(session);
    let url = format!("http://{host}/hls/v1/getHLSMasterPlaylist.m3u8?SessionToken={token}");
    Ok(http::json(&serde_json::json!({ "HLSStreamingSessionURL": url })))
}
