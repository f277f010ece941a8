//! Looking at a store changes no byte of it, however it lies there; and every refusal names the file and what to do.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::store::Trouble;

const LONG: Duration = Duration::from_secs(60);

/// Every file of a folder with its bytes.
fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect()
}

/// A store of the first form.
fn first_form(place: &Path) -> SqliteStore {
    SqliteStore::open_with(place, &migrate::STEPS[..1], Upgrade::Yes).unwrap()
}

fn copy(from: &Path, to: &Path, endings: &[&str]) {
    place::folder(to).unwrap();
    for ending in endings {
        let name = format!("{FILE}{ending}");
        fs::copy(from.join(&name), to.join(&name)).unwrap();
    }
}

#[test]
fn an_older_store_is_looked_at_and_not_a_byte_is_changed() {
    let (dir, place) = folder();
    let store = first_form(&place);
    let newest = u32::try_from(migrate::STEPS.len()).unwrap();
    let older = Found::Store { form: 1, newest, is_all_read: true };
    // In use, as a killed process leaves it, without its index, closed.
    let (killed, left) = (dir.path().join("a %?#b"), dir.path().join("left"));
    copy(&place, &killed, &["", "-wal", "-shm"]);
    copy(&place, &left, &["", "-wal"]);
    assert!(fs::metadata(killed.join(format!("{FILE}-wal"))).unwrap().len() > 0);
    let look = |place: &Path, is_open_here: bool| {
        let before = bytes(place);
        assert_eq!(SqliteStore::look_at(place, LONG).unwrap(), older, "{}", place.display());
        let mut after = bytes(place);
        if is_open_here {
            // This process holds the index open for writing already, and notes its readers in it.
            after.extend(
                before
                    .get_key_value(&format!("{FILE}-shm"))
                    .map(|(name, bytes)| (name.clone(), bytes.clone())),
            );
        }
        assert!(after == before, "{}: {:?}", place.display(), after.keys());
        let refused = SqliteStore::open_as_it_is(place).unwrap_err();
        assert!(matches!(refused, StoreError::Older { found: 1, .. }), "{refused}");
        let refused = SqliteStore::read(place).unwrap_err().to_string();
        assert!(refused.contains(&place.join(FILE).display().to_string()), "{refused}");
        assert!(refused.contains("format 1") && refused.contains("start the daemon"), "{refused}");
        assert_eq!(version(&place.join(FILE)), 1);
        assert!(bytes(place).keys().all(|name| !name.contains("before")), "no copy was made");
    };
    look(&killed, false);
    look(&left, false);
    look(&place, true);
    drop(store);
    look(&place, false);
    // Opened for writing by whoever may, it is brought to the newest form.
    drop(SqliteStore::open(&place).unwrap());
    let found = SqliteStore::look_at(&place, LONG).unwrap();
    assert_eq!(found, Found::Store { form: newest, newest, is_all_read: true });
}

#[test]
fn a_store_in_use_is_looked_at_as_it_is_now() {
    let (_dir, place) = folder();
    assert_eq!(SqliteStore::look_at(&place, LONG).unwrap(), Found::None);
    assert!(SqliteStore::read(&place).unwrap().counts().unwrap().is_empty());
    assert!(!place.exists(), "looking makes nothing");
    let mut store = SqliteStore::open(&place).unwrap();
    for round in 0..20 {
        one(&mut store, &format!("R{round}"));
        assert!(matches!(
            SqliteStore::look_at(&place, LONG).unwrap(),
            Found::Store { is_all_read: true, .. }
        ));
        let mut reading = SqliteStore::read(&place).unwrap();
        assert_eq!(reading.counts().unwrap().values().sum::<u64>(), round + 1);
        let refused = reading.set_note("n", "x").unwrap_err();
        assert!(matches!(refused, StoreError::Unusable { trouble: Trouble::Closed, .. }), "{refused}");
    }
    // Without time nothing is found wrong, and that is said.
    let found = SqliteStore::look_at(&place, Duration::ZERO).unwrap();
    assert!(matches!(found, Found::Store { .. }), "{found:?}");
}

/// Each kind of damage, what is said of it, and that nothing of it was touched.
#[test]
fn what_is_no_sound_store_is_refused_by_name_and_left_as_it_is() {
    type Damage = fn(&Path);
    let cases: [(&str, Damage, &str); 6] = [
        (
            "text",
            |path| fs::write(path, "this is no database, whatever its name says. ".repeat(40)).unwrap(),
            "no database",
        ),
        (
            "torn",
            |path| {
                let mut torn = fs::read(path).unwrap();
                let middle = torn.len() / 2;
                torn[4096..middle].fill(0xA5);
                fs::write(path, torn).unwrap();
            },
            "damaged",
        ),
        (
            "foreign",
            |path| {
                fs::remove_file(path).unwrap();
                let other = Connection::open(path).unwrap();
                other.execute_batch("CREATE TABLE theirs (id INTEGER)").unwrap();
                drop(other);
                #[cfg(unix)]
                fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
            },
            "another program",
        ),
        (
            "newer",
            |path| Connection::open(path).unwrap().pragma_update(None, "user_version", 99).unwrap(),
            "format 99",
        ),
        ("log taken away", |path| place::file(&open::index(path)).map(drop).unwrap(), "store.sqlite-wal"),
        (
            "emptied",
            |path| {
                place::file(&open::log(path)).unwrap();
                fs::write(open::log(path), "frames").unwrap();
                fs::write(path, "").unwrap();
            },
            "empty",
        ),
    ];
    for (name, damage, said) in cases {
        let (_dir, place) = folder();
        let mut store = SqliteStore::open(&place).unwrap();
        for round in 0..30 {
            one(&mut store, &format!("R{round}"));
        }
        drop(store);
        let path = place.join(FILE);
        damage(&path);
        let before = bytes(&place);
        let told = [
            SqliteStore::look_at(&place, LONG).unwrap_err(),
            SqliteStore::open(&place).and_then(|mut store| store.counts().map(drop)).unwrap_err(),
            SqliteStore::read(&place).and_then(|mut store| store.counts().map(drop)).unwrap_err(),
        ];
        for error in told {
            let told = error.to_string();
            assert!(told.contains(&path.display().to_string()), "{name}: {told}");
            assert!(told.contains(said), "{name}: {told}");
        }
        assert!(bytes(&place).get(FILE) == before.get(FILE), "{name}: it was changed");
    }
}
