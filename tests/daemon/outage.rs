//! The endpoint killed and started again in the middle, and the daemon killed before real servers: nothing is lost, nothing is
//! doubled. Next: `canary.rs`.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::kill::{kills, under_kills};
use crate::need;
use crate::people::{Dice, PRACTICE, Person};
use crate::sender::{Book, Client, Load};
use crate::servers::{Hfs, Server, each_stands_once};
use crate::world::{FILES, World, arrived};

/// A FHIR endpoint of test data.
fn fhir(base: &str) -> String {
    format!(
        "[[endpoint]]\nname = \"gp\"\nkind = \"fhir\"\nurl = {base:?}\ntest = true\nconcurrency = 8\nrate = 1000.0\n\
         settle_time = \"1s\"\nretry = {{ base = \"1s\", cap = \"5s\", max_attempts = 50 }}\n"
    )
}

/// People whom the server knows; ids of their Patients.
fn registered(server: &Server, people: u32, first: u32) -> Vec<String> {
    (first..first + people).map(|number| server.create(&Person::new(number, PRACTICE).patient())).collect()
}

#[test]
fn the_endpoint_killed_in_the_middle_loses_nothing_and_doubles_nothing() {
    let Some(mut hfs) = Hfs::new("the_endpoint_killed_in_the_middle_loses_nothing_and_doubles_nothing")
    else {
        return;
    };
    const PEOPLE: u32 = 60;
    let persons = registered(&hfs.server, PEOPLE, 0);
    let world = World::new(&fhir(&hfs.server.base));
    let mut dice = Dice::new();
    let daemon = world.start();
    let load = Arc::new(Load {
        at: Arc::new(Mutex::new(Some(daemon.at()))),
        book: Arc::new(Book::default()),
        stop: Arc::new(AtomicBool::new(false)),
        people: Arc::new(AtomicU32::new(0)),
        most: PEOPLE,
        practices: &[PRACTICE],
        pause: 60,
    });
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (load, dice) = (Arc::clone(&load), dice.another());
            thread::spawn(move || load.run(dice))
        })
        .collect();
    for _ in 0..3 {
        thread::sleep(Duration::from_millis(400 + dice.below(800)));
        hfs.kill();
        thread::sleep(Duration::from_millis(1000 + dice.below(3000)));
        hfs.start();
    }
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let sent = u64::try_from(load.book.answered.lock().unwrap().len()).unwrap();
    assert_eq!(load.book.unanswered.load(Ordering::Relaxed), 0, "intake does not care");
    assert_eq!(sent, u64::from(PEOPLE) * 4);
    let began = Instant::now();
    let status = world.wait_idle(Duration::from_secs(240));
    assert_eq!(arrived(&status), sent, "{status:#}\n{}", world.tail());
    assert_eq!(status["accepted"].as_u64(), Some(sent));
    let log = daemon.log();
    assert!(log.contains("endpoint does not answer"), "the breaker opened");
    assert!(log.contains("endpoint answers again"), "and closed");
    let resources = each_stands_once(&world, &hfs.server, "gp", &persons);
    let lost = log.matches("answer-lost").count();
    eprintln!(
        "{sent} events, {resources} resources, {lost} answers lost, idle {:?} after the last event",
        began.elapsed()
    );
    daemon.stop();
}

#[test]
fn the_daemon_killed_before_a_server_of_its_own_leaves_each_resource_once() {
    let Some(hfs) = Hfs::new("the_daemon_killed_before_a_server_of_its_own_leaves_each_resource_once") else {
        return;
    };
    // So many that events still come in at the last kill.
    killed_before(&hfs.server, 0, (kills() * 5).max(120), 120);
}

#[test]
fn the_daemon_killed_before_medplum_leaves_each_resource_once() {
    let test = "the_daemon_killed_before_medplum_leaves_each_resource_once";
    let Some(base) = need(test, "SP_FHIR_MEDPLUM") else { return };
    // That server outlives this run: other people each time. It slows down with what it holds, so they are as few for any
    // number of kills, and what is said of them comes the more slowly.
    let pause = u64::from(kills() * 6).max(120);
    killed_before(&Server::at(&base), 1000 + std::process::id() % 400_000, 120, pause);
}

fn killed_before(server: &Server, first: u32, people: u32, pause: u64) {
    let persons = registered(server, people, first);
    let world = World::new(&fhir(&server.base));
    let book = under_kills(&world, 3, pause, &[PRACTICE], first..first + people);
    let events = book.answered.lock().unwrap().len();
    let resources = each_stands_once(&world, server, "gp", &persons);
    eprintln!("{events} events, {resources} resources, each once");
    assert!(events > 20, "{events}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named_until_it_can() {
    let world = World::new(FILES);
    let daemon = world.start();
    let client = Client::new();
    let until = |is: &dyn Fn() -> bool| {
        let began = Instant::now();
        while !is() {
            assert!(began.elapsed() < Duration::from_secs(90), "{}", daemon.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    let notes = || client.get(daemon.at(), "/health/ready").json()["notes"].to_string();
    assert_eq!(notes(), "[]");
    if world.outgoing().exists() {
        fs::remove_dir_all(world.outgoing()).unwrap();
    }
    fs::write(world.outgoing(), "in the way").unwrap();
    for number in 1..=8 {
        let event = Person::new(number, PRACTICE).event(&format!("E{number}"), 0);
        assert_eq!(client.event(daemon.at(), &event).status, 202);
    }
    until(&|| notes().contains("endpoint files: its folder is not there and cannot be made"));
    std::thread::sleep(Duration::from_secs(3));
    let said = "the endpoint's folder cannot be written";
    assert_eq!(daemon.log().matches(said).count(), 1, "{}", daemon.log());
    fs::remove_file(world.outgoing()).unwrap();
    let status = world.wait_idle(Duration::from_secs(90));
    assert_eq!(arrived(&status), 8, "{status}");
    assert_eq!(notes(), "[]");
    assert!(daemon.log().contains("the endpoint's folder can be written again"), "{}", daemon.log());
}
