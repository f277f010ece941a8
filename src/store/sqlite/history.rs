//! What happened to an entry, and what is known at its endpoint, in SQL. Next: `words.rs`.

use rusqlite::params;
use uuid::Uuid;

use super::tables::Tables;
use super::words::{instant, nanoseconds};
use crate::endpoint;
use crate::event::IssueCode;
use crate::outbox::{EntryId, Placed};
use crate::store::notice::CODES;
use crate::store::rows::Result;
use crate::store::{Attempt, AuditLine, StoreError};

pub(super) fn attempts(tables: &Tables<'_>, id: EntryId) -> Result<Vec<Attempt>> {
    let sql = "SELECT number, started_at, ended_at, outcome, reason, status, codes FROM attempt
               WHERE entry = ?1 ORDER BY number";
    tables.list(sql, [id], |row| {
        Ok(Attempt {
            number: row.get(0)?,
            started_at: instant(row.get(1)?)?,
            ended_at: row.get::<_, Option<i64>>(2)?.map(instant).transpose()?,
            outcome: row.get(3)?,
            reason: row.get(4)?,
            status: row.get(5)?,
            codes: serde_json::from_str(&row.get::<_, String>(6)?)
                .map_err(|_| StoreError::Damaged("codes of an answer"))?,
        })
    })
}

pub(super) fn put_attempt(tables: &Tables<'_>, id: EntryId, attempt: &Attempt) -> Result<()> {
    tables
        .execute(
            "INSERT OR REPLACE INTO attempt VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                id,
                attempt.number,
                nanoseconds(attempt.started_at),
                attempt.ended_at.map(nanoseconds),
                attempt.outcome,
                attempt.reason,
                attempt.status,
                serde_json::to_string(&attempt.codes).unwrap_or_else(|_| "[]".to_owned()),
            ],
        )
        .map(drop)
}

pub(super) fn audit(tables: &Tables<'_>, id: EntryId) -> Result<Vec<AuditLine>> {
    let sql = "SELECT at, actor, action, reason FROM audit WHERE entry = ?1 ORDER BY id";
    tables.list(sql, [id], |row| {
        Ok(AuditLine {
            at: instant(row.get(0)?)?,
            actor: row.get(1)?,
            action: row.get(2)?,
            reason: row.get(3)?,
        })
    })
}

/// The question names the words of `store::notice`, as its index does; a test holds them together.
pub(super) fn notices(
    tables: &Tables<'_>,
    after: EntryId,
    limit: usize,
) -> Result<Vec<(EntryId, IssueCode)>> {
    let sql = "SELECT line.entry, line.action
               FROM audit AS line INDEXED BY audit_notice CROSS JOIN entry ON entry.id = line.entry
               WHERE line.action IN ('withdrawn-after-sending', 'narrowed-after-sending') AND line.entry > ?1
                 AND entry.state IN ('in-flight', 'unknown', 'delivered', 'acknowledged')
                 AND NOT EXISTS
                   (SELECT 1 FROM audit AS later WHERE later.entry = line.entry AND later.id > line.id AND later.action
                    IN ('withdrawn-after-sending', 'narrowed-after-sending', 'seen', 'not-resent'))
               ORDER BY line.entry LIMIT ?2";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    tables.list(sql, [after, limit], |row| {
        let word = row.get_ref(1)?.as_str().unwrap_or_default();
        let code = CODES.into_iter().find(|code| code.as_str() == word);
        Ok((row.get(0)?, code.ok_or(StoreError::Damaged("a notice"))?))
    })
}

pub(super) fn add_audit(tables: &Tables<'_>, id: EntryId, line: &AuditLine) -> Result<()> {
    let sql = "INSERT INTO audit (entry, at, actor, action, reason) VALUES (?1, ?2, ?3, ?4, ?5)";
    tables.execute(sql, params![id, nanoseconds(line.at), line.actor, line.action, line.reason]).map(drop)
}

pub(super) fn known(tables: &Tables<'_>, referral: Uuid, endpoint: &str) -> Result<Vec<endpoint::Known>> {
    let sql = "SELECT type, uuid, id, version, content FROM resource WHERE referral = ?1 AND endpoint = ?2
               ORDER BY type, uuid";
    tables.list(sql, params![referral.into_bytes(), endpoint], |row| {
        Ok(endpoint::Known {
            placed: Placed {
                resource_type: row.get(0)?,
                uuid: row.get(1)?,
                id: row.get(2)?,
                version: row.get(3)?,
            },
            content: row.get(4)?,
        })
    })
}

pub(super) fn put_known(
    tables: &Tables<'_>,
    referral: Uuid,
    endpoint: &str,
    known: &endpoint::Known,
) -> Result<()> {
    let placed = &known.placed;
    tables
        .execute(
            "INSERT OR REPLACE INTO resource VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                referral.into_bytes(),
                endpoint,
                placed.resource_type,
                placed.uuid,
                placed.id,
                placed.version,
                known.content,
            ],
        )
        .map(drop)
}

pub(super) fn put_differing(tables: &Tables<'_>, id: EntryId, differing: &[Placed]) -> Result<()> {
    tables.execute("DELETE FROM differing WHERE entry = ?1", [id])?;
    for (place, found) in (0i64..).zip(differing) {
        tables.execute(
            "INSERT INTO differing VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![id, place, found.resource_type, found.uuid, found.id, found.version],
        )?;
    }
    Ok(())
}

pub(super) fn differing(tables: &Tables<'_>, id: EntryId) -> Result<Vec<Placed>> {
    let sql = "SELECT type, uuid, id, version FROM differing WHERE entry = ?1 ORDER BY place";
    tables.list(sql, [id], |row| {
        Ok(Placed { resource_type: row.get(0)?, uuid: row.get(1)?, id: row.get(2)?, version: row.get(3)? })
    })
}
