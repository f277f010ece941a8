//! What a poll brought: entries for webhooks, beside which versions were seen and where the next poll starts.
//!
//! A pulled event has a lane of its own for each webhook: a referral that has entries and no events, so that nothing plans
//! it again and nothing of it is shared with what is delivered under the referral's own name. Invariant: all of a poll
//! is in one transaction, and an event that a webhook has an entry for already, word for word, gets no other. Next:
//! [`super::deliver`].

use jiff::Timestamp;

use crate::endpoint::webhook::posted::Posted;
use crate::event::ReferralEvent;
use crate::outbox::State;
use crate::plan::whose::Whose;

use super::StoreError;
use super::row::{Referral, Row, later};
use super::rows::{Result, Rows};
use super::types::{Onward, Poll};

/// Writes down what a poll brought. Says how many entries are new.
pub(super) fn take(rows: &mut dyn Rows, poll: &Poll, now: Timestamp) -> Result<u64> {
    let made = entries(rows, poll, now)?;
    for key in &poll.seen.1 {
        rows.see(poll.seen.0, key, poll.remember_until, now)?;
    }
    poll.notes.iter().try_for_each(|(name, word)| rows.set_note(name, word))?;
    Ok(made)
}

/// Makes an entry of each event for each webhook.
fn entries(rows: &mut dyn Rows, poll: &Poll, now: Timestamp) -> Result<u64> {
    let mut made = 0;
    for to in &poll.webhooks {
        for event in &poll.events {
            let posted =
                Posted::of(event, &to.endpoint).ok_or(StoreError::Damaged("an event without a wire form"))?;
            if rows.referral(posted.lane)?.is_none() {
                rows.put_referral(posted.lane, &lane(event, to))?;
            }
            if rows.rows_of(posted.lane)?.iter().any(|row| row.key == posted.key) {
                continue;
            }
            rows.add(row(event, to, &posted, now), Some(&posted.parcel))?;
            made += 1;
        }
    }
    Ok(made)
}

/// Nobody is known by it: what is known of a person concerns what is delivered, not what was pulled.
fn lane(event: &ReferralEvent, to: &Onward) -> Referral {
    Referral {
        source: event.source.to_string(),
        referral_id: event.referral_id.to_string(),
        endpoint: Some(to.endpoint.clone()),
        practice: None,
        number: None,
        asks: None,
        active_since: None,
        whose: Whose::default(),
        persons: Vec::new(),
        statements: Vec::new(),
    }
}

fn row(event: &ReferralEvent, to: &Onward, posted: &Posted, now: Timestamp) -> Row {
    Row {
        id: 0,
        key: posted.key,
        referral: posted.lane,
        event_id: event.event_id.clone(),
        event_type: event.event_type,
        endpoint: to.endpoint.clone(),
        practice: None,
        state: State::Pending,
        reason: None,
        waived: Vec::new(),
        attempts: 0,
        has_request: false,
        token: 0,
        owner: 0,
        lease_until: None,
        next_at: now,
        accepted_at: now,
        changed_at: now,
        expires_at: later(now, to.expires_after),
        keep_for: to.expires_after,
    }
}
