//! Playlists (RFC 8216).

use std::fmt::Write as _;

use kineframe_fragment::ServerTimestamp;
use kineframe_matroska::{TrackEntry, TrackType};

use super::{Discontinuity, Mode, Session, media as read};
use crate::api::clip::playable;
use crate::http::ApiError;
use crate::media::document;

/// The master playlist: one variant.
pub(super) async fn master(session: &Session, token: &str) -> Result<String, ApiError> {
    let (items, _) = session.playlist();
    let none = || ApiError::not_found("No fragments found in the stream for the streaming request.");
    let first = items.first().ok_or_else(none)?;
    let fragment = session.stream.stored_by_number(&first.number).ok_or_else(none)?;
    let (tracks, _) = document::frames(read(&fragment).await?);
    playable(&tracks)?;
    let bits = fragment.len().saturating_mul(8_000) / u64::try_from(first.duration_ns / 1_000_000).unwrap_or(1).max(1);
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-STREAM-INF:");
    let _ = write!(text, "BANDWIDTH={}", bits.max(1));
    let codecs: Option<Vec<String>> = tracks.iter().map(codec).collect();
    if let Some(codecs) = codecs {
        let _ = write!(text, ",CODECS=\"{}\"", codecs.join(","));
    }
    let video = tracks.iter().find_map(|track| track.video.as_ref());
    if let Some(video) = video.filter(|video| video.pixel_width > 0 && video.pixel_height > 0) {
        let _ = write!(text, ",RESOLUTION={}x{}", video.pixel_width, video.pixel_height);
    }
    let _ = writeln!(text, "\ngetHLSMediaPlaylist.m3u8?SessionToken={token}");
    Ok(text)
}

/// What RFC 6381 calls the codec; `None` where that is not said here, and then nothing is said of any.
fn codec(track: &TrackEntry) -> Option<String> {
    let private = track.codec_private.as_deref().unwrap_or_default();
    match (track.track_type, track.codec_id.as_str()) {
        (_, "V_MPEG4/ISO/AVC") => {
            let &[_, profile, constraints, level, ..] = private else { return None };
            Some(format!("avc1.{profile:02X}{constraints:02X}{level:02X}"))
        }
        (TrackType::AUDIO, id) if id.starts_with("A_AAC") => {
            let object_type = private.first()? >> 3;
            Some(format!("mp4a.40.{object_type}"))
        }
        _ => None,
    }
}

/// The media playlist.
pub(super) fn media(session: &Session, token: &str) -> String {
    let (items, ended) = session.playlist();
    let target = items.iter().map(|item| item.duration_ns).max().unwrap_or(0);
    let target = (target + 999_999_999) / 1_000_000_000;
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:7\n");
    let _ = writeln!(text, "#EXT-X-TARGETDURATION:{}", target.max(1));
    let _ = writeln!(text, "#EXT-X-MEDIA-SEQUENCE:{}", items.first().map_or(0, |item| item.sequence));
    if session.mode == Mode::OnDemand {
        text.push_str("#EXT-X-PLAYLIST-TYPE:VOD\n");
    }
    for (index, item) in items.iter().enumerate() {
        let breaks = match session.discontinuity {
            Discontinuity::Always => true,
            Discontinuity::Gaps => item.gap,
            Discontinuity::Never => false,
        };
        if index > 0 && (breaks || item.new_tracks) {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        if index == 0 || item.new_tracks {
            let number = &item.number;
            let _ = writeln!(
                text,
                "#EXT-X-MAP:URI=\"getMP4InitFragment.mp4?FragmentNumber={number}&SessionToken={token}\""
            );
        }
        if session.show_times
            && let Some(time) = ServerTimestamp(i128::from(item.shown_ms) * 1_000_000).to_rfc3339()
        {
            let _ = writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{time}");
        }
        let _ = writeln!(text, "#EXTINF:{:.3},", item.duration_ns as f64 / 1e9);
        let _ = writeln!(text, "getMP4MediaFragment.mp4?FragmentNumber={}&SessionToken={token}", item.number);
    }
    if ended {
        text.push_str("#EXT-X-ENDLIST\n");
    }
    text
}
