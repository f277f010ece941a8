//! FHIR as input: what several records of a file say together.

use serde_json::{Value, json};

use crate::command::{Bench, sp};
use crate::scheme::nhs_number;

fn patient(n: u32) -> Value {
    json!({"resource": {"resourceType": "Patient", "id": "1", "identifier": [
        {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": nhs_number(n)}]}})
}

fn request(id: &str) -> Value {
    json!({"resource": {"resourceType": "ServiceRequest", "id": id, "status": "active", "intent": "order",
        "authoredOn": "2026-03-02", "subject": {"reference": "Patient/1"}}})
}

fn task(of: &str) -> Value {
    json!({"resource": {"resourceType": "Task", "id": "7", "status": "completed", "intent": "order",
        "focus": {"reference": format!("ServiceRequest/{of}")}, "for": {"reference": "Patient/1"},
        "lastModified": "2026-03-05"}})
}

/// The ids of the events of some Bundles, a line each, and what was said.
fn read(bundles: &[Vec<Value>]) -> (Vec<String>, String) {
    let bench = Bench::new();
    let line = |entry: &Vec<Value>| json!({"resourceType": "Bundle", "type": "collection", "entry": entry});
    let text: String = bundles.iter().map(|entry| format!("{}\n", line(entry))).collect();
    let (input, report) = (bench.file("in.ndjson", text), bench.path("report.json"));
    let ran = sp(&[
        "convert".as_ref(),
        input.as_os_str(),
        "--form".as_ref(),
        "events".as_ref(),
        "--source".as_ref(),
        "https://gp.example".as_ref(),
        "--report".as_ref(),
        report.as_os_str(),
        "--recorded-at".as_ref(),
        "2026-11-20T12:00:00Z".as_ref(),
    ]);
    let ran = ran.ended(0);
    let ids = String::from_utf8(ran.out.clone()).unwrap();
    let ids = ids.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ids = ids.map(|event| event["event_id"].as_str().unwrap().to_owned()).collect();
    let report: Value = serde_json::from_slice(&bench.read("report.json")).unwrap();
    let issues = report["issues"].as_array().unwrap();
    let told = |issue: &&Value| issue["severity"] == "warning";
    let line = |issue: &Value| format!("{} {} {}", issue["code"], issue["row"], issue["found"]);
    (ids, issues.iter().filter(told).map(line).collect::<Vec<_>>().join("\n"))
}

/// Two records each of which has an event of one id: of two persons it is told, said twice it is not.
#[test]
fn one_event_id_in_two_records_is_told() {
    let (ids, told) = read(&[vec![patient(1), request("5")], vec![patient(2), request("5")]]);
    assert_eq!(ids, ["5/referred", "5/referred"]);
    assert!(told.starts_with("\"event-id-again\" 2 ") && told.contains("in.ndjson:1"), "{told}");
    let (_, told) = read(&[vec![patient(1), request("5")], vec![patient(1), request("5")]]);
    assert_eq!(told, "");
    let (_, told) = read(&[vec![patient(1), request("5")], vec![patient(2), request("6")]]);
    assert_eq!(told, "");
}

#[test]
fn a_task_without_its_request_is_told() {
    let (ids, told) = read(&[vec![patient(1), request("5")], vec![patient(1), task("5")]]);
    assert_eq!(ids, ["5/referred", "5/completed"]);
    assert!(told.starts_with("\"request-elsewhere\" 2 "), "{told}");
    let (_, told) = read(&[vec![patient(1), request("5"), task("5")]]);
    assert_eq!(told, "");
}
