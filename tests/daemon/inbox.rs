//! A watched folder in which something is not as it should be: that is said, and by no file's name. Next: `world.rs`.

use std::fs;
use std::time::{Duration, Instant};

use crate::people::{PRACTICE, Person};
use crate::sender::Client;
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
    let text = fs::read_to_string(world.config()).unwrap();
    world.configure(&text.replace("settle =", "done = \"elsewhere\"\nsettle ="));
    let daemon = world.start();
    let elsewhere = world.data().join("elsewhere");
    fs::remove_dir(&elsewhere).unwrap();
    fs::write(&elsewhere, "").unwrap();
    fs::write(inbox.join("Canarysmith 9990004218.json"), event(1)).unwrap();
    until(&daemon, "said", || daemon.log().contains("it was read, and cannot be moved"));
    let log = daemon.log();
    assert!(log.contains("\"remedy\":\""), "what to do is told: {log}");
    assert!(!log.contains("Canarysmith") && !log.contains("9990004218"), "{log}");
    daemon.stop();
    assert!(!world.logs().contains("Canarysmith"));
}

#[test]
fn a_file_that_cannot_be_read_waits_is_shown_and_holds_up_no_other() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut world = watching();
    if !world.bind() {
        eprintln!("SKIPPED: a file that cannot be read: the program cannot be run as another user");
        return;
    }
    let inbox = world.data().join("inbox");
    let daemon = world.start();
    let ready = || Client::new().get(daemon.at(), "/health/ready").body;
    for (number, name) in [(1, "a-Canarysmith.json"), (2, "b.json"), (3, "c.json")] {
        fs::write(inbox.join(format!("{name}.part")), event(number)).unwrap();
        let mode = if number == 1 { 0o000 } else { 0o644 };
        fs::set_permissions(inbox.join(format!("{name}.part")), fs::Permissions::from_mode(mode)).unwrap();
        fs::rename(inbox.join(format!("{name}.part")), inbox.join(name)).unwrap();
    }
    until(&daemon, "taken", || world.status()["accepted"] == 2);
    until(&daemon, "noted", || ready().contains("files that wait: 1"));
    assert!(ready().contains("permission denied") && ready().contains("the user that runs the daemon"));
    assert!(!ready().contains("Canary") && ready().contains("\"ready\":true"), "{}", ready());
    until(&daemon, "written down", || world.run(&["status"]).code == 1);
    let said = world.run(&["status"]).stdout;
    assert!(said.contains(".reading/a-Canarysmith.json: it cannot be read (permission denied)"), "{said}");
    assert!(!said.contains("nothing waits for a person"), "{said}");
    let said = world.run(&["check", "--offline"]);
    let warns = |line: &str| line.starts_with("WARN") && line.contains("a-Canarysmith.json: waits");
    assert!(said.code == 0 && said.stdout.lines().any(warns), "{}", said.stdout);
    let metrics = Client::new().get(daemon.at(), "/metrics").body;
    assert!(metrics.contains("sp_fhir_files_waiting 1"), "{metrics}");
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(daemon.log().matches("files wait").count(), 1, "said once: {}", daemon.log());

    let stays = inbox.join(".reading/a-Canarysmith.json");
    fs::set_permissions(stays, fs::Permissions::from_mode(0o644)).unwrap();
    until(&daemon, "taken too", || world.status()["accepted"] == 3);
    until(&daemon, "over", || world.run(&["status"]).stdout.contains("nothing waits for a person"));
    assert!(ready().contains("\"notes\":[]"), "{}", ready());
    assert_eq!(daemon.log().matches("no file waits for this any more").count(), 1);
    daemon.stop();
    assert!(!world.logs().contains("Canary"), "names may be persons'");
}

#[test]
fn a_file_that_is_refused_whole_is_counted_until_a_person_takes_it_away() {
    let world = watching();
    let refused = world.data().join("inbox/refused");
    let daemon = world.start();
    let get = |path: &str| Client::new().get(daemon.at(), path).body;
    assert_eq!(world.run(&["status"]).code, 0);
    fs::write(world.data().join("inbox/a.ndjson"), format!("{}\nno event", event(1))).unwrap();
    until(&daemon, "read", || world.status()["refused"][0]["rows"] == 1);
    assert_eq!(world.run(&["status"]).code, 0, "refused rows are in many an export");
    fs::write(world.data().join("inbox/Canarysmith.csv"), "Columns,Of,Another\n1,2,3\n").unwrap();
    until(&daemon, "refused", || world.status()["refused"][0]["files"] == 1);
    let said = world.run(&["status"]);
    assert!(
        said.code == 1 && said.stdout.contains("refused whole: 1; files of refused rows: 1"),
        "{}",
        said.stdout
    );
    assert!(!said.stdout.contains("nothing waits for a person"), "{}", said.stdout);
    until(&daemon, "noted", || get("/health/ready").contains("refused whole"));
    until(&daemon, "counted", || get("/metrics").contains("sp_fhir_files_refused 1"));
    assert!(get("/metrics").contains("sp_fhir_files_total{end=\"refused\"} 1"), "{}", get("/metrics"));
    for file in fs::read_dir(&refused).unwrap() {
        let file = file.unwrap().path();
        if file.display().to_string().contains("Canary") {
            fs::remove_file(file).unwrap();
        }
    }
    assert_eq!(world.run(&["status"]).code, 0);
    daemon.stop();
    assert!(!world.logs().contains("Canary"), "names may be persons'");
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
