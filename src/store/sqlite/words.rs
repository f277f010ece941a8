//! Columns and what they mean: words, instants, identifiers. Next: `list.rs`.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::event::EventType;
use crate::outbox::{Reason, State};
use crate::store::StoreError;
use crate::store::row::Row;

type Result<T> = std::result::Result<T, StoreError>;

/// The columns of an entry, in the order [`row`] reads them.
pub(super) const COLUMNS: &str = "id, key, referral, event_id, event_type, endpoint, practice, state, reason, waived, \
     attempts, has_request, token, owner, lease_until, next_at, accepted_at, changed_at, expires_at, keep_for";

/// Reads an entry.
pub(super) fn row(found: &rusqlite::Row<'_>) -> Result<Row> {
    let words: String = found.get(9)?;
    let waived = words.split_whitespace().map(reason_of).collect::<Result<_>>()?;
    let reason: Option<String> = found.get(8)?;
    Ok(Row {
        id: found.get(0)?,
        key: Uuid::from_bytes(found.get(1)?),
        referral: Uuid::from_bytes(found.get(2)?),
        event_id: found.get(3)?,
        event_type: EventType::parse(found.get_ref(4)?.as_str().unwrap_or_default())
            .ok_or(StoreError::Damaged("a kind of event"))?,
        endpoint: found.get(5)?,
        practice: found.get(6)?,
        state: state(found.get_ref(7)?.as_str().unwrap_or_default())?,
        reason: reason.as_deref().map(reason_of).transpose()?,
        waived,
        attempts: found.get(10)?,
        has_request: found.get(11)?,
        token: found.get::<_, i64>(12)?.cast_unsigned(),
        owner: found.get::<_, i64>(13)?.cast_unsigned(),
        lease_until: found.get::<_, Option<i64>>(14)?.map(instant).transpose()?,
        next_at: instant(found.get(15)?)?,
        accepted_at: instant(found.get(16)?)?,
        changed_at: instant(found.get(17)?)?,
        expires_at: instant(found.get(18)?)?,
        keep_for: Duration::from_nanos(found.get::<_, i64>(19)?.cast_unsigned()),
    })
}

pub(super) fn state(word: &str) -> Result<State> {
    State::parse(word).ok_or(StoreError::Damaged("a state"))
}

fn reason_of(word: &str) -> Result<Reason> {
    Reason::parse(word).ok_or(StoreError::Damaged("a reason"))
}

pub(super) fn date(text: &str) -> Result<Date> {
    text.parse().map_err(|_| StoreError::Damaged("a date"))
}

/// Nanoseconds since 1970.
pub(super) fn nanoseconds(at: Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(if at.as_nanosecond() < 0 { i64::MIN } else { i64::MAX })
}

pub(super) fn instant(nanoseconds: i64) -> Result<Timestamp> {
    Timestamp::from_nanosecond(nanoseconds.into()).map_err(|_| StoreError::Damaged("an instant"))
}

pub(super) fn duration(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
