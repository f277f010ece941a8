//! The store as it lies on the disk: commands that only look change nothing of it, an older one is the daemon's to bring
//! up, and one that cannot be used is named. Next: `world.rs`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use crate::people::{PRACTICE, Person};
use crate::sender::Client;
use crate::world::{FILES, World};

/// The store's first form.
const FIRST: &str = include_str!("../../src/store/sqlite/schema/0001.sql");

fn private(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Where the store lies, in folders that are there.
fn place(world: &World) -> PathBuf {
    let folder = world.data().join("store");
    fs::create_dir_all(&folder).unwrap();
    private(&world.data(), 0o700);
    private(&folder, 0o700);
    folder.join("store.sqlite")
}

/// Lays down a store of the first form, as the release that made it would have.
fn first_form(world: &World) -> PathBuf {
    let path = place(world);
    let store = Connection::open(&path).unwrap();
    store.pragma_update(None, "journal_mode", "wal").unwrap();
    store.execute_batch(FIRST).unwrap();
    store.pragma_update(None, "application_id", 0x7370_6668).unwrap();
    store.pragma_update(None, "user_version", 1).unwrap();
    drop(store);
    private(&path, 0o600);
    path
}

fn names(path: &Path) -> Vec<String> {
    let files = fs::read_dir(path.parent().unwrap()).unwrap();
    let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Whether the store was copied before it was brought up.
fn has_copy(path: &Path) -> bool {
    names(path).iter().any(|name| name.starts_with("store.sqlite.before-"))
}

#[test]
fn an_older_store_is_told_by_check_and_brought_up_by_the_daemon_alone() {
    let world = World::new(FILES);
    let path = first_form(&world);
    let before = fs::read(&path).unwrap();
    let untouched = |what: &str| {
        assert!(fs::read(&path).unwrap() == before, "{what} changed the store");
        assert_eq!(names(&path), ["store.sqlite"], "{what}");
    };
    let said = world.run(&["check", "--offline"]);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("format 1, which the daemon brings to "), "{}", said.stdout);
    untouched("check");
    for looks in [&["status"][..], &["outbox", "list"], &["outbox", "show", "1"], &["reconcile"]] {
        let said = world.run(looks);
        assert_eq!(said.code, 6, "{looks:?}: {}", said.stderr);
        assert!(said.stderr.contains(&path.display().to_string()), "{looks:?}: {}", said.stderr);
        assert!(
            said.stderr.contains("format 1") && said.stderr.contains("start the daemon"),
            "{}",
            said.stderr
        );
        untouched(looks[0]);
    }
    // Beside a daemon, which is then of the older version, nothing brings it up; here its lock stands for it.
    let lock = fs::File::create(world.data().join("daemon.lock")).unwrap();
    lock.lock().unwrap();
    fs::write(world.path().join("events.ndjson"), Person::new(1, PRACTICE).event("E1", 0).to_string())
        .unwrap();
    for writes in [&["outbox", "hold", "1", "--why", "a try"][..], &["send", "events.ndjson"]] {
        let said = world.run(writes);
        assert_eq!(said.code, 6, "{writes:?}: {}", said.stderr);
        assert!(said.stderr.contains("format 1"), "{writes:?}: {}", said.stderr);
        untouched(writes[0]);
    }
    assert_eq!(world.run(&["check", "--offline"]).code, 0, "beside a daemon");
    drop(lock);
    let daemon = world.start();
    assert_eq!(Client::new().event(daemon.at(), &Person::new(1, PRACTICE).event("E1", 0)).status, 202);
    assert!(has_copy(&path), "{:?}", names(&path));
    let said = world.run(&["check", "--offline"]);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    assert!(said.stdout.contains("; read whole") && !said.stdout.contains("format 1"), "{}", said.stdout);
    assert_eq!(world.wait_idle(Duration::from_secs(60))["accepted"], 1);
    daemon.stop();
}

#[test]
fn a_command_that_writes_brings_an_older_store_up_where_no_daemon_runs() {
    let world = World::new(FILES);
    let path = first_form(&world);
    assert_eq!(world.run(&["outbox", "hold", "1", "--why", "a try"]).code, 1, "there is no such entry");
    assert!(has_copy(&path), "{:?}", names(&path));
}

#[test]
fn looking_makes_no_store() {
    let world = World::new(FILES);
    for looks in [&["check", "--offline"][..], &["outbox", "list"], &["status"]] {
        assert_eq!(world.run(looks).code, 0, "{looks:?}");
    }
    assert!(!world.data().exists());
}

#[test]
fn a_store_that_cannot_be_used_is_named_with_what_to_do_and_left_alone() {
    type Damage = fn(&Path);
    let beside = |path: &Path, ending: &str| PathBuf::from(format!("{}{ending}", path.display()));
    let cases: [(Damage, &str, &str); 4] = [
        (
            |path| fs::write(path, "no database. ".repeat(400)).unwrap(),
            "this is no database",
            "OPERATIONS.md",
        ),
        (
            |path| {
                let mut torn = fs::read(path).unwrap();
                torn[4096..].fill(0xA5);
                fs::write(path, torn).unwrap();
            },
            "the database is damaged",
            "OPERATIONS.md",
        ),
        (
            |path| {
                fs::remove_file(path).unwrap();
                Connection::open(path).unwrap().execute_batch("CREATE TABLE theirs (id INTEGER)").unwrap();
                private(path, 0o600);
            },
            "a database of another program",
            "another folder",
        ),
        (
            |path| {
                let index = format!("{}-shm", path.display());
                fs::write(&index, "").unwrap();
                private(Path::new(&index), 0o600);
            },
            "store.sqlite-wal is not beside it",
            "OPERATIONS.md",
        ),
    ];
    let world = World::new(FILES);
    let daemon = world.start();
    for number in 1..40 {
        let event = Person::new(number, PRACTICE).event(&format!("E{number}"), 0);
        assert_eq!(Client::new().event(daemon.at(), &event).status, 202);
    }
    world.wait_idle(Duration::from_secs(60));
    daemon.stop();
    // `status` may have been the last to close it.
    let path = place(&world);
    let sound = fs::read(&path).unwrap();
    assert_eq!(names(&path), ["store.sqlite"]);
    for (damage, what, remedy) in cases {
        damage(&path);
        let before = fs::read(&path).unwrap();
        let heard = |code: i32, wanted: i32, said: &str| {
            assert_eq!(code, wanted, "{what}: {said}");
            for part in [path.to_str().unwrap(), what, remedy] {
                assert!(said.contains(part), "{part}: {said}");
            }
            assert!(fs::read(&path).unwrap() == before, "{what}: it was changed");
        };
        let said = world.run(&["check", "--offline"]);
        heard(said.code, 5, &(said.stdout + &said.stderr));
        let said = world.run(&["status"]);
        heard(said.code, 6, &said.stderr);
        let mut daemon = world.spawn();
        let code = daemon.wait(Duration::from_secs(30)).code().unwrap_or(-1);
        heard(code, 6, &daemon.log());
        for ending in ["-wal", "-shm"] {
            let _ = fs::remove_file(beside(&path, ending));
        }
        fs::write(&path, &sound).unwrap();
    }
    world.start().stop();
}

/// What somebody does to the store of a daemon at work, and what is left of it.
#[test]
fn a_store_that_is_deleted_under_the_daemon_stops_it_and_nothing_of_it_is_lost() {
    let world = World::new(FILES);
    let mut daemon = world.start();
    let client = Client::new();
    for number in 1..=3 {
        let event = Person::new(number, PRACTICE).event(&format!("E{number}"), 0);
        assert_eq!(client.event(daemon.at(), &event).status, 202);
    }
    world.wait_idle(Duration::from_secs(30));
    let path = world.data().join("store/store.sqlite");
    for name in ["store.sqlite", "store.sqlite-wal", "store.sqlite-shm"] {
        fs::remove_file(path.with_file_name(name)).unwrap();
    }
    let ended = daemon.wait(Duration::from_secs(20));
    assert_eq!(ended.code(), Some(6), "{}", daemon.log());
    let log = daemon.log();
    assert!(
        log.contains("it was deleted or replaced while it was in use (it is gone; all that it held"),
        "{log}"
    );
    assert_eq!(names(&path), ["store.sqlite.rescued"]);
    // Nothing begins an empty store beside it.
    fs::write(world.path().join("events.ndjson"), Person::new(9, PRACTICE).event("E9", 0).to_string())
        .unwrap();
    for command in [&["send", "events.ndjson"][..], &["status"], &["outbox", "list"]] {
        let said = world.run(command);
        assert_eq!(said.code, 6, "{command:?}: {}", said.stderr);
        assert!(said.stderr.contains("store.sqlite.rescued"), "{command:?}: {}", said.stderr);
    }
    assert_eq!(world.spawn().wait(Duration::from_secs(20)).code(), Some(6));
    assert_eq!(names(&path), ["store.sqlite.rescued"]);
    fs::rename(path.with_file_name("store.sqlite.rescued"), &path).unwrap();
    let daemon = world.start();
    assert_eq!(world.status()["accepted"], 3);
    daemon.stop();
}

#[test]
fn a_store_that_is_replaced_under_the_daemon_stops_it_and_the_new_one_is_left_alone() {
    let world = World::new(FILES);
    let mut daemon = world.start();
    assert_eq!(Client::new().event(daemon.at(), &Person::new(1, PRACTICE).event("E1", 0)).status, 202);
    let path = world.data().join("store/store.sqlite");
    let other = World::new(FILES);
    fs::write(other.path().join("events.ndjson"), Person::new(2, PRACTICE).event("E2", 0).to_string())
        .unwrap();
    assert_eq!(other.run(&["send", "events.ndjson"]).code, 0);
    let new = other.data().join("store/store.sqlite");
    fs::rename(&new, &path).unwrap();
    assert_eq!(daemon.wait(Duration::from_secs(20)).code(), Some(6));
    assert!(daemon.log().contains("another file has its name"), "{}", daemon.log());
    assert!(names(&path).contains(&"store.sqlite.rescued".to_owned()), "{:?}", names(&path));
    let rescued = Connection::open(path.with_file_name("store.sqlite.rescued")).unwrap();
    let entries: i64 = rescued.query_row("SELECT count(*) FROM entry", [], |row| row.get(0)).unwrap();
    assert_eq!(entries, 1);
}

#[test]
fn beside_a_daemon_no_command_makes_a_store() {
    let world = World::new(FILES);
    fs::create_dir_all(world.data()).unwrap();
    private(&world.data(), 0o700);
    let lock = fs::File::create(world.data().join("daemon.lock")).unwrap();
    lock.lock().unwrap();
    fs::write(world.path().join("events.ndjson"), Person::new(1, PRACTICE).event("E1", 0).to_string())
        .unwrap();
    for command in [&["send", "events.ndjson"][..], &["outbox", "hold", "1", "--why", "a try"], &["status"]] {
        let said = world.run(command);
        assert_eq!(said.code, 6, "{command:?}: {}{}", said.stdout, said.stderr);
        assert!(said.stderr.contains("there is no store here, though a daemon works"), "{}", said.stderr);
    }
    assert!(!world.data().join("store/store.sqlite").exists());
    drop(lock);
    assert_eq!(world.run(&["send", "events.ndjson"]).code, 0);
    assert_eq!(world.status()["accepted"], 1);
}
