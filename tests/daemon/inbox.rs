//! A watched folder with folders and links inside: they are passed over, and that is said. Next: `world.rs`.

use std::fs;
use std::time::{Duration, Instant};

use crate::people::{PRACTICE, Person};
use crate::world::{FILES, World};

#[test]
fn folders_and_links_inside_a_watched_folder_are_passed_over_and_that_is_said_once() {
    let world = World::new(FILES);
    let text = fs::read_to_string(world.config()).unwrap();
    world.configure(
        &text.replace("[intake]\nfolder = []\n", "[[intake.folder]]\npath = \"inbox\"\nsettle = \"1s\"\n"),
    );
    let inbox = world.data().join("inbox");
    let event = |number: u32| Person::new(number, PRACTICE).event(&format!("E{number}"), 0).to_string();
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
    let began = Instant::now();
    while world.status()["accepted"] != 1 {
        assert!(began.elapsed() < Duration::from_secs(30), "{}", daemon.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(world.status()["accepted"], 1, "neither the inner file nor the linked one");
    assert!(inbox.join("2026/November/inner.ndjson").exists() && inbox.join("linked.ndjson").exists());
    let log = daemon.log();
    assert_eq!(log.matches("inside the watched folder are passed over").count(), 1, "{log}");
    assert!(log.contains(r#""folders":1"#) && log.contains(r#""links":1"#), "{log}");
    assert!(!log.contains("linked") && !log.contains("November"), "names may be persons': {log}");
    daemon.stop();
}
