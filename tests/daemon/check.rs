//! `sp-fhir check` asks the endpoints, and readiness says what they answered about the time. Next: `stub.rs`.

use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::people::{PRACTICE, Person};
use crate::sender::Client;
use crate::stub::{Manner, Stub};
use crate::world::{FILES, Said, World};

/// The lines of a word: their marks, and what they say.
fn lines(said: &Said, word: &str) -> Vec<(String, String)> {
    let of = |line: &str| {
        let (mark, rest) = line.split_once(' ')?;
        let rest = rest.trim_start().strip_prefix(word)?.strip_prefix(' ')?;
        Some((mark.to_owned(), rest.trim().to_owned()))
    };
    said.stdout.lines().filter_map(of).collect()
}

fn mark(said: &Said, word: &str) -> String {
    let found = lines(said, word);
    found.first().unwrap_or_else(|| panic!("no {word}: {}{}", said.stdout, said.stderr)).0.clone()
}

#[test]
fn a_good_server_is_asked_and_nothing_is_written_there() {
    let stub = Stub::start(Manner::default());
    let world = World::new(&stub.endpoint(""));
    let said = world.run(&["check"]);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    for word in ["authentication", "metadata", "search", "clock-skew"] {
        assert_eq!(mark(&said, word), "ok", "{word}: {}", said.stdout);
    }
    assert!(lines(&said, "writes").is_empty());
    let asked = stub.lock().asked.clone();
    assert!(
        asked
            .iter()
            .all(|one| one == "GET fhir/metadata" || one.ends_with("/_search") || one.starts_with("HEAD")),
        "{asked:?}"
    );
    // Every word that is said is explained.
    let errors = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ERRORS.md")).unwrap();
    for line in said.stdout.lines() {
        let word = line.split_whitespace().nth(1).unwrap();
        assert!(errors.contains(&format!("| `{word}` |")), "{word} is not in ERRORS.md");
    }

    let before = stub.lock().asked.len();
    let offline = world.run(&["check", "--offline"]);
    assert_eq!(offline.code, 0, "{}", offline.stdout);
    assert!(
        offline.stdout.contains("not asked") && lines(&offline, "metadata").is_empty(),
        "{}",
        offline.stdout
    );
    assert_eq!(stub.lock().asked.len(), before);
}

#[test]
fn a_write_is_tried_only_where_it_is_named_and_leaves_nothing() {
    let stub = Stub::start(Manner::default());
    let world = World::new(&stub.endpoint(""));
    let said = world.run(&["check", "--probe-writes", "gp"]);
    assert_eq!((said.code, mark(&said, "writes").as_str()), (0, "ok"), "{}", said.stdout);
    assert!(stub.lock().asked.iter().any(|one| one == "POST fhir/Task"));
    assert!(stub.lock().tasks.is_empty(), "nothing is left");
    assert_eq!(world.run(&["check", "--probe-writes", "nobody"]).code, 2);
    assert_eq!(world.run(&["check", "--probe-writes", "gp", "--offline"]).code, 2);

    // One that makes two of one is found out, and what it made is taken away too.
    stub.lock().manner.ignores_conditions = true;
    let said = world.run(&["check", "--probe-writes", "gp"]);
    assert_eq!((said.code, mark(&said, "writes").as_str()), (1, "WRONG"), "{}", said.stdout);
    assert!(stub.lock().tasks.is_empty());

    // What cannot be deleted is named.
    stub.lock().manner = Manner { refuses_deletes: true, ..Manner::default() };
    let said = world.run(&["check", "--probe-writes", "gp"]);
    let found = lines(&said, "writes");
    assert_eq!((said.code, found[0].0.as_str(), found[1].0.as_str()), (0, "ok", "WARN"), "{}", said.stdout);
    let left = stub.lock().tasks.keys().next().cloned().unwrap();
    assert!(found[1].1.contains(&format!("Task/{left}")), "{}", said.stdout);
}

#[test]
fn what_is_wrong_there_is_told_by_its_word_and_the_daemon_may_start() {
    for (manner, word) in [
        (Manner { version: "4.3.0", ..Manner::default() }, "metadata"),
        (Manner { version: "3.0.2", ..Manner::default() }, "metadata"),
        (Manner { searches: 403, ..Manner::default() }, "search"),
        (Manner { ahead: 300, ..Manner::default() }, "clock-skew"),
        (Manner { ahead: -300, ..Manner::default() }, "clock-skew"),
        (Manner { token: Some("another"), ..Manner::default() }, "metadata"),
    ] {
        let stub = Stub::start(manner);
        let world = World::new(&stub.endpoint(""));
        let said = world.run(&["check"]);
        assert_eq!((said.code, mark(&said, word).as_str()), (1, "WRONG"), "{word}: {}", said.stdout);
    }
    // Nobody listens there: it is said once, and no more is asked.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let world = World::new(&format!(
        "[[endpoint]]\nname = \"gp\"\nkind = \"fhir\"\nurl = \"http://{nobody}/fhir\"\n"
    ));
    let said = world.run(&["check"]);
    assert_eq!((said.code, mark(&said, "metadata").as_str()), (1, "WRONG"), "{}", said.stdout);
    assert!(lines(&said, "search").is_empty());
    assert_eq!(world.run(&["check", "--offline"]).code, 0);
}

#[test]
fn a_token_is_really_fetched() {
    use std::os::unix::fs::PermissionsExt as _;
    let stub = Stub::start(Manner { token: Some("canary-token"), ..Manner::default() });
    let world = World::new(&stub.endpoint(&format!(
        "auth = {{ kind = \"client-credentials\", token_url = \"http://{}/token\", client_id = \"sp-fhir\", secret_file = \"secret\" }}",
        stub.at
    )));
    let secret = world.path().join("secret");
    let write = |text: &str| {
        fs::write(&secret, text).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    };
    write("an-invented-secret");
    let said = world.run(&["check"]);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    assert_eq!((mark(&said, "authentication").as_str(), mark(&said, "search").as_str()), ("ok", "ok"));
    assert!(stub.lock().asked.iter().any(|one| one == "POST token"));
    write("a-secret-of-somebody-else");
    let said = world.run(&["check"]);
    assert_eq!((said.code, mark(&said, "authentication").as_str()), (1, "WRONG"), "{}", said.stdout);
    assert!(said.stderr.contains("invalid_client"), "{}", said.stderr);
    for part in ["canary-token", "an-invented-secret", "somebody-else"] {
        assert!(!format!("{}{}", said.stdout, said.stderr).contains(part));
    }
}

#[test]
fn clocks_that_differ_are_in_readiness_and_metrics() {
    let stub = Stub::start(Manner { ahead: 400, ..Manner::default() });
    let world = World::new(&stub.endpoint(""));
    let daemon = world.start();
    let client = Client::new();
    assert_eq!(client.get(daemon.at(), "/health/ready").status, 200, "nothing was asked yet");
    assert_eq!(client.event(daemon.at(), &Person::new(1, PRACTICE).event("E1", 0)).status, 202);
    let until = |what: &str, good: &dyn Fn() -> bool| {
        let began = Instant::now();
        while !good() {
            assert!(began.elapsed() < Duration::from_secs(20), "{what}: {}", daemon.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    until("not ready", &|| client.get(daemon.at(), "/health/ready").status == 503);
    let body = client.get(daemon.at(), "/health/ready").json();
    assert!(body["reasons"][0].as_str().unwrap().contains("this machine's clock"), "{body}");
    until("metric", &|| {
        let text = client.get(daemon.at(), "/metrics").body;
        text.lines().any(|line| {
            line.strip_prefix("sp_fhir_clock_skew_seconds{endpoint=\"gp\"} ")
                .is_some_and(|seconds| (395..=405).contains(&seconds.parse::<i64>().unwrap()))
        })
    });
    assert_eq!(daemon.log().matches("differ by more than a minute").count(), 1, "{}", daemon.log());
    assert_eq!(
        client.event(daemon.at(), &Person::new(2, PRACTICE).event("E2", 0)).status,
        202,
        "it takes in"
    );
    // Set right, it is fine again with the next answer.
    stub.lock().manner.ahead = 0;
    assert_eq!(client.event(daemon.at(), &Person::new(3, PRACTICE).event("E3", 0)).status, 202);
    until("ready", &|| client.get(daemon.at(), "/health/ready").status == 200);
    daemon.stop();
}

#[test]
fn a_key_that_cannot_be_read_is_told_once_and_the_rest_is_looked_at() {
    let world = World::new(&format!("{FILES}\n[mapping]\nopaque_key = \"absent.key\"\n"));
    let said = world.run(&["check", "--offline"]);
    assert_eq!(said.code, 5, "{}{}", said.stdout, said.stderr);
    assert_eq!(said.stdout.matches("absent.key").count(), 1, "{}", said.stdout);
    assert_eq!(said.stderr.matches("absent.key").count(), 1, "{}", said.stderr);
    for word in ["codeset", "store", "endpoint"] {
        assert_eq!(mark(&said, word), "ok", "{}", said.stdout);
    }
}

/// A full disk still takes the name of a file; so bytes are written to see whether there is room.
#[test]
fn a_folder_without_room_is_told_and_nothing_is_left_in_it() {
    let world = World::new(FILES);
    assert_eq!(world.run(&["check"]).code, 0);
    // A limit on the size of a file stands for the disk: a write fails, with an error of its own.
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "trap '' XFSZ; ulimit -f 1; exec \"$@\"",
        "sh",
        env!("CARGO_BIN_EXE_sp-fhir"),
        "check",
    ]);
    let ended = command.arg("--config").arg(world.config()).current_dir(world.path()).output().unwrap();
    let said = String::from_utf8(ended.stdout).unwrap() + &String::from_utf8(ended.stderr).unwrap();
    let folders: Vec<&str> = said.lines().filter(|line| line.starts_with("WRONG folder")).collect();
    assert!(folders.len() > 1 && ended.status.code() == Some(5), "{said}");
    assert_eq!(said.matches("make room, or name a place on another disk").count(), folders.len(), "{said}");
    assert!(!said.contains("ok    folder"), "{said}");
    // None of them is there yet: each was tried in the folder above.
    let left: Vec<_> = fs::read_dir(world.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("check")), "{left:?}");
}
