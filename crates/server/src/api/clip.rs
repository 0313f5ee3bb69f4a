//! GetClip: a range of a stream as one MP4 file.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use kineframe_mp4::{Layout, WriteError, WriteFrame, Writer};
use serde::Deserialize;

use super::archive::{FragmentSelector, Range};
use super::{StreamRef, required};
use crate::http::{self, Answer, AnswerBody, ApiError};
use crate::media::document;
use crate::media::fragment::Fragment;
use crate::media::stream::Stream;
use crate::service::Service;
use crate::usage::Points;

/// Fragments of a clip: what is beyond them is left out without a word, as the service does.
const FRAGMENTS: usize = 200;
/// Bytes of a clip, likewise.
const BYTES: u64 = 100_000_000;
/// Milliseconds from the beginning of the range to its end.
const RANGE_MS: i64 = 24 * 3600 * 1000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetClip {
    #[serde(flatten)]
    stream: StreamRef,
    clip_fragment_selector: Option<FragmentSelector>,
}

/// GetClip.
pub(crate) async fn get_clip(service: &Service, body: &[u8]) -> Result<Answer, ApiError> {
    let input: GetClip = http::parse(body)?;
    let stream = service.stream(&input.stream)?;
    let range = Range::of(required("clipFragmentSelector", input.clip_fragment_selector)?)?;
    if range.span_ms() > RANGE_MS {
        return Err(ApiError::invalid_argument("EndTimestamp must be within 24 hours of StartTimestamp."));
    }
    with_archive(&stream)?;
    let fragments = stream.stored().into_iter().filter(|fragment| range.holds(fragment)).take(FRAGMENTS);
    let (mut documents, mut bytes) = (Vec::new(), 0);
    for fragment in fragments {
        bytes += fragment.len();
        if bytes > BYTES && !documents.is_empty() {
            break;
        }
        if let Some(document) = document::document(&fragment).await {
            documents.push((fragment, document));
        }
    }
    stream.meter.call("GetClip", Points::fragments(documents.len()))?;
    if documents.is_empty() {
        return Err(ApiError::not_found("No fragments found in the stream for the clip request."));
    }
    let written = tokio::task::spawn_blocking(move || write(documents)).await;
    let file = written.map_err(|_| ApiError::internal_failure("The clip could not be made."))??;
    let (sender, body) = AnswerBody::pieces();
    tokio::spawn(async move {
        for chunk in file {
            if sender.send(chunk).await.is_err() {
                break;
            }
        }
    });
    let mut answer = Response::new(body);
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("video/mp4"));
    Ok(answer)
}

/// Media can only be read from the archive of a stream that has one.
pub(crate) fn with_archive(stream: &Stream) -> Result<(), ApiError> {
    if !stream.has_archive() {
        return Err(ApiError::no_retention("The stream does not retain data: its DataRetentionInHours is 0."));
    }
    Ok(())
}

fn write(documents: Vec<(Arc<Fragment>, Bytes)>) -> Result<Vec<Bytes>, ApiError> {
    let mut writer: Option<Writer> = None;
    let (mut origin, mut end) = (0, 0i64);
    let mut last: BTreeMap<u64, i64> = BTreeMap::new();
    for (fragment, document) in documents {
        let (tracks, frames) = document::frames(document);
        playable(&tracks)?;
        let writer = match &mut writer {
            Some(writer) => {
                writer.describe(&tracks).map_err(|error| refused(&error))?;
                writer
            }
            None => {
                origin = fragment.producer_ms;
                writer.insert(Writer::new(Layout::MoovFirst, &tracks).map_err(|error| refused(&error))?)
            }
        };
        // Fragments lie at producer time; where that does not rise, behind the one before. That the last frame of one
        // may reach into the next is no matter.
        let told = fragment.producer_ms.saturating_sub(origin).saturating_mul(1_000_000);
        let rises = |frame: WriteFrame| last.get(&frame.track_number).is_none_or(|last| frame.time > *last);
        let rises = frames.iter().filter_map(|frame| WriteFrame::of(frame, told)).all(rises);
        let start = if rises { told } else { end.max(told) };
        for frame in frames.iter().filter_map(|frame| WriteFrame::of(frame, start)) {
            let last = last.entry(frame.track_number).or_insert(frame.time);
            *last = frame.time.max(*last);
            writer.frame(frame).map_err(|error| refused(&error))?;
        }
        let length = fragment.facts().map_or(0, |facts| facts.duration_ms);
        end = start.saturating_add(i64::try_from(length).unwrap_or(0).saturating_mul(1_000_000));
    }
    let writer = writer.ok_or_else(|| ApiError::not_found("No fragments found in the stream for the clip request."))?;
    Ok(writer.finish().map_err(|error| refused(&error))?.chunks)
}

/// What of a stream the service plays: H.264 or H.265, AAC or G.711 beside it.
pub(crate) fn playable(tracks: &[kineframe_matroska::TrackEntry]) -> Result<(), ApiError> {
    for track in tracks {
        let video = matches!(track.codec_id.as_str(), "V_MPEG4/ISO/AVC" | "V_MPEGH/ISO/HEVC");
        let audio = track.codec_id.starts_with("A_AAC") || track.codec_id == "A_MS/ACM";
        if !video && !audio {
            return Err(ApiError::unsupported_media(format!("A track of codec {} cannot be played.", track.codec_id)));
        }
        let private = track.codec_private.as_deref().unwrap_or_default();
        if private.is_empty() {
            return Err(ApiError::missing_codec_private("No codec private data was found in a track of the stream."));
        }
        if video && private.first() != Some(&1) {
            return Err(ApiError::invalid_codec_private(
                "The codec private data of a track is not of form avcC or hvcC.",
            ));
        }
    }
    if tracks.is_empty() {
        return Err(ApiError::unsupported_media("The stream has no track that can be played."));
    }
    Ok(())
}

/// What stands against MP4, as the service says it.
pub(crate) fn refused(error: &WriteError) -> ApiError {
    match error {
        WriteError::Track { .. } | WriteError::NoTracks => ApiError::invalid_codec_private(error.to_string()),
        _ => ApiError::invalid_media_frame(error.to_string()),
    }
}
