//! How the daemon starts, refuses to, and ends: exit codes and what it says. Next: `world.rs`.

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::people::{PRACTICE, Person};
use crate::sender::Client;
use crate::world::{FILES, World, arrived};

/// Starts a daemon that must end by itself: its exit code and what it said.
fn refused(world: &World) -> (i32, String) {
    let mut daemon = world.spawn();
    let status = daemon.wait(Duration::from_secs(30));
    (status.code().unwrap_or(-1), daemon.log())
}

#[test]
fn a_second_daemon_on_the_same_data_folder_is_refused_and_the_first_goes_on() {
    let world = World::new(FILES);
    let first = world.start();
    let (code, said) = refused(&world);
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("another sp-fhir daemon works here"), "{said}");
    assert_eq!(Client::new().event(first.at(), &Person::new(1, PRACTICE).event("E1", 0)).status, 202);
    // Gone by kill -9, it holds nothing.
    first.kill();
    world.start().stop();
}

#[test]
fn a_wrong_configuration_is_refused_with_every_problem_and_no_value() {
    let world = World::new(FILES);
    world.configure(
        "data_folder = \"data\"\nsurprise = 1\n[intake.http]\nlisten = \"0.0.0.0:8087\"\n[[endpoint]]\nname = \"a\"\n\
         kind = \"fhir\"\nurl = \"http://fhir.practice.example/r4\"\nrate = 0.0\n",
    );
    let (code, said) = refused(&world);
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("surprise"), "{said}");
    world.configure("[intake.http]\nlisten = \"0.0.0.0:8087\"\n[[endpoint]]\nname = \"a\"\nkind = \"fhir\"\nurl = \"http://fhir.practice.example/r4\"\nrate = 0.0\n");
    let (code, said) = refused(&world);
    assert_eq!(code, 5, "{said}");
    for part in ["intake.http", "url", "rate"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    world.configure("[intake.http]\nlisten = \"127.0.0.1:0\"\n[intake.http.auth]\nkind = \"bearer\"\ntoken_file = \"absent\"\n");
    let (code, said) = refused(&world);
    assert_eq!(code, 5, "{said}");
    fs::remove_file(world.config()).unwrap();
    let (code, said) = refused(&world);
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("sp-fhir.toml"), "{said}");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let world = World::new(FILES);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap();
    let text = fs::read_to_string(world.config()).unwrap().replace("127.0.0.1:0", &at.to_string());
    world.configure(&text);
    let (code, said) = refused(&world);
    assert_eq!(code, 6, "{said}");
    assert!(said.contains(&at.to_string()), "{said}");
}

#[cfg(unix)]
#[test]
fn a_data_folder_that_cannot_be_used_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new(FILES);
    // A file in its place: also for root, whom permissions do not stop.
    fs::write(world.data(), "").unwrap();
    let (code, said) = refused(&world);
    assert_eq!(code, 6, "{said}");
    assert!(said.contains(&world.data().display().to_string()), "{said}");
    fs::remove_file(world.data()).unwrap();

    let store = world.data().join("store");
    fs::create_dir_all(&store).unwrap();
    fs::set_permissions(&store, fs::Permissions::from_mode(0o755)).unwrap();
    let (code, said) = refused(&world);
    assert_eq!(code, 6, "{said}");
    assert!(said.contains("chmod 0700"), "{said}");
    fs::set_permissions(&store, fs::Permissions::from_mode(0o700)).unwrap();

    // Nobody else may read the database.
    let daemon = world.start();
    assert_eq!(fs::metadata(store.join("store.sqlite")).unwrap().permissions().mode() & 0o777, 0o600);
    daemon.kill();
    fs::write(store.join("store.sqlite"), b"this is no database, whatever its name says").unwrap();
    for part in ["store.sqlite-wal", "store.sqlite-shm"] {
        let _ = fs::remove_file(store.join(part));
    }
    let (code, said) = refused(&world);
    assert_eq!(code, 6, "{said}");
}

#[test]
fn told_to_stop_it_drains_within_seconds_whatever_it_waits_for() {
    // Nobody answers at this address: the connection hangs in the kernel's queue.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let world = World::new(&format!(
        "{}\n[[endpoint]]\nname = \"slow\"\nkind = \"file\"\npath = \"slow\"\npractices = [\"Z99962\"]\ntest = true\n\
         rate = 0.01\n[[endpoint]]\nname = \"silent\"\nkind = \"fhir\"\nurl = \"http://{}/r4\"\n\
         practices = [\"Z99963\"]\ntest = true\n",
        FILES,
        silent.local_addr().unwrap(),
    ));
    let daemon = world.start();
    let client = Client::new();
    for (number, practice) in (1..).zip([PRACTICE, "Z99962", "Z99962", "Z99962", "Z99963"]) {
        let event = Person::new(number, practice).event(&format!("E{number}"), 0);
        assert_eq!(client.event(daemon.at(), &event).status, 202);
    }
    std::thread::sleep(Duration::from_millis(1500));
    // The client keeps its connection open.
    let took = daemon.stop();
    assert!(took < Duration::from_secs(15), "{took:?}");
    let status = world.status();
    assert_eq!(status["accepted"], 5, "{status}");
    assert_eq!(arrived(&status), 2, "one of each folder: {status}");
    // What was left in flight is taken over at once by the next one.
    let next = world.start();
    assert!(next.log().contains("the last daemon ended while"), "{}", next.log());
}

#[test]
fn send_waits_no_longer_than_anything_can_happen_by_itself() {
    let person = Person::new(1, PRACTICE);
    let mut withdrawn = Person::new(2, PRACTICE).event("W1", 0);
    withdrawn["record"]["consent"]["share"] = "none".into();
    // A live endpoint takes no test numbers: the first is held, and the second waits behind it.
    for (endpoint, events, code, end) in [
        (
            "test = false",
            vec![person.event("E1", 0), person.event("E1", 1)],
            1,
            "2 waiting for a person, 0 on",
        ),
        (
            "test = true",
            vec![withdrawn],
            0,
            "0 delivered, 1 not sent, 0 waiting for a person, 0 on their way",
        ),
    ] {
        let world = World::new(&FILES.replace("test = true", endpoint));
        let _daemon = world.start();
        let lines: Vec<String> = events.iter().map(ToString::to_string).collect();
        fs::write(world.path().join("events.ndjson"), lines.join("\n")).unwrap();
        let began = Instant::now();
        let said = world.run(&["send", "events.ndjson", "--wait", "--timeout", "120"]);
        assert_eq!(said.code, code, "{}", said.stderr);
        assert!(said.stderr.contains(end), "{}", said.stderr);
        assert!(began.elapsed() < Duration::from_secs(60), "it waited for what a person must do");
    }
}

#[test]
fn what_cannot_be_read_is_counted_as_refused() {
    let world = World::new(FILES);
    let daemon = world.start();
    let client = Client::new();
    let mut wrong = Person::new(1, PRACTICE).event("E1", 0);
    wrong["record"]["person"]["nhs_number"] = "9990000000".into();
    assert_eq!(client.event(daemon.at(), &wrong).status, 422);
    let metrics = client.get(daemon.at(), "/metrics").body;
    assert!(metrics.contains("sp_fhir_events_total{verdict=\"refused\"} 1"), "{metrics}");
}
