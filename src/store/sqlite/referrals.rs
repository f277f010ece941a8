//! Referrals and their events, in SQL. Next: `persons.rs`.

use rusqlite::{OptionalExtension as _, params};
use uuid::Uuid;

use super::payload;
use super::tables::Tables;
use super::words::date;
use crate::event::ReferralEvent;
use crate::event::kinds::Share;
use crate::map::share::Statement;
use crate::store::StoreError;
use crate::store::row::Referral;
use crate::store::rows::Result;

pub(super) fn referral(tables: &Tables<'_>, id: Uuid) -> Result<Option<Referral>> {
    let key = id.into_bytes();
    let sql = "SELECT source, referral_id, endpoint, practice, number, active_since, whose, asked.key
               FROM referral LEFT JOIN asked ON asked.referral = referral.uuid WHERE uuid = ?1";
    let found = tables.list(sql, [key], |row| {
        let day: Option<String> = row.get(5)?;
        let whose: Option<Vec<u8>> = row.get(6)?;
        Ok(Referral {
            source: row.get(0)?,
            referral_id: row.get(1)?,
            endpoint: row.get(2)?,
            practice: row.get(3)?,
            number: row.get(4)?,
            asks: row.get(7)?,
            active_since: day.map(|day| date(&day)).transpose()?,
            whose: whose.as_deref().map(payload::whose).transpose()?.unwrap_or_default(),
            persons: Vec::new(),
            statements: Vec::new(),
        })
    })?;
    let Some(mut referral) = found.into_iter().next() else { return Ok(None) };
    referral.persons =
        tables
            .list("SELECT key FROM person WHERE referral = ?1 ORDER BY key", [key], |row| Ok(row.get(0)?))?;
    let sql = "SELECT date, share FROM statement WHERE referral = ?1 ORDER BY place";
    referral.statements = tables.list(sql, [key], |row| statement(row.get(0)?, &row.get::<_, String>(1)?))?;
    Ok(Some(referral))
}

pub(super) fn put_referral(tables: &Tables<'_>, id: Uuid, referral: &Referral) -> Result<()> {
    let key = id.into_bytes();
    tables.execute(
        "INSERT INTO referral VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (uuid) DO UPDATE SET
           endpoint = excluded.endpoint, practice = excluded.practice, number = excluded.number,
           active_since = excluded.active_since, whose = excluded.whose",
        params![
            key,
            referral.source,
            referral.referral_id,
            referral.endpoint,
            referral.practice,
            referral.number,
            referral.active_since.map(|day| day.to_string()),
            payload::of_whose(&referral.whose)?,
        ],
    )?;
    tables.execute("DELETE FROM asked WHERE referral = ?1 AND key IS NOT ?2", params![key, referral.asks])?;
    if let Some(asks) = referral.asks {
        let sql = "INSERT INTO asked (referral, key) VALUES (?1, ?2) ON CONFLICT (referral) DO NOTHING";
        tables.execute(sql, params![key, asks])?;
    }
    tables.execute("DELETE FROM person WHERE referral = ?1", [key])?;
    for person in &referral.persons {
        tables.execute("INSERT OR IGNORE INTO person VALUES (?1, ?2)", params![person, key])?;
    }
    tables.execute("DELETE FROM statement WHERE referral = ?1", [key])?;
    for (place, (date, share)) in referral.statements.iter().enumerate() {
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        let date = date.map(|date| date.to_string());
        tables.execute(
            "INSERT INTO statement VALUES (?1, ?2, ?3, ?4)",
            params![key, place, date, share.as_str()],
        )?;
    }
    Ok(())
}

pub(super) fn events(tables: &Tables<'_>, referral: Uuid) -> Result<Vec<(ReferralEvent, u32)>> {
    let sql = "SELECT payload, revision FROM event WHERE referral = ?1 AND current = 1 ORDER BY place";
    tables.list(sql, [referral.into_bytes()], |row| {
        Ok((payload::event(row.get_ref(0)?.as_blob().unwrap_or_default())?, row.get(1)?))
    })
}

pub(super) fn earlier(tables: &Tables<'_>, referral: Uuid) -> Result<Vec<ReferralEvent>> {
    let sql = "SELECT payload FROM event WHERE referral = ?1 AND current = 0 ORDER BY event_id, revision";
    tables.list(sql, [referral.into_bytes()], |row| {
        payload::event(row.get_ref(0)?.as_blob().unwrap_or_default())
    })
}

pub(super) fn add_event(
    tables: &Tables<'_>,
    referral: Uuid,
    event: &ReferralEvent,
    revision: u32,
) -> Result<()> {
    let (key, id) = (referral.into_bytes(), &event.event_id);
    let sql = "SELECT place FROM event WHERE referral = ?1 AND event_id = ?2 LIMIT 1";
    let place: Option<i64> =
        tables.connection.prepare_cached(sql)?.query_row(params![key, id], |row| row.get(0)).optional()?;
    if place.is_some() {
        tables.execute(
            "UPDATE event SET current = 0 WHERE referral = ?1 AND event_id = ?2",
            params![key, id],
        )?;
    }
    tables
        .execute(
            "INSERT INTO event (referral, event_id, revision, place, current, payload) VALUES
           (?1, ?2, ?3, coalesce(?4, (SELECT coalesce(max(id), 0) + 1 FROM event)), 1, ?5)
         ON CONFLICT (referral, event_id, revision) DO UPDATE SET payload = excluded.payload, current = 1",
            params![key, id, revision, place, payload::of_event(event)?],
        )
        .map(drop)
}

pub(super) fn put_record(
    tables: &Tables<'_>,
    referral: Uuid,
    event: &ReferralEvent,
    revision: u32,
) -> Result<()> {
    let bytes = payload::of_event(event)?;
    let sql = "UPDATE event SET payload = ?4 WHERE referral = ?1 AND event_id = ?2 AND revision = ?3";
    tables.execute(sql, params![referral.into_bytes(), event.event_id, revision, bytes]).map(drop)
}

fn statement(day: Option<String>, share: &str) -> Result<Statement> {
    let share = Share::parse(share).ok_or(StoreError::Damaged("a level of consent"))?;
    Ok((day.map(|day| date(&day)).transpose()?, share))
}
