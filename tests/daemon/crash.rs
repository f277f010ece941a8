//! Killed again and again at the same work: a file is set aside, an entry is tried ever more rarely, nothing is lost. Next:
//! `world.rs`.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::people::{PRACTICE, Person};
use crate::sender::Client;
use crate::world::{Daemon, FILES, World, arrived, count};

fn until(daemon: &Daemon, what: &str, good: impl Fn() -> bool) {
    let began = Instant::now();
    while !good() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}: {}", daemon.log());
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn names(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).into_iter().flatten().map(|file| file.unwrap());
    let files = files.filter(|file| file.file_type().unwrap().is_file());
    let mut names: Vec<String> = files.map(|file| file.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_at_which_two_processes_ended_is_set_aside_and_others_are_read() {
    let world = World::new(FILES);
    let text = fs::read_to_string(world.config()).unwrap();
    world.configure(
        &text.replace("[intake]\nfolder = []\n", "[[intake.folder]]\npath = \"inbox\"\nsettle = \"1s\"\n"),
    );
    let inbox = world.data().join("inbox");
    let (reading, refused) = (inbox.join(".reading"), inbox.join("refused"));
    // Long enough to be killed in the middle of it.
    let events = |first: u32, many: u32| -> String {
        (first..first + many)
            .map(|n| format!("{}\n", Person::new(n, PRACTICE).event(&format!("L{n}"), 0)))
            .collect()
    };
    let daemon = world.start();
    fs::write(inbox.join("large.ndjson"), events(0, 4000)).unwrap();
    until(&daemon, "it is being read", || reading.join(".being-read").exists());
    daemon.kill();
    let daemon = world.start();
    until(&daemon, "it is being read again", || {
        fs::read_to_string(reading.join(".being-read")).is_ok_and(|mark| mark.starts_with("1\n"))
    });
    daemon.kill();
    assert_eq!(names(&reading), [".being-read", "large.ndjson"]);
    fs::write(inbox.join("small.ndjson"), events(9000, 2)).unwrap();
    let daemon = world.start();
    until(&daemon, "the next is read", || !names(&inbox.join("done")).is_empty());
    let aside = names(&refused);
    assert!(
        aside.len() == 2 && aside[0].ends_with("-large.ndjson") && aside[1].ends_with(".reasons.json"),
        "{aside:?}"
    );
    assert!(fs::read_to_string(refused.join(&aside[1])).unwrap().contains("ended 2 times in a row"));
    assert!(
        daemon.log().contains("the program ended again and again while it read a file"),
        "{}",
        daemon.log()
    );
    assert!(names(&reading).is_empty());
    // It was only killed: moved back, all of it is taken, once.
    fs::rename(refused.join(&aside[0]), inbox.join("large.ndjson")).unwrap();
    until(&daemon, "it is read", || names(&inbox.join("done")).len() == 2);
    daemon.stop();
    assert_eq!(world.status()["accepted"], 4002);
}

#[test]
fn an_entry_is_not_given_up_because_the_daemon_was_killed() {
    // Somebody takes connections and never answers: the entry is being prepared until the daemon is killed.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let world = World::new(&format!(
        "[[endpoint]]\nname = \"gp\"\nkind = \"fhir\"\nurl = \"http://{}/fhir\"\ntest = true\nretry = {{ base = \"100ms\", cap = \"200ms\" }}\n",
        silent.local_addr().unwrap()
    ));
    let first = world.start();
    assert_eq!(Client::new().event(first.at(), &Person::new(1, PRACTICE).event("E1", 0)).status, 202);
    let mut daemon = Some(first);
    for round in 0..5 {
        let now = daemon.take().unwrap_or_else(|| world.start());
        // From the third time on it is set aside.
        let began = Instant::now();
        while count(&world.status(), "in-flight") == 0 && began.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(round > 2 || count(&world.status(), "in-flight") == 1, "{round}: {}", world.tail());
        now.kill();
    }
    let last = world.start();
    let status = world.status();
    assert_eq!((count(&status, "dead-letter"), count(&status, "pending")), (0, 1), "{status}");
    assert!(world.logs().contains("the last daemon ended while this entry alone was being prepared"));
    assert_eq!(world.entries(&["--reason", "poison"]).len(), 1);
    // Whoever knows better sends it on at once.
    let id = world.entries(&[])[0]["id"].to_string();
    for command in ["hold", "release"] {
        let said = world.run(&["outbox", command, &id, "--why", "the machine was restarted by hand"]);
        assert_eq!(said.code, 0, "{}", said.stderr);
    }
    until(&last, "it is sent on", || count(&world.status(), "in-flight") == 1);
    last.kill();
}

#[test]
fn told_to_stop_again_and_again_blames_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let world = World::new(&format!(
        "{FILES}practices = [\"Z99962\"]\n[[endpoint]]\nname = \"gp\"\nkind = \"fhir\"\nurl = \"http://{}/fhir\"\ntest = true\nretry = {{ base = \"100ms\", cap = \"200ms\" }}\n",
        silent.local_addr().unwrap()
    ));
    for round in 0..3 {
        let daemon = world.start();
        if round == 0 {
            let client = Client::new();
            assert_eq!(client.event(daemon.at(), &Person::new(1, PRACTICE).event("E1", 0)).status, 202);
            assert_eq!(client.event(daemon.at(), &Person::new(2, "Z99962").event("E2", 0)).status, 202);
        }
        until(&daemon, "it is being prepared", || count(&world.status(), "in-flight") == 1);
        daemon.stop();
    }
    let daemon = world.start();
    until(&daemon, "it is being prepared", || count(&world.status(), "in-flight") == 1);
    assert!(!world.logs().contains("this entry alone"), "{}", world.tail());
    assert_eq!(arrived(&world.status()), 1);
    daemon.kill();
}
