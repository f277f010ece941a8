//! Large Bundles are read in a time in proportion to their size, however their resources lean on one another.

use std::time::{Duration, Instant};

use super::address_tests::{at, entry, patient, read_bundle, request};

const ONE: &str = "9990012342";
/// So many that what looks at all of them for each of them is noticed, even where each look is short.
const MANY: usize = 2_500;

fn task(id: usize, focus: &str, subject: &str) -> String {
    let more = format!(
        r#""status":"accepted","intent":"order","focus":{focus},"for":{subject},"lastModified":"2026-03-05""#
    );
    entry("", "Task", &format!("t{id}"), &more)
}

fn work(kind: &str, id: usize, more: &str) -> String {
    entry(
        "",
        kind,
        &format!("w{id}"),
        &format!(r#""basedOn":[{}],{more}"#, at(&format!("ServiceRequest/r{id}"))),
    )
}

#[test]
fn a_large_bundle_is_read_in_a_time_in_proportion() {
    let all = |make: &dyn Fn(usize) -> String| (0..MANY).map(make).collect::<Vec<_>>();
    let of_one = patient("", "1", ONE, "1950-02-01");
    let subject = at("Patient/1");
    let requests = all(&|n| request("", &format!("r{n}"), "", &subject));
    let tasks = all(&|n| task(n, &at(&format!("ServiceRequest/r{n}")), &subject));
    let began = Instant::now();
    for (what, entries, events) in [
        ("a Task each", [vec![of_one.clone()], requests.clone(), tasks.clone()].concat(), 2 * MANY),
        (
            "work on each",
            [
                vec![of_one.clone()],
                requests.clone(),
                all(&|n| {
                    work(
                        "Encounter",
                        n,
                        r#""status":"finished","class":{"code":"AMB"},"period":{"start":"2026-03-04"}"#,
                    )
                }),
            ]
            .concat(),
            2 * MANY,
        ),
        (
            "labels on Tasks",
            [
                vec![of_one.clone()],
                requests.clone(),
                all(&|n| {
                    tasks[n].replace("\"status\"", "\"meta\":{\"security\":[{\"code\":\"R\"}]},\"status\"")
                }),
            ]
            .concat(),
            2 * MANY,
        ),
        (
            "Tasks of one request",
            [
                vec![of_one.clone(), requests[0].clone()],
                all(&|n| task(n, &at("ServiceRequest/r0"), &subject)),
            ]
            .concat(),
            MANY + 1,
        ),
        (
            "Tasks about another person",
            [
                vec![of_one.clone(), patient("", "2", "9990185107", "1960-02-01"), requests[0].clone()],
                all(&|n| task(n, &at("ServiceRequest/r0"), &at("Patient/2"))),
            ]
            .concat(),
            1,
        ),
        ("Tasks of a request that is not here", all(&|n| task(n, &at("ServiceRequest/x"), &subject)), MANY),
        (
            "one Patient many times",
            [all(&|_| of_one.clone()), requests.clone(), requests.clone()].concat(),
            MANY,
        ),
        (
            "a Patient in many versions",
            [
                all(&|n| {
                    let more = format!(
                        r#""identifier":[{{"system":"https://s.example","value":"p"}}],"language":"l{n}""#
                    );
                    entry("", "Patient", "1", &more)
                }),
                all(&|n| request("", &format!("r{n}"), "", &at("Patient?identifier=https://s.example|p"))),
            ]
            .concat(),
            MANY,
        ),
    ] {
        let (read, issues) = read_bundle("", &entries);
        let code = issues.first().map(|(code, at)| (*code, at.as_str()));
        assert_eq!(read.len(), events, "{what}: {code:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}
