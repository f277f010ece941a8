//! Reads a request's body: authenticated first, bounded in size, in time, and over all requests together.
//!
//! Next: [`super::events`].

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answer::Refusal;
use super::{Intake, SMALL};

/// A body that was read, and its share of what may be read at once.
pub(super) struct Received<K> {
    /// What it is said to be.
    pub(super) kind: K,
    /// The bytes.
    pub(super) bytes: Bytes,
    /// Given back when the request has been answered: what was parsed weighs as much again.
    pub(super) _share: Option<OwnedSemaphorePermit>,
}

/// Reads a body of one of the given media types.
pub(super) async fn receive<K: Copy>(
    intake: &Intake,
    request: Request,
    kinds: &[(&str, K)],
) -> Result<Received<K>, Refusal> {
    let now = intake.clock.now();
    let signed = intake.auth.head(request.headers(), now)?;
    let kind = kind(request.headers(), kinds)?;
    let most = intake.max_body_bytes;
    let length =
        request.headers().get(CONTENT_LENGTH).map(|value| value.to_str().ok()?.parse::<usize>().ok());
    let expected = match length {
        Some(Some(length)) if length <= most => length,
        Some(_) => return Err(Refusal::TooLarge),
        None => most,
    };
    // One for which there is no room is refused before it is sent.
    if length.is_some() && expected.saturating_sub(SMALL) > intake.room.available_permits() {
        return Err(Refusal::Full);
    }
    let reading = read(request.into_body(), most, expected, &intake.room);
    let (bytes, share) =
        tokio::time::timeout(intake.limits.body, reading).await.map_err(|_| Refusal::BodyTimeout)??;
    if let Some(signed) = signed {
        intake.auth.body(signed, &bytes, intake.keep.as_ref(), now).await?;
    }
    Ok(Received { kind, bytes, _share: share })
}

/// Reads, and takes room for what has come, not for what is said to come: who sends a head and no body takes none. The first
/// [`SMALL`] bytes of a body need no room, because there are only so many connections; so a small body is always read.
async fn read(
    mut body: Body,
    most: usize,
    expected: usize,
    room: &Arc<Semaphore>,
) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Refusal> {
    let mut whole: Vec<u8> = Vec::with_capacity(expected.min(8 << 10));
    let mut share: Option<OwnedSemaphorePermit> = None;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| Refusal::BodyBroken)?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len().saturating_add(data.len()) > most {
            return Err(Refusal::TooLarge);
        }
        let held = share.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let needed = (whole.len() + data.len()).saturating_sub(SMALL).saturating_sub(held);
        if needed > 0 {
            let needed = u32::try_from(needed).map_err(|_| Refusal::TooLarge)?;
            let more = Arc::clone(room).try_acquire_many_owned(needed).map_err(|_| Refusal::Full)?;
            match &mut share {
                Some(share) => share.merge(more),
                None => share = Some(more),
            }
        }
        whole.extend_from_slice(&data);
    }
    Ok((Bytes::from(whole), share))
}

/// The media type, where it is one of those, in UTF-8 and not compressed.
fn kind<K: Copy>(headers: &HeaderMap, kinds: &[(&str, K)]) -> Result<K, Refusal> {
    let plain = |value: &axum::http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(CONTENT_ENCODING).iter().all(plain) {
        return Err(Refusal::ContentEncoding);
    }
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).ok_or(Refusal::MediaType)?;
    let (name, parameters) = text.split_once(';').unwrap_or((text, ""));
    let charset = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
    let charset = charset.filter(|(key, _)| key.trim().eq_ignore_ascii_case("charset"));
    let utf8 =
        charset.map(|(_, value)| value.trim().trim_matches('"')).all(|v| v.eq_ignore_ascii_case("utf-8"));
    let found = kinds.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
    found.filter(|_| utf8).map(|(_, kind)| *kind).ok_or(Refusal::MediaType)
}
