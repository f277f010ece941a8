//! Two real daemons: what one pulls, the other's HTTP intake takes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sp_fhir::clock::{Clock, SystemClock};
use sp_fhir::config::{Config, Places};
use sp_fhir::daemon::{Parts, endpoints, pulls, run};
use sp_fhir::outbox::State;
use sp_fhir::store::{Keeper, MemoryStore, Store as _};

use crate::receiver::KEY;
use crate::stub::{Manner, Stub};
use crate::world::{patient, request, task};

const OWNER: &str = "Organization/us";

/// The configuration of a daemon that takes what is posted.
const RECEIVING: &str = "[intake]\nfolder = []\n[intake.http]\nlisten = \"127.0.0.1:0\"\n\
                         auth = { kind = \"hmac\", key_file = \"shared.key\" }\n";

fn parts(folder: &Path, text: &str) -> Parts {
    fs::write(folder.join("shared.key"), KEY).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(folder.join("shared.key"), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let text = format!("data_folder = \"data\"\n{text}");
    Parts::of(Config::parse(&text, Some(&folder.join("sp-fhir.toml")), &Places::default()).unwrap()).unwrap()
}

fn sender(folder: &Path, fhir: &str, webhook: &str) -> Parts {
    parts(folder, &sending(fhir, webhook))
}

/// The configuration of a daemon that pulls and posts, without its data folder.
fn sending(fhir: &str, webhook: &str) -> String {
    format!(
        "[intake]\nhttp = {{ listen = \"\" }}\nfolder = []\n\
             [[endpoint]]\nname = \"gp\"\nkind = \"fhir\"\nurl = \"{fhir}\"\n\
             pull = {{ source = \"https://gp.example/requests\", owner = \"{OWNER}\", webhook = \"cases\" }}\n\
             [[endpoint]]\nname = \"cases\"\nkind = \"webhook\"\nurl = \"{webhook}\"\n\
             auth = {{ kind = \"hmac\", key_file = \"shared.key\" }}\nsettle_time = \"1s\"\nretry.base = \"100ms\"\n"
    )
}

/// How many entries an endpoint has in each state; of every endpoint, without a name.
fn counts(parts: &Parts, endpoint: Option<&str>) -> BTreeMap<State, u64> {
    let mut found = BTreeMap::new();
    for ((name, state), count) in parts.store().unwrap().counts().unwrap() {
        if endpoint.is_none_or(|wanted| wanted == name) {
            *found.entry(state).or_default() += count;
        }
    }
    found
}

/// Runs a daemon until something is so.
async fn run_until(parts: Parts, is_so: impl Fn() -> bool) {
    let running = run::start(parts).await.unwrap();
    let told = async {
        let began = std::time::Instant::now();
        while !is_so() {
            assert!(began.elapsed() < Duration::from_secs(60), "not in time");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    running.until(told).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_daemon_pulls_the_intake_of_another_takes_once() {
    let stub = Stub::start(100).await;
    let person = stub.put("p1", patient("9990004218"));
    for n in 0..3 {
        let of = stub.put(&format!("r{n}"), request(&format!("GP-{n}x"), &person, OWNER));
        let mut task = task(&of, &person, OWNER);
        task["status"] = json!("accepted");
        stub.put(&format!("t{n}"), task);
    }
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let receiver = || parts(theirs.path(), RECEIVING);
    let receiving = run::start(receiver()).await.unwrap();
    let webhook = format!("http://{}/events", receiving.http.unwrap());
    let sender = || sender(ours.path(), &stub.base, &webhook);

    // A process that pulls and ends before anything was posted.
    let pulled = pulls::once(&sender()).await.unwrap();
    assert_eq!(pulled[0].1.as_ref().unwrap().events, 6);
    assert_eq!(counts(&sender(), Some("cases")), [(State::Pending, 6)].into());
    let folder = ours.path().join("data/pulled/gp");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0, "the webhook has them instead");

    // A daemon posts them; pulling goes on meanwhile and finds nothing new.
    run_until(sender(), || counts(&sender(), Some("cases")) == [(State::Delivered, 6)].into()).await;
    stub.change("Task/t1", "status", json!("completed"));
    run_until(sender(), || counts(&sender(), Some("cases")) == [(State::Delivered, 7)].into()).await;

    receiving.until(async {}).await.unwrap();
    assert_eq!(counts(&receiver(), None).values().sum::<u64>(), 7);
    assert!(!counts(&sender(), Some("cases")).contains_key(&State::Acknowledged), "nothing was read back");
}

#[tokio::test]
async fn what_is_pulled_is_asked_for_through_the_endpoint_that_delivers() {
    let stub = Stub::start(100).await;
    stub.behave(Manner::Late);
    let ours = tempfile::tempdir().unwrap();
    let parts = sender(ours.path(), &stub.base, "https://cases.example/events");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (keeper, _) = Keeper::start(MemoryStore::new(), 16).unwrap();
    let gp = &parts.config.endpoints[0];
    let endpoint = endpoints::make(gp, &clock).unwrap();
    let pullers = pulls::make(&parts, &[Arc::clone(&endpoint)], &keeper, &clock).unwrap();
    assert_eq!(endpoint.vitals().skew, None);
    pullers[0].0.once().await.unwrap();
    // What the poll learnt of the server's clock is known to both, and so said once.
    assert!(endpoint.vitals().skew.is_some_and(|seconds| seconds < -3600), "{:?}", endpoint.vitals());
}

/// The real process, killed: what it said at TRACE names nobody, and the next one goes on where it was.
#[cfg(feature = "cli")]
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_posts_says_nothing_of_whom_and_may_be_killed() {
    let stub = Stub::start(100).await;
    let person = stub.put("p1", patient("9990004218"));
    stub.put("r1", request("GP-canary", &person, OWNER));
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let receiving = run::start(parts(theirs.path(), RECEIVING)).await.unwrap();
    let webhook = format!("http://{}/events", receiving.http.unwrap());
    let sender = || sender(ours.path(), &stub.base, &webhook);
    drop(sender());
    let config = ours.path().join("sp-fhir.toml");
    let text = sending(&stub.base, &webhook);
    fs::write(&config, format!("data_folder = \"data\"\nlog.level = \"trace\"\n{text}")).unwrap();
    let mut said = String::new();
    for expected in [1, 2] {
        let log = ours.path().join(format!("log-{expected}"));
        let mut daemon = std::process::Command::new(env!("CARGO_BIN_EXE_sp-fhir"))
            .args(["daemon", "--config"])
            .arg(&config)
            .env("HOME", ours.path())
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let began = std::time::Instant::now();
        let delivered = || {
            // The store is made by the daemon.
            let is_there = ours.path().join("data/store/store.sqlite").exists();
            is_there && counts(&sender(), Some("cases")) == [(State::Delivered, expected)].into()
        };
        while !delivered() && began.elapsed() < Duration::from_secs(60) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(delivered(), "{}", fs::read_to_string(&log).unwrap());
        daemon.kill().unwrap();
        daemon.wait().unwrap();
        said.push_str(&fs::read_to_string(&log).unwrap());
        stub.change("ServiceRequest/r1", "status", json!("entered-in-error"));
    }
    receiving.until(async {}).await.unwrap();
    assert_eq!(counts(&parts(theirs.path(), RECEIVING), None).values().sum::<u64>(), 2);
    assert!(said.contains("\"DEBUG\"") && said.contains("cases"), "{said}");
    for canary in ["9990004218", "Wyn", "gorzata", "1964-09-23", "Lonely", "GP-canary", KEY] {
        assert!(!said.contains(canary), "{canary} is in the log");
    }
}
