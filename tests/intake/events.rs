//! `POST /events`: what is taken, known, refused.

use std::sync::atomic::Ordering;

use crate::fake::{Server, Setting, event, event_of};

#[test]
fn an_event_is_taken_once_and_a_repeat_has_the_same_id() {
    let server = Server::start(Setting::default());
    let first = server.json(&event("R1", "referred", 1));
    assert_eq!(first.status, 202, "{first:?}");
    assert_eq!((first.value()["id"].as_i64(), first.value()["state"].as_str()), (Some(1), Some("pending")));
    let again = server.json(&event("R1", "referred", 1));
    assert_eq!((again.status, &again.value()["id"]), (200, &first.value()["id"]));
    assert_eq!(again.value()["key"], first.value()["key"]);
    assert_eq!(server.keep.count(), 1);
}

#[test]
fn changed_content_is_a_conflict_that_names_no_value() {
    let server = Server::start(Setting::default());
    assert_eq!(server.json(&event("R1", "referred", 1)).status, 202);
    let changed = server.json(&event("R1", "referred", 2));
    assert_eq!((changed.status, changed.code().as_str()), (409, "event-changed"));
    for value in ["9990004218", "Fôn", "R1", "2026-03"] {
        assert!(!changed.body.contains(value), "{value}: {}", changed.body);
    }
}

#[test]
fn a_batch_is_grouped_by_referral_and_answered_in_its_order() {
    let server = Server::start(Setting::default());
    let events = [event("R1", "referred", 1), event("R2", "referred", 1), event("R1", "accepted", 3)];
    let reply = server.json(&format!("[{}]", events.join(",")));
    assert_eq!(reply.status, 202, "{reply:?}");
    let value = reply.value();
    assert_eq!((&value["taken"], &value["known"], &value["refused"]), (&3.into(), &0.into(), &0.into()));
    let submissions = server.keep.submissions.lock().unwrap();
    let sizes: Vec<(&str, usize, bool)> =
        submissions.iter().map(|s| (&*s.referral_id, s.events.len(), s.snapshot)).collect();
    assert_eq!(sizes, [("R1", 2, false), ("R2", 1, false)]);
    drop(submissions);
    // The fake numbers events as they come to it, referral by referral.
    let ids: Vec<i64> =
        value["results"].as_array().unwrap().iter().map(|r| r["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, [1, 3, 2]);
    assert_eq!(server.json(&format!("[{}]", events.join(","))).status, 200);
}

#[test]
fn in_a_batch_each_event_is_taken_or_refused_alone() {
    let server = Server::start(Setting::default());
    let bad = event("R2", "referred", 1).replace("9990004218", "9990004219");
    let lines =
        [event("R1", "referred", 1), bad, String::new(), "{\"a\":".to_owned(), event("R3", "referred", 1)];
    let headers = [("Content-Type", "application/x-ndjson; charset=UTF-8")];
    let reply = server.send("POST", "/events", &headers, lines.join("\n").as_bytes());
    assert_eq!(reply.status, 207, "{reply:?}");
    let value = reply.value();
    let statuses: Vec<u64> =
        value["results"].as_array().unwrap().iter().map(|r| r["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [202, 422, 400, 202]);
    let issue = &value["results"][1]["outcome"]["issue"][0];
    assert_eq!(issue["details"]["coding"][0]["code"], "nhs-number-check-digit");
    assert_eq!(issue["expression"][0], "record.person.nhs_number");
    assert!(!reply.body.contains("9990004219"));
    assert_eq!(server.keep.count(), 2);
}

#[test]
fn a_refused_event_that_withdraws_takes_its_referral_with_it() {
    let server = Server::start(Setting::default());
    let withdrawn = event_of("R1", "contacted", 5, "none").replace("9990004218", "9990004219");
    let events = [event("R1", "referred", 1), withdrawn, event("R2", "referred", 1)];
    let reply = server.json(&format!("[{}]", events.join(",")));
    assert_eq!(reply.status, 207);
    let value = reply.value();
    let code = &value["results"][0]["outcome"]["issue"][0]["details"]["coding"][0]["code"];
    assert_eq!(code, "held-consent-unclear", "{value}");
    assert_eq!(value["results"][2]["status"], 202);
    assert_eq!(server.keep.count(), 1);
}

#[test]
fn a_refused_event_about_consent_is_heeded_before_it_is_answered() {
    let server = Server::start(Setting::default());
    let full = event("R1", "referred", 1).replace("9990004218", "9990004219");
    assert_eq!(server.json(&full).status, 422);
    assert!(server.keep.doubts.lock().unwrap().is_empty(), "it forbids nothing");
    for (nth, share) in ["none", "none,or so"].into_iter().enumerate() {
        let less = event_of("R1", "contacted", 5, share).replace("9990004218", "9990004219");
        assert_eq!(server.json(&less).status, 422);
        let doubts = server.keep.doubts.lock().unwrap();
        assert_eq!(doubts.len(), nth + 1);
        assert_eq!(doubts[nth].keys.len(), 1, "its number cannot be read, its referral can");
    }
    server.keep.busy.store(true, Ordering::SeqCst);
    let none = event_of("R1", "contacted", 5, "none").replace("9990004218", "9990004219");
    assert_eq!(server.json(&none).status, 503, "sent again, it is heeded then");
}

#[test]
fn a_torn_event_that_withdraws_is_heeded_as_far_as_it_can_be_made_out() {
    let server = Server::start(Setting::default());
    let torn = |share: &str| event_of("R1", "contacted", 5, share).replace("}}}", "}");
    assert_eq!(server.json(&torn("full")).status, 400);
    assert!(server.keep.doubts.lock().unwrap().is_empty(), "it forbids nothing");
    assert_eq!(server.json(&torn("none")).status, 400);
    let lines = format!("{}\n{}", event("R2", "referred", 1), torn("none"));
    let headers = [("Content-Type", "application/x-ndjson")];
    assert_eq!(server.send("POST", "/events", &headers, lines.as_bytes()).status, 207);
    let doubts = server.keep.doubts.lock().unwrap();
    assert_eq!(doubts.len(), 2);
    assert!(doubts.iter().all(|doubt| doubt.keys.len() > 1), "its referral and its person");
}

#[test]
fn of_an_array_each_element_stands_for_itself_also_where_one_is_no_json() {
    let server = Server::start(Setting::default());
    let torn = event_of("R1", "contacted", 5, "none").replace("\"none\"", "\"none\",\"share\":\"full\"");
    let body = format!("[{},{torn},{}]", event("R2", "referred", 1), event("R3", "referred", 1));
    let reply = server.json(&body);
    assert_eq!(reply.status, 207, "{reply:?}");
    let value = reply.value();
    assert_eq!((&value["taken"], &value["refused"]), (&2.into(), &1.into()));
    let codes: Vec<_> = value["results"][1]["outcome"]["issue"].as_array().unwrap().iter().collect();
    let codes: Vec<_> = codes.iter().map(|issue| &issue["details"]["coding"][0]["code"]).collect();
    assert_eq!(codes, ["duplicate-key", "consent-heeded"]);
    let doubts = server.keep.doubts.lock().unwrap();
    assert_eq!(doubts.len(), 1);
    assert!(doubts[0].keys.len() > 1, "its referral and its person");
}

#[test]
fn a_torn_array_is_refused_whole_and_every_withdrawal_in_it_is_heeded() {
    let events =
        [("R1", "full"), ("R2", "none"), ("R3", "full"), ("R4", "none"), ("R5", "full"), ("R6", "none")];
    let events: Vec<String> =
        events.iter().map(|(referral, share)| event_of(referral, "contacted", 5, share)).collect();
    let whole = format!("[{}]", events.join(","));
    for (what, torn, wanted) in [
        ("it does not end", whole[..whole.len() - 4].to_owned(), 3),
        ("a bracket is missing", whole.replacen("}}},", "}},", 1), 3),
        ("a quote is missing", whole.replacen("\"R3/contacted\"", "\"R3/contacted", 1), 3),
        ("a comma is missing", whole.replacen("}}},", "}}}", 1), 3),
        ("nobody withdraws", format!("[{},", events[0]), 0),
    ] {
        let server = Server::start(Setting::default());
        let reply = server.json(&torn);
        assert_eq!((reply.status, reply.code().as_str()), (400, "not-json"), "{what}: {reply:?}");
        assert_eq!(server.keep.doubts.lock().unwrap().len(), wanted, "{what}");
        assert_eq!(reply.body.contains("consent-heeded"), wanted > 0, "{what}: {}", reply.body);
        assert_eq!(server.keep.count(), 0, "{what}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_whole() {
    let server = Server::start(Setting::default());
    let twice = event("R1", "referred", 1).replacen("\"type\"", "\"event_id\":\"R9\",\"type\"", 1);
    let escaped = event("R1", "referred", 1).replacen("\"type\"", "\"event\\u005fid\":\"R9\",\"type\"", 1);
    let marked = format!("\u{feff}{}", event("R1", "referred", 1));
    for (body, status, code) in [
        (twice.as_bytes(), 400, "duplicate-key"),
        (escaped.as_bytes(), 400, "duplicate-key"),
        (marked.as_bytes(), 400, "not-json"),
        (b"[{\"a\":1}".as_slice(), 400, "not-json"),
        (b"\xff\xfe{\x00}\x00".as_slice(), 400, "bad-encoding"),
        ("[".repeat(100_000).as_bytes(), 400, "too-deep"),
        (b"".as_slice(), 400, "not-json"),
        (b"[]".as_slice(), 422, "wrong-shape"),
        (b"3".as_slice(), 422, "wrong-shape"),
    ] {
        let reply = server.send("POST", "/events", &[("Content-Type", "application/json")], body);
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{reply:?}");
    }
    assert_eq!(server.keep.calls.load(Ordering::SeqCst), 0);
}

#[test]
fn a_busy_or_stopped_store_says_when_to_come_again() {
    let server = Server::start(Setting::default());
    server.keep.busy.store(true, Ordering::SeqCst);
    let busy = server.json(&event("R1", "referred", 1));
    assert_eq!((busy.status, busy.code().as_str()), (503, "busy"));
    assert!(busy.head.contains("\r\nretry-after: 1\r\n"), "{}", busy.head);
    server.keep.busy.store(false, Ordering::SeqCst);
    server.keep.stopped.store(true, Ordering::SeqCst);
    let stopped = server.json(&event("R1", "referred", 1));
    assert_eq!((stopped.status, stopped.code().as_str()), (503, "store-unusable"));
    server.keep.stopped.store(false, Ordering::SeqCst);
    assert_eq!(server.json(&event("R1", "referred", 1)).status, 202);
}

#[test]
fn the_configured_source_stands_in_for_a_missing_one() {
    let sourceless = event("R1", "referred", 1).replace("\"source\":\"https://scheme.example/cases\",", "");
    let server = Server::start(Setting::default());
    let reply = server.json(&sourceless);
    assert_eq!((reply.status, reply.code().as_str()), (422, "source-missing"));
    let mut setting = Setting::default();
    setting.http.source = Some("https://other.example".into());
    let server = Server::start(setting);
    assert_eq!(server.json(&sourceless).status, 202);
    assert_eq!(&*server.keep.submissions.lock().unwrap()[0].source, "https://other.example");
}
