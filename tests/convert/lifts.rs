//! What is refused or held may forbid, it cannot allow: a withdrawal stands until something that passes lifts it.

use serde_json::{Value, json};

use crate::command::{Bench, RECORDED_AT, Ran, binary};
use crate::output::{cases, lines};
use crate::persons::event;
use crate::scheme::{PROFILE, another_referral, csv, nhs_number};

/// Converts events beside those of an earlier export, if there are any.
fn convert(events: &[Value], earlier: &[Value]) -> Ran {
    let bench = Bench::new();
    let text = |events: &[Value]| events.iter().map(|event| format!("{event}\n")).collect::<String>();
    let (input, before) = (bench.file("in.ndjson", text(events)), bench.file("before.ndjson", text(earlier)));
    let mut command = binary();
    command.arg("convert").arg(&input).args(["--recorded-at", RECORDED_AT]);
    if !earlier.is_empty() {
        command.arg("--since").arg(&before);
    }
    let output = command.output().unwrap();
    Ran {
        code: output.status.code(),
        out: output.stdout,
        err: String::from_utf8(output.stderr).unwrap(),
        took: std::time::Duration::ZERO,
    }
}

/// A referral at full sharing.
fn referred() -> Value {
    event(
        "1",
        "R1",
        "referred",
        "2026-03-01",
        1,
        &json!({"consent": {"share": "full"}, "detail": {"note": "SECRET"}}),
    )
}

/// The same person shares nothing, says an event of another referral.
fn withdrawn() -> Value {
    event("2", "R2", "consent_changed", "2026-03-02", 1, &json!({"consent": {"share": "none"}}))
}

/// The same person shares everything again.
fn lifted(id: &str, day: &str) -> Value {
    event(id, "R3", "consent_changed", day, 1, &json!({"consent": {"share": "full"}}))
}

/// An event of the withdrawal's referral says that it was an error.
fn recalled(id: &str, referral: &str, day: &str, person: u32) -> Value {
    let more = json!({"target_event_id": "2", "consent": {"share": "full"}});
    event(id, referral, "entered_in_error", day, person, &more)
}

/// Whether the person's first referral was sent.
fn goes(ran: &Ran) -> bool {
    ran.text().contains("SECRET")
}

#[test]
fn what_passes_lifts_a_withdrawal() {
    for (what, more) in [
        ("a later consent", vec![lifted("3", "2026-03-03")]),
        ("the same twice", vec![lifted("3", "2026-03-03"), lifted("3", "2026-03-03")]),
        ("a recall", vec![recalled("9", "R2", "2026-03-03", 1)]),
    ] {
        let ran = convert(&[vec![referred(), withdrawn()], more].concat(), &[]);
        assert!(goes(&ran), "{what}: {}", ran.err);
    }
    assert!(!goes(&convert(&[referred(), withdrawn()], &[])));
}

#[test]
fn a_withdrawal_is_recalled_by_its_own_referral_only() {
    let elsewhere = |mut event: Value| {
        event["source"] = json!("https://b.example/log");
        event
    };
    let theirs = vec![
        elsewhere(event("8", "M1", "referred", "2026-03-01", 3, &json!({}))),
        elsewhere(event("2", "M1", "accepted", "2026-03-02", 3, &json!({}))),
        elsewhere(recalled("4", "M1", "2026-03-03", 3)),
    ];
    for (what, more) in [
        ("another source's event of the same id", theirs),
        ("somebody else's event", vec![recalled("9", "R9", "2026-03-03", 3)]),
        ("another referral of the person", vec![recalled("9", "R1", "2026-03-03", 1)]),
    ] {
        let ran = convert(&[vec![referred(), withdrawn()], more].concat(), &[]);
        assert!(!goes(&ran), "{what}: {}", ran.text());
    }
}

#[test]
fn what_is_set_aside_lifts_no_withdrawal() {
    let attended = |id: &str, referral: &str, person: u32| {
        event(id, referral, "attended", "2026-03-03", person, &json!({}))
    };
    let protected = json!({"person": {"nhs_number": nhs_number(1), "protected": true}});
    for (what, more) in [
        ("held for a date in the future", vec![lifted("3", "2027-03-03")]),
        ("an id of two events", vec![lifted("3", "2026-03-03"), attended("3", "R3", 1)]),
        ("an id of two referrals", vec![lifted("3", "2026-03-03"), attended("3", "R4", 3)]),
        ("held for two persons", vec![lifted("3", "2026-03-03"), attended("4", "R3", 3)]),
        (
            "held as protected",
            vec![lifted("3", "2026-03-03"), event("4", "R3", "attended", "2026-03-03", 1, &protected)],
        ),
        ("a recall held for its date", vec![recalled("9", "R2", "2027-03-03", 1)]),
        (
            "a recall of which the id is met twice",
            vec![recalled("9", "R2", "2026-03-03", 1), recalled("9", "R2", "2026-03-04", 1)],
        ),
    ] {
        let ran = convert(&[vec![referred(), withdrawn()], more].concat(), &[]);
        assert!(!goes(&ran), "{what}: {}", ran.text());
        assert!(matches!(ran.code, Some(1 | 3)), "{what}: {}", ran.err);
    }
}

/// Two statements under one id are both refused; what the lesser says is heeded, in its own referral and elsewhere.
#[test]
fn what_is_set_aside_still_forbids() {
    let says = |referral: &str, share: &str, day: &str| {
        event("2", referral, "consent_changed", day, 1, &json!({"consent": {"share": share}}))
    };
    for (referral, share) in [("R2", "none"), ("R1", "none"), ("R2", "codes_only"), ("R1", "codes_only")] {
        let both = [says(referral, share, "2026-03-02"), says(referral, "full", "2026-03-03")];
        let ran = convert(&[&[referred()][..], &both].concat(), &[]);
        assert!(!goes(&ran), "{referral} {share}: {}", ran.text());
        assert_eq!(ran.text().contains(&nhs_number(1)), share == "codes_only", "{referral} {share}");
    }
    // What a plain event says counts in its own referral, refused or not.
    let less = json!({"consent": {"share": "codes_only"}});
    let twice = [
        event("2", "R1", "attended", "2026-03-02", 1, &less),
        event("2", "R1", "attended", "2026-03-03", 1, &less),
    ];
    let ran = convert(&[&[referred()][..], &twice].concat(), &[]);
    assert!(!goes(&ran) && ran.text().contains(&nhs_number(1)), "{}", ran.err);
}

/// The same of an earlier export: what passed then, counts; what did not, does not.
#[test]
fn an_earlier_export_lifts_only_what_passed() {
    let passed = [withdrawn(), lifted("3", "2026-03-03")];
    let twice = event("3", "R3", "attended", "2026-03-03", 1, &json!({}));
    assert!(goes(&convert(&[referred()], &passed)));
    assert!(!goes(&convert(&[referred()], &[&passed[..], &[twice]].concat())));
}

/// Rows of a scheme, where a row is a referral: an id twice refuses both rows, also where they lift.
#[test]
fn a_refused_row_of_a_scheme_lifts_nothing() {
    let profile = PROFILE
        .replace("id = \"contacted\"\ntype = \"contacted\"", "id = \"consent\"\ntype = \"consent_changed\"");
    let row = |n: u32, share: &str, day: &str| {
        another_referral(1, n).with("Share", share).with("Share date", day).with("Contacted", day)
    };
    let first = row(1, "Full", "2026-03-01").with("Contacted", "");
    let (none, codes) = (row(2, "None", "2026-03-02"), row(3, "Codes", "2026-03-03"));
    for (rows, expected) in [
        (vec![first.clone(), none.clone(), codes.clone()], vec!["TW-1", "TW-2", "TW-3"]),
        (vec![first.clone(), none.clone()], vec![]),
        (vec![first, none, codes.clone(), codes], vec![]),
    ] {
        let bench = Bench::new();
        let (profile, input) = (bench.file("p.toml", &profile), bench.file("in.csv", csv(&rows)));
        let ran = bench.convert(&input, &profile, &[]);
        assert_eq!(cases(&lines(&ran.out)).into_iter().collect::<Vec<_>>(), expected, "{}", ran.err);
    }
}
