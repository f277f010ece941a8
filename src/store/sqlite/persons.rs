//! Who belongs together, and what refused records say of whom, in SQL. Next: `list.rs`.

use jiff::civil::Date;
use rusqlite::params;
use uuid::Uuid;

use super::tables::Tables;
use super::words::date;
use crate::plan::Doubt;
use crate::plan::known::PersonKey;
use crate::store::rows::Result;

pub(super) fn others(
    tables: &Tables<'_>,
    referral: Uuid,
    source: &str,
    persons: &[PersonKey],
) -> Result<Vec<Uuid>> {
    let sql = "SELECT person.referral FROM person JOIN referral ON referral.uuid = person.referral
               WHERE person.key = ?1 AND referral.source = ?2 AND referral.uuid <> ?3";
    let mut others = Vec::new();
    for person in persons {
        let params = params![person, source, referral.into_bytes()];
        others.extend(tables.list(sql, params, |row| Ok(Uuid::from_bytes(row.get(0)?)))?);
    }
    others.sort_unstable();
    others.dedup();
    Ok(others)
}

pub(super) fn twins(tables: &Tables<'_>, source: &str, number: PersonKey) -> Result<Vec<Date>> {
    let sql = "SELECT active_since FROM referral
               WHERE number = ?1 AND source <> ?2 AND active_since IS NOT NULL
               ORDER BY active_since";
    tables.list(sql, params![number, source], |row| date(&row.get::<_, String>(0)?))
}

pub(super) fn numbered(tables: &Tables<'_>, referral: Uuid, number: PersonKey) -> Result<Vec<Uuid>> {
    let sql = "SELECT uuid FROM referral WHERE number = ?1 AND uuid <> ?2 ORDER BY uuid";
    tables.list(sql, params![number, referral.into_bytes()], |row| Ok(Uuid::from_bytes(row.get(0)?)))
}

pub(super) fn asking(tables: &Tables<'_>, request: PersonKey) -> Result<Vec<Uuid>> {
    let sql = "SELECT referral FROM asked WHERE key = ?1 ORDER BY place";
    tables.list(sql, [request], |row| Ok(Uuid::from_bytes(row.get(0)?)))
}

pub(super) fn add_doubt(tables: &Tables<'_>, doubt: &Doubt, day: Date) -> Result<bool> {
    let sql = "INSERT INTO doubt VALUES (?1, ?2, ?3) ON CONFLICT (key, record) DO NOTHING";
    let again = "UPDATE doubt SET day = max(day, ?3) WHERE key = ?1 AND record = ?2";
    let day = day.to_string();
    let mut is_new = false;
    for key in &doubt.keys {
        if tables.execute(sql, params![key, doubt.record, day])? > 0 {
            is_new = true;
        } else {
            tables.execute(again, params![key, doubt.record, day])?;
        }
    }
    Ok(is_new)
}

pub(super) fn doubted(tables: &Tables<'_>, keys: &[PersonKey]) -> Result<Option<Date>> {
    let mut latest = None;
    for key in keys {
        let days = tables
            .list("SELECT day FROM doubt WHERE key = ?1", [key], |row| date(&row.get::<_, String>(0)?))?;
        latest = latest.max(days.into_iter().max());
    }
    Ok(latest)
}

pub(super) fn mend(tables: &Tables<'_>, records: &[PersonKey]) -> Result<Vec<PersonKey>> {
    let mut concerned = Vec::new();
    for record in records {
        let keys = tables.list("SELECT key FROM doubt WHERE record = ?1", [record], |row| Ok(row.get(0)?));
        concerned.extend::<Vec<PersonKey>>(keys?);
        tables.execute("DELETE FROM doubt WHERE record = ?1", [record])?;
    }
    concerned.sort_unstable();
    concerned.dedup();
    Ok(concerned)
}

pub(super) fn concerned(tables: &Tables<'_>, key: PersonKey) -> Result<Vec<Uuid>> {
    let sql = "SELECT uuid FROM referral WHERE uuid = ?1 UNION SELECT referral FROM person WHERE key = ?1
               UNION SELECT uuid FROM referral WHERE number = ?1 ORDER BY 1";
    tables.list(sql, [key], |row| Ok(Uuid::from_bytes(row.get(0)?)))
}
