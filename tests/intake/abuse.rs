//! Senders that misbehave, and a server that stops: raw sockets.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use sp_fhir::intake::http::Limits;

use crate::fake::{Reply, Server, Setting, event};

fn short() -> Limits {
    Limits { head: Duration::from_millis(300), body: Duration::from_millis(300), ..Limits::default() }
}

fn limited(limits: Limits) -> Server {
    Server::start(Setting { limits, ..Setting::default() })
}

#[test]
fn a_body_too_large_is_refused_by_its_length_before_it_is_sent() {
    let mut setting = Setting::default();
    setting.http.max_body_bytes = 2_000;
    let server = Server::start(setting);
    let head =
        "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n";
    let reply = Reply::parse(&server.raw(format!("{head}Content-Length: 2001\r\n\r\n").as_bytes()));
    assert_eq!((reply.status, reply.code().as_str()), (413, "body-too-large"));
    // And one that does not say its length, by what came.
    let chunk = "x".repeat(1_000);
    let chunks = format!("3e8\r\n{chunk}\r\n").repeat(3);
    let reply =
        Reply::parse(&server.raw(format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunks}").as_bytes()));
    assert_eq!(reply.status, 413, "{reply:?}");
    // Two lengths that disagree are how requests are smuggled.
    let both = format!("{head}Content-Length: 3\r\nContent-Length: 4\r\n\r\n{{}}1");
    assert_eq!(Reply::parse(&server.raw(both.as_bytes())).status, 400);
    assert_eq!(server.keep.count(), 0);
}

#[test]
fn too_many_events_are_refused() {
    let mut setting = Setting::default();
    setting.http.max_events = 2;
    let server = Server::start(setting);
    let events = [event("R1", "referred", 1), event("R2", "referred", 1), event("R3", "referred", 1)];
    let reply = server.json(&format!("[{}]", events.join(",")));
    assert_eq!((reply.status, reply.code().as_str()), (413, "too-many-events"));
    let lines = [("Content-Type", "application/x-ndjson")];
    assert_eq!(server.send("POST", "/events", &lines, events.join("\n").as_bytes()).status, 413);
    assert_eq!(server.send("POST", "/events", &lines, events[..2].join("\n").as_bytes()).status, 202);
}

#[test]
fn other_content_types_encodings_methods_and_paths_are_refused() {
    let server = Server::start(Setting::default());
    let body = event("R1", "referred", 1);
    let with = |headers: &[(&str, &str)]| server.send("POST", "/events", headers, body.as_bytes());
    for kind in ["text/plain", "application/json; charset=utf-16", "application/xml", "application/jsonx"] {
        assert_eq!(with(&[("Content-Type", kind)]).code(), "media-type", "{kind}");
    }
    assert_eq!(with(&[]).status, 415);
    let gzip = with(&[("Content-Type", "application/json"), ("Content-Encoding", "gzip")]);
    assert_eq!((gzip.status, gzip.code().as_str()), (415, "content-encoding"));
    assert_eq!(server.send("GET", "/events", &[], b"").code(), "method");
    assert_eq!(server.get("/event/9990004218").code(), "no-such-path");
    assert!(!server.get("/event/9990004218").body.contains("9990004218"));
    assert_eq!(with(&[("content-type", "Application/JSON;charset=\"UTF-8\"")]).status, 202);
}

#[test]
fn a_head_that_trickles_and_a_body_that_stops_are_cut_off() {
    let server = limited(short());
    let began = Instant::now();
    let mut slow = server.connect();
    let mut answer = Vec::new();
    for _ in 0..40 {
        if slow.write_all(b"P").is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    let _ = slow.read_to_end(&mut answer);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP/1.1 202"));

    let head = "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{";
    let reply = Reply::parse(&server.raw(head.as_bytes()));
    assert_eq!((reply.status, reply.code().as_str()), (408, "body-timeout"));
    assert_eq!(server.json(&event("R1", "referred", 1)).status, 202);
}

#[test]
fn a_body_that_ends_early_is_not_taken() {
    let server = Server::start(Setting::default());
    let body = event("R1", "referred", 1);
    let mut stream = server.connect();
    let head = format!(
        "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len() + 1
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert_eq!(Reply::parse(&String::from_utf8_lossy(&answer)).code(), "body-broken");
    assert_eq!(server.keep.count(), 0);
}

#[test]
fn a_head_too_large_is_refused() {
    let server = Server::start(Setting::default());
    let long =
        format!("GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n\r\n", "x".repeat(40_000));
    assert_eq!(Reply::parse(&server.raw(long.as_bytes())).status, 431);
    let many = format!("GET /health/live HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X-A: b\r\n".repeat(100));
    assert_eq!(Reply::parse(&server.raw(many.as_bytes())).status, 431);
}

#[test]
fn idle_connections_do_not_keep_others_out_for_long() {
    let server = limited(Limits { connections: 4, ..short() });
    let idle: Vec<_> = (0..20).map(|_| server.connect()).collect();
    let began = Instant::now();
    assert_eq!(server.json(&event("R1", "referred", 1)).status, 202);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    drop(idle);
}

/// An event of about so many bytes.
fn large(bytes: usize) -> String {
    format!("{}{}", event("R1", "referred", 1), " ".repeat(bytes))
}

#[test]
fn only_so_many_bytes_are_read_at_once_and_small_bodies_always_are() {
    let limits = Limits { bytes: 5_000_000, body: Duration::from_secs(3), ..Limits::default() };
    let server = limited(limits);
    let mut holder = server.connect();
    let head = "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5000000\r\n\r\n[";
    holder.write_all(head.as_bytes()).unwrap();
    holder.write_all(&vec![b' '; 4_900_000]).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let full = server.json(&large(1_000_000));
    assert_eq!((full.status, full.code().as_str()), (429, "too-much-at-once"));
    assert!(full.head.contains("\r\nretry-after: 1\r\n"));
    assert_eq!(server.json(&event("R1", "referred", 1)).status, 202);
    drop(holder);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(server.json(&large(1_000_000)).status, 200, "known by now");
}

#[test]
fn a_head_without_its_body_takes_no_room() {
    let limits = Limits { bytes: 5_000_000, body: Duration::from_secs(5), ..Limits::default() };
    let server = limited(limits);
    let head = "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5000000\r\n\r\n";
    let mut idle: Vec<_> = (0..13).map(|_| server.connect()).collect();
    for stream in &mut idle {
        stream.write_all(head.as_bytes()).unwrap();
    }
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(server.json(&large(4_000_000)).status, 202);
    drop(idle);
}

#[test]
fn hostile_bodies_are_answered_quickly() {
    let server = Server::start(Setting::default());
    let bodies = [
        "[".repeat(4_900_000),
        format!("[{}0]", "0,".repeat(2_400_000)),
        format!("{{{}\"a\":1}}", (0..300_000).map(|n| format!("\"{n}\":0,")).collect::<String>()),
        format!("[{}{{}}]", "{},".repeat(1_600_000)),
        format!("\"{}\"", "\\u0041".repeat(800_000)),
    ];
    for body in bodies {
        let began = Instant::now();
        let reply = server.json(&body);
        assert!((400..500).contains(&reply.status), "{}", reply.status);
        // What grows with the square of the length would take hours; a busy machine takes seconds.
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    }
}

#[test]
fn a_request_at_work_is_answered_when_the_server_stops_and_no_other_is_begun() {
    let server = Server::start(Setting::default());
    let body = event("R1", "referred", 1);
    let mut stream = server.connect();
    let (begin, rest) = body.split_at(40);
    let head = format!(
        "POST /events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{begin}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    server.stop();
    std::thread::sleep(Duration::from_millis(200));
    assert!(std::net::TcpStream::connect(server.at).is_err());
    stream.write_all(rest.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(Reply::parse(&String::from_utf8_lossy(&answer)).status, 202);
}
