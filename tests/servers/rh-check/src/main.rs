//! Test tool: reads FHIR R4 resources, one JSON object per line, and prints what rh-validator finds, one JSON object
//! per finding.
//!
//! It is a second, independent opinion for the integration tests and no part of the product. A Bundle is taken
//! apart: each entry's resource is judged on its own, against its `meta.profile` and the base type; the Bundle
//! itself is judged too, with its entries left out (their findings would only be repeated).
//!
//! ```text
//! rh-check [--packages DIR] [FILE]      # no FILE: standard input
//! {"line":3,"entry":1,"resourceType":"Task","severity":"error","code":"value","path":"Task.status","message":"…"}
//! ```
//!
//! `DIR` holds further definitions as JSON files, one resource each. The R4 core package is read from
//! `$HOME/.fhir/packages/hl7.fhir.r4.core#4.0.1/package`, the only place rh-validator looks, so `HOME` is the caller's
//! to set. Lines and entries count from 1; a resource that stands on its own line has no `entry`.
//!
//! Exit status: 0 everything was judged (whatever was found), 2 the tool itself could not work. The last line on
//! standard error counts what was judged, so that a caller can tell "no findings" from "nothing read".

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::process::ExitCode;

use rh_validator::{FhirValidator, FhirVersion};
use serde_json::{Value, json};

/// What went wrong in the tool itself; never a finding.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run() {
        Ok(judged) => {
            eprintln!("rh-check: {judged} resources judged");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("rh-check: {failure}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<usize, Failure> {
    let mut packages = None;
    let mut file = None;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--packages" => packages = Some(args.next().ok_or("--packages needs a folder")?),
            _ if file.is_none() => file = Some(arg),
            _ => return Err(format!("unexpected argument {arg}").into()),
        }
    }
    require_core_package()?;

    let input: Box<dyn BufRead> = match &file {
        Some(path) => Box::new(BufReader::new(File::open(path).map_err(|e| format!("{path}: {e}"))?)),
        None => Box::new(io::stdin().lock()),
    };
    let validator = FhirValidator::new(FhirVersion::R4, packages.as_deref())?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut judged = 0;
    for (index, line) in input.lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let number = index + 1;
        let mut resource: Value = serde_json::from_str(&line).map_err(|e| format!("line {number}: {e}"))?;
        for (entry, inner) in take_entries(&mut resource).iter().enumerate() {
            judge(&validator, inner, number, Some(entry + 1), &mut out)?;
            judged += 1;
        }
        judge(&validator, &resource, number, None, &mut out)?;
        judged += 1;
    }
    out.flush()?;
    Ok(judged)
}

/// Without the core package rh-validator only warns and then finds next to nothing: that must not pass for approval.
fn require_core_package() -> Result<(), Failure> {
    let home = std::env::var("HOME").map_err(|_| "HOME is not set")?;
    let core =
        format!("{home}/.fhir/packages/hl7.fhir.r4.core#4.0.1/package/StructureDefinition-Patient.json");
    if std::path::Path::new(&core).is_file() { Ok(()) } else { Err(format!("{core} is missing").into()) }
}

/// The resources of a Bundle's entries, taken out of it; empty for any other resource.
fn take_entries(resource: &mut Value) -> Vec<Value> {
    if resource.get("resourceType").and_then(Value::as_str) != Some("Bundle") {
        return Vec::new();
    }
    let Some(bundle) = resource.as_object_mut() else { return Vec::new() };
    let Some(Value::Array(entries)) = bundle.remove("entry") else { return Vec::new() };
    entries.into_iter().filter_map(|mut entry| entry.get_mut("resource").map(Value::take)).collect()
}

fn judge(
    validator: &FhirValidator,
    resource: &Value,
    line: usize,
    entry: Option<usize>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let resource_type = resource.get("resourceType").and_then(Value::as_str).unwrap_or("");
    let result = validator
        .validate_auto(resource)
        .map_err(|e| format!("line {line}, entry {entry:?}, {resource_type}: {e:#}"))?;
    for issue in result.issues {
        let mut finding = json!({
            "line": line,
            "resourceType": resource_type,
            "severity": issue.severity.to_string(),
            "code": issue.code.to_string(),
            "path": issue.path,
            "message": issue.message,
        });
        if let Some(entry) = entry {
            finding["entry"] = json!(entry);
        }
        writeln!(out, "{finding}")?;
    }
    Ok(())
}
