//! `kill -9` at random moments under load: nothing that was answered is lost, nothing is doubled.
//!
//! `SP_FHIR_KILLS` says how often (12 where it is absent). Next: `outage.rs`.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::files;
use crate::people::{Dice, PRACTICE};
use crate::sender::{Book, Client, Load};
use crate::world::{FILES, World, arrived};

/// How often the daemon is killed.
pub(crate) fn kills() -> u32 {
    std::env::var("SP_FHIR_KILLS").ok().map_or(12, |kills| kills.parse().expect("a number in SP_FHIR_KILLS"))
}

/// Sends under kills and gives what was answered. The world is idle when this returns, and everything was asked for again.
pub(crate) fn under_kills(
    world: &World,
    senders: usize,
    pause: u64,
    practices: &'static [&'static str],
    people: Range<u32>,
) -> Arc<Book> {
    let mut dice = Dice::new();
    let load = Arc::new(Load {
        at: Arc::new(Mutex::new(None)),
        book: Arc::new(Book::default()),
        stop: Arc::new(AtomicBool::new(false)),
        people: Arc::new(AtomicU32::new(people.start)),
        most: people.end,
        practices,
        pause,
    });
    let began = Instant::now();
    let threads: Vec<_> = (0..senders)
        .map(|_| {
            let (load, dice) = (Arc::clone(&load), dice.another());
            thread::spawn(move || load.run(dice))
        })
        .collect();
    for _ in 0..kills() {
        // Some die before they have started.
        if dice.below(6) == 0 {
            let early = world.spawn();
            thread::sleep(Duration::from_millis(dice.below(60)));
            early.kill();
        } else {
            let daemon = world.start();
            *load.at.lock().unwrap() = Some(daemon.at());
            thread::sleep(Duration::from_millis(dice.below(1200)));
            daemon.kill();
        }
    }
    let sending = began.elapsed();
    let daemon = world.start();
    *load.at.lock().unwrap() = Some(daemon.at());
    load.stop.store(true, Ordering::Relaxed);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    // What was being prepared alone at many kills is taken for what stops the program, and its referral waits: a person
    // looks, and tries it again.
    let mut retried = 0;
    let status = world.wait_idle_while(Duration::from_secs(600), || {
        for entry in world.entries(&["--state", "dead-letter"]) {
            assert_eq!(entry["reason"], "poison", "{entry}");
            let said =
                world.run(&["outbox", "retry", &entry["id"].to_string(), "--why", "killed on purpose"]);
            assert_eq!(said.code, 0, "{}", said.stderr);
            retried += 1;
        }
    });

    let answered = load.book.answered.lock().unwrap().clone();
    let accepted = u64::try_from(answered.len()).unwrap();
    assert_eq!(status["accepted"].as_u64(), Some(accepted), "{status:#}");
    // Some have been read back already.
    assert_eq!(arrived(&status), accepted, "{status:#}");
    let keys: BTreeSet<&String> = answered.values().map(|one| &one.key).collect();
    assert_eq!(keys.len(), answered.len(), "an event is an entry");
    // Everything is known when it is sent once more.
    let client = Client::new();
    for one in answered.values() {
        let reply = client.event(daemon.at(), &one.event);
        let (key, id) = (reply.json()["key"].clone(), reply.json()["id"].clone());
        assert_eq!((reply.status, key.as_str(), id.as_i64()), (200, Some(one.key.as_str()), Some(one.id)));
    }
    let drained = daemon.stop();
    eprintln!(
        "{} kills in {:.0} s, {accepted} events, {} requests without an answer, {} answers lost after the commit, \
         {} retried by a person, idle after {:.0} s, stopped in {drained:?}",
        kills(),
        sending.as_secs_f64(),
        load.book.unanswered.load(Ordering::Relaxed),
        load.book.lost_answers.load(Ordering::Relaxed),
        retried,
        began.elapsed().as_secs_f64(),
    );
    Arc::clone(&load.book)
}

#[test]
fn killed_at_random_moments_nothing_answered_is_lost_and_nothing_is_doubled() {
    let world = World::new(FILES);
    let book = under_kills(&world, 6, 60, &[PRACTICE], 0..u32::MAX);
    let answered = book.answered.lock().unwrap();
    let bundles = files::bundles(&world.outgoing());
    let keys: BTreeSet<&String> = answered.values().map(|one| &one.key).collect();
    assert_eq!(bundles.keys().collect::<BTreeSet<_>>(), keys, "one file for each key, and no other");
}
