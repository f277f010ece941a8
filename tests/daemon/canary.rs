//! Words that nobody else uses go through everything, at the log's highest level: none may be said anywhere.
//!
//! They are in every text of an event, in events that are refused for each of their values in turn, in FHIR, in a watched
//! folder, and in what an unfriendly endpoint answers. Next: `snapshots.rs`.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::people::Person;
use crate::sender::Client;
use crate::world::World;

/// What may not be said, in small letters.
const CANARIES: [&str; 6] = ["canary", "07700900731", "07700 900731", "zz99 7qq", "1964-09-23", "19640923"];

/// Whether a text says one of them, or a person's number.
fn sings(text: &str, numbers: &[String]) -> Option<String> {
    let small = text.to_lowercase();
    let found = CANARIES.into_iter().map(str::to_owned).chain(numbers.iter().cloned());
    found.into_iter().find(|canary| small.contains(canary.as_str()))
}

fn person(number: u32, practice: &'static str) -> Person {
    Person { family: "Canaryfamily".into(), ..Person::new(number, practice) }
}

/// An event with a canary in every text.
fn event(person: &Person, case: &str, place: usize) -> Value {
    let mut event = person.event(case, place);
    let record = &mut event["record"];
    let about = &mut record["person"];
    for (key, value) in [
        ("given", json!(["Canarygiven"])),
        ("preferred_name", json!("Canarycalled")),
        ("local_id", json!(format!("canary-local-{case}"))),
        ("address_lines", json!(["7 Canary Row"])),
        ("city", json!("Canarytown")),
        ("postcode", json!("ZZ99 7QQ")),
        ("phone", json!("07700900731")),
        ("mobile", json!("07700 900731")),
        ("email", json!("canary@example.org")),
    ] {
        about[key] = value;
    }
    record["referrer"]["name"] = json!("Dr Canarydoctor");
    record["risk"] = json!("canary risk of falling");
    match place {
        0 => event["detail"] = json!({"reasons": ["canary reason in free text"], "note": "canary note"}),
        3 => event["detail"]["message"] = json!("canary message"),
        _ => {}
    }
    event
}

/// The event with a value of each place in turn that cannot be right.
fn spoilt(event: &Value) -> Vec<Value> {
    let mut paths = Vec::new();
    leaves(event, &mut Vec::new(), &mut paths);
    let bad = [
        json!("canary spoilt 07700900731"),
        json!({"strange": "canary"}),
        json!(["canary"]),
        json!("31/02/canary"),
    ];
    let mut all = Vec::new();
    for path in paths {
        for bad in &bad {
            let mut spoilt = event.clone();
            let place = path.iter().fold(&mut spoilt, |node, step| match step {
                Ok(key) => &mut node[key.as_str()],
                Err(at) => &mut node[*at],
            });
            *place = bad.clone();
            all.push(spoilt);
        }
    }
    all
}

type Path = Vec<Result<String, usize>>;

fn leaves(node: &Value, at: &mut Path, found: &mut Vec<Path>) {
    found.push(at.clone());
    match node {
        Value::Object(members) => {
            for (key, value) in members {
                at.push(Ok(key.clone()));
                leaves(value, at, found);
                at.pop();
            }
        }
        Value::Array(items) => {
            for (place, value) in items.iter().enumerate() {
                at.push(Err(place));
                leaves(value, at, found);
                at.pop();
            }
        }
        _ => {}
    }
}

/// A FHIR server that knows everybody and repeats in each refusal what it was sent.
fn unfriendly() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/r4", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let count = Arc::clone(&count);
            std::thread::spawn(move || while serve(&stream, &count).is_some() {});
        }
    });
    base
}

fn serve(mut stream: &TcpStream, count: &AtomicUsize) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0usize);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let said = String::from_utf8_lossy(&body).into_owned();
    let (status, kind, answer) = if head.contains("/metadata") {
        (200, "application/fhir+json", json!({"resourceType": "CapabilityStatement"}).to_string())
    } else if head.contains("/Patient/_search") {
        let number = said.rsplit(['|', 'C']).next().unwrap_or_default().chars().take(10).collect::<String>();
        let mut patient = Person { number, ..person(1, "Z99962") }.patient();
        patient["id"] = json!("p1");
        let bundle = json!({"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": patient}]});
        (200, "application/fhir+json", bundle.to_string())
    } else if head.contains("_search") {
        (200, "application/fhir+json", json!({"resourceType": "Bundle", "type": "searchset"}).to_string())
    } else {
        let outcome = json!({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "canary-code",
            "details": {"text": said, "coding": [{"system": "urn:canary", "code": "canary-coding", "display": "Canary"}]},
            "diagnostics": said, "expression": ["Patient.name.where(family='Canaryfamily')", "Canary.canary"],
            "location": ["/f:Patient/canary"]}]});
        match count.fetch_add(1, Ordering::SeqCst) % 5 {
            0 => (422, "application/fhir+json", outcome.to_string()),
            1 => (400, "application/json", format!("canary {said}")),
            2 => (200, "text/html", format!("<p>canary {said}")),
            3 => (409, "application/fhir+json", outcome.to_string()),
            _ => (500, "application/fhir+json", outcome.to_string()),
        }
    };
    let head = format!(
        "HTTP/1.1 {status} Canary\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nX-Canary: canary\r\n\
         Location: {}\r\n\r\n",
        answer.len(),
        "/canary/Canary/canary",
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(answer.as_bytes()).ok()
}

const PROFILE: &str = r#"
name = "canary"
source = "https://elmfield-sp.example/cases"
export = "snapshot"
[fields]
referral_id = "Case"
"person.nhs_number" = "Number"
"person.family" = "Surname"
"person.birth_date" = "Born"
"person.practice_ods" = "Practice"
"service.kind" = { constant = "link-worker" }
"referrer.kind" = { constant = "gp" }
[[event]]
id = "referred"
type = "referred"
date = "Referred"
fields.note = "Note"
"#;

#[test]
fn nothing_about_a_person_is_said_anywhere() {
    let base = unfriendly();
    let world = World::bare();
    fs::write(world.path().join("canary.toml"), PROFILE).unwrap();
    world.configure(&format!(
        "data_folder = {:?}\n[log]\nlevel = \"trace\"\n[intake.http]\nlisten = \"127.0.0.1:0\"\n\
         [[intake.folder]]\npath = \"inbox\"\nprofile = \"canary.toml\"\nsettle = \"1s\"\n\
         [[endpoint]]\nname = \"files\"\nkind = \"file\"\npath = \"outgoing\"\ntest = true\nrate = 1000.0\n\
         [[endpoint]]\nname = \"unfriendly\"\nkind = \"fhir\"\nurl = {base:?}\npractices = [\"Z99962\"]\ntest = true\n\
         rate = 1000.0\nsettle_time = \"1s\"\nretry = {{ base = \"1s\", cap = \"1s\", max_attempts = 3 }}\n",
        world.data(),
    ));
    let mut numbers = Vec::new();
    let mut heard: Vec<(String, String)> = Vec::new();
    let client = Client::new();
    let mut daemon = world.start();
    for number in 0..12u32 {
        let person = person(number, if number % 2 == 0 { "Z99961" } else { "Z99962" });
        numbers.push(person.number.clone());
        for place in 0..4 {
            let reply = client.event(daemon.at(), &event(&person, &format!("canary-{number}"), place));
            assert_eq!(reply.status, 202, "{}", reply.body);
            heard.push(("an answer of intake".into(), reply.body));
        }
        if number == 6 {
            daemon.kill();
            daemon = world.start();
        }
    }
    // The same again with other content; every place spoilt in turn; no JSON; no events; FHIR.
    let one = event(&person(0, "Z99961"), "canary-0", 0);
    let mut changed = one.clone();
    changed["detail"]["note"] = json!("canary changed");
    let mut bodies =
        vec![changed.to_string(), format!("{{\"strange\": {one}"), "canary".into(), "\u{0}canary".into()];
    let mut strange = one.clone();
    // The name of a field is the sender's program's, and is told; its value is not.
    strange["record"]["strange"] = json!("canary");
    bodies.push(strange.to_string());
    let fresh = event(&person(40, "Z99961"), "canary-40", 0);
    numbers.push(person(40, "Z99961").number);
    bodies.extend(spoilt(&fresh).iter().map(Value::to_string));
    let mut refused = 0;
    for body in &bodies {
        for (path, kind) in [("/events", "application/json"), ("/fhir", "application/fhir+json")] {
            let reply = client.post(daemon.at(), path, kind, body);
            refused += u32::from(reply.status >= 400);
            heard.push((format!("an answer of {path} with status {}", reply.status), reply.body));
        }
    }
    assert!(refused > 200, "{refused} refused");
    let lines: Vec<String> = bodies.iter().take(400).map(|body| body.replace('\n', " ")).collect();
    let reply = client.post(daemon.at(), "/events", "application/x-ndjson", &lines.join("\n"));
    assert_eq!(reply.status, 207);
    heard.push(("an answer to many".into(), reply.body));
    let resource = json!({"resourceType": "Bundle", "type": "transaction", "entry": [
        {"fullUrl": "urn:uuid:canary", "resource": person(1, "Z99961").patient(), "request": {"method": "PUT", "url": "Patient?canary"}},
        {"resource": {"resourceType": "ServiceRequest", "status": "canary", "note": [{"text": "canary"}]}},
    ]});
    for body in [resource.to_string(), resource["entry"][1]["resource"].to_string()] {
        let reply = client.post(daemon.at(), "/fhir", "application/fhir+json", &body);
        heard.push((format!("an answer of /fhir with status {}", reply.status), reply.body));
    }
    // A watched folder, with a good row and bad ones.
    let good = person(41, "Z99961").number;
    let rows = format!(
        "Case,Number,Surname,Born,Practice,Referred,Note\ncanary-41,{good},Canaryfamily,1964-09-23,Z99961,2026-03-02,canary note\n\
         canary-42,canary,Canaryfamily,canary,Z99961,canary,canary\ncanary-43,07700900731,,1964-09-23,Canary,2026-13-77,canary\n"
    );
    numbers.push(good);
    let inbox = world.data().join("inbox");
    fs::write(inbox.join("canary.csv.part"), rows).unwrap();
    fs::rename(inbox.join("canary.csv.part"), inbox.join("export.csv")).unwrap();
    fs::write(inbox.join("broken.xlsx"), "canary is no workbook").unwrap();
    let began = std::time::Instant::now();
    while !inbox.join("done").read_dir().is_ok_and(|mut done| done.next().is_some()) {
        assert!(began.elapsed() < Duration::from_secs(30), "the folder is not read: {}", world.tail());
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(Duration::from_secs(6));

    for path in ["/metrics", "/health/ready", "/health/live", "/openapi.json", "/canary?canary"] {
        heard.push((path.into(), client.get(daemon.at(), path).body));
    }
    let process = fs::read(format!("/proc/{}/cmdline", daemon.id())).unwrap_or_default();
    heard.push(("cmdline".into(), String::from_utf8_lossy(&process).into_owned()));
    let entries = world.entries(&[]);
    for arguments in [
        &["outbox", "list"][..],
        &["outbox", "list", "--format", "json"],
        &["status"],
        &["status", "--format", "json"],
    ] {
        let said = world.run(arguments);
        heard.push((arguments.join(" "), said.stdout + &said.stderr));
    }
    for entry in &entries {
        for format in ["text", "json"] {
            let said = world.run(&["outbox", "show", &entry["id"].to_string(), "--format", format]);
            heard.push((format!("outbox show {format}"), said.stdout + &said.stderr));
        }
    }
    daemon.stop();
    let logs = world.logs();
    // It is not silence that is praised here: what was done is in the log, and the canaries did go where they should.
    for word in ["attempt", "started", "upkeep", "refused-by-endpoint"] {
        assert!(logs.contains(word), "{word} is logged");
    }
    let sent =
        fs::read_dir(world.outgoing()).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
    assert!(sent.filter(|bundle| sings(bundle, &numbers).is_some()).count() >= 24);
    heard.push(("the log".into(), logs));
    // An address that a client asked for is its own; nothing else may sing.
    for (place, said) in &heard {
        if let Some(canary) = sings(said, &numbers) {
            let at = said.to_lowercase().find(&canary).unwrap();
            let near: String = said.to_lowercase().chars().skip(at.saturating_sub(300)).take(600).collect();
            panic!("{place} says {canary}: …{near}…");
        }
    }
    eprintln!("{} places asked, {} entries, {refused} refusals, no canary", heard.len(), entries.len());
}
