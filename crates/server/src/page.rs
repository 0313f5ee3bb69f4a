//! A small page for a browser on the same machine: streams, what is in them, and a player.

use hyper::Response;
use hyper::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use serde_json::json;

use crate::api::{StreamRef, epoch_seconds, hls};
use crate::http::{self, Answer, AnswerBody, ApiError};
use crate::service::Service;

const PAGE: &str = include_str!("page.html");
/// Fragments that the page shows of a stream: the newest.
const FRAGMENTS: usize = 100;

/// The answer to a GET that is not for HLS.
///
/// Only a browser that came to this machine by its loopback name is answered: a page of another site that has pointed
/// its own name here is not.
pub(crate) fn answer(service: &Service, path: &str, query: &str, host: &str) -> Result<Answer, ApiError> {
    if !is_loopback(host) {
        return Err(ApiError::access_denied("The page is only for a browser on the same machine."));
    }
    let stream = || {
        let name = query.split('&').find_map(|pair| pair.strip_prefix("stream=")).unwrap_or_default();
        StreamRef { stream_name: Some(name.to_owned()), stream_arn: None }
    };
    match path {
        "/" => {
            let mut answer = Response::new(AnswerBody::whole(PAGE));
            let headers = answer.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
            let policy = "default-src 'self' 'unsafe-inline'; media-src 'self' blob:; frame-ancestors 'none'";
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
            Ok(answer)
        }
        "/page/streams" => {
            let streams = service.streams(|_| true);
            let rows = streams.iter().map(|stream| {
                let settings = stream.settings();
                json!({ "name": settings.name, "retention_hours": settings.retention_hours,
                        "created": epoch_seconds(settings.created_ms) })
            });
            Ok(http::json(&rows.collect::<Vec<_>>()))
        }
        "/page/fragments" => {
            let stored = service.stream(&stream())?.stored();
            let rows = stored.iter().rev().take(FRAGMENTS).map(|fragment| {
                let facts = fragment.facts().unwrap_or_default();
                let tags: Vec<_> = facts.tags.iter().map(|tag| json!([tag.name, tag.value])).collect();
                json!({
                    "number": fragment.number,
                    "producer": epoch_seconds(fragment.producer_ms),
                    "server": epoch_seconds(fragment.server_ms),
                    "duration_ms": facts.duration_ms,
                    "frames": facts.frames,
                    "bytes": fragment.len(),
                    "tags": tags,
                })
            });
            Ok(http::json(&rows.collect::<Vec<_>>()))
        }
        "/page/usage" => Ok(http::json(&service.stream(&stream())?.meter.usage().to_json())),
        "/page/play" => {
            let name = stream().stream_name;
            let live = json!({ "StreamName": name, "DiscontinuityMode": "NEVER", "Expires": 43_200 });
            let all = json!({
                "StreamName": name, "DiscontinuityMode": "NEVER", "Expires": 43_200, "PlaybackMode": "ON_DEMAND",
                "MaxMediaPlaylistFragmentResults": 5000,
                "HLSFragmentSelector": { "TimestampRange": { "StartTimestamp": 0, "EndTimestamp": 100_000_000_000u64 } },
            });
            // What is live is played live, what is over from its beginning.
            hls::get_url(service, live.to_string().as_bytes(), host)
                .or_else(|_| hls::get_url(service, all.to_string().as_bytes(), host))
        }
        _ => Err(ApiError::not_found("There is no such page.")),
    }
}

fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine() {
        for host in ["localhost", "localhost:1", "127.0.0.1:80", "[::1]:9", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "evil.example", "127.0.0.1.evil.example:80", "10.0.0.1", "localhost.evil"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
