//! Somebody at the practice changed our Task: a person chooses whose version counts, and the server ends as chosen.

use std::time::Duration;

use serde_json::{Value, json};

use crate::fhir::{Manner, Stub};
use crate::people::{PRACTICE, Person};
use crate::sender::Client;
use crate::world::{Daemon, World};

const SOON: Duration = Duration::from_secs(60);

/// A referral that was delivered, of which somebody changed a resource, and a contact that waits for a person because of it.
struct Divergent {
    world: World,
    stub: Stub,
    daemon: Daemon,
    client: Client,
    person: Person,
    /// The entry that waits.
    entry: String,
    /// The resource as they left it.
    changed: Value,
    runtime: tokio::runtime::Runtime,
}

impl Divergent {
    fn new() -> Self {
        Self::of("Task")
    }

    fn of(kind: &str) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let stub = runtime.block_on(Stub::start(Manner::Correct));
        let world = World::new(&format!(
            "[[endpoint]]\nname = \"gp\"\nkind = \"fhir\"\nurl = {:?}\ntest = true\nrate = 1000.0\nsettle_time = \"1s\"\n",
            stub.base
        ));
        let person = Person::new(1, PRACTICE);
        stub.put(person.patient());
        let (daemon, client) = (world.start(), Client::new());
        assert_eq!(client.event(daemon.at(), &person.event("K1", 0)).status, 202);
        world.wait_idle(SOON);
        let mut found = stub.all(kind).remove(0);
        found["priority"] = json!("stat");
        let changed = stub.put(found);
        let mut divergent =
            Self { world, stub, daemon, client, person, entry: String::new(), changed, runtime };
        divergent.entry = divergent.send(2);
        divergent
    }

    /// Sends an event, which must come to wait; gives its entry's number.
    fn send(&self, place: usize) -> String {
        assert_eq!(self.client.event(self.daemon.at(), &self.person.event("K1", place)).status, 202);
        self.world.wait_idle(SOON);
        let held = self.world.entries(&["--state", "held", "--reason", "divergent"]);
        assert_eq!(held.len(), 1, "{}", self.world.tail());
        held[0]["id"].to_string()
    }

    fn show(&self) -> String {
        self.world.run(&["outbox", "show", &self.entry]).stdout
    }

    fn version(&self) -> String {
        format!("{}/_history/{}", self.place(), self.changed["meta"]["versionId"].as_str().unwrap())
    }

    fn place(&self) -> String {
        let [kind, id] = [&self.changed["resourceType"], &self.changed["id"]];
        format!("{}/{}", kind.as_str().unwrap(), id.as_str().unwrap())
    }

    fn choose(&self, whose: &str) {
        let said = self.show();
        assert!(said.contains(&format!("not as we left it  {}", self.version())), "{said}");
        let why = ["--why", "agreed with the practice"];
        let said = self.world.run(&[&["outbox", "release", whose, &self.entry], &why[..]].concat());
        assert_eq!(said.code, 0, "{}", said.stderr);
        self.world.wait_idle(SOON);
        let said = self.show();
        assert!(["delivered", "acknowledged"].iter().any(|state| said.contains(state)), "{said}");
        assert_eq!(self.stub.all("Encounter").len(), 1, "the contact is there, whoever's Task stands");
    }

    /// What reconciling counts, and its exit code.
    fn reconcile(&self) -> (i32, Value) {
        let said = self.world.run(&["reconcile"]);
        let report: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{}", said.stderr));
        (said.code, report["endpoints"][0]["classes"].clone())
    }
}

#[test]
fn ours_goes_over_what_a_person_saw_and_everything_is_matched() {
    let divergent = Divergent::new();
    divergent.choose("--ours");
    let task = divergent.stub.all("Task").remove(0);
    assert_eq!((&task["status"], &task["priority"]), (&json!("in-progress"), &Value::Null));
    let (code, classes) = divergent.reconcile();
    assert_eq!((code, &classes["divergent"]), (0, &json!(0)), "{classes}");
}

#[test]
fn theirs_stands_the_rest_is_sent_and_reconciling_says_that_it_differs() {
    let divergent = Divergent::new();
    divergent.choose("--theirs");
    assert_eq!(divergent.stub.all("Task"), std::slice::from_ref(&divergent.changed), "never written");
    assert!(divergent.show().contains(&format!("theirs stands  {}", divergent.version())));
    assert!(divergent.show().contains(&format!("accept-theirs {}", divergent.version())));
    let place = divergent.place();
    let after = divergent.stub.all("Provenance").into_iter().filter(|signed| {
        signed["target"].as_array().unwrap().iter().any(|target| target["reference"] == place.as_str())
    });
    assert_eq!(after.count(), 1, "the second event has nothing to do with the Task");
    let (code, classes) = divergent.reconcile();
    assert_eq!((code, &classes["divergent"], &classes["missing"]), (1, &json!(1), &json!(0)), "{classes}");
    // What comes later is compared again.
    assert_ne!(divergent.send(3), divergent.entry);
    assert_eq!(divergent.stub.all("Task"), [divergent.changed]);
}

#[test]
fn a_request_of_ours_that_was_let_stand_and_then_deleted_is_missing_once() {
    let divergent = Divergent::of("ServiceRequest");
    divergent.choose("--theirs");
    let place = format!("{}/{}", divergent.stub.base, divergent.place());
    let answer = divergent.runtime.block_on(reqwest::Client::new().delete(place).send()).unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    let (code, classes) = divergent.reconcile();
    assert_eq!((code, &classes["missing"], &classes["divergent"]), (1, &json!(1), &json!(0)), "{classes}");
}
