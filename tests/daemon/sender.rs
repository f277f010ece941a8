//! A practice system that sends events, and sends again what was not answered. Next: `kill.rs`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::people::{Dice, LIFE, Person};

/// Where the daemon is now; it comes back elsewhere after each start.
pub(crate) type Whereabouts = Arc<Mutex<Option<SocketAddr>>>;

/// HTTP to a daemon.
pub(crate) struct Client(reqwest::blocking::Client);

/// An answer: its status, its media type and its body.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }
}

impl Client {
    pub(crate) fn new() -> Self {
        Self(reqwest::blocking::Client::builder().timeout(Duration::from_secs(20)).build().unwrap())
    }

    /// Nothing where no whole answer came.
    pub(crate) fn try_post(&self, at: SocketAddr, path: &str, kind: &str, body: &str) -> Option<Reply> {
        let request = self.0.post(format!("http://{at}{path}")).header("content-type", kind);
        reply(request.body(body.to_owned()).send().ok()?)
    }

    pub(crate) fn post(&self, at: SocketAddr, path: &str, kind: &str, body: &str) -> Reply {
        self.try_post(at, path, kind, body).expect("an answer")
    }

    pub(crate) fn event(&self, at: SocketAddr, event: &Value) -> Reply {
        self.post(at, "/events", "application/json", &event.to_string())
    }

    pub(crate) fn get(&self, at: SocketAddr, path: &str) -> Reply {
        reply(self.0.get(format!("http://{at}{path}")).send().unwrap()).unwrap()
    }
}

fn reply(answer: reqwest::blocking::Response) -> Option<Reply> {
    let status = answer.status().as_u16();
    Some(Reply { status, body: answer.text().ok()? })
}

/// What was answered for an event.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) event: Value,
    pub(crate) key: String,
    pub(crate) id: i64,
}

/// Everything that was answered, by event id.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) answered: Mutex<BTreeMap<String, Answered>>,
    /// How often an event was known already when it was sent again: its first answer was lost.
    pub(crate) lost_answers: AtomicU64,
    /// How often no answer came.
    pub(crate) unanswered: AtomicU64,
}

impl Book {
    fn note(&self, event: &Value, reply: &Reply) {
        let answer = reply.json();
        let key = answer["key"].as_str().unwrap_or_else(|| panic!("no key: {}", reply.body)).to_owned();
        let id = answer["id"].as_i64().unwrap();
        if reply.status == 200 {
            self.lost_answers.fetch_add(1, Ordering::Relaxed);
        }
        let name = event["event_id"].as_str().unwrap().to_owned();
        let before = self.answered.lock().unwrap().insert(name, Answered { event: event.clone(), key, id });
        assert!(before.is_none(), "it was answered before");
    }
}

/// What all senders share.
pub(crate) struct Load {
    pub(crate) at: Whereabouts,
    pub(crate) book: Arc<Book>,
    pub(crate) stop: Arc<AtomicBool>,
    /// Numbers of people not used yet.
    pub(crate) people: Arc<AtomicU32>,
    /// No more people than this.
    pub(crate) most: u32,
    pub(crate) practices: &'static [&'static str],
    /// The longest wait between two events of one sender, in milliseconds.
    pub(crate) pause: u64,
}

impl Load {
    /// Sends referrals, each event until it is answered, until told to stop; the last referral is sent to its end.
    pub(crate) fn run(&self, mut dice: Dice) {
        let client = Client::new();
        while !self.stop.load(Ordering::Relaxed) {
            let number = self.people.fetch_add(1, Ordering::Relaxed);
            if number >= self.most {
                return;
            }
            let practice = self.practices[usize::try_from(number).unwrap() % self.practices.len()];
            let person = Person::new(number, practice);
            for place in 0..LIFE.len() {
                self.send(&client, &person.event(&format!("K{number}"), place));
                std::thread::sleep(Duration::from_millis(dice.below(self.pause.max(1))));
            }
        }
    }

    fn send(&self, client: &Client, event: &Value) {
        let body = event.to_string();
        loop {
            let at = *self.at.lock().unwrap();
            let reply = at.and_then(|at| client.try_post(at, "/events", "application/json", &body));
            match reply {
                Some(reply) if matches!(reply.status, 200 | 202) => return self.book.note(event, &reply),
                Some(reply) if reply.status == 503 => {}
                Some(reply) => panic!("{}: {}", reply.status, reply.body),
                None => drop(self.book.unanswered.fetch_add(1, Ordering::Relaxed)),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
