//! What a person decides and sees of entries, by the real commands. Next: `world.rs`.

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::people::{PRACTICE, Person};
use crate::sender::Client;
use crate::world::{FILES, World};

#[test]
fn a_reason_with_an_nhs_number_is_refused_and_not_repeated() {
    let world = World::new(&FILES.replace("test = true", "test = false"));
    let person = Person::new(1, PRACTICE);
    fs::write(world.path().join("events.ndjson"), person.event("E1", 0).to_string()).unwrap();
    assert_eq!(world.run(&["send", "events.ndjson"]).code, 0);
    let state = || world.entries(&[])[0]["state"].clone();
    assert_eq!(state(), "held", "a test number for a live endpoint");
    let digits = &person.number;
    let spaced = format!("{} {} {}", &digits[..3], &digits[3..6], &digits[6..]);
    let hyphened = spaced.replace(' ', "-");
    for (decision, text) in [
        ("discard", format!("{digits} is a duplicate")),
        ("release", format!("spoke to {spaced}, all well")),
        ("hold", format!("see {hyphened}.")),
        ("retry", digits.clone()),
    ] {
        let said = world.run(&["outbox", decision, "1", "--why", &text]);
        assert_eq!(said.code, 2, "{decision}: {}{}", said.stdout, said.stderr);
        assert!(said.stderr.contains("--why") && said.stderr.contains("NHS number"), "{}", said.stderr);
        let heard = format!("{}{}", said.stdout, said.stderr).replace([' ', '-'], "");
        assert!(!heard.contains(digits.as_str()), "{decision} repeats it");
        assert_eq!(state(), "held", "{decision}");
    }
    let said = world.run(&[
        "outbox",
        "discard",
        "1",
        "--why",
        "entered twice, ref 2026-11-20/7, call 0113 496 0000",
    ]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let shown = world.run(&["outbox", "show", "1"]).stdout;
    assert!(shown.contains("by j.marsh: entered twice"), "{shown}");
    let mut stored = Vec::new();
    for file in fs::read_dir(world.data().join("store")).unwrap() {
        stored.extend(fs::read(file.unwrap().path()).unwrap());
    }
    assert!(!stored.windows(spaced.len()).any(|bytes| bytes == spaced.as_bytes()));
}

#[test]
fn an_attempt_that_was_lost_with_the_process_says_so() {
    // Nobody answers at this address.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let world = World::new(&format!(
        "[[endpoint]]\nname = \"silent\"\nkind = \"fhir\"\nurl = \"http://{}/r4\"\ntest = true\n",
        silent.local_addr().unwrap()
    ));
    let daemon = world.start();
    assert_eq!(Client::new().event(daemon.at(), &Person::new(1, PRACTICE).event("E1", 0)).status, 202);
    let began = Instant::now();
    while world.entries(&[])[0]["state"] != "in-flight" {
        assert!(began.elapsed() < Duration::from_secs(30), "{}", daemon.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    daemon.kill();
    let _next = world.start();
    let shown = world.run(&["outbox", "show", "1"]).stdout;
    assert!(shown.contains("lost: the program ended before anything was sent"), "{shown}");
}

#[test]
fn what_is_released_along_with_another_is_done_and_what_is_held_again_is_not() {
    let live = FILES.replace("test = true", "test = false");
    let world = World::new(&live);
    let person = Person::new(1, PRACTICE);
    let events = [person.event("E1", 0), person.event("E1", 1), person.event("E1", 2)];
    let lines: Vec<String> = events.iter().map(ToString::to_string).collect();
    fs::write(world.path().join("events.ndjson"), lines.join("\n")).unwrap();
    assert_eq!(world.run(&["send", "events.ndjson"]).code, 0);
    let states = || world.entries(&[]).iter().map(|entry| entry["state"].clone()).collect::<Vec<_>>();
    assert_eq!(states(), ["held"; 3], "test numbers for a live endpoint");
    let release = || world.run(&["outbox", "release", "1", "2", "3", "--why", "it is a test endpoint"]);
    let said = release();
    assert_eq!(said.code, 1, "{}", said.stderr);
    assert!(said.stderr.contains("1: held again, because its cause is still there"), "{}", said.stderr);
    let text = fs::read_to_string(world.config()).unwrap();
    world.configure(&text.replace("test = false", "test = true"));
    let said = release();
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert_eq!(states(), ["pending"; 3]);
    for sibling in ["2", "3"] {
        let done = format!("{sibling}: nothing to release: it is pending");
        assert!(said.stderr.contains(&done), "{}", said.stderr);
    }
    assert_eq!(world.run(&["outbox", "retry", "2", "--why", "once more"]).code, 1, "nothing failed");
}

#[test]
fn what_was_sent_before_a_withdrawal_waits_for_a_person_until_it_is_seen_to() {
    let world = World::new(FILES);
    let person = Person::new(1, PRACTICE);
    let daemon = world.start();
    let client = Client::new();
    assert_eq!(client.event(daemon.at(), &person.event("E1", 0)).status, 202);
    world.wait_idle(Duration::from_secs(30));
    assert_eq!(world.run(&["status"]).code, 0);
    let mut withdrawal = person.event("E1", 1);
    withdrawal["type"] = "consent_changed".into();
    withdrawal["event_id"] = "E1/consent".into();
    withdrawal["record"]["consent"] = serde_json::json!({"share": "none", "date": "2026-03-09"});
    let reply = client.event(daemon.at(), &withdrawal);
    assert_eq!(reply.status, 202);
    assert!(reply.json()["outcome"].to_string().contains("withdrawn-after-sending"), "{:?}", reply.json());
    let status = world.run(&["status"]);
    assert_eq!(status.code, 1, "{}", status.stdout);
    assert!(
        status.stdout.contains("1  sent, withdrawn-after-sending: a person must decide"),
        "{}",
        status.stdout
    );
    assert_eq!(world.status()["needs_person"][0]["notice"], "withdrawn-after-sending");
    let listed = world.entries(&["--notices"]);
    assert_eq!((listed.len(), &listed[0]["id"]), (1, &serde_json::json!(1)));
    assert_eq!(listed[0]["notice"], "withdrawn-after-sending");
    let until = |is: &dyn Fn() -> bool| {
        let began = Instant::now();
        while !is() {
            assert!(began.elapsed() < Duration::from_secs(30), "{}", daemon.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let waiting = |count: u32| {
        let metrics = client.get(daemon.at(), "/metrics").body;
        metrics.contains(&format!("sp_fhir_needs_person {count}\n"))
    };
    until(&|| {
        waiting(1) && daemon.log().contains("consent was withdrawn or narrowed after these had been sent")
    });
    let said = world.run(&["outbox", "seen", "1", "--why", "the practice removed it"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let again = world.run(&["outbox", "seen", "1", "--why", "the practice removed it"]);
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("somebody has seen to it"), "{}", again.stderr);
    assert_eq!(world.run(&["status"]).code, 0);
    assert!(world.entries(&["--notices"]).is_empty());
    until(&|| waiting(0) && daemon.log().contains("has been seen to"));
    let blank = world.run(&["outbox", "seen", "1", "--why", "again", "--actor", " "]);
    assert_eq!(blank.code, 2);
    assert!(blank.stderr.contains("--actor"), "{}", blank.stderr);
}
