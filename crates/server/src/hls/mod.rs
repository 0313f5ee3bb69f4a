//! HTTP Live Streaming: sessions, playlists, and segments of fragmented MP4.

mod playlist;
mod session;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use hyper::Response;
use hyper::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use kineframe_mp4::{FragmentedWriter, WriteFrame};

use crate::api::clip::{playable, refused};
use crate::http::{Answer, AnswerBody, ApiError};
use crate::media::document;
use crate::media::fragment::Fragment;
use crate::media::stream::now_ms;
use crate::names;
use session::Item;
pub(crate) use session::{Discontinuity, Mode, Session};

/// Sessions that are kept at most; the oldest goes first.
const SESSIONS: usize = 1000;

/// The sessions of a server.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<Vec<(String, Arc<Session>)>>);

impl Sessions {
    /// Begins a session and returns its token.
    pub(crate) fn open(&self, session: Session) -> String {
        let token = names::random_text::<48>();
        let now = now_ms();
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|(_, session)| session.expires_ms > now);
        if sessions.len() >= SESSIONS {
            sessions.remove(0);
        }
        sessions.push((token.clone(), Arc::new(session)));
        token
    }

    fn get(&self, token: &str) -> Option<Arc<Session>> {
        let now = now_ms();
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = sessions.iter().find(|(other, session)| other == token && session.expires_ms > now);
        found.map(|(_, session)| Arc::clone(session))
    }
}

/// The answer to a request below `/hls/v1/`. The token in it is what authorises it.
pub(crate) async fn answer(sessions: &Sessions, name: &str, query: &str) -> Result<Answer, ApiError> {
    let value = |wanted: &str| query.split('&').find_map(|pair| pair.strip_prefix(wanted)?.strip_prefix('='));
    let token = value("SessionToken").unwrap_or_default();
    let session =
        sessions.get(token).ok_or_else(|| ApiError::access_denied("The session is not known, or is over."))?;
    match name {
        "getHLSMasterPlaylist.m3u8" => {
            session.playlist_call("GetHLSMasterPlaylist")?;
            let text = playlist::master(&session, token).await?;
            Ok(file("application/x-mpegURL", text.into()))
        }
        "getHLSMediaPlaylist.m3u8" => {
            session.playlist_call("GetHLSMediaPlaylist")?;
            Ok(file("application/x-mpegURL", playlist::media(&session, token).into()))
        }
        "getMP4InitFragment.mp4" => {
            session.playlist_call("GetMP4InitFragment")?;
            let (_, fragment) = item(&session, value("FragmentNumber"))?;
            Ok(file("video/mp4", init(&fragment).await?))
        }
        "getMP4MediaFragment.mp4" => {
            session.fragment_call("GetMP4MediaFragment")?;
            let (item, fragment) = item(&session, value("FragmentNumber"))?;
            Ok(file("video/mp4", segment(&item, &fragment).await?))
        }
        _ => Err(ApiError::not_found("There is no such resource.")),
    }
}

fn item(session: &Session, number: Option<&str>) -> Result<(Item, Arc<Fragment>), ApiError> {
    let gone = || ApiError::not_found("The fragment is not in the stream, or not in it any more.");
    let fragment = number.and_then(|number| session.stream.stored_by_number(number)).ok_or_else(gone)?;
    let item = session.item(fragment.counter).ok_or_else(gone)?;
    Ok((item, fragment))
}

fn file(content_type: &'static str, bytes: Bytes) -> Answer {
    let mut answer = Response::new(AnswerBody::whole(bytes));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    answer
}

async fn media(fragment: &Fragment) -> Result<Bytes, ApiError> {
    let gone = || ApiError::not_found("The fragment is not in the stream any more.");
    document::document(fragment).await.ok_or_else(gone)
}

async fn init(fragment: &Fragment) -> Result<Bytes, ApiError> {
    let (tracks, _) = document::frames(media(fragment).await?);
    playable(&tracks)?;
    let writer = FragmentedWriter::new(&tracks).map_err(|error| refused(&error))?;
    writer.init_segment().map_err(|error| refused(&error))
}

async fn segment(item: &Item, fragment: &Fragment) -> Result<Bytes, ApiError> {
    let (tracks, frames) = document::frames(media(fragment).await?);
    playable(&tracks)?;
    let writer = FragmentedWriter::new(&tracks).map_err(|error| refused(&error))?;
    let frames: Vec<WriteFrame> = frames.iter().filter_map(|frame| WriteFrame::of(frame, item.start_ns)).collect();
    let number = u32::try_from(item.sequence + 1).unwrap_or(u32::MAX);
    let end = item.start_ns.saturating_add(item.duration_ns);
    let mut writer = writer.with_sequence_number(number);
    writer.media_segment(&frames, Some(end)).map_err(|error| refused(&error))
}
