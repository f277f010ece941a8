//! What an endpoint has, or may have, of a referral: for reading back. Next: [`super::keeper`].

use uuid::Uuid;

use super::rows::{Result, Rows};
use super::types::{Sent, SentRecord};

/// The entries of a referral at an endpoint that have a request, oldest first.
pub(super) fn sent(rows: &mut dyn Rows, referral: Uuid, endpoint: &str) -> Result<SentRecord> {
    let mut sent = Vec::new();
    for row in rows.rows_of(referral)?.into_iter().filter(|row| row.endpoint == endpoint) {
        if let Some(request) = rows.request(row.id)? {
            sent.push(Sent { id: row.id, state: row.state, request });
        }
    }
    sent.sort_unstable_by_key(|sent| sent.id);
    Ok(SentRecord { sent, known: rows.known(referral, endpoint)? })
}
