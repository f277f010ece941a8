//! Published FHIR examples and the JSON parsing suite, from the folder that `SP_FHIR_TEST_DATA` names.
//!
//! Every instance of a modelled type must come back with no value changed: JSON to JSON, XML to XML, and across. The
//! comparison looks at the text and at trees, never through the code that did the conversion alone. Instances that are
//! skipped or refused are printed by name.

// clippy sees an integration test as production code.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sp_fhir::event::IssueCode;
use sp_fhir::fhir::{FhirResource, read_json, read_xml, write_json, write_xml};
use sp_fhir::tree::xml::{Child, Element};
use sp_fhir::tree::{Limits, Node, json, xml};

fn data(part: &str) -> Option<PathBuf> {
    match std::env::var_os("SP_FHIR_TEST_DATA") {
        Some(root) => Some(Path::new(&root).join(part)),
        None => {
            println!("SKIPPED: {part}: SP_FHIR_TEST_DATA is not set");
            None
        }
    }
}

fn files(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

/// Members in a fixed order, so that only values are compared. A carriage return in a div does not survive XML, whose
/// readers see every line end as a line feed (XML 1.0 §2.11).
fn sorted(node: &Node) -> Node {
    match node {
        Node::String(text) if text.starts_with("<div") => Node::String(text.replace("\r\n", "\n")),
        Node::Array(items) => Node::Array(items.iter().map(sorted).collect()),
        Node::Object(members) => {
            let sorted: BTreeMap<_, _> =
                members.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            Node::Object(sorted.into_iter().collect())
        }
        other => other.clone(),
    }
}

fn tree(bytes: &[u8]) -> Node {
    json::parse(bytes, &Limits::default()).unwrap()
}

/// An XML element as text, without what carries no value: prefixes, `xsi:` attributes, space between elements, and
/// the order of FHIR elements of different names (some published examples are not in R4's).
fn plain(element: &Element, out: &mut String) {
    let in_div = element.namespace.as_deref() == Some("http://www.w3.org/1999/xhtml");
    let mut attributes: Vec<_> = element.attributes.iter().filter(|a| !a.name.starts_with("xsi:")).collect();
    attributes.sort_by(|a, b| a.name.cmp(&b.name));
    *out += &format!("<{{{}}}{}", element.namespace.as_deref().unwrap_or_default(), element.local());
    for attribute in attributes {
        *out += &format!(" {}={:?}", attribute.name, attribute.value);
    }
    *out += ">\n";
    let mut children: Vec<&Child> = element.children.iter().collect();
    if !in_div {
        children.sort_by_key(|child| match child {
            Child::Element(element) => element.local(),
            Child::Text(_) => "",
        });
    }
    for child in children {
        match child {
            Child::Element(element) => plain(element, out),
            Child::Text(text) if in_div || !text.trim().is_empty() => *out += &format!("{text:?}\n"),
            Child::Text(_) => {}
        }
    }
    *out += "</>\n";
}

fn plain_xml(bytes: &[u8]) -> String {
    let mut out = String::new();
    plain(&xml::parse(bytes, &Limits::default()).unwrap(), &mut out);
    out
}

/// Across XML and back; `None` when it holds a type that XML is not written for.
fn across(resource: &FhirResource) -> Option<FhirResource> {
    match write_xml(resource) {
        Ok(bytes) => Some(read_xml(&bytes).unwrap_or_else(|issues| panic!("{issues:?}"))),
        Err(issues) => {
            assert!(issues.iter().all(|issue| issue.code == IssueCode::FhirTypeNotRead));
            None
        }
    }
}

#[test]
fn every_json_example_comes_back() {
    let Some(folder) = data("examples") else { return };
    let mut paths = Vec::new();
    files(&folder, "json", &mut paths);
    let (mut same, mut through_xml, mut refused) = (0, 0, Vec::new());
    let mut skipped: BTreeMap<String, usize> = BTreeMap::new();
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let resource = match read_json(&bytes) {
            Ok(resource) => resource,
            Err(issues) => {
                refused.push(format!("{name}: {}", issues[0]));
                continue;
            }
        };
        let source = tree(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes));
        assert!(tree(&write_json(&resource)) == source, "{name}: JSON to JSON");
        if !resource.is_modelled() {
            *skipped.entry(resource.type_name().to_owned()).or_default() += 1;
            continue;
        }
        same += 1;
        match across(&resource) {
            Some(back) => {
                assert!(sorted(back.node()) == sorted(&source), "{name}: JSON to XML to JSON");
                through_xml += 1;
            }
            None => println!("{name}: holds a type that is not written as XML"),
        }
    }
    println!("JSON examples: {same} came back, {through_xml} also through XML; types skipped: {skipped:?}");
    println!("refused {}:\n{}", refused.len(), refused.join("\n"));
    assert!(same > 100 && through_xml > 100);
    assert!(refused.is_empty(), "an example of R4 was refused");
}

#[test]
fn every_xml_example_comes_back() {
    let Some(folder) = data("examples") else { return };
    let mut paths = Vec::new();
    files(&folder, "xml", &mut paths);
    let (mut same, mut skipped, mut refused) = (0, BTreeMap::<String, usize>::new(), Vec::new());
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let resource = match read_xml(&bytes) {
            Ok(resource) => resource,
            Err(issues) if issues.iter().all(|issue| issue.code == IssueCode::FhirTypeNotRead) => {
                *skipped.entry(issues[0].found.to_string()).or_default() += 1;
                continue;
            }
            Err(issues) => {
                refused.push(format!("{name}: {}", issues[0]));
                continue;
            }
        };
        let source = plain_xml(&bytes);
        assert!(plain_xml(&write_xml(&resource).unwrap()) == source, "{name}: XML to XML");
        let back = read_json(&write_json(&resource)).unwrap();
        assert!(plain_xml(&write_xml(&back).unwrap()) == source, "{name}: XML to JSON to XML");
        same += 1;
    }
    println!("XML examples: {same} came back; types skipped: {skipped:?}");
    println!("refused {}:\n{}", refused.len(), refused.join("\n"));
    assert!(same > 20);
    assert!(refused.is_empty(), "an example of R4 was refused");
}

#[test]
fn the_worked_example_is_r4() {
    let Some(folder) = data("worked-example") else { return };
    let mut paths = Vec::new();
    files(&folder, "json", &mut paths);
    for path in &paths {
        let bytes = std::fs::read(path).unwrap();
        let resource = read_json(&bytes).unwrap_or_else(|issues| panic!("{}: {}", path.display(), issues[0]));
        assert!(sorted(across(&resource).unwrap().node()) == sorted(resource.node()), "{}", path.display());
    }
    assert_eq!(paths.len(), 5);
}

/// A body cut off anywhere is refused, and never more than that happens.
#[test]
fn cut_off_examples_are_refused() {
    let Some(folder) = data("examples") else { return };
    for (extension, read) in [("json", read_json as fn(&[u8]) -> _), ("xml", read_xml)] {
        let mut paths = Vec::new();
        files(&folder, extension, &mut paths);
        for path in paths.iter().step_by(10) {
            let bytes = std::fs::read(path).unwrap();
            let whole = bytes.trim_ascii_end();
            for cut in (0..whole.len()).step_by(whole.len() / 40 + 1) {
                assert!(read(&whole[..cut]).is_err(), "{} cut at {cut}", path.display());
            }
        }
    }
}

#[test]
fn the_json_parsing_suite() {
    let Some(folder) = data("badinput/JSONTestSuite/test_parsing") else { return };
    let mut paths = Vec::new();
    files(&folder, "json", &mut paths);
    let limits = Limits { nul: true, ..Limits::default() };
    let (mut taken, mut refused, mut free) = (0, 0, 0);
    for path in paths {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let start = std::time::Instant::now();
        let read = json::parse(&bytes, &limits);
        assert!(start.elapsed().as_secs() < 5, "{name} took too long");
        // The suite lets a key stand twice; we do not, on purpose.
        let twice = ["y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"];
        if twice.contains(&name.as_str()) {
            assert_eq!(read.unwrap_err().code, IssueCode::DuplicateKey, "{name}");
            refused += 1;
        } else if name.starts_with("y_") {
            assert!(read.is_ok(), "{name}: {read:?}");
            taken += 1;
        } else if name.starts_with("n_") {
            assert!(read.is_err(), "{name}");
            refused += 1;
        } else {
            free += 1;
        }
    }
    println!("JSONTestSuite: {taken} taken, {refused} refused, {free} left to the implementation");
    assert_eq!((taken, refused), (93, 190));
}
