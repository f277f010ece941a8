//! Looks at what was written: Bundles, resources, codings. Next: `scheme.rs`.

use std::collections::BTreeSet;

use serde_json::Value;

/// The lines of an NDJSON output.
pub(crate) fn lines(out: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(out).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "the last line has no end");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The lines, sorted: the output as a set.
pub(crate) fn set(out: &[u8]) -> Vec<String> {
    let mut lines: Vec<String> = std::str::from_utf8(out).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// The resources of a Bundle.
pub(crate) fn resources(bundle: &Value) -> impl Iterator<Item = &Value> {
    bundle["entry"].as_array().into_iter().flatten().map(|entry| &entry["resource"])
}

/// Calls for every object, string and number, with the key it stands under.
pub(crate) fn walk<'a>(value: &'a Value, key: &'a str, see: &mut impl FnMut(&'a str, &'a Value)) {
    see(key, value);
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| walk(value, key, see)),
        Value::Array(items) => items.iter().for_each(|value| walk(value, key, see)),
        _ => {}
    }
}

/// The case references that Bundles name.
pub(crate) fn cases<'a>(bundles: impl IntoIterator<Item = &'a Value>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for bundle in bundles {
        walk(bundle, "", &mut |_, value| {
            if value["system"].as_str().is_some_and(|system| system.ends_with("/case-reference")) {
                found.insert(value["value"].as_str().unwrap().to_owned());
            }
        });
    }
    found
}

/// A number of the report, by its path.
#[track_caller]
pub(crate) fn number(report: &Value, path: &str) -> u64 {
    let value = path.split('/').fold(report, |value, key| &value[key]);
    if value.is_null() { 0 } else { value.as_u64().unwrap_or_else(|| panic!("{path}: {value}")) }
}

/// Rows in = converted + unchanged + held + not shared + refused + blank; and every other count that divides one.
#[track_caller]
pub(crate) fn adds_up(report: &Value) {
    let ends = ["converted", "unchanged", "held", "not_shared", "refused", "blank"];
    let sum: u64 = ends.iter().map(|end| report["rows"][end].as_u64().unwrap()).sum();
    assert_eq!(report["rows"]["read"].as_u64(), Some(sum), "{}", report["rows"]);
    for (rows, reasons) in [("refused", "refused"), ("held", "held")] {
        let sum: u64 = report[reasons].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(report["rows"][rows].as_u64(), Some(sum), "{reasons}: {}", report[reasons]);
    }
    let total = |counts: &str| number_sum(report[counts].as_object().unwrap().values());
    for counts in ["by_practice", "by_month", "by_service"] {
        assert_eq!(total(counts), number(report, "referrals"), "{counts}: {}", report[counts]);
    }
    let terms = report["terms"].as_array().unwrap().iter().map(|term| &term["count"]);
    assert_eq!(number_sum(terms), number(report, "needs_coding"), "{}", report["terms"]);
    assert_eq!(number(report, "remarks/undated"), number(report, "undated"));
    let withheld = number(report, "remarks/consent-withheld") + number(report, "remarks/sensitive-withheld");
    assert_eq!(withheld, number(report, "withheld"));
    assert_eq!(number(report, "remarks/possible-duplicate"), number(report, "possible_duplicates"));
    let aside = number_sum(report["rejects"].as_array().unwrap().iter().map(|file| &file["rows"]));
    if report["rejects"].as_array().is_some_and(|files| !files.is_empty()) {
        assert_eq!(aside, number(report, "rows/refused") + number(report, "rows/held"));
    }
}

fn number_sum<'a>(numbers: impl Iterator<Item = &'a Value>) -> u64 {
    numbers.map(|n| n.as_u64().unwrap()).sum()
}
