//! Two independent validators, asked about every resource, and the list of what they are known to get wrong.
//!
//! An error stands unless `tests/servers/false-positives.tsv` has a row for exactly this validator and element, with a
//! piece of the message and the evidence that the validator is wrong. A row that nothing matches any more fails the
//! test too, so the list cannot outlive its reasons. Warnings are not judged: neither validator holds SNOMED CT, and
//! both ask for a narrative that a machine-made resource does not need.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use serde_json::Value;

use crate::bundles::Resource;
use crate::http::Server;

/// One thing a validator said about one resource.
#[derive(Debug)]
pub(crate) struct Finding {
    validator: &'static str,
    place: String,
    severity: String,
    /// The element, without indexes: `Task.output.value[x]`.
    element: String,
    message: String,
}

impl Finding {
    fn is_error(&self) -> bool {
        matches!(self.severity.as_str(), "error" | "fatal")
    }
}

/// A row of the list.
struct FalsePositive {
    validator: String,
    element: String,
    fragment: String,
}

/// What helios-hfs says through `$validate`. Its answer is always 200; the severity is in the issues.
pub(crate) fn hfs(server: &Server, resources: &[Resource]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for resource in resources {
        let resource_type = resource.json["resourceType"].as_str().unwrap_or("");
        let reply = server.post(&format!("{resource_type}/$validate"), &resource.json);
        let place = &resource.place;
        assert_eq!(reply.status, 200, "{place}: $validate: {}", reply.body);
        let issues =
            reply.body["issue"].as_array().unwrap_or_else(|| panic!("{place}: no issues: {}", reply.body));
        findings.extend(issues.iter().map(|issue| {
            let element = [&issue["expression"][0], &issue["location"][0]].iter().find_map(|at| at.as_str());
            let message =
                [&issue["details"]["text"], &issue["diagnostics"]].iter().find_map(|text| text.as_str());
            Finding {
                validator: "hfs",
                place: place.clone(),
                severity: issue["severity"].as_str().unwrap_or("no severity").to_owned(),
                element: without_indexes(element.unwrap_or("")),
                message: message.unwrap_or("").to_owned(),
            }
        }));
    }
    findings
}

/// What rh-validator says: one run of `rh-check` over all resources.
pub(crate) fn rh_check(program: &str, resources: &[Resource]) -> Vec<Finding> {
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{program}: {e}"));
    let mut input = child.stdin.take().expect("a pipe");
    let lines: String = resources.iter().map(|resource| format!("{}\n", resource.json)).collect();
    // Written from a thread: the tool answers while it reads, and two full pipes would wait for each other.
    let writer = thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap_or_else(|e| panic!("{program}: {e}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {}: {said}", output.status);
    writer.join().expect("the writer").unwrap_or_else(|e| panic!("{program}: {e}"));
    // "No findings" counts only from a tool that has read everything.
    assert!(said.contains(&format!("rh-check: {} resources judged", resources.len())), "{program}: {said}");

    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let findings = text.lines().map(|line| {
        let finding: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{program}: {e}: {line}"));
        let number =
            usize::try_from(finding["line"].as_u64().expect("a line number")).expect("a line number");
        let resource = resources.get(number - 1).expect("a line we wrote");
        Finding {
            validator: "rh-validator",
            place: resource.place.clone(),
            severity: finding["severity"].as_str().unwrap_or("no severity").to_owned(),
            element: without_indexes(finding["path"].as_str().unwrap_or("")),
            message: finding["message"].as_str().unwrap_or("").to_owned(),
        }
    });
    findings.collect()
}

/// Fails on every error that the list does not explain, and on every row of the list that explains nothing.
pub(crate) fn judge(findings: &[Finding], resources: usize) {
    let known = false_positives();
    let mut used = BTreeSet::new();
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut failures = Vec::new();
    for finding in findings {
        let row = known.iter().position(|row| finding.is_error() && explains(row, finding));
        let severity = if row.is_some() { "false positive" } else { finding.severity.as_str() };
        *counts.entry((finding.validator, severity)).or_default() += 1;
        if let Some(row) = row {
            used.insert(row);
        } else if finding.is_error() {
            let Finding { validator, place, severity, element, message } = finding;
            failures.push(format!("{place}: {validator}: {severity}: {element}: {message}"));
        }
    }
    eprintln!("{resources} resources, findings by validator and severity: {counts:?}");
    for (index, row) in known.iter().enumerate() {
        if !used.contains(&index) {
            let FalsePositive { validator, element, fragment } = row;
            failures
                .push(format!("false-positives.tsv: nothing matches: {validator}, {element}, {fragment}"));
        }
    }
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}

/// How many errors a validator gave that no row explains; for the test that it refuses what is wrong.
pub(crate) fn errors(findings: &[Finding]) -> usize {
    let known = false_positives();
    findings.iter().filter(|f| f.is_error() && !known.iter().any(|row| explains(row, f))).count()
}

fn explains(row: &FalsePositive, finding: &Finding) -> bool {
    row.validator == finding.validator
        && row.element == finding.element
        && finding.message.contains(&row.fragment)
}

fn false_positives() -> Vec<FalsePositive> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/false-positives.tsv");
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let rows = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).skip(1);
    rows.map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        let [validator, element, fragment, evidence] = cells[..] else { panic!("four cells wanted: {line}") };
        assert!(
            !fragment.is_empty() && evidence.len() > 20,
            "a fragment and the evidence are wanted: {line}"
        );
        FalsePositive { validator: validator.into(), element: element.into(), fragment: fragment.into() }
    })
    .collect()
}

/// `Patient.name[0].given[1]` without its numbers; `value[x]` stays.
fn without_indexes(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some(open) = rest.find('[') {
        let close = rest[open..].find(']').map_or(rest.len(), |at| open + at + 1);
        let index = rest[open..close].trim_matches(['[', ']']);
        out.push_str(&rest[..open]);
        if index.is_empty() || !index.bytes().all(|b| b.is_ascii_digit()) {
            out.push_str(&rest[open..close]);
        }
        rest = &rest[close..];
    }
    out + rest
}
