//! The steps of a conversion, each alone: `cargo bench --bench steps`.
//!
//! For a whole run against other programs see `scripts/bench`; for the figures, docs/PERFORMANCE.md.

#![allow(clippy::unwrap_used, missing_docs)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use sp_fhir::codeset::{CodeSystemKind, Codeset, Resolved, TermMatch};
use sp_fhir::convert::interpret::{Interpreter, Meaning};
use sp_fhir::event::ReferralEvent;
use sp_fhir::event::finish::Identities;
use sp_fhir::fhir;
use sp_fhir::map::bundle::event_bundle;
use sp_fhir::map::bundle_json::Writer;
use sp_fhir::map::fold::{Folded, deduplicate, fold};
use sp_fhir::map::mapper::{Mapped, Mapper, Settings};
use sp_fhir::map::names::{NameKind, Names};
use sp_fhir::map::refs::Form;
use sp_fhir::map::shelf::Shelf;
use sp_fhir::profile::Profile;
use sp_fhir::source::{Input, Options, Reader, Scratch};
use sp_fhir::tree::{Limits, json};

const ROWS: usize = 1000;

/// Rows in the shape of the benchmark's input, each a referral of four events.
fn csv() -> String {
    let mut text = String::from(
        "CaseRef,NHSNumber,Forename,Surname,DOB,Gender,Postcode,SurgeryODS,ReferredBy,Referred,Accepted,Assessed,\
         Satisfaction,Worthwhile,Closed,ClosureReason,Need1,Need2,ShareWithGP\n",
    );
    for n in 0..ROWS {
        let _ = writeln!(
            text,
            "BEN-{n:07},9995351501,Nia Haf,Gruffudd,17/02/1948,Female,ZZ99 3VZ,Z99911,GP,04/03/2026,06/03/2026,\
             17/03/2026,3,4,12/06/2026,Goals met,Loneliness / isolation,Debt,Yes - everything"
        );
    }
    text
}

fn input() -> Input {
    Input::bytes("bench.csv", csv().into_bytes())
}

fn interpreter() -> Interpreter {
    let profile = Profile::parse(include_str!("data/bench.toml"), "bench.toml").unwrap();
    let identities = Identities { source: None, opaque_key: None };
    Interpreter { meaning: Meaning::Export(Arc::new(profile)), identities }
}

/// The events of every row.
fn events(interpreter: &Interpreter) -> Vec<Vec<ReferralEvent>> {
    let reader = Reader::open(&input(), &Options::default()).unwrap();
    let layout = Arc::clone(reader.layout());
    let bound = interpreter.bind(&layout);
    let mut scratch = Scratch::default();
    let mut all = Vec::new();
    for batch in reader {
        for record in batch.unwrap().records() {
            all.push(interpreter.events(&layout, &bound, record.text, &mut scratch).events);
        }
    }
    assert!(all.len() == ROWS && all.iter().all(|events| events.len() == 4));
    all
}

fn reading(c: &mut Criterion) {
    let mut group = c.benchmark_group("read");
    group.throughput(Throughput::Elements(ROWS as u64));
    let input = input();
    group.bench_function("split CSV", |b| {
        b.iter(|| {
            let reader = Reader::open(&input, &Options::default()).unwrap();
            reader
                .map(|batch| batch.unwrap().records().map(|record| record.text.len()).sum::<usize>())
                .sum::<usize>()
        });
    });
    let interpreter = interpreter();
    group.bench_function("split and row to events", |b| b.iter(|| events(&interpreter)));
    group.finish();
}

fn mapping(c: &mut Criterion) {
    let codeset = Codeset::embedded().unwrap();
    let settings = Settings {
        form: Form::Transaction,
        code_in_every_bundle: true,
        recorded_at: "2026-03-01T09:00:00Z".parse().unwrap(),
        agent: "bench".into(),
        repair_codes: false,
        create_patient: false,
    };
    let names = Names::new("https://bench-sp.example/cases");
    let shelf = Shelf::default();
    let mapper = Mapper { codeset: &codeset, settings: &settings, shelf: &shelf };
    let one = events(&interpreter()).swap_remove(0);
    let folded: Folded = fold(deduplicate(one.clone()).0);
    let person = names.uuid(NameKind::Person, &["BEN-0000000"]);
    let map = || -> Mapped { mapper.map(&names, &folded, person) };
    let bundles = || -> Vec<_> {
        let events = map().events.into_iter();
        events
            .map(|event| event_bundle(event, Form::Transaction, None, &names, "2026-03-01T09:00:00Z"))
            .collect()
    };
    let made = bundles();
    let texts: Vec<Vec<u8>> = made.iter().map(fhir::json::to_vec).collect();
    let bytes = texts.iter().map(Vec::len).sum::<usize>() as u64;

    let mut group = c.benchmark_group("referral of four events");
    group.bench_function("fold", |b| {
        b.iter_batched(|| one.clone(), |events| fold(deduplicate(events).0), BatchSize::SmallInput);
    });
    group.bench_function("map to entries", |b| b.iter(map));
    group.bench_function("map and pack into Bundles", |b| b.iter(bundles));
    group.throughput(Throughput::Bytes(bytes));
    group.bench_function("Bundles to JSON", |b| {
        let mut out = Vec::new();
        b.iter(|| {
            out.clear();
            made.iter().for_each(|bundle| fhir::json::append(bundle, &mut out));
            out.len()
        });
    });
    let mapped = map();
    group.bench_function("entries straight to JSON", |b| {
        let mut out = Vec::new();
        b.iter(|| {
            out.clear();
            let mut writer = Writer::new(Form::Transaction);
            mapped.events.iter().for_each(|event| writer.append(event.entries.iter().collect(), &mut out));
            out.len()
        });
    });
    group.bench_function("JSON to trees", |b| {
        b.iter(|| {
            texts.iter().for_each(|text| drop(black_box(json::parse(text, &Limits::default()).unwrap())))
        });
    });
    group.finish();
}

fn codes(c: &mut Criterion) {
    let codeset = Codeset::embedded().unwrap();
    let mut group = c.benchmark_group("codeset");
    group.bench_function("words as they are listed", |b| {
        b.iter(|| matches!(codeset.by_term("need", black_box("Bereavement")), TermMatch::Coded(_)));
    });
    group.bench_function("words that need folding", |b| {
        b.iter(|| codeset.discloses("need", black_box("LONELINESS & isolation")).is_some());
    });
    group.bench_function("a SNOMED CT code", |b| {
        b.iter(|| {
            matches!(
                codeset.resolve(None, CodeSystemKind::Snomed, black_box("871731000000106")),
                Resolved::Coded { .. }
            )
        });
    });
    group.finish();
}

criterion_group!(benches, reading, mapping, codes);
criterion_main!(benches);
