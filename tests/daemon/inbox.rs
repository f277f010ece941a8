//! A watched folder in which something is not as it should be: that is said, and by no file's name. Next: `world.rs`.

use std::fs;
use std::time::{Duration, Instant};

use crate::people::{PRACTICE, Person};
use crate::world::{Daemon, FILES, World};

/// A world that watches one folder.
fn watching() -> World {
    let world = World::new(FILES);
    let text = fs::read_to_string(world.config()).unwrap();
    world.configure(
        &text.replace("[intake]\nfolder = []\n", "[[intake.folder]]\npath = \"inbox\"\nsettle = \"1s\"\n"),
    );
    world
}

fn event(number: u32) -> String {
    Person::new(number, PRACTICE).event(&format!("E{number}"), 0).to_string()
}

/// Waits until something is as it should be.
fn until(daemon: &Daemon, what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(30), "not {what}: {}", daemon.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_file_that_cannot_be_moved_is_not_named_in_the_log() {
    let world = watching();
    let inbox = world.data().join("inbox");
    let daemon = world.start();
    fs::remove_dir(inbox.join("done")).unwrap();
    fs::write(inbox.join("done"), "").unwrap();
    fs::write(inbox.join("Canarysmith 9990004218.json"), event(1)).unwrap();
    until(&daemon, "said", || daemon.log().contains("cannot be moved"));
    let log = daemon.log();
    assert!(log.contains("\"kind\":\""), "the kind of error is told: {log}");
    assert!(!log.contains("Canarysmith") && !log.contains("9990004218"), "{log}");
    daemon.stop();
    assert!(!world.logs().contains("Canarysmith"));
}

#[test]
fn folders_and_links_inside_a_watched_folder_are_passed_over_and_that_is_said_once() {
    let world = watching();
    let inbox = world.data().join("inbox");
    let before = world.start();
    before.stop();
    let said = world.run(&["check", "--offline"]);
    assert!(said.code == 0 && !said.stdout.contains("WARN"), "its own folders are none: {}", said.stdout);

    fs::create_dir_all(inbox.join("2026/November")).unwrap();
    fs::write(inbox.join("2026/November/inner.ndjson"), event(1)).unwrap();
    fs::write(world.path().join("elsewhere.ndjson"), event(2)).unwrap();
    std::os::unix::fs::symlink(world.path().join("elsewhere.ndjson"), inbox.join("linked.ndjson")).unwrap();
    fs::write(inbox.join("outer.ndjson"), event(3)).unwrap();
    let said = world.run(&["check", "--offline"]);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    assert!(
        said.stdout.lines().any(|line| line.starts_with("WARN") && line.contains("1 folders and 1 links")),
        "{}",
        said.stdout
    );

    let daemon = world.start();
    until(&daemon, "taken", || world.status()["accepted"] == 1);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(world.status()["accepted"], 1, "neither the inner file nor the linked one");
    assert!(inbox.join("2026/November/inner.ndjson").exists() && inbox.join("linked.ndjson").exists());
    let log = daemon.log();
    assert_eq!(log.matches("inside the watched folder are passed over").count(), 1, "{log}");
    assert!(log.contains(r#""folders":1"#) && log.contains(r#""links":1"#), "{log}");
    assert!(!log.contains("linked") && !log.contains("November"), "names may be persons': {log}");
    daemon.stop();
}
