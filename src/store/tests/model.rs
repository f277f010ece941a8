//! Random lives: whatever happens, SQLite answers as memory does, and everything accepted is in one of the states.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::samples::*;
use crate::outbox::retry::RetryPolicy;
use crate::outbox::transition::Cause;
use crate::outbox::{Command, EntryId, Outcome, Placed, Reason, Refusal, State};
use crate::plan::{Doubt, Planner};
use crate::store::row::later;
use crate::store::{Answer, Claim, Filter, Lease, MemoryStore, Onward, Poll, SqliteStore, Store, StoreError};

const KINDS: [&str; 6] = ["referred", "accepted", "contacted", "attended", "consent_changed", "completed"];
const NUMBERS: [Option<&str>; 3] = [Some("9990004218"), Some("9990004226"), None];
const SHARES: [Option<(&str, &str)>; 4] =
    [None, Some(("full", "2026-03-01")), Some(("codes_only", "2026-04-02")), Some(("none", "2026-04-10"))];
const ENDPOINTS: [&str; 4] = ["north", "south", "", "hook"];

#[derive(Clone, Debug)]
enum Op {
    Accept {
        referral: usize,
        snapshot: bool,
        events: Vec<(usize, u32)>,
        number: usize,
        south: bool,
        share: usize,
    },
    Claim {
        endpoint: usize,
        limit: usize,
    },
    Record {
        lease: usize,
    },
    Settle {
        lease: usize,
        outcome: usize,
    },
    Sweep,
    Free {
        endpoint: usize,
        all: bool,
    },
    Act {
        entry: i64,
        command: usize,
    },
    /// A refused record says something of the person's consent.
    Heed {
        referral: usize,
        number: usize,
    },
    ReadBack {
        entry: i64,
    },
    Advance {
        hours: u64,
    },
    See {
        key: u8,
    },
    Poll {
        referral: usize,
        day: u32,
    },
    /// Ends the running group, or begins one.
    Group,
    /// Closes SQLite and opens it again.
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    let events = prop::collection::vec((0..KINDS.len(), 1..20u32), 1..4);
    prop_oneof![
        8 => (0..6usize, any::<bool>(), events, prop_oneof![4 => Just(0), 4 => Just(1), 1 => Just(2)],
              prop::bool::weighted(0.2), 0..SHARES.len())
            .prop_map(|(referral, snapshot, events, number, south, share)|
                Op::Accept { referral, snapshot, events, number, south, share }),
        6 => (0..ENDPOINTS.len(), 0..4usize).prop_map(|(endpoint, limit)| Op::Claim { endpoint, limit }),
        5 => (0..8usize).prop_map(|lease| Op::Record { lease }),
        6 => (0..8usize, 0..10usize).prop_map(|(lease, outcome)| Op::Settle { lease, outcome }),
        2 => Just(Op::Sweep),
        1 => (0..2usize, any::<bool>()).prop_map(|(endpoint, all)| Op::Free { endpoint, all }),
        3 => (1..20i64, 0..Command::ALL.len()).prop_map(|(entry, command)| Op::Act { entry, command }),
        1 => (1..20i64).prop_map(|entry| Op::ReadBack { entry }),
        1 => (0..6usize, 0..NUMBERS.len()).prop_map(|(referral, number)| Op::Heed { referral, number }),
        3 => prop_oneof![Just(0u64), Just(1), Just(24), Just(24 * 9)].prop_map(|hours| Op::Advance { hours }),
        1 => (0..3u8).prop_map(|key| Op::See { key }),
        3 => (0..3usize, 1..4u32).prop_map(|(referral, day)| Op::Poll { referral, day }),
        2 => Just(Op::Group),
        1 => Just(Op::Reopen),
    ]
}

fn outcome(which: usize) -> Cause {
    let deferred = |reason| Outcome::Deferred { reason, status: Some(503), retry_after: None };
    Cause::Ended(match which {
        0..=2 => accepted(),
        3 => Outcome::Rejected(Refusal::of(Reason::RefusedByEndpoint)),
        4 => deferred(Reason::Unavailable),
        5 => deferred(Reason::Conflict),
        6 => Outcome::Unknown { reason: Reason::AnswerLost, status: None },
        7 => return Cause::Stopped(Reason::PatientNotFound),
        8 => return Cause::Stopped(Reason::Divergent),
        // Nothing that settles a claim: both must leave it alone.
        _ => return Cause::ReadBack,
    })
}

fn there(version: &str) -> Placed {
    Placed {
        resource_type: "ServiceRequest".into(),
        uuid: "u-1".into(),
        id: "41".into(),
        version: Some(version.to_owned()),
    }
}

struct Both {
    memory: MemoryStore,
    sqlite: Option<SqliteStore>,
    dir: tempfile::TempDir,
    planner: Planner,
    now: Timestamp,
    leases: Vec<Lease>,
    accepted: u64,
    in_group: bool,
}

impl Both {
    fn new() -> Self {
        let (sqlite, dir) = sqlite();
        Self {
            memory: MemoryStore::new(),
            sqlite: Some(sqlite),
            dir,
            planner: planner(),
            now: start(),
            leases: Vec::new(),
            accepted: 0,
            in_group: false,
        }
    }

    /// Asks both, and gives what both answered.
    fn ask<T: PartialEq + std::fmt::Debug>(
        &mut self,
        question: impl Fn(&mut dyn Store, &Planner, Timestamp) -> Result<T, StoreError>,
    ) -> T {
        let model = question(&mut self.memory, &self.planner, self.now).unwrap();
        let real = question(self.sqlite.as_mut().unwrap(), &self.planner, self.now).unwrap();
        assert_eq!(real, model, "SQLite answers otherwise than memory");
        real
    }

    fn group(&mut self, on: bool) {
        if on != self.in_group {
            self.ask(|store, _, _| if on { store.begin() } else { store.commit() });
            self.in_group = on;
        }
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Accept { referral, snapshot, events, number, south, share } => {
                let source = if *referral < 4 { SOURCE } else { OTHER_SOURCE };
                let told = events.iter().map(|(kind, day)| {
                    let mut one = told(&format!("R{referral}"), KINDS[*kind], &format!("2026-04-{day:02}"));
                    one.source = source;
                    one.number = NUMBERS[*number];
                    one.share = SHARES[*share];
                    if *referral == 3 {
                        one.birth = "1950-01-01";
                    }
                    if *referral == 2 {
                        one.local = Some("P-2");
                    }
                    if *south {
                        one.practice = "B82002";
                    }
                    if *referral % 2 == 1 {
                        one.referrer = "self";
                    }
                    one
                });
                let came = submission(*snapshot, &told.collect::<Vec<_>>());
                let answer = self.ask(|store, planner, now| {
                    let answer = store.accept(&came, planner, now)?;
                    Ok((answer.referral, answer.events, answer.more, answer.issues))
                });
                let new = |answer: &Answer| matches!(answer, Answer::Accepted { .. });
                let new = answer.1.iter().chain(&answer.2).filter(|event| new(&event.answer)).count();
                self.accepted += u64::try_from(new).unwrap();
            }
            Op::Claim { endpoint, limit } => {
                let claimed = self.ask(|store, _, now| {
                    let endpoint = ENDPOINTS[*endpoint];
                    let lease = Duration::from_secs(3600);
                    let claimed = store.claim(&Claim { endpoint, limit: *limit, lease, owner: 3, now })?;
                    Ok(claimed
                        .into_iter()
                        .map(|one| (one.entry, one.lease, one.ask_first, one.parcel, one.request, one.known))
                        .collect::<Vec<_>>())
                });
                assert!(claimed.len() <= *limit);
                assert!(claimed.iter().all(|(entry, ..)| entry.blocked_by.is_none()));
                self.leases.splice(0..0, claimed.into_iter().map(|(_, lease, ..)| lease));
                self.leases.truncate(8);
            }
            Op::Record { lease } => {
                let Some(lease) = self.leases.get(*lease).copied() else { return };
                self.ask(|store, _, now| store.record_request(&lease, "a request", now));
            }
            Op::Settle { lease, outcome: which } => {
                let Some(lease) = self.leases.get(*lease).copied() else { return };
                let policy = RetryPolicy { max_attempts: 3, ..RetryPolicy::default() };
                self.ask(|store, _, now| {
                    let mut settled = settled(outcome(*which), &policy, now);
                    settled.contents = vec![(("ServiceRequest".into(), "u-1".into()), format!("{lease:?}"))];
                    if *which == 8 {
                        settled.differing = vec![there(&format!("{lease:?}"))];
                    }
                    store.settle(&lease, &settled)
                });
            }
            Op::Sweep => {
                self.ask(|store, planner, now| store.sweep(planner, &RetryPolicy::default(), 0.3, now));
            }
            Op::Free { endpoint, all } => {
                let policy = RetryPolicy::default();
                self.ask(|store, _, now| {
                    let before = if *all { later(now, Duration::from_secs(1 << 30)) } else { now };
                    store.free(["north", "south"][*endpoint], before, &policy, 0.3, now)
                });
            }
            Op::Act { entry, command } => {
                self.ask(|store, planner, now| {
                    store.act(*entry, Command::ALL[*command], &by(), planner, now)
                });
            }
            Op::Heed { referral, number } => {
                let one = Told {
                    number: NUMBERS[*number],
                    ..told(&format!("R{referral}"), "attended", "2026-04-09")
                };
                let doubt = Doubt::of(&one.event());
                self.ask(|store, planner, now| store.heed(std::slice::from_ref(&doubt), planner, now));
            }
            Op::ReadBack { entry } => {
                self.ask(|store, _, now| store.read_back(*entry, now));
            }
            Op::Advance { hours } => {
                self.now = later(self.now, Duration::from_secs(hours * 3600 + 61));
            }
            Op::See { key } => {
                self.ask(|store, _, now| {
                    store.see("nonce", &key.to_string(), later(now, Duration::from_secs(3600)), now)
                });
            }
            Op::Poll { referral, day } => {
                let event = told(&format!("R{referral}"), "accepted", &format!("2026-04-{day:02}")).event();
                let expires_after = Duration::from_secs(5 * DAY);
                self.accepted += self.ask(|store, _, now| {
                    let poll = Poll {
                        events: vec![event.clone()],
                        webhooks: vec![Onward { endpoint: "hook".into(), expires_after }],
                        seen: ("pull", vec![format!("{referral}/{day}")]),
                        remember_until: later(now, expires_after),
                        notes: vec![("cursor".into(), day.to_string())],
                    };
                    let made = store.take_poll(&poll, now)?;
                    assert_eq!(store.note("cursor")?, Some(day.to_string()));
                    assert!(store.seen("pull", &format!("{referral}/{day}"), now)?);
                    Ok(made)
                });
            }
            Op::Group => self.group(!self.in_group),
            Op::Reopen => {
                self.group(false);
                drop(self.sqlite.take());
                self.sqlite = Some(SqliteStore::open(&self.dir.path().join("data")).unwrap());
            }
        }
    }

    /// Everything that can be asked is answered alike, and what must always hold holds.
    fn check(&mut self) {
        let all = self.ask(|store, _, _| store.entries(&Filter { limit: 1000, ..Filter::default() }));
        let counts = self.ask(|store, _, _| store.counts());
        assert_eq!(counts.values().sum::<u64>(), self.accepted, "accepted is the sum of all states");
        assert_eq!(all.len(), usize::try_from(self.accepted).unwrap());
        let mut by_state = BTreeMap::new();
        for entry in &all {
            *by_state.entry((entry.endpoint.clone(), entry.state)).or_insert(0u64) += 1;
            self.ask(|store, _, _| store.entry(entry.id));
        }
        assert_eq!(by_state, counts, "the tally is that of the entries");
        for endpoint in ENDPOINTS {
            self.ask(|store, _, _| store.next_due(endpoint));
        }
        self.ask(|store, _, _| Ok((store.notices(0, 100)?, store.notices(2, 1)?, store.notice_counts()?)));
        let waiting = [State::Held, State::Pending];
        let some =
            Filter { states: &waiting, endpoint: Some("north"), after: 2, limit: 3, ..Filter::default() };
        self.ask(|store, _, _| store.entries(&some));
        self.ask(|store, _, _| {
            store.entries(&Filter { reason: Some(Reason::NoConsent), limit: 2, ..Filter::default() })
        });
        let mut flying: BTreeMap<_, Vec<EntryId>> = BTreeMap::new();
        for entry in all.iter().filter(|entry| entry.state == State::InFlight) {
            flying.entry(entry.referral).or_default().push(entry.id);
        }
        assert!(flying.values().all(|entries| entries.len() == 1), "one a referral at a time");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 300, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn both_stores_always_answer_alike(ops in prop::collection::vec(op(), 1..60)) {
        let mut both = Both::new();
        for op in &ops {
            both.apply(op);
            both.check();
        }
        both.group(false);
        prop_assert_eq!(both.sqlite.as_ref().unwrap().quick_check().unwrap(), Vec::<String>::new());
    }
}

/// Few by default, because each case writes to a disk; `PROPTEST_CASES` for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(40)
}
