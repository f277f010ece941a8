//! The tables of docs/MAPPING.md and docs/ERRORS.md are the code's own. `SP_FHIR_UPDATE=1` rewrites them.

// clippy sees an integration test as production code.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use sp_fhir::codeset::Codeset;
use sp_fhir::endpoint::fhir_rest::question::Question;
use sp_fhir::event::build::NhsNumberRule;
use sp_fhir::event::detail::Part;
use sp_fhir::event::finish::Identities;
use sp_fhir::event::prsb::{ELEMENTS, Home, Obligation};
use sp_fhir::event::read::read;
use sp_fhir::event::{Detail, EventType, IssueCode, ReferralEvent};
use sp_fhir::map::entry::{Entry, Write};
use sp_fhir::map::fold::fold;
use sp_fhir::map::machine::{self, Remark};
use sp_fhir::map::mapper::{Mapper, Settings};
use sp_fhir::map::names::Names;
use sp_fhir::map::refs::Form;
use sp_fhir::map::shelf::Shelf;
use sp_fhir::map::systems::{STRUCTURAL, profile};
use sp_fhir::outbox::{Reason, State};
use sp_fhir::tree::{Limits, json};

/// A table: its heading and its rows.
fn table(heading: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut out = format!("| {} |\n|{}\n", heading.join(" | "), "---|".repeat(heading.len()));
    for row in rows {
        let cells: Vec<String> = row.into_iter().map(|cell| cell.replace('|', "\\|")).collect();
        writeln!(out, "| {} |", cells.join(" | ")).unwrap();
    }
    out
}

fn after(events: &[EventType]) -> Option<machine::State> {
    events.iter().enumerate().fold(None, |state, (at, event)| machine::State::advance(state, *event, at).0)
}

fn events() -> String {
    use EventType as E;
    let starts: [(&str, &[E]); 6] = [
        ("nothing yet", &[]),
        ("requested", &[E::Referred]),
        ("rejected", &[E::Referred, E::Rejected]),
        ("in-progress", &[E::Referred, E::Accepted, E::Contacted]),
        ("on-hold", &[E::Referred, E::Accepted, E::OnHold]),
        ("completed", &[E::Referred, E::Accepted, E::Completed]),
    ];
    let cell = |before: &[E], event: E| {
        let before = after(before);
        let (next, remark) = machine::State::advance(before, event, 9);
        let opened =
            |state: machine::State| before.is_some_and(|before| before.task_number < state.task_number);
        let state = next.map_or("–".to_owned(), |state| {
            let number = if opened(state) { format!(" #{}", state.task_number) } else { String::new() };
            format!("{}{number} / {}", state.task.as_str(), state.request.as_str())
        });
        if remark == Remark::None { state } else { format!("{state} (warned)") }
    };
    let heading: Vec<&str> = ["event"].into_iter().chain(starts.iter().map(|(name, _)| *name)).collect();
    let rows = E::ALL.iter().map(|event| {
        let cells = starts.iter().map(|(_, before)| cell(before, *event));
        [format!("`{}`", event.as_str())].into_iter().chain(cells).collect()
    });
    table(&heading, rows)
}

const PARTS: [(Part, &str); 10] = [
    (Part::Reasons, "reasons"),
    (Part::Mode, "mode"),
    (Part::Scores, "scores"),
    (Part::Answers, "answers"),
    (Part::Plan, "plan, goals"),
    (Part::Outcome, "outcome"),
    (Part::StatusReason, "status_reason"),
    (Part::To, "to, what"),
    (Part::Count, "count"),
    (Part::Message, "message, actions"),
];

/// An event with everything its type may carry.
fn event(kind: EventType, day: usize) -> ReferralEvent {
    let parts = PARTS.iter().filter(|(part, _)| Detail::allowed(kind, *part) && *part != Part::Count);
    let detail: Vec<&str> = parts
        .map(|(part, _)| match part {
            Part::Reasons => r#""reasons":["lonely"]"#,
            Part::Mode => r#""mode":"home""#,
            Part::Scores => r#""scores":[{"id":"a","measure":"ONS4","value":3}]"#,
            Part::Answers => r#""answers":[{"id":"q","value":"x"}]"#,
            Part::Plan => r#""plan":"walk","goals":["cook"]"#,
            Part::Outcome => r#""outcome":"better""#,
            Part::StatusReason => r#""status_reason":"moved""#,
            Part::To => r#""what":"club","to":{"name":"Club","organisation_name":"Trust"}"#,
            Part::Count => "",
            Part::Message => r#""message":"done""#,
        })
        .collect();
    let amends = matches!(kind, EventType::Corrected | EventType::EnteredInError);
    let target = if amends { r#","target_event_id":"R1/referred""# } else { "" };
    let text = format!(
        r#"{{"source":"https://a.example","event_id":"R1/{kind}","referral_id":"R1","type":"{kind}"{target},
        "occurred_at":"2026-03-{day:02}","detail":{{{}}},"record":{{"person":{{"nhs_number":"9990004218","family":"Fôn",
        "practice_ods":"M85063","safe_contact":"text only"}},"referrer":{{"name":"Dr A Quill","organisation_ods":"M85099"}},
        "service":{{"kind":"link-worker","name":"Link","organisation_ods":"AB123"}},"consent":{{"share":"full"}},
        "risk":"lone visit"}}}}"#,
        detail.join(","),
        kind = kind.as_str(),
    );
    let node = json::parse(text.as_bytes(), &Limits::default()).unwrap();
    let (event, issues) = read(&node, &Identities::default(), NhsNumberRule::Reject);
    event.unwrap_or_else(|| panic!("{}: {issues:?}", kind.as_str()))
}

/// The entries that an event brings, after a referral where it needs one.
fn entries(kind: EventType, form: Form) -> Vec<Entry> {
    let codeset = Codeset::embedded().unwrap();
    let settings = Settings {
        form,
        code_in_every_bundle: true,
        recorded_at: jiff::Timestamp::UNIX_EPOCH,
        agent: "docs".to_owned(),
        repair_codes: false,
        create_patient: true,
    };
    let alone = matches!(kind, EventType::Offered | EventType::Declined | EventType::Referred);
    let first = (!alone).then(|| event(EventType::Referred, 1));
    let folded = fold(first.into_iter().chain([event(kind, 2)]).collect());
    let shelf = Shelf::default();
    let mapper = Mapper { codeset: &codeset, settings: &settings, shelf: &shelf };
    let mut mapped = mapper.map(&Names::new("https://a.example"), &folded, uuid::Uuid::nil());
    mapped.events.pop().unwrap().entries
}

fn sends() -> String {
    const ALSO: &[&str] = &[
        "ServiceRequest",
        "Task",
        "Provenance",
        "Patient",
        "Organization",
        "Practitioner",
        "PractitionerRole",
        "HealthcareService",
    ];
    let rows = EventType::ALL.iter().map(|kind| {
        let mut own: Vec<&str> = entries(*kind, Form::Transaction)
            .iter()
            .map(|entry| entry.resource.type_name())
            .filter(|name| !ALSO.contains(name))
            .collect();
        own.dedup();
        if *kind == EventType::ReferredOn {
            own.push("its own ServiceRequest and Task");
        }
        let parts: Vec<&str> =
            PARTS.iter().filter(|(part, _)| Detail::allowed(*kind, *part)).map(|(_, name)| *name).collect();
        vec![format!("`{}`", kind.as_str()), own.join(", "), parts.join(", ")]
    });
    table(&["event", "its own resources", "detail"], rows)
}

fn writes() -> String {
    let mut found: BTreeMap<&str, &str> = BTreeMap::new();
    for kind in EventType::ALL {
        for entry in entries(*kind, Form::Transaction) {
            let how = match entry.write {
                Write::Update => "update by identifier: `PUT Type?identifier=system|value`",
                Write::CreateOnce => "conditional create: `POST` with `ifNoneExist`",
                Write::ById => "`PUT Type/id`, the id derived from the event's key and content",
                Write::Never => "not written",
            };
            found.insert(entry.resource.type_name(), how);
        }
    }
    found.entry("MessageHeader").or_insert("first entry of a message");
    let rows = found.into_iter().map(|(name, how)| {
        let profile =
            profile(name).map_or("–".to_owned(), |url| url.rsplit('/').next().unwrap().to_owned());
        vec![name.to_owned(), profile, how.to_owned()]
    });
    table(&["resource", "UK Core profile", "in a transaction"], rows)
}

fn structural() -> String {
    let rows = STRUCTURAL
        .iter()
        .map(|code| vec![code.system.to_owned(), format!("`{}`", code.code), code.display.to_owned()]);
    table(&["system", "code", "display"], rows)
}

fn prsb() -> String {
    let rows = ELEMENTS.iter().map(|element| {
        let obligation = match element.obligation {
            Obligation::Mandatory => "M",
            Obligation::Required => "R",
            Obligation::Optional => "O",
        };
        let home = match element.home() {
            Home::Field(fields) => {
                fields.iter().map(|field| format!("`{}`", field.path())).collect::<Vec<_>>().join(", ")
            }
            Home::Fhir(element) => format!("group: {element}"),
            Home::NotCarried => "not carried".to_owned(),
        };
        vec![element.path.to_owned(), obligation.to_owned(), element.cardinality.to_owned(), home]
    });
    table(&["element", "", "", "home"], rows)
}

fn errors() -> String {
    let rows = IssueCode::ALL.iter().map(|code| {
        vec![
            format!("`{}`", code.as_str()),
            code.severity().as_str().to_owned(),
            code.fhir_type().to_owned(),
            code.title().to_owned(),
            code.remedy().to_owned(),
        ]
    });
    table(&["code", "severity", "FHIR type", "what is wrong", "what to do"], rows)
}

/// Holds the generated parts of a file against what the code makes, or rewrites them.
fn check(file: &str, tables: &[(&str, String)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(file);
    let old = std::fs::read_to_string(&path).unwrap();
    let mut new = old.clone();
    for (name, table) in tables {
        let (start, end) = (format!("<!-- generated: {name} -->\n"), format!("<!-- end: {name} -->\n"));
        let from = new.find(&start).unwrap_or_else(|| panic!("{file} has no {start}")) + start.len();
        let to = new.find(&end).unwrap_or_else(|| panic!("{file} has no {end}"));
        new.replace_range(from..to, &format!("\n{table}\n"));
    }
    if std::env::var_os("SP_FHIR_UPDATE").is_some() {
        std::fs::write(path, new).unwrap();
    } else {
        assert!(old == new, "docs/{file} is old; run again with SP_FHIR_UPDATE=1");
    }
}

#[test]
fn mapping_is_what_the_code_does() {
    check(
        "MAPPING.md",
        &[
            ("events", events()),
            ("sends", sends()),
            ("writes", writes()),
            ("structural", structural()),
            ("prsb", prsb()),
        ],
    );
}

/// States and reasons of the outbox.
fn states() -> String {
    let rows = State::ALL.iter().map(|(state, word, meaning)| {
        let person = if state.needs_person() { "yes" } else { "" };
        let open = if state.is_open() { "waits" } else { "goes on" };
        vec![format!("`{word}`"), (*meaning).to_owned(), open.to_owned(), person.to_owned()]
    });
    table(&["state", "what it means", "the same referral's next", "needs a person"], rows)
}

fn reasons() -> String {
    let rows = Reason::ALL.iter().map(|(reason, word, means, remedy)| {
        let waived = if reason.may_be_waived() { "yes" } else { "" };
        vec![format!("`{word}`"), (*means).to_owned(), (*remedy).to_owned(), waived.to_owned()]
    });
    table(&["reason", "what it means", "what to do", "may be waived"], rows)
}

fn waits() -> String {
    let rows = Reason::ALL.iter().map(|(reason, word, ..)| {
        vec![format!("`{word}`"), reason.ends().to_owned(), reason.looks().as_str().to_owned()]
    });
    table(&["reason", "what ends it", "who looks again"], rows)
}

#[test]
fn states_and_reasons_are_all_explained() {
    check("OPERATIONS.md", &[("states", states()), ("reasons", reasons())]);
    check("ARCHITECTURE.md", &[("waits", waits())]);
}

/// What `check` asks FHIR endpoints.
fn questions() -> String {
    let rows = Question::ALL
        .iter()
        .map(|(_, word, what, remedy)| vec![format!("`{word}`"), (*what).to_owned(), (*remedy).to_owned()]);
    table(&["word", "what is asked", "what to do when it is wrong"], rows)
}

#[test]
fn errors_are_all_listed() {
    check("ERRORS.md", &[("errors", errors()), ("questions", questions())]);
}

/// The keys of a report, as docs/REPORT.md writes them. Below counts by name there are no keys.
fn keys(report: &serde_json::Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (key, value) in report.as_object().unwrap() {
        match value {
            serde_json::Value::Array(items) if items.first().is_some_and(serde_json::Value::is_object) => {
                let members = items.iter().flat_map(|item| item.as_object().unwrap().keys());
                found.extend(members.map(|member| format!("{key}[].{member}")));
            }
            serde_json::Value::Object(members) if matches!(key.as_str(), "rows" | "prsb") => {
                found.extend(members.keys().map(|member| format!("{key}.{member}")));
            }
            // An empty list of objects shows none of its keys.
            serde_json::Value::Array(_) if matches!(key.as_str(), "issues" | "terms" | "rejects") => {}
            _ => {
                found.insert(key.clone());
            }
        }
    }
    found
}

/// The reports of the fixtures hold every key, and docs/REPORT.md explains each and no other.
#[test]
fn every_key_of_the_report_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut made = BTreeSet::new();
    for folder in std::fs::read_dir(root.join("fixtures")).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(text) = std::fs::read_to_string(folder.join("expected/report.json")) else { continue };
        made.extend(keys(&serde_json::from_str(&text).unwrap()));
    }
    let page = std::fs::read_to_string(root.join("docs/REPORT.md")).unwrap();
    let cells = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let explained: BTreeSet<String> = cells.map(str::to_owned).collect();
    assert_eq!(explained, made);
}
