//! A program of its own with sp-fhir inside: it keeps events, delivers them, hears what needs a person, and pulls a practice's
//! own requests.
//!
//! ```sh
//! cargo run --example embed
//! ```
//!
//! It works in a temporary folder and with a small FHIR server of its own (`practice.rs`). With `SP_FHIR_EXAMPLE_BASE` and
//! `SP_FHIR_EXAMPLE_SERVICE` (such as `Organization/12`) it pulls from a real one on this machine instead. People and
//! places are invented. What sp-fhir the command does beyond this (configuration, HTTP intake, watched folders,
//! reading back) is in `sp_fhir::daemon`.

pub(crate) mod practice;

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sp_fhir::clock::{Clock, SystemClock};
use sp_fhir::codeset::Codeset;
use sp_fhir::endpoint::auth::none::NoAuth;
use sp_fhir::endpoint::auth::tls::TlsFiles;
use sp_fhir::endpoint::fhir_rest::base::Base;
use sp_fhir::endpoint::fhir_rest::client::{self, Client, Limits};
use sp_fhir::endpoint::fhir_rest::{self, FhirRest};
use sp_fhir::endpoint::file::Folder;
use sp_fhir::event::build::NhsNumberRule;
use sp_fhir::event::finish::Identities;
use sp_fhir::event::{self, ReferralEvent};
use sp_fhir::intake::submit::{Came as HowTheyCame, Grouped};
use sp_fhir::map::mapper;
use sp_fhir::map::refs::Form;
use sp_fhir::outbox::retry::RetryPolicy;
use sp_fhir::outbox::{Entry, Reason, State};
use sp_fhir::plan::{Planner, Route, Routes};
use sp_fhir::pull::run::{self, Puller};
use sp_fhir::pull::sink::{Batch, Callback};
use sp_fhir::relay::attempt::{Attempt, Attempted};
use sp_fhir::relay::run::Watcher;
use sp_fhir::relay::turn::Turn;
use sp_fhir::relay::{Attention, Pace, Relay};
use sp_fhir::store::{Keeper, SqliteStore};
use sp_fhir::tree;
use tokio::sync::{Notify, mpsc, watch};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The endpoint that referrals go to: a folder of Bundles.
const OUTGOING: &str = "outgoing";

/// What this program is told by its own users: a referral by a GP, and one by the person, who was not asked for consent.
const EVENTS: [&str; 2] = [
    r#"{"source": "https://elmfield-sp.example/cases", "event_id": "E1", "referral_id": "ELM-1",
        "type": "referred", "occurred_at": "2026-03-04", "detail": {"reasons": ["Loneliness"]},
        "record": {"person": {"nhs_number": "9990004218", "practice_ods": "Z99901"},
          "referrer": {"kind": "gp", "organisation_ods": "Z99901"}, "service": {"kind": "link-worker"},
          "consent": {"share": "full"}}}"#,
    r#"{"source": "https://elmfield-sp.example/cases", "event_id": "E2", "referral_id": "ELM-2",
        "type": "referred", "occurred_at": "2026-03-05", "detail": {"reasons": ["Debt"]},
        "record": {"person": {"nhs_number": "9990004234", "practice_ods": "Z99901"},
          "referrer": {"kind": "self"}, "service": {"kind": "link-worker"}}}"#,
];

/// What came of it. Numbers and words, no person's data.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Came {
    /// Entries that were delivered.
    pub(crate) delivered: u64,
    /// Entries that wait for a person: number, state, reason.
    pub(crate) needs_person: Vec<(i64, State, Option<Reason>)>,
    /// Events that were pulled: what happened, and the referral's id.
    pub(crate) pulled: Vec<(String, String)>,
}

fn main() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let came = runtime.block_on(async {
        let service =
            std::env::var("SP_FHIR_EXAMPLE_SERVICE").unwrap_or_else(|_| practice::SERVICE.to_owned());
        let base = match std::env::var("SP_FHIR_EXAMPLE_BASE") {
            Ok(base) => base,
            Err(_) => practice::start().await?,
        };
        run(folder.path(), &base, &service).await
    })?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "delivered to the folder: {}", came.delivered)?;
    for (id, state, reason) in came.needs_person {
        let (word, remedy) = reason.map_or(("", ""), |reason| (reason.as_str(), reason.remedy()));
        writeln!(out, "entry {id} is {}: {word}; {remedy}", state.as_str())?;
    }
    for (what, referral) in came.pulled {
        writeln!(out, "pulled: {what} of {referral}")?;
    }
    Ok(())
}

/// Does it all once, in a folder, with the practice's server at a base and this service by its name there.
pub(crate) async fn run(folder: &Path, base: &str, service: &str) -> Outcome<Came> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let planner = Arc::new(planner()?);
    // One thread writes; a `Keeper` is a way to it, and cheap to clone.
    let (keeper, thread) = Keeper::start(SqliteStore::open(&folder.join("store"))?, 64)?;
    let (stop, stopping) = watch::channel(false);

    // Outbox to endpoint.
    let bell = Arc::new(Notify::new());
    let relay = Relay {
        attempt: Arc::new(Attempt {
            endpoint: Arc::new(Folder::new(OUTGOING.to_owned(), folder.join("outgoing"))),
            keeper: keeper.clone(),
            clock: Arc::clone(&clock),
            policy: RetryPolicy::default(),
            turn: Turn::default(),
            is_for_test: true,
        }),
        pace: Pace::default(),
        owner: 1,
        bell: Arc::clone(&bell),
        watcher: Arc::new(Silent),
    };
    let until = stopping.clone();
    let relaying = tokio::spawn(async move { relay.run(until).await });

    // What needs a person is told to a function of this program's.
    let (tell, mut told) = mpsc::unbounded_channel();
    let attention = Attention::new(keeper.clone(), move |entry: &Entry| {
        // Nobody need be listening any more.
        let _ = tell.send((entry.id, entry.state, entry.reason));
    });
    let watching = tokio::spawn(attention.run(Duration::from_millis(50), stopping));

    // In: when this returns, it is on the disk.
    let events = EVENTS.iter().map(|text| read(text)).collect::<Outcome<Vec<_>>>()?;
    let grouped = Grouped::new(events, HowTheyCame::Events);
    let now = clock.now();
    let accept = move |store: &mut dyn sp_fhir::store::Store| {
        grouped.submissions.iter().try_for_each(|came| store.accept(came, &planner, now).map(drop))
    };
    keeper.run(accept).await?;
    bell.notify_waiters();

    // The practice's own requests come to another function.
    let (hand, mut handed) = mpsc::unbounded_channel();
    let take = move |batch: &Batch<'_>| {
        for event in batch.events {
            let _ = hand.send((event.event_type.as_str().to_owned(), event.referral_id.to_string()));
        }
        Ok(())
    };
    puller(base, service, &keeper, &clock, take)?.once().await?;

    let delivered = delivered(&keeper).await?;
    let needs_person = tokio::time::timeout(Duration::from_secs(10), told.recv()).await?;
    let mut came = Came { delivered, needs_person: needs_person.into_iter().collect(), pulled: Vec::new() };
    // Stop, let what is under way end, and let the thread write everything.
    stop.send(true)?;
    relaying.await??;
    watching.await??;
    drop(keeper);
    tokio::task::spawn_blocking(move || thread.join()).await?.map_err(|_| "the store's thread panicked")?;
    while let Ok(more) = told.try_recv() {
        came.needs_person.push(more);
    }
    while let Ok(event) = handed.try_recv() {
        came.pulled.push(event);
    }
    Ok(came)
}

/// Decides what is sent, held or not shared; the same code as `sp-fhir convert`.
fn planner() -> Outcome<Planner> {
    let codeset = Codeset::embedded()?;
    let settings = mapper::Settings {
        form: Form::Transaction,
        code_in_every_bundle: true,
        recorded_at: jiff::Timestamp::UNIX_EPOCH,
        agent: "embed 1.0".to_owned(),
        repair_codes: false,
        create_patient: false,
    };
    let route = Route {
        endpoint: OUTGOING.to_owned(),
        practices: Vec::new(),
        // Test numbers (999…) go to test endpoints only, and nothing else does.
        test: true,
        expires_after: Duration::from_secs(30 * 24 * 3600),
        // A FHIR server can be read before it is written, so requests of the clinical system may be answered there.
        answers: true,
    };
    Ok(Planner { codeset, settings, routes: Routes(vec![route]), identities: Identities::default() })
}

fn read(text: &str) -> Outcome<ReferralEvent> {
    let node =
        tree::json::parse(text.as_bytes(), &tree::Limits::default()).map_err(|issue| issue.to_string())?;
    let (event, issues) = event::read::read(&node, &Identities::default(), NhsNumberRule::Reject);
    Ok(event.ok_or_else(|| format!("{issues:?}"))?)
}

fn puller(
    base: &str,
    service: &str,
    keeper: &Keeper,
    clock: &Arc<dyn Clock>,
    take: impl Fn(&Batch<'_>) -> Result<(), String> + Send + Sync + 'static,
) -> Outcome<Puller> {
    let client = Client::open(client::Settings {
        base: Base::parse(base)?,
        auth: Arc::new(NoAuth::at(base)?),
        limits: Limits::default(),
        tls: TlsFiles::default(),
        clock: Arc::clone(clock),
        skew: Arc::default(),
    })?;
    let server = FhirRest::new(fhir_rest::Settings {
        name: "practice".to_owned(),
        owner: Some(service.to_owned()),
        practices: Vec::new(),
        provenance: None,
        client,
        clock: Arc::clone(clock),
    });
    Ok(Puller::new(run::Settings {
        server: Arc::new(server),
        keeper: keeper.clone(),
        clock: Arc::clone(clock),
        codeset: Codeset::embedded()?,
        identities: Identities {
            source: Some("https://practice.example/requests".into()),
            ..Identities::default()
        },
        owner: Some(service.to_owned()),
        requester: None,
        overlap: Duration::from_secs(3600),
        sinks: vec![Arc::new(Callback::new("embed", take))],
        webhooks: Vec::new(),
    }))
}

/// How many entries are delivered once nothing is on its way any more.
async fn delivered(keeper: &Keeper) -> Outcome<u64> {
    for _ in 0..200 {
        let counts = keeper.run(|store| store.counts()).await?;
        let total = |wanted: &[State]| -> u64 {
            counts.iter().filter(|((_, state), _)| wanted.contains(state)).map(|(_, count)| count).sum()
        };
        if total(&[State::Pending, State::InFlight, State::Unknown]) == 0 {
            return Ok(total(&[State::Delivered, State::Acknowledged]));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err("not delivered in time".into())
}

/// A program that counts attempts or raises alarms does it here.
struct Silent;

impl Watcher for Silent {
    fn attempted(&self, _endpoint: &str, _attempted: &Attempted) {}
    fn reachable(&self, _endpoint: &str, _is_reachable: bool) {}
}
