//! Durable intake through HTTP, and delivery: the real daemon, with senders on connections that stay open.
//!
//! `cargo bench --bench intake` (a minute; `SP_FHIR_BIN` names another binary). Every event is of a referral and a person of its
//! own, sent alone, and answered when it is on the disk. Intake is measured with nothing to deliver to (a referral that
//! no endpoint serves) and with a folder; delivery to that folder, and to a FHIR server in this process that answers
//! at once or after 20 ms. It is a plain program, and needs nothing but the standard library.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs
)]

mod people;

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use people::nhs_number;

fn main() {
    println!(
        "{:<46}{:>10}{:>9}{:>9}{:>9}",
        "intake, one event a request", "events/s", "p50 ms", "p99 ms", "max ms"
    );
    let nowhere = "[[endpoint]]\nname = \"far\"\nkind = \"file\"\npath = \"far\"\npractices = [\"Y00001\"]\ntest = true\n";
    for connections in [16, 64, 128] {
        let bench = Bench::start(nowhere);
        intake(&format!("{connections} connections, nothing delivered"), &bench, connections, 12_000);
    }
    let files = "[[endpoint]]\nname = \"files\"\nkind = \"file\"\npath = \"out\"\ntest = true\nconcurrency = 64\nrate = 1000.0\n";
    for connections in [16, 32] {
        let bench = Bench::start(files);
        intake(&format!("{connections} connections, delivered to a folder"), &bench, connections, 12_000);
    }
    let bench = Bench::start(files);
    intake("64 connections, delivered to a folder", &bench, 64, 12_000);
    delivery("to a folder, 64 at once", &bench, Duration::from_secs(20));
    for (latency, concurrency) in [(0, 4), (0, 64), (20, 4), (20, 64)] {
        let base = server(Duration::from_millis(latency));
        let bench = Bench::start(&format!(
            "[[endpoint]]\nname = \"gp\"\nkind = \"fhir\"\nurl = {base:?}\ntest = true\nconcurrency = {concurrency}\nrate = 1000.0\n"
        ));
        send(&bench, 32, 4000);
        delivery(
            &format!("to a server of {latency} ms, {concurrency} at once"),
            &bench,
            Duration::from_secs(15),
        );
    }
}

/// A daemon with a data folder of its own.
struct Bench {
    folder: PathBuf,
    child: Child,
    at: String,
}

impl Bench {
    fn start(endpoint: &str) -> Self {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("sp-fhir-bench-{}-{next}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let config = folder.join("sp-fhir.toml");
        let text = format!(
            "data_folder = {:?}\n[intake]\nfolder = []\n[intake.http]\nlisten = \"127.0.0.1:0\"\n{endpoint}",
            folder.join("data")
        );
        fs::write(&config, text).unwrap();
        let log = folder.join("log");
        let child = Command::new(program())
            .args(["daemon", "--config"])
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let at = loop {
            let said = fs::read_to_string(&log).unwrap();
            if let Some((_, rest)) = said.split_once("\"http\":\"") {
                break rest.split('"').next().unwrap().to_owned();
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        Self { folder, child, at }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn program() -> PathBuf {
    let built = option_env!("CARGO_BIN_EXE_sp-fhir").unwrap_or("sp-fhir");
    std::env::var("SP_FHIR_BIN").map_or_else(|_| Path::new(built).to_owned(), PathBuf::from)
}

fn intake(name: &str, bench: &Bench, connections: usize, events: usize) {
    let (rate, mut took) = send(bench, connections, events);
    took.sort();
    let at = |share: usize| took[(took.len() * share / 1000).min(took.len() - 1)].as_secs_f64() * 1e3;
    println!("{name:<46}{rate:>10.0}{:>9.1}{:>9.1}{:>9.1}", at(500), at(990), at(1000));
}

/// Sends so many events; gives how many a second, and how long each took.
fn send(bench: &Bench, connections: usize, events: usize) -> (f64, Vec<Duration>) {
    let each = events / connections;
    let began = Instant::now();
    let senders: Vec<_> = (0..connections)
        .map(|sender| {
            let at = bench.at.clone();
            std::thread::spawn(move || {
                let mut stream = TcpStream::connect(&at).unwrap();
                stream.set_nodelay(true).unwrap();
                let mut answers = BufReader::new(stream.try_clone().unwrap());
                let mut took = Vec::with_capacity(each);
                for number in 0..each {
                    let body = event(sender * each + number);
                    let head = format!(
                        "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                        body.len()
                    );
                    let began = Instant::now();
                    stream.write_all((head + &body).as_bytes()).unwrap();
                    let (head, answer) = message(&mut answers).unwrap();
                    took.push(began.elapsed());
                    assert!(head.starts_with("HTTP/1.1 202"), "{head}{answer}");
                }
                took
            })
        })
        .collect();
    let took: Vec<Duration> = senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect();
    (f64::from(u32::try_from(took.len()).unwrap()) / began.elapsed().as_secs_f64(), took)
}

/// A message's head and body.
fn message(from: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if from.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).ok()?;
    Some((head, String::from_utf8(body).ok()?))
}

fn event(number: usize) -> String {
    let nhs_number = nhs_number(number);
    format!(
        r#"{{"source":"https://elmfield-sp.example/cases","event_id":"B{number}/referred","referral_id":"B{number}",
        "type":"referred","occurred_at":"2026-04-01","detail":{{"reasons":["Loneliness / isolation"]}},"record":{{"person":{{
        "nhs_number":"{nhs_number}","family":"Ashdown","given":["Merel"],"birth_date":"1951-08-02","practice_ods":"Z99961"}},
        "referrer":{{"kind":"gp"}},"service":{{"kind":"link-worker"}},"consent":{{"share":"full","date":"2026-03-01"}}}}}}"#
    )
}

/// Counts what is delivered in a while, from the daemon's own metrics.
fn delivery(name: &str, bench: &Bench, limit: Duration) {
    let (began, before) = (Instant::now(), delivered(bench));
    let (mut last, mut at) = (before, began);
    while began.elapsed() < limit {
        std::thread::sleep(Duration::from_millis(250));
        let now = delivered(bench);
        if now == last && at.elapsed() > Duration::from_secs(3) {
            break;
        }
        if now != last {
            (last, at) = (now, Instant::now());
        }
    }
    let rate = (last - before) / at.duration_since(began).as_secs_f64();
    println!("delivery {name:<37}{rate:>10.0}   ({last:.0} in all)");
}

fn delivered(bench: &Bench) -> f64 {
    let mut stream = TcpStream::connect(&bench.at).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let (_, text) = message(&mut BufReader::new(stream)).unwrap();
    let lines =
        text.lines().filter(|line| line.starts_with("sp_fhir_attempts_total") && line.contains("accepted"));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// A FHIR server that knows everybody and takes everything.
fn server(latency: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/r4", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                stream.set_nodelay(true).unwrap();
                let mut asked = BufReader::new(stream.try_clone().unwrap());
                let mut stream = stream;
                while let Some((head, body)) = message(&mut asked) {
                    std::thread::sleep(latency);
                    let answer = answer(&head, &body);
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: {}\r\n\r\n",
                        answer.len()
                    );
                    if stream.write_all((head + &answer).as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    base
}

fn answer(head: &str, body: &str) -> String {
    if head.contains("/metadata") {
        return r#"{"resourceType":"CapabilityStatement"}"#.to_owned();
    }
    if head.contains("/Patient/_search") {
        let at = body.find("999").unwrap_or_default();
        let number = body.get(at..at + 10).unwrap_or_default();
        return format!(
            r#"{{"resourceType":"Bundle","type":"searchset","entry":[{{"search":{{"mode":"match"}},"resource":{{"resourceType":"Patient","id":"p{number}",
            "identifier":[{{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"{number}"}}],"name":[{{"family":"Ashdown","given":["Merel"]}}],
            "birthDate":"1951-08-02","generalPractitioner":[{{"identifier":{{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"Z99961"}}}}]}}}}]}}"#
        );
    }
    if head.contains("_search") {
        return r#"{"resourceType":"Bundle","type":"searchset"}"#.to_owned();
    }
    let written = body.split("\"request\":{").skip(1).enumerate().map(|(number, request)| {
        let url = request.split("\"url\":\"").nth(1).unwrap_or_default();
        let end = url.find(['?', '/', '"']).unwrap_or_default();
        let id = url[end..]
            .strip_prefix('/')
            .and_then(|id| id.split('"').next())
            .map_or(format!("n{number}"), str::to_owned);
        format!(
            r#"{{"response":{{"status":"201 Created","location":"{}/{id}/_history/1","etag":"W/\"1\""}}}}"#,
            &url[..end]
        )
    });
    let written: Vec<String> = written.collect();
    format!(r#"{{"resourceType":"Bundle","type":"transaction-response","entry":[{}]}}"#, written.join(","))
}
