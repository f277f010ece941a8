//! SIGHUP: the configuration is read again while the daemon works. Next: `world.rs`.

use std::fs;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::people::{Dice, PRACTICE, Person};
use crate::sender::{Book, Client, Load, Reply};
use crate::stub::{Manner, Stub};
use crate::world::{Daemon, FILES, World, arrived, count};

/// A configuration of a world: its log level, and the rest.
fn text(world: &World, level: &str, more: &str) -> String {
    format!(
        "data_folder = {:?}\n[log]\nlevel = \"{level}\"\n[intake]\nfolder = []\n[intake.http]\nlisten = \"127.0.0.1:0\"\n{more}",
        world.data()
    )
}

impl Daemon {
    /// SIGHUP; gives what was logged since, once it was taken or refused.
    fn reload(&self) -> String {
        let before = self.log().len();
        self.signal("HUP");
        let began = Instant::now();
        loop {
            let log = self.log();
            let since = &log[before..];
            if since.lines().any(|line| line.contains("the configuration was read again")) {
                return since.to_owned();
            }
            assert!(began.elapsed() < Duration::from_secs(30), "nothing came of it: {log}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn ready(client: &Client, daemon: &Daemon) -> (u16, Value) {
    let Reply { status, body } = client.get(daemon.at(), "/health/ready");
    (status, serde_json::from_str(&body).unwrap())
}

fn metric(client: &Client, daemon: &Daemon, name: &str) -> String {
    let text = client.get(daemon.at(), "/metrics").body;
    text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {text}")).to_owned()
}

#[test]
fn a_bad_configuration_is_refused_with_its_line_and_the_old_one_goes_on() {
    let world = World::new(FILES);
    let good = fs::read_to_string(world.config()).unwrap();
    let daemon = world.start();
    let client = Client::new();
    let file = world.config().display().to_string();
    let cases = [
        // What is wrong, at which line, in which words.
        (format!("{good}\n[mapping\n"), good.lines().count() + 2, ""),
        (good.replace("rate = 1000.0", "rate = -1.0"), line_of(&good, "rate ="), "endpoint[1].rate"),
        (
            good.replace("[intake]\n", "[intake]\nsurprise = 1\n"),
            line_of(&good, "[intake]") + 1,
            "intake.surprise",
        ),
    ];
    for (number, (bad, line, word)) in (1..).zip(cases) {
        world.configure(&bad);
        let said = daemon.reload();
        assert!(
            said.contains(r#""level":"ERROR""#) && said.contains("the one before stays in use"),
            "{said}"
        );
        assert!(said.contains(&format!("{file}:{line}: {word}")), "{line} {word}: {said}");
        let (status, body) = ready(&client, &daemon);
        assert_eq!((status, body["ready"].as_bool()), (200, Some(true)), "{body}");
        assert!(body["notes"][0].as_str().unwrap().contains("refused"), "{body}");
        assert_eq!(metric(&client, &daemon, "sp_fhir_reload_refused"), "sp_fhir_reload_refused 1");
        let event = Person::new(number, PRACTICE).event(&format!("E{number}"), 0);
        assert_eq!(client.event(daemon.at(), &event).status, 202);
    }
    // A key that is not there is found before anything is stopped, too.
    world.configure(
        &good.replace("[log]", "[intake.http.auth]\nkind = \"bearer\"\ntoken_file = \"absent.token\"\n[log]"),
    );
    assert!(daemon.reload().contains("absent.token"));
    fs::remove_file(world.config()).unwrap();
    assert!(daemon.reload().contains("cannot be read"));
    world.configure(&good);
    assert!(daemon.reload().contains("is in use"));
    assert_eq!(ready(&client, &daemon).1["notes"], serde_json::json!([]));
    assert_eq!(metric(&client, &daemon, "sp_fhir_reload_refused"), "sp_fhir_reload_refused 0");
    assert_eq!(
        metric(&client, &daemon, "sp_fhir_reloads_total{outcome=\"refused\"}").split(' ').nth(1),
        Some("5")
    );
    assert_eq!(arrived(&world.wait_idle(Duration::from_secs(30))), 3);
    daemon.stop();
}

fn line_of(text: &str, start: &str) -> usize {
    text.lines().position(|line| line.starts_with(start)).unwrap() + 1
}

#[test]
fn what_needs_a_restart_is_refused_and_says_so() {
    let world = World::new(FILES);
    let good = fs::read_to_string(world.config()).unwrap();
    let daemon = world.start();
    let elsewhere = world.path().join("elsewhere");
    world.configure(&good.replace(&format!("{:?}", world.data()), &format!("{elsewhere:?}")));
    let said = daemon.reload();
    assert!(
        said.contains("data_folder: this cannot change while the daemon runs; restart the daemon"),
        "{said}"
    );
    // With the file and the line, as every refusal.
    assert!(said.contains("sp-fhir.toml:1: data_folder"), "{said}");
    assert!(!elsewhere.exists());
    world.configure(&good.replace("127.0.0.1:0", "127.0.0.2:0"));
    let said = daemon.reload();
    assert!(said.contains("intake.http.listen: this cannot change"), "{said}");
    daemon.stop();
}

#[test]
fn a_good_configuration_takes_effect_everywhere() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::bare();
    let north =
        "[[endpoint]]\nname = \"north\"\nkind = \"file\"\npath = \"north\"\ntest = true\nrate = 0.01\n";
    world.configure(&text(&world, "info", north));
    let daemon = world.start();
    let client = Client::new();
    for number in 1..=3 {
        let event = Person::new(number, PRACTICE).event(&format!("E{number}"), 0);
        assert_eq!(client.event(daemon.at(), &event).status, 202);
    }
    assert!(!daemon.log().contains(r#""level":"DEBUG""#), "{}", daemon.log());

    // Another rate, a second endpoint, a watched folder, a token for senders, and a louder log.
    let token = world.path().join("intake.token");
    fs::write(&token, "an-invented-token-of-32-characters").unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    let more = format!(
        "{}[[endpoint]]\nname = \"south\"\nkind = \"file\"\npath = \"south\"\ntest = true\npractices = [\"Z99962\"]\n\
         [[intake.folder]]\npath = \"dropped\"\nsettle = \"1s\"\n[intake.http.auth]\nkind = \"bearer\"\ntoken_file = \"intake.token\"\n",
        north.replace("rate = 0.01", "rate = 1000.0"),
    );
    world.configure(&text(&world, "debug", &more).replace("folder = []\n", ""));
    let said = daemon.reload();
    assert!(said.contains("is in use"), "{said}");
    // At the old rate the last of them would leave after minutes.
    assert_eq!(arrived(&world.wait_idle(Duration::from_secs(20))), 3);
    let other = Person::new(4, "Z99962").event("E4", 0);
    assert_eq!(client.event(daemon.at(), &other).status, 401);
    fs::write(world.data().join("dropped/four.json"), other.to_string()).unwrap();
    let began = Instant::now();
    while fs::read_dir(world.data().join("south")).unwrap().count() == 0 {
        assert!(began.elapsed() < Duration::from_secs(30), "{}", daemon.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(daemon.log().contains(r#""level":"DEBUG""#));

    // Back: the folder is watched no more, senders need no token, and what waits for an endpoint that is gone is said.
    world.configure(&text(&world, "info", &north.replace("rate = 0.01", "rate = 1000.0")));
    let said = daemon.reload();
    assert!(said.contains("is in use") && said.contains(r#""unchanged":1"#), "{said}");
    assert_eq!(client.event(daemon.at(), &Person::new(5, PRACTICE).event("E5", 0)).status, 202);
    assert_eq!(arrived(&world.wait_idle(Duration::from_secs(20))), 5);
    daemon.stop();
}

#[test]
fn nothing_is_lost_or_doubled_while_it_is_read_again_and_again() {
    let world = World::new(FILES);
    let good = fs::read_to_string(world.config()).unwrap();
    let daemon = world.start();
    let (book, stop) = (Arc::new(Book::default()), Arc::new(AtomicBool::new(false)));
    let people = Arc::new(AtomicU32::new(0));
    let at = Arc::new(Mutex::new(Some(daemon.at())));
    let mut dice = Dice::new();
    let senders: Vec<_> = (0..3)
        .map(|_| {
            let load = Load {
                at: Arc::clone(&at),
                book: Arc::clone(&book),
                stop: Arc::clone(&stop),
                people: Arc::clone(&people),
                most: 10_000,
                practices: &[PRACTICE],
                pause: 5,
            };
            let mine = dice.another();
            std::thread::spawn(move || load.run(mine))
        })
        .collect();
    for round in 0..10 {
        // Another rate each time, so that the endpoint is replaced while it is at work.
        world.configure(&good.replace("rate = 1000.0", &format!("rate = {}.0", 900 - round)));
        assert!(daemon.reload().contains("is in use"), "{}", daemon.log());
        std::thread::sleep(Duration::from_millis(150));
    }
    stop.store(true, Ordering::SeqCst);
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    assert_eq!(book.unanswered.load(Ordering::SeqCst), 0, "a connection was refused or cut");
    let status = world.wait_idle(Duration::from_secs(60));
    let answered = book.answered.lock().unwrap();
    let sent = u64::try_from(answered.len()).unwrap();
    assert!(sent > 50, "{sent}");
    assert_eq!((status["accepted"].as_u64(), arrived(&status)), (Some(sent), sent), "{status}");
    assert_eq!(count(&status, "dead-letter"), 0);
    let files = fs::read_dir(world.outgoing()).unwrap().count();
    assert_eq!(u64::try_from(files).unwrap(), sent, "each once");
    daemon.stop();
}

#[test]
fn what_is_in_flight_at_an_endpoint_that_is_replaced_goes_on_at_once() {
    // Somebody takes connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let stub = Stub::start(Manner::default());
    let world = World::new(
        &stub.endpoint("").replace(&stub.at.to_string(), &silent.local_addr().unwrap().to_string()),
    );
    let daemon = world.start();
    let client = Client::new();
    assert_eq!(client.event(daemon.at(), &Person::new(1, PRACTICE).event("E1", 0)).status, 202);
    let began = Instant::now();
    while count(&world.status(), "in-flight") == 0 {
        assert!(began.elapsed() < Duration::from_secs(20), "{}", daemon.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    let text = fs::read_to_string(world.config()).unwrap();
    world.configure(&text.replace(&silent.local_addr().unwrap().to_string(), &stub.at.to_string()));
    let began = Instant::now();
    daemon.signal("HUP");
    // Intake answers while the old one drains.
    assert_eq!(client.event(daemon.at(), &Person::new(2, PRACTICE).event("E2", 0)).status, 202);
    let status = world.wait_idle(Duration::from_secs(60));
    assert!(
        began.elapsed() < Duration::from_secs(40),
        "long before its lease runs out: {:?}",
        began.elapsed()
    );
    // That server knows nobody, and says so of both.
    assert_eq!(count(&status, "held"), 2, "{status}");
    daemon.stop();
}
