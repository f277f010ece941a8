//! No code that the loaded codeset does not list and let leave, ever; and no words but its own.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;
use sp_fhir::codeset::{CodeSystemKind, Codeset, Ctv3, ReadV2, SctId};

use crate::command::{Bench, fixtures};
use crate::output::{adds_up, lines, number, walk};
use crate::scheme::{PROFILE, Row, csv};

/// Checks every coding of the clinical systems, and gives how many there were of each.
fn check(codeset: &Codeset, out: &[u8]) -> HashMap<CodeSystemKind, usize> {
    let mut seen = HashMap::new();
    for line in lines(out) {
        walk(&line, "", &mut |_, value| {
            let Some(kind) = value["system"].as_str().and_then(CodeSystemKind::from_uri) else { return };
            let code = value["code"].as_str().unwrap_or_else(|| panic!("a coding without a code: {value}"));
            *seen.entry(kind).or_insert(0) += 1;
            let term = match kind {
                CodeSystemKind::Snomed => {
                    let concept = codeset.emittable(SctId::parse(code).unwrap(), None);
                    let concept = concept.unwrap_or_else(|problem| panic!("{code} left: {problem:?}"));
                    assert!(!concept.is_sensitive(), "{code} is sensitive and left");
                    concept.term()
                }
                CodeSystemKind::ReadV2 => {
                    assert_eq!(code.len(), 7, "{code}");
                    let found = codeset.read_v2(&ReadV2::parse(code).unwrap()).expect(code);
                    assert!(found.emit, "{code} left");
                    found.term
                }
                CodeSystemKind::Ctv3 => {
                    let found = codeset.ctv3(&Ctv3::parse(code).unwrap()).expect(code);
                    assert!(found.emit, "{code} left");
                    found.term
                }
            };
            if let Some(display) = value["display"].as_str() {
                assert_eq!(Some(display), term, "the words of {code}");
                assert!(
                    !display.ends_with(')')
                        || kind != CodeSystemKind::Snomed
                        || !display.contains(" (finding)")
                );
            }
        });
        // A system that nobody knows is no way round the check.
        walk(&line, "", &mut |key, value| {
            if key == "coding" && value.is_object() {
                let system =
                    value["system"].as_str().unwrap_or_else(|| panic!("a coding without a system: {value}"));
                let known = CodeSystemKind::from_uri(system).is_some()
                    || [
                        "http://terminology.hl7.org/",
                        "http://hl7.org/fhir/",
                        "https://fhir.hl7.org.uk/",
                        "https://fhir.nhs.uk/",
                    ]
                    .iter()
                    .any(|start| system.starts_with(start));
                assert!(known, "{system}");
            }
        });
    }
    seen
}

#[test]
fn fixtures_emit_listed_codes_only() {
    let codeset = Codeset::embedded().unwrap();
    let bench = Bench::new();
    let mut all = 0;
    for fixture in fixtures() {
        for more in [&[][..], &["--repair-codes"], &["--form", "collection", "--pack", "per-referral"]] {
            let ran = bench.convert(&fixture.export, &fixture.profile, more);
            let seen = check(&codeset, &ran.out);
            assert!(seen.contains_key(&CodeSystemKind::Snomed), "{}: nothing was coded", fixture.name);
            all += seen.values().sum::<usize>();
        }
    }
    assert!(all > 100, "only {all} codings were looked at");
}

/// What spreadsheets, typists and chance make of codes: every concept and Read code of the codeset as it is, cut,
/// rounded, in another case, with a digit changed; and digits at random.
fn fuzzed(codeset: &Codeset) -> Vec<Row> {
    let mut snomed: BTreeSet<String> = BTreeSet::new();
    for (n, concept) in codeset.iter().enumerate() {
        let id = concept.code_text();
        snomed.insert(id.to_owned());
        let mut digits = id.to_owned().into_bytes();
        let middle = digits.len() / 2;
        digits[middle] = b'0' + (digits[middle] - b'0' + 1) % 10;
        let rounded: f64 = id.parse().unwrap();
        let changed = [
            String::from_utf8(digits).unwrap(),
            format!("{rounded:.5E}").replace('E', "E+"),
            format!("{}{}", &id[..id.len().min(15)], "0".repeat(id.len().saturating_sub(15))),
            format!("{id}0"),
            id[1..].to_owned(),
            format!("{id}.0"),
            format!(" {id}"),
        ];
        // Each concept is changed in two ways, so that all of them together are changed in every way.
        snomed.extend([changed[n % 3].clone(), changed[3 + n % 4].clone()]);
    }
    let mut state = 88_172_645_463_325_252_u64;
    for length in 1..=19 {
        for _ in 0..12 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            snomed.insert(state.to_string().chars().cycle().take(length).collect());
        }
    }
    snomed.extend(
        ["1234561000124107", "871731000000106 |Referral|", "٨٧١٧٣١", "８７１７３１０００", "-1", "0", "NaN"]
            .map(String::from),
    );
    let read = [
        "8T09.", "8t09.", "8T09", "8T09.00", "8T09.01", "9N4F.", "9N4f.", "9n4F.", "9N42.11", "9N42.",
        "XaAaA", "13Z8.", "1B1K.", "1b1k.", ".....", "1B1K.99", "ZZZZZ",
    ];
    snomed
        .into_iter()
        .enumerate()
        .map(|(n, code)| {
            let n = u32::try_from(n + 1).unwrap();
            Row::bare(n).with("Need", "").with("Code", &code).with("Read", read[n as usize % read.len()])
        })
        .collect()
}

#[test]
fn fuzzed_codes_never_leave() {
    let codeset = Codeset::embedded().unwrap();
    let bench = Bench::new();
    let rows = fuzzed(&codeset);
    let input = bench.file("in.csv", csv(&rows));
    for (system, repair) in [("read-v2", &[][..]), ("ctv3", &["--repair-codes"])] {
        let profile =
            bench.file("p.toml", PROFILE.replace("system = \"read-v2\"", &format!("system = \"{system}\"")));
        let (ran, report) = bench.convert_with_report(&input, &profile, repair);
        adds_up(&report);
        // A wrong code never refuses its row.
        assert_eq!(number(&report, "rows/refused"), 0, "{}", ran.err);
        assert!(number(&report, "needs_coding") > 500, "{}", ran.err);
        let seen = check(&codeset, &ran.out);
        assert!(seen[&CodeSystemKind::Snomed] > rows.len(), "too few codings to prove anything");
        // A code that may not leave does not leave as words either.
        let emittable = |code: &str| SctId::parse(code).is_ok_and(|id| codeset.emittable(id, None).is_ok());
        let withheld: BTreeSet<&str> =
            rows.iter().map(|row| row.get("Code")).filter(|c| c.len() > 5 && !emittable(c.trim())).collect();
        let mut strings: BTreeSet<String> = BTreeSet::new();
        for line in lines(&ran.out) {
            walk(&line, "", &mut |key, value| {
                if let Value::String(text) = value
                    && matches!(key, "text" | "display" | "code" | "valueString" | "value" | "contentString")
                {
                    strings.insert(text.clone());
                }
            });
        }
        assert!(withheld.len() > 300);
        for code in withheld {
            assert!(!strings.contains(code), "{code} left as words");
        }
    }
}

/// A code is repaired only when asked, and then said so.
#[test]
fn codes_are_repaired_only_on_request() {
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    let codeset = Codeset::embedded().unwrap();
    let long = codeset.iter().find(|concept| {
        let code = concept.code_text();
        code.len() > 15
            && !code[15..].bytes().all(|b| b == b'0')
            && concept.in_group("need")
            && concept.problem(Some("need")).is_none()
            && codeset
                .iter()
                .filter(|other| {
                    other.code_text().len() == code.len() && other.code_text()[..14] == code[..14]
                })
                .count()
                == 1
    });
    let code = long.expect("a code that a spreadsheet would damage").code_text();
    let number: u64 = code.parse().unwrap();
    let scale = 10_u64.pow(u32::try_from(code.len() - 15).unwrap());
    let damaged = ((number + scale / 2) / scale * scale).to_string();
    let input = bench.file("in.csv", csv(&[Row::new(1).with("Need", "").with("Code", &damaged)]));
    let ran = bench.convert(&input, &profile, &[]).ended(0).says(&["[code-damaged]"]);
    assert!(!ran.text().contains(code) && !ran.text().contains(&damaged));
    let ran = bench.convert(&input, &profile, &["--repair-codes"]).ended(0).says(&["[code-repaired]"]);
    assert!(ran.text().contains(code) && !ran.text().contains(&damaged));
}

/// The words beside a code that may not leave are sent as words: which code was meant, they do not say.
#[test]
fn words_do_not_stand_in_for_a_code() {
    let bench = Bench::new();
    let profile = PROFILE
        .replace("  { column = \"Need\", values = \"need\" },\n", "")
        .replace("system = \"snomed\" }", "system = \"snomed\", words = \"Message\" }");
    let profile = bench.file("p.toml", profile);
    // Unknown, damaged twice, and no code at all. The words have a code of their own where they stand alone.
    let codes = ["999999999", "8.24401E+14", "1364141000000110", "not a code"];
    let of = |share: &str| -> Vec<Row> {
        let row =
            |n, code: &str| Row::bare(n).with("Code", code).with("Message", "Lonely").with("Share", share);
        (1..).zip(codes).map(|(n, code)| row(n, code)).chain([row(9, "")]).collect()
    };
    let reasons = |out: &[u8]| -> Vec<Value> {
        let mut found = Vec::new();
        for line in lines(out) {
            walk(&line, "", &mut |key, value| {
                if key == "reasonCode" && value.is_object() {
                    found.push(value.clone());
                }
            });
        }
        found
    };
    let (ran, report) = bench.convert_with_report(&bench.file("in.csv", csv(&of("Full"))), &profile, &[]);
    let (words, coded): (Vec<Value>, Vec<Value>) =
        reasons(&ran.out).into_iter().partition(|reason| reason.get("coding").is_none());
    assert_eq!((words.len(), coded.len()), (codes.len(), 1), "{}", ran.text());
    assert!(words.iter().all(|reason| reason["text"] == "Lonely"), "{words:?}");
    assert_eq!(number(&report, "needs_coding"), codes.len() as u64, "{}", report["terms"]);
    // They are free text: where only codes are shared nothing of them leaves, and they are listed all the same.
    let (ran, report) = bench.convert_with_report(&bench.file("in.csv", csv(&of("Codes"))), &profile, &[]);
    assert!(reasons(&ran.out).iter().all(|reason| reason.get("coding").is_some()), "{}", ran.text());
    assert!(!ran.text().contains("\"Lonely\""), "{}", ran.text());
    assert_eq!(number(&report, "needs_coding"), codes.len() as u64, "{}", report["terms"]);
}

/// A cell that holds a disclosing code in another form than a code's discloses as much, and so do the words beside it.
#[test]
fn a_sensitive_code_in_an_unreadable_cell_still_withholds_its_words() {
    let bench = Bench::new();
    let profile = PROFILE.replace(
        r#"{ column = "Code", system = "snomed" }"#,
        r#"{ column = "Code", system = "snomed", words = "Message" }"#,
    );
    let profile = bench.file("p.toml", profile.replace("fields.message = \"Message\"\n", ""));
    for cell in ["706893006 |partner|", "706893006; 160932005", "706893006.0 (x)", "SCT:706893006"] {
        let row = Row::bare(1).with("Need", "").with("Code", cell).with("Message", "Told in confidence");
        let input = bench.file("in.csv", csv(&[row]));
        let (ran, report) = bench.convert_with_report(&input, &profile, &[]);
        assert!(!ran.ended(0).text().contains("confidence"), "{cell}");
        assert!(number(&report, "remarks/sensitive-withheld") > 0, "{cell}");
    }
}
