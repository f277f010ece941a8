//! Opening, upgrading, and what is left when something fails in the middle. Next: `look.rs`.

mod look;
mod upgrade;

use std::fs;
use std::path::Path;

use super::*;
use crate::outbox::State;
use crate::store::tests::samples::{self, planner, start, submission, told};
use crate::store::{Filter, Store as _};

fn folder() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("data");
    (dir, place)
}

fn one(store: &mut SqliteStore, referral: &str) {
    let came = submission(false, &[told(referral, "referred", "2026-04-01")]);
    store.accept(&came, &planner(), start()).unwrap();
}

fn version(path: &Path) -> u32 {
    let connection = Connection::open(path).unwrap();
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[test]
fn a_library_with_the_defect_is_refused() {
    assert!(
        matches!(open::refuse_old(3_051_002, "3.51.2"), Err(StoreError::OldSqlite(told)) if told == "3.51.2")
    );
    open::refuse_old(3_051_003, "3.51.3").unwrap();
    open::refuse_old(rusqlite::version_number(), rusqlite::version()).unwrap();
}

#[test]
fn the_database_is_set_as_it_must_be() {
    let (_dir, place) = folder();
    let store = SqliteStore::open(&place).unwrap();
    let ask =
        |name: &str| -> i64 { store.connection.pragma_query_value(None, name, |row| row.get(0)).unwrap() };
    for (name, value) in [("synchronous", 2), ("foreign_keys", 1), ("temp_store", 2), ("trusted_schema", 0)] {
        assert_eq!(ask(name), value, "{name}");
    }
    let mode: String = store.connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_any_of_its_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, place) = folder();
    let mut store = SqliteStore::open(&place).unwrap();
    one(&mut store, "R1");
    let mut names = Vec::new();
    for entry in fs::read_dir(&place).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
        names.push(entry.file_name());
    }
    assert_eq!(names.len(), 3, "{names:?}");
    drop(store);
    fs::set_permissions(place.join(FILE), fs::Permissions::from_mode(0o644)).unwrap();
    let refused = SqliteStore::open(&place).unwrap_err();
    assert!(
        matches!(&refused, StoreError::Place { problem, .. } if problem.contains("chmod 0600")),
        "{refused}"
    );
}

#[test]
fn a_newer_store_and_another_programs_database_are_refused() {
    let (_dir, place) = folder();
    drop(SqliteStore::open(&place).unwrap());
    Connection::open(place.join(FILE)).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let newest = u32::try_from(migrate::STEPS.len()).unwrap();
    let refused = SqliteStore::open(&place).unwrap_err();
    assert!(matches!(refused, StoreError::Newer { found: 99, known, .. } if known == newest), "{refused}");
    let other = Connection::open(place.join(FILE)).unwrap();
    other.pragma_update(None, "user_version", newest).unwrap();
    other.pragma_update(None, "application_id", 7).unwrap();
    drop(other);
    assert!(matches!(SqliteStore::open(&place), Err(StoreError::Place { .. })));
}

/// A later form of the store, made up.
const NEXT: &str =
    "ALTER TABLE referral ADD COLUMN colour TEXT; CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT;";

#[test]
fn an_upgrade_keeps_everything_and_leaves_a_copy() {
    let (_dir, place) = folder();
    let mut store = SqliteStore::open(&place).unwrap();
    one(&mut store, "R1");
    let before = store.entry(1).unwrap();
    drop(store);
    let steps = [migrate::STEPS, &[NEXT]].concat();
    let mut store = SqliteStore::open_with(&place, &steps, Upgrade::Yes).unwrap();
    assert_eq!(store.entry(1).unwrap(), before);
    store.connection.execute("INSERT INTO later VALUES (1)", []).unwrap();
    drop(store);
    let newest = u32::try_from(steps.len()).unwrap();
    assert_eq!(version(&place.join(FILE)), newest);
    let copy = migrate::beside(&place.join(FILE), &format!("before-{newest}"));
    assert_eq!(version(&copy), newest - 1);
    place::check(&copy).unwrap();
    let copied: i64 = Connection::open(&copy)
        .unwrap()
        .query_row("SELECT count(*) FROM entry", [], |row| row.get(0))
        .unwrap();
    assert_eq!(copied, 1);
}

#[test]
fn an_upgrade_that_fails_at_any_statement_leaves_the_old_store() {
    let (_dir, place) = folder();
    let mut store = SqliteStore::open(&place).unwrap();
    one(&mut store, "R1");
    drop(store);
    let fails = [NEXT, "INSERT INTO nowhere VALUES (1);"].concat();
    let steps = [migrate::STEPS, &[NEXT.split_inclusive(';').next().unwrap(), &fails[..]]].concat();
    SqliteStore::open_with(&place, &steps, Upgrade::Yes).unwrap_err();
    let orphan = "PRAGMA defer_foreign_keys = ON; INSERT INTO person VALUES (x'01', x'02');";
    SqliteStore::open_with(&place, &[migrate::STEPS, &[orphan]].concat(), Upgrade::Yes).unwrap_err();
    let mut store = SqliteStore::open(&place).unwrap();
    assert!(store.entry(1).unwrap().is_some());
    let sql = "SELECT count(*) FROM pragma_table_info('referral') WHERE name = 'colour'";
    let columns: i64 = store.connection.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(columns, 0);
    one(&mut store, "R2");
}

#[test]
fn a_new_store_that_was_never_finished_is_begun_again() {
    let (_dir, place) = folder();
    SqliteStore::open_with(&place, &["CREATE TABLE half (id INTEGER) STRICT; nonsense"], Upgrade::Yes)
        .unwrap_err();
    let mut store = SqliteStore::open(&place).unwrap();
    one(&mut store, "R1");
}

#[test]
fn an_operation_that_fails_or_panics_in_a_group_leaves_nothing_and_the_others_stay() {
    let (_dir, place) = folder();
    let mut store = SqliteStore::open(&place).unwrap();
    store.begin().unwrap();
    one(&mut store, "R1");
    let write = |rows: &mut Tables<'_>| {
        list::set_note(rows, "half", "done").unwrap();
        Err::<(), _>(StoreError::Damaged("on purpose"))
    };
    store.in_savepoint(write).unwrap_err();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.in_savepoint(|rows| -> Result<()> {
            list::set_note(rows, "half", "done").unwrap();
            panic!("on purpose")
        })
    }));
    std::panic::set_hook(hook);
    assert!(panicked.is_err());
    one(&mut store, "R2");
    store.commit().unwrap();
    assert_eq!(store.note("half").unwrap(), None);
    assert_eq!(store.counts().unwrap().values().sum::<u64>(), 2);
}

/// SQLite rolls the whole transaction back when the disk is full: nothing of the group may be answered as done.
#[test]
fn a_full_disk_undoes_the_group_and_says_so() {
    let (_dir, place) = folder();
    let mut store = SqliteStore::open(&place).unwrap();
    one(&mut store, "R0");
    let pages: i64 = store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    let limit = |store: &SqliteStore, pages: i64| {
        let set = format!("PRAGMA max_page_count = {pages}");
        store.connection.query_row(&set, [], |row| row.get::<_, i64>(0)).unwrap();
    };
    limit(&store, pages + 1);
    store.begin().unwrap();
    one(&mut store, "R1");
    let long = "x".repeat(1 << 20);
    assert!(matches!(store.set_note("long", &long), Err(StoreError::Full)));
    let committed = store.commit();
    let kept = store.counts().unwrap().values().sum::<u64>();
    match committed {
        Ok(()) => assert_eq!(kept, 2, "what was reported is there"),
        Err(StoreError::Full) => assert_eq!(kept, 1, "what was not reported is not"),
        Err(other) => panic!("{other}"),
    }
    limit(&store, 1 << 30);
    one(&mut store, "R2");
}

#[test]
fn a_group_that_the_database_rolled_back_is_never_committed() {
    let (_dir, place) = folder();
    let mut store = SqliteStore::open(&place).unwrap();
    store.begin().unwrap();
    one(&mut store, "R1");
    store.connection.execute_batch("ROLLBACK").unwrap();
    assert!(matches!(store.commit(), Err(StoreError::Stopped)));
    assert!(store.counts().unwrap().is_empty());
}

#[test]
fn content_that_cannot_be_read_stops_its_own_referral_only() {
    let (_dir, place) = folder();
    let mut store = SqliteStore::open(&place).unwrap();
    one(&mut store, "R1");
    one(&mut store, "R2");
    store.connection.execute("UPDATE content SET parcel = x'01ff' WHERE entry = 1", []).unwrap();
    let claimed = samples::take(&mut store, "north", start());
    assert_eq!(claimed.iter().map(|one| one.entry.id).collect::<Vec<_>>(), [2]);
    let entry = store.entry(1).unwrap().unwrap().entry;
    assert_eq!((entry.state, entry.reason), (State::DeadLetter, Some(crate::outbox::Reason::Poison)));
}

/// What is on the disk after each commit, taken as a crash would leave it, opens and holds everything answered.
#[test]
fn every_commit_survives_a_crash() {
    let (dir, place) = folder();
    let mut store = SqliteStore::open(&place).unwrap();
    for round in 0..12 {
        one(&mut store, &format!("R{round}"));
        samples::deliver(&mut store, "north", start());
        let before = store.entries(&Filter { limit: 99, ..Filter::default() }).unwrap();
        let copy = dir.path().join(format!("copy{round}"));
        place::folder(&copy).unwrap();
        for part in [FILE.to_owned(), format!("{FILE}-wal")] {
            fs::copy(place.join(&part), copy.join(&part)).unwrap();
        }
        let mut again = SqliteStore::open(&copy).unwrap();
        assert_eq!(again.entries(&Filter { limit: 99, ..Filter::default() }).unwrap(), before);
        assert!(again.quick_check().unwrap().is_empty());
    }
}

#[test]
fn what_the_keeper_answered_is_there_when_it_is_opened_again() {
    let (_dir, place) = folder();
    let (keeper, thread) = crate::store::Keeper::start(SqliteStore::open(&place).unwrap(), 64).unwrap();
    let answered: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                let keeper = keeper.clone();
                scope.spawn(move || {
                    let accept = |number: usize| {
                        let came = submission(
                            false,
                            &[told(&format!("R{worker}-{number}"), "referred", "2026-04-01")],
                        );
                        keeper.run_blocking(move |store| store.accept(&came, &planner(), start())).is_ok()
                    };
                    (0..10).filter(|number| accept(*number)).count()
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    drop(keeper);
    thread.join().unwrap();
    let mut store = SqliteStore::open(&place).unwrap();
    assert_eq!(store.counts().unwrap().values().sum::<u64>(), 40);
    assert_eq!(answered, 40);
}

/// Statements are prepared once: left to itself SQLite prepares one again at every new value that its plan might depend on.
#[test]
fn no_question_is_prepared_again_for_each_value() {
    let (_dir, place) = folder();
    let mut store = SqliteStore::open(&place).unwrap();
    let statements = [
        "SELECT source FROM referral WHERE uuid = ?1",
        "SELECT active_since FROM referral WHERE number = ?1 AND active_since IS NOT NULL",
        "SELECT uuid FROM referral WHERE number = ?1 AND uuid <> ?1 ORDER BY uuid",
        "SELECT person.referral FROM person JOIN referral ON referral.uuid = person.referral WHERE key = ?1",
        "SELECT date, share FROM statement WHERE referral = ?1 ORDER BY place",
        "SELECT type, uuid FROM resource WHERE referral = ?1 AND endpoint = ?1 ORDER BY type, uuid",
        "SELECT id FROM entry INDEXED BY entry_referral WHERE referral = ?1 AND head = 1",
        "SELECT id, state, head FROM entry INDEXED BY entry_referral WHERE referral = ?1",
        "UPDATE entry NOT INDEXED SET head = 1 WHERE id = ?1",
        "SELECT id FROM entry AS due NOT INDEXED WHERE id = ?1",
        "UPDATE entry NOT INDEXED SET state = 'held', next_at = 5 WHERE id = ?1",
    ];
    one(&mut store, "R1");
    let mut anew = Vec::new();
    for sql in statements {
        let mut statement = store.connection.prepare(sql).unwrap();
        for value in 0..5 {
            let mut rows = statement.query([value]).unwrap();
            while rows.next().unwrap().is_some() {}
        }
        let again = statement.get_status(rusqlite::StatementStatus::RePrepare);
        if again > 1 {
            anew.push((again, sql));
        }
    }
    assert!(anew.is_empty(), "{anew:?}");
}

/// Claiming costs the same however many wait: no step of its query looks at more than it takes.
#[test]
fn queues_are_asked_by_index() {
    let (_dir, place) = folder();
    let store = SqliteStore::open(&place).unwrap();
    let plan = |sql: &str| -> Vec<String> {
        let mut ask = store.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let rows = ask.query_map([], |row| row.get(3)).unwrap();
        rows.collect::<std::result::Result<_, _>>().unwrap()
    };
    let due = plan(
        "SELECT id FROM entry AS due INDEXED BY entry_due WHERE endpoint = 'a' AND head = 1 AND state IN \
         ('pending', 'unknown') AND next_at <= 1 AND NOT EXISTS (SELECT 1 FROM entry AS other WHERE \
         other.referral = due.referral AND other.state = 'in-flight') ORDER BY next_at, id LIMIT 1",
    );
    let listed = plan("SELECT id FROM entry WHERE state = 'held' AND id > 5 ORDER BY id LIMIT 9");
    for steps in [due, listed] {
        assert!(steps.iter().all(|step| !step.contains("SCAN") && !step.contains("B-TREE")), "{steps:?}");
    }
}
