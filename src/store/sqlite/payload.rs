//! Payloads: the only place where the bytes of events, parcels and requests enter and leave the database.
//!
//! A payload is one byte that says how it is written, then the bytes: 0 as they are, 1 zstd. Whatever is to be done to all content at rest
//! is done here. Invariant: what went in comes out, or the store says that it is damaged. Next: `tables.rs`.

use std::borrow::Cow;
use std::cell::RefCell;

use jiff::civil::Date;
use zstd::bulk::Compressor;

use crate::event::build::NhsNumberRule;
use crate::event::finish::Identities;
use crate::event::{ReferralEvent, When, read};
use crate::outbox::Parcel;
use crate::plan::whose::Whose;
use crate::store::StoreError;
use crate::tree::{Limits, json};

/// As it is.
const PLAIN: u8 = 0;
/// Compressed with zstd.
const ZSTD: u8 = 1;
/// Shorter content is not worth compressing.
const SHORT: usize = 200;
/// The fastest level; content of a kilobyte gains little from higher ones.
const LEVEL: i32 = 1;
/// No event, parcel or request is longer. A length beyond it means damage, not content.
const LONGEST: usize = 64 << 20;

type Result<T> = std::result::Result<T, StoreError>;

/// Before the wire form of an event that stands for a changed record: it has no date, which the wire form of an
/// event of any source must have.
const UNDATED: u8 = b'-';

/// Stands where the date is not.
const ANY_DAY: Date = Date::constant(2000, 1, 1);

/// An event as it is stored: its wire form. What would not read back as it is is refused here, before it is answered.
pub(super) fn of_event(event: &ReferralEvent) -> Result<Vec<u8>> {
    let refused = StoreError::Damaged("an event that does not read back as it is");
    let mut bytes = Vec::with_capacity(2 << 10);
    let dated = if is_undated(event) {
        bytes.push(UNDATED);
        Cow::Owned(ReferralEvent { occurred_at: Some(When::Day(ANY_DAY)), ..event.clone() })
    } else {
        Cow::Borrowed(event)
    };
    if serde_json::to_writer(&mut bytes, &*dated).is_err() || plain_event(&bytes).as_ref() != Some(event) {
        return Err(refused);
    }
    Ok(seal(&bytes))
}

/// An event as it was accepted: identifiers that had to be replaced were replaced then, so no key is needed and
/// nothing is replaced twice; a number that passed with a warning passes again.
pub(super) fn event(stored: &[u8]) -> Result<ReferralEvent> {
    open(stored).and_then(|bytes| plain_event(&bytes)).ok_or(StoreError::Damaged("an event"))
}

fn plain_event(bytes: &[u8]) -> Option<ReferralEvent> {
    let (undated, bytes) = match bytes.strip_prefix(&[UNDATED]) {
        Some(rest) => (true, rest),
        None => (false, bytes),
    };
    let node = json::parse(bytes, &Limits::default()).ok()?;
    let (event, _) = read::read(&node, &Identities::default(), NhsNumberRule::Warn);
    event.map(|event| if undated { ReferralEvent { occurred_at: None, ..event } } else { event })
}

/// Whether only [`crate::convert::since`] can have made it.
fn is_undated(event: &ReferralEvent) -> bool {
    event.occurred_at.is_none() && !event.is_status_slot && event.detail.count.is_none()
}

/// A parcel as it is stored.
pub(super) fn of_parcel(parcel: &Parcel) -> Result<Vec<u8>> {
    serde_json::to_vec(parcel).map(|bytes| seal(&bytes)).map_err(|_| StoreError::Damaged("a parcel"))
}

/// A stored parcel.
pub(super) fn parcel(stored: &[u8]) -> Result<Parcel> {
    let bytes = open(stored).ok_or(StoreError::Damaged("a parcel"))?;
    serde_json::from_slice(&bytes).map_err(|_| StoreError::Damaged("a parcel"))
}

/// Whom a referral is about, as it is stored.
pub(super) fn of_whose(whose: &Whose) -> Result<Vec<u8>> {
    serde_json::to_vec(whose).map(|bytes| seal(&bytes)).map_err(|_| StoreError::Damaged("a person"))
}

/// Whom a stored referral is about.
pub(super) fn whose(stored: &[u8]) -> Result<Whose> {
    let bytes = open(stored).ok_or(StoreError::Damaged("a person"))?;
    serde_json::from_slice(&bytes).map_err(|_| StoreError::Damaged("a person"))
}

/// A request as it is stored.
pub(super) fn of_request(request: &str) -> Vec<u8> {
    seal(request.as_bytes())
}

/// A stored request.
pub(super) fn request(stored: &[u8]) -> Result<String> {
    let bytes = open(stored).ok_or(StoreError::Damaged("a request"))?;
    String::from_utf8(bytes).map_err(|_| StoreError::Damaged("a request"))
}

thread_local! {
    /// Kept from one payload to the next: making one costs more than compressing a kilobyte.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

fn seal(bytes: &[u8]) -> Vec<u8> {
    let mark = |kind: u8, bytes: &[u8]| [&[kind], bytes].concat();
    if bytes.len() < SHORT {
        return mark(PLAIN, bytes);
    }
    let compress = |kept: &RefCell<Option<Compressor<'static>>>| {
        let mut kept = kept.borrow_mut();
        if kept.is_none() {
            *kept = Some(Compressor::new(LEVEL)?);
        }
        kept.as_mut().map_or_else(|| Ok(bytes.to_vec()), |compressor| compressor.compress(bytes))
    };
    match COMPRESSOR.with(compress) {
        Ok(compressed) if compressed.len() < bytes.len() => mark(ZSTD, &compressed),
        _ => mark(PLAIN, bytes),
    }
}

fn open(stored: &[u8]) -> Option<Vec<u8>> {
    match stored.split_first()? {
        (&PLAIN, bytes) => Some(bytes.to_vec()),
        (&ZSTD, bytes) => {
            let length = zstd::zstd_safe::get_frame_content_size(bytes).ok()??;
            let length = usize::try_from(length).ok().filter(|length| *length <= LONGEST)?;
            zstd::bulk::decompress(bytes, length).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_in_comes_out() {
        for text in ["", "short", &"long and repeated ".repeat(500)] {
            let stored = of_request(text);
            assert_eq!(request(&stored).unwrap(), text);
        }
        assert!(of_request(&"a".repeat(10_000)).len() < 200);
    }

    #[test]
    fn every_event_comes_back_as_it_was() {
        let mut one = crate::store::tests::samples::told("R1", "details_changed", "2026-04-01").event();
        assert!(event(&of_event(&one).unwrap()).unwrap() == one);
        one.occurred_at = None;
        assert!(event(&of_event(&one).unwrap()).unwrap() == one);
        one.event_id.clear();
        assert!(of_event(&one).is_err());
    }

    #[test]
    fn an_identifier_that_was_replaced_is_not_replaced_again() {
        use crate::event::finish::Identities;
        let ours = Identities { opaque_key: Some(b"a key of the tests".to_vec()), ..Identities::default() };
        let mut one = crate::store::tests::samples::told("R1", "referred", "2026-04-01").event();
        let replaced = ours.opaque("9990004218").unwrap();
        one.event_id = format!("{replaced}/referred");
        one.referral_id = replaced.into();
        assert!(event(&of_event(&one).unwrap()).unwrap() == one);
    }

    #[test]
    fn damage_is_said() {
        let mut stored = of_request(&"some words ".repeat(100));
        stored.truncate(stored.len() / 2);
        assert!(matches!(request(&stored), Err(StoreError::Damaged(_))));
        assert!(request(&[]).is_err() && request(&[9, 1]).is_err() && request(&[PLAIN, 0xff]).is_err());
        assert!(event(&of_request("{}")).is_err() && parcel(&of_request("[]")).is_err());
    }
}
