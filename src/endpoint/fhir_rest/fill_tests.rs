//! Filling, with resources of invented people.

use super::*;
use crate::tree::{Limits, json};

const NUMBER: &str = "Patient?identifier=https://fhir.nhs.uk/Id/nhs-number|9990000018";

fn node(text: &str) -> Node {
    json::parse(text.as_bytes(), &Limits::default()).unwrap()
}

fn bundle(more: &str) -> Draft {
    Draft::read(&format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{more}
        {{"fullUrl":"urn:uuid:sr","resource":{{"resourceType":"ServiceRequest","identifier":[{{"system":"s","value":"sr"}}],"status":"active","subject":{{"reference":"{NUMBER}"}}}},"request":{{"method":"PUT","url":"ServiceRequest?identifier=s|sr"}}}},
        {{"fullUrl":"urn:uuid:ta","resource":{{"resourceType":"Task","identifier":[{{"system":"t","value":"ta"}}],"status":"requested","focus":{{"reference":"urn:uuid:sr"}},"for":{{"reference":"{NUMBER}"}}}},"request":{{"method":"PUT","url":"Task?identifier=t|ta"}}}},
        {{"fullUrl":"urn:uuid:pr","resource":{{"resourceType":"Provenance","id":"pr","meta":{{"tag":[{{"system":"e","code":"ev"}}]}},"target":[{{"reference":"urn:uuid:ta"}}]}},"request":{{"method":"PUT","url":"Provenance/pr"}}}}]}}"#
    ))
    .unwrap()
}

fn there(uuid: &str, text: &str) -> Existing {
    Existing { uuid: uuid.into(), resource: node(text) }
}

/// What the endpoint holds after the first sending, as a server gives it back.
fn as_sent() -> Vec<Existing> {
    vec![
        there(
            "sr",
            r#"{"resourceType":"ServiceRequest","id":"1","meta":{"versionId":"1"},"identifier":[{"system":"s","value":"sr"}],"status":"active","subject":{"reference":"Patient/7"}}"#,
        ),
        there(
            "ta",
            r#"{"resourceType":"Task","id":"2","meta":{"versionId":"4"},"identifier":[{"system":"t","value":"ta"}],"status":"requested","focus":{"reference":"ServiceRequest/1"},"for":{"reference":"Patient/7"}}"#,
        ),
    ]
}

struct Case {
    person: Person,
    existing: Vec<Existing>,
    known: Vec<Known>,
    provenance: ProvenanceForm,
    let_stand: Vec<Placed>,
}

impl Case {
    fn new(existing: Vec<Existing>) -> Self {
        let person = Person::At("7".into());
        Self { person, existing, known: Vec::new(), provenance: ProvenanceForm::ById, let_stand: Vec::new() }
    }

    fn fill(&self, draft: Draft) -> Result<Filled, Reason> {
        let base = Base::parse("https://gp.example/fhir").unwrap();
        let filling = Filling {
            base: &base,
            reference: NUMBER,
            person: &self.person,
            existing: &self.existing,
            known: &self.known,
            others: &[],
            provenance: self.provenance,
            answering: None,
            let_stand: &self.let_stand,
        };
        fill(draft, &filling)
    }

    /// Knows what `draft` sends.
    fn knowing(mut self, draft: Draft) -> Self {
        let sent = Case::new(Vec::new()).fill(draft).unwrap();
        self.known = sent
            .request
            .targets
            .iter()
            .filter(|target| target.uuid != "pr")
            .map(|target| Known {
                placed: Placed {
                    resource_type: target.resource_type.clone(),
                    uuid: target.uuid.clone(),
                    id: if target.uuid == "sr" { "1" } else { "2" }.into(),
                    version: Some("unseen".into()),
                },
                content: target.content.clone(),
            })
            .collect();
        self
    }
}

fn entries(filled: &Filled) -> Vec<DraftEntry> {
    Draft::read(&filled.request.body).unwrap().entries
}

fn edited(draft: Draft, from: &str, to: &str) -> Draft {
    Draft::read(&draft.write().replace(from, to)).unwrap()
}

#[test]
fn the_first_sending_leaves_no_place_open() {
    let filled = Case::new(Vec::new()).fill(bundle("")).unwrap();
    assert!(!filled.unchanged);
    assert!(!filled.request.body.contains("Patient?"));
    assert_eq!(filled.request.body.matches("Patient/7").count(), 2);
    let request = &filled.request;
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", ""));
    let targets: Vec<_> =
        request.targets.iter().map(|t| (t.uuid.as_str(), t.system.as_deref(), t.ours)).collect();
    assert_eq!(targets, [("sr", Some("s"), true), ("ta", Some("t"), true), ("pr", None, true)]);
}

#[test]
fn what_is_there_as_it_would_be_sent_is_unchanged() {
    let filled = Case::new(as_sent()).fill(bundle("")).unwrap();
    assert!(filled.unchanged);
    let if_match = |version: &str| Some(format!("W/\"{version}\""));
    let entries = entries(&filled);
    assert_eq!(entries[0].write, Write::ById { id: "1".into(), if_match: if_match("1") });
    assert_eq!(entries[1].write, Write::ById { id: "2".into(), if_match: if_match("4") });
    assert_eq!(entries[1].resource.get("id").and_then(Node::as_str), Some("2"));
    // Still found by our identifier after an answer is lost.
    assert_eq!(filled.request.targets[1].system.as_deref(), Some("t"));
}

#[test]
fn our_last_state_may_be_changed_by_us() {
    let next = || edited(bundle(""), r#""status":"active""#, r#""status":"completed""#);
    let filled = Case::new(as_sent()).knowing(bundle("")).fill(next()).unwrap();
    assert!(!filled.unchanged);
    // By its version alone, too: what a server makes of a resource is its own business.
    let mut case = Case::new(as_sent()).knowing(bundle(""));
    case.known[0].content = "of old".into();
    assert_eq!(case.fill(next()).err(), Some(Reason::Divergent));
    case.known[0].placed.version = Some("1".into());
    assert!(case.fill(next()).is_ok());
}

#[test]
fn a_change_that_is_not_ours_is_divergent() {
    let next = || edited(bundle(""), r#""status":"active""#, r#""status":"completed""#);
    for (at, from, to) in [
        (0, r#""active""#, r#""revoked""#),
        (0, r#""status""#, r#""doNotPerform":true,"status""#),
        (1, r#""focus""#, r#""priority":"stat","focus""#),
        (1, "ServiceRequest/1", "ServiceRequest/9"),
    ] {
        let mut existing = as_sent();
        let mut bytes = Vec::new();
        json::write(&existing[at].resource, &mut bytes);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(from), "{from}");
        existing[at].resource = node(&text.replace(from, to));
        let case = Case::new(existing).knowing(bundle(""));
        assert_eq!(case.fill(next()).err(), Some(Reason::Divergent), "{to}");
    }
    // Nothing known of it, and not what we would send.
    assert_eq!(Case::new(as_sent()).fill(next()).err(), Some(Reason::Divergent));
}

#[test]
fn ours_goes_over_exactly_the_version_that_a_person_saw_and_keeps_others_progress() {
    let mut existing = as_sent();
    existing[1].resource = node(
        r#"{"resourceType":"Task","id":"2","meta":{"versionId":"5"},"identifier":[{"system":"t","value":"ta"}],"status":"accepted","priority":"stat","focus":{"reference":"ServiceRequest/1"},"for":{"reference":"Patient/7"}}"#,
    );
    let mut case = Case::new(existing).knowing(bundle(""));
    case.known.iter_mut().for_each(|known| known.placed.version = Some("1".into()));
    assert_eq!(case.fill(bundle("")).err(), Some(Reason::Divergent));
    let seen = not_as_known(&case.existing, &case.known);
    assert_eq!(
        seen.iter().map(|seen| (seen.uuid.as_str(), seen.id.as_str())).collect::<Vec<_>>(),
        [("ta", "2")]
    );
    let at = case.known.iter().position(|known| known.placed.uuid == "ta").unwrap();
    case.known[at].placed = seen[0].clone();
    let task = entries(&case.fill(bundle("")).unwrap())[1].clone();
    assert_eq!(task.write, Write::ById { id: "2".into(), if_match: Some("W/\"5\"".into()) });
    let said = |name: &str| task.resource.get(name).and_then(Node::as_str).map(str::to_owned);
    assert_eq!((said("status").as_deref(), said("priority")), (Some("accepted"), None));
    // Changed once more since: the person has not seen that.
    case.known[at].placed.version = Some("4".into());
    assert_eq!(case.fill(bundle("")).err(), Some(Reason::Divergent));
}

#[test]
fn theirs_stands_in_exactly_the_version_that_a_person_saw_and_the_rest_goes() {
    let next = || edited(bundle(""), r#""status":"active""#, r#""status":"completed""#);
    let mut existing = as_sent();
    existing[1].resource = node(
        r#"{"resourceType":"Task","id":"2","meta":{"versionId":"5"},"identifier":[{"system":"t","value":"ta"}],"status":"accepted","priority":"stat","focus":{"reference":"ServiceRequest/1"},"for":{"reference":"Patient/7"}}"#,
    );
    let mut case = Case::new(existing).knowing(bundle(""));
    case.let_stand = not_as_known(&case.existing[1..], &case.known);
    assert_eq!(case.let_stand.len(), 1);
    let filled = case.fill(next()).unwrap();
    let left: Vec<_> = entries(&filled).into_iter().map(|entry| entry.uuid).collect();
    // The Provenance of these events is about the Task alone, and goes with it.
    assert_eq!((left, filled.nothing_left), (vec!["sr".to_owned()], false));
    // Where the rest says nothing new, nothing is left to send.
    assert!(case.fill(bundle("")).unwrap().nothing_left);
    // Nor is anything left out that did not stand in the way.
    let free = Case { let_stand: case.let_stand.clone(), ..Case::new(as_sent()).knowing(bundle("")) };
    assert_eq!(entries(&free.fill(next()).unwrap()).len(), 3);
    // Changed once more since: the person has not seen that.
    case.let_stand[0].version = Some("4".into());
    assert_eq!(case.fill(next()).err(), Some(Reason::Divergent));
}

#[test]
fn progress_of_others_stays_until_we_have_news() {
    let mut existing = as_sent();
    let Node::Object(members) = &mut existing[1].resource else { panic!() };
    members.retain(|(name, _)| name != "status");
    members.push(("status".into(), Node::String("accepted".into())));
    members.push(("note".into(), node(r#"[{"text":"n"}]"#)));
    let status = |draft: Draft| {
        let filled = Case::new(existing.clone()).knowing(bundle("")).fill(draft).unwrap();
        let task = entries(&filled)[1].resource.clone();
        assert_eq!(task.path("note[0].text").and_then(Node::as_str), Some("n"));
        (task.get("status").and_then(Node::as_str).unwrap().to_owned(), filled.unchanged)
    };
    assert_eq!(status(bundle("")), ("accepted".into(), true));
    let news = edited(bundle(""), r#""status":"requested""#, r#""status":"in-progress""#);
    assert_eq!(status(news), ("in-progress".into(), false));
}

#[test]
fn what_others_ended_or_got_further_with_is_not_set_back() {
    let stands_as = |status: &str| {
        let mut existing = as_sent();
        let Node::Object(members) = &mut existing[1].resource else { panic!() };
        members.retain(|(name, _)| name != "status");
        members.push(("status".into(), Node::String(status.into())));
        existing
    };
    let says =
        |status: &str| edited(bundle(""), r#""status":"requested""#, &format!(r#""status":"{status}""#));
    for (theirs, ours, may) in [
        ("accepted", "in-progress", true),
        ("in-progress", "completed", true),
        ("completed", "completed", true),
        ("cancelled", "in-progress", false),
        ("rejected", "accepted", false),
        ("completed", "in-progress", false),
        ("in-progress", "accepted", false),
    ] {
        for case in [Case::new(stands_as(theirs)).knowing(bundle("")), Case::new(stands_as(theirs))] {
            let refused = case.fill(says(ours)).err();
            assert_eq!(refused, (!may).then_some(Reason::Divergent), "{theirs} {ours}");
        }
    }
    // Of a store that was lost nothing is known: what we once asked for is under way there.
    assert_eq!(Case::new(stands_as("accepted")).fill(bundle("")).err(), Some(Reason::Divergent));
}

#[test]
fn what_is_about_somebody_else_is_a_collision() {
    for other in ["Patient/8", "https://elsewhere.example/fhir/Patient/7", "Group/7"] {
        let mut existing = as_sent();
        let mut bytes = Vec::new();
        json::write(&existing[0].resource, &mut bytes);
        existing[0].resource = node(&String::from_utf8(bytes).unwrap().replace("Patient/7", other));
        assert_eq!(Case::new(existing).fill(bundle("")).err(), Some(Reason::IdentifierCollision), "{other}");
    }
    let mut case = Case::new(as_sent());
    case.person = Person::New;
    assert_eq!(case.fill(bundle("")).err(), Some(Reason::PatientNotFound));
}

#[test]
fn a_reference_by_another_search_never_leaves() {
    let draft = edited(bundle(""), "9990000018", "9990000026");
    assert_eq!(Case::new(Vec::new()).fill(draft).err(), Some(Reason::Poison));
}

#[test]
fn a_patient_is_brought_only_where_there_is_none() {
    let patient = r#"{"fullUrl":"urn:uuid:pa","resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=n|9"}},"#;
    let filled = Case::new(Vec::new()).fill(bundle(patient)).unwrap();
    assert!(!filled.request.body.contains("urn:uuid:pa"));
    let mut case = Case::new(Vec::new());
    case.person = Person::New;
    let filled = case.fill(bundle(patient)).unwrap();
    assert_eq!(filled.request.body.matches("urn:uuid:pa").count(), 3);
    assert!(!filled.request.targets[0].ours);
}

#[test]
fn the_provenance_takes_the_form_the_endpoint_takes() {
    let mut case = Case::new(Vec::new());
    case.provenance = ProvenanceForm::ByTag;
    let filled = case.fill(bundle("")).unwrap();
    let last = entries(&filled).pop().unwrap();
    assert_eq!(last.write, Write::IfNoneExist { query: "_tag=e|ev".into() });
    assert!(last.resource.get("id").is_none());
    // An older event's Provenance may hold the tag, so it proves nothing.
    assert!(!filled.request.targets[2].ours);
    case.provenance = ProvenanceForm::LeftOut;
    assert_eq!(case.fill(bundle("")).unwrap().request.targets.len(), 2);
}

#[test]
fn a_server_without_versions_is_written_by_identifier() {
    let mut existing = as_sent();
    for there in &mut existing {
        remove(&mut there.resource, "meta");
    }
    let filled = Case::new(existing).fill(bundle("")).unwrap();
    assert!(matches!(entries(&filled)[0].write, Write::ByIdentifier { .. }));
    assert!(entries(&filled)[0].resource.get("id").is_none());
}
