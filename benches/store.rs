//! The store: group commit against one commit at a time, and opening with a million entries queued.
//!
//! `cargo bench --bench store` (a minute), `cargo bench --bench store -- --million` (some minutes and 4 GB of disk). It is
//! a plain program, not criterion, because what it measures is the disk. Set `TMPDIR` to the disk to be measured.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

mod people;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sp_fhir::codeset::Codeset;
use sp_fhir::event::build::NhsNumberRule;
use sp_fhir::event::finish::Identities;
use sp_fhir::event::read::read;
use sp_fhir::map::mapper::Settings;
use sp_fhir::map::refs::Form;
use sp_fhir::plan::{Planner, Route, Routes, Submission};
use sp_fhir::store::{Claim, FILE, Keeper, SqliteStore, Store, StoreError};
use sp_fhir::tree::{Limits, json};

use people::nhs_number;

const SOURCE: &str = "https://elmfield-sp.example/cases";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().position(|argument| argument == "--open") {
        Some(at) => open(Path::new(arguments.get(at + 1).unwrap())),
        None if arguments.iter().any(|argument| argument == "--million") => million(),
        None => groups(),
    }
}

fn now() -> Timestamp {
    "2026-04-15T11:00:00Z".parse().unwrap()
}

fn planner() -> Planner {
    Planner {
        codeset: Codeset::embedded().unwrap(),
        settings: Settings {
            form: Form::Transaction,
            code_in_every_bundle: true,
            recorded_at: now(),
            agent: "sp-fhir bench".into(),
            repair_codes: false,
            create_patient: false,
        },
        routes: Routes(vec![Route {
            endpoint: "north".into(),
            practices: Vec::new(),
            test: true,
            expires_after: Duration::from_secs(30 * 24 * 3600),
            answers: true,
        }]),
        identities: Identities::default(),
    }
}

/// One event of a referral of its own; all are of different persons.
fn submission(number: usize) -> Submission {
    let nhs_number = nhs_number(number);
    let wire = format!(
        r#"{{"schema":"sp-fhir-event/1","source":"{SOURCE}","event_id":"B{number}/referred","referral_id":"B{number}",
        "type":"referred","occurred_at":"2026-04-01","record":{{"person":{{"nhs_number":"{nhs_number}",
        "local_id":"P{number}","family":"Ashdown","given":["Merel"],"birth_date":"1951-08-02","practice_ods":"M85063"}},
        "referrer":{{"kind":"gp"}},"service":{{"kind":"link-worker"}},"consent":{{"share":"full","date":"2026-03-01"}}}}}}"#
    );
    let node = json::parse(wire.as_bytes(), &Limits::default()).unwrap();
    let (event, issues) = read(&node, &Identities::default(), NhsNumberRule::Reject);
    let event = event.unwrap_or_else(|| panic!("{issues:?}"));
    Submission {
        source: SOURCE.into(),
        referral_id: format!("B{number}").into(),
        events: vec![event],
        snapshot: false,
        versioned: false,
    }
}

type Done = Result<(), StoreError>;

/// One kind of write, by its number.
type Write = fn(&mut dyn Store, &Planner, usize) -> Done;

fn groups() {
    let note: Write = |store, _, number| store.set_note(&format!("n{}", number % 100), "a short word");
    let accept: Write = |store, planner, number| store.accept(&submission(number), planner, now()).map(drop);
    println!("{:<34}{:>12}{:>14}{:>10}", "synchronous=FULL", "one a time", "in groups", "factor");
    for (name, write, many) in [("a note", note, 40_000), ("an event, planned and queued", accept, 6_000)] {
        let alone = rate(write, 300, false);
        let together = rate(write, many, true);
        println!("{name:<34}{alone:>10.0}/s{together:>12.0}/s{:>9.1}x", together / alone);
    }
}

/// Writes a second, one after another or with many waiting.
fn rate(write: Write, writes: usize, many: bool) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("data")).unwrap();
    let (keeper, thread) = Keeper::start(store, 1024).unwrap();
    let planner = Arc::new(planner());
    let began = Instant::now();
    let mut waiting = std::collections::VecDeque::new();
    for number in 0..writes {
        let planner = Arc::clone(&planner);
        waiting.push_back(keeper.submit(move |store| write(store, &planner, number)).unwrap());
        if !many || waiting.len() >= 1000 {
            waiting.pop_front().unwrap().wait().unwrap();
        }
    }
    waiting.into_iter().for_each(|reply| reply.wait().unwrap());
    let rate = f64::from(u32::try_from(writes).unwrap()) / began.elapsed().as_secs_f64();
    drop(keeper);
    thread.join().unwrap();
    rate
}

/// A million queued entries, made from one real one, then opened by a process of its own.
fn million() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("data");
    let mut store = SqliteStore::open(&folder).unwrap();
    store.accept(&submission(0), &planner(), now()).unwrap();
    drop(store);
    let database = rusqlite::Connection::open(folder.join(FILE)).unwrap();
    let began = Instant::now();
    database.execute_batch(FILL).unwrap();
    drop(database);
    let size = std::fs::metadata(folder.join(FILE)).unwrap().len() >> 20;
    println!("filled in {:.0} s; the database has {size} MB", began.elapsed().as_secs_f64());
    // Only the system's owner may have it forget what it read; without that the disk's part is not measured.
    let forgotten =
        Command::new("sync").status().is_ok() && std::fs::write("/proc/sys/vm/drop_caches", "3").is_ok();
    println!("opened {}", if forgotten { "from the disk" } else { "from the system's cache" });
    let me = std::env::current_exe().unwrap();
    assert!(Command::new(me).arg("--open").arg(&folder).status().unwrap().success());
}

const FILL: &str = "
PRAGMA synchronous = OFF;
BEGIN;
CREATE TEMP TABLE more AS WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < 1000000)
  SELECT n, randomblob(16) AS uuid FROM n;
INSERT INTO referral (uuid, source, referral_id, active_since, whose)
  SELECT more.uuid, source, 'B' || n, active_since, whose FROM more, referral
  WHERE referral.referral_id = 'B0';
INSERT INTO event SELECT n, more.uuid, 'B' || n || '/referred', 1, n, 1, payload FROM more, event WHERE event.id = 1;
INSERT INTO entry SELECT n, randomblob(16), more.uuid, 'B' || n || '/referred', event_type, endpoint, practice, state,
  reason, waived, attempts, has_request, token, owner, lease_until, next_at, accepted_at, changed_at, expires_at,
  keep_for, head FROM more, entry WHERE entry.id = 1;
INSERT INTO content SELECT n, parcel, NULL FROM more, content WHERE content.entry = 1;
COMMIT;
";

fn open(folder: &Path) {
    let timed = |name: &str, began: Instant| {
        println!("{name:<34}{:>9.1} ms{:>9.1} MB resident", began.elapsed().as_secs_f64() * 1e3, resident());
    };
    let began = Instant::now();
    let mut store = SqliteStore::open(folder).unwrap();
    timed("opened", began);
    let began = Instant::now();
    let counts = store.counts().unwrap();
    timed("counted", began);
    assert_eq!(counts.values().sum::<u64>(), 1_000_000);
    let began = Instant::now();
    store.next_due("north").unwrap().unwrap();
    timed("asked what is due", began);
    for name in ["claimed 32", "claimed 32 more"] {
        let began = Instant::now();
        let ask =
            Claim { endpoint: "north", limit: 32, lease: Duration::from_secs(60), owner: 1, now: now() };
        assert_eq!(store.claim(&ask).unwrap().len(), 32);
        timed(name, began);
    }
}

/// Megabytes of memory in use, where the system says so.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or(f64::NAN) / 1024.0
}
