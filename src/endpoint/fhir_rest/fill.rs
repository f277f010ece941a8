//! Fills the open places of a parcel's Bundle, once what the endpoint holds has been read. Pure.
//!
//! The person becomes the Patient's id; a ServiceRequest or Task that is there already is updated by id with the version
//! that was read, and only when nobody else changed it; the Provenance takes the form the endpoint takes. Invariant:
//! a Bundle comes out only when no place is open any more and every resource of ours that exists is about this
//! Patient. Next: [`super::deliver`].

use crate::endpoint::{Known, Request, Target};
use crate::outbox::{Placed, Reason};
use crate::tree::Node;

use super::base::{Base, version_of};
use super::content::{self, Comparison, References};
use super::draft::{Draft, DraftEntry, Write};

/// How the Provenance of a Bundle is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProvenanceForm {
    /// `PUT Provenance/{uuid}`: the endpoint lets a client choose the id.
    #[default]
    ById,
    /// Created unless one with the event's tag is there.
    ByTag,
    /// Not sent: the endpoint can do neither.
    LeftOut,
}

/// The person, as the identity check found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Person {
    /// The Patient with this id.
    At(String),
    /// No Patient yet; the Bundle brings it.
    New,
}

/// A resource of ours that the endpoint holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Existing {
    /// The UUID by which we name it.
    pub uuid: String,
    /// The resource.
    pub resource: Node,
}

/// What filling goes by.
#[derive(Clone, Copy, Debug)]
pub struct Filling<'a> {
    /// The endpoint's base.
    pub base: &'a Base,
    /// The conditional reference to the person that stands in the draft.
    pub reference: &'a str,
    /// Who it is there.
    pub person: &'a Person,
    /// ServiceRequests and Tasks that are there.
    pub existing: &'a [Existing],
    /// What we last sent of them.
    pub known: &'a [Known],
    /// Where others' resources of the Bundle are, as far as it was asked.
    pub others: &'a [Placed],
    /// The form of the Provenance.
    pub provenance: ProvenanceForm,
}

/// A filled Bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// The request to store and send.
    pub request: Request,
    /// Whether what exists is already as it would be sent; then the rest may be there, too.
    pub unchanged: bool,
}

/// Types that are read before they are written.
#[must_use]
pub fn is_read_first(entry: &DraftEntry) -> bool {
    matches!(entry.resource_type.as_str(), "ServiceRequest" | "Task")
        && matches!(entry.write, Write::ByIdentifier { .. })
}

/// Fills a draft.
///
/// # Errors
/// Why it must wait for a person; [`Reason::Poison`] when a place stays open, which is a defect of ours.
pub fn fill(mut draft: Draft, filling: &Filling<'_>) -> Result<Filled, Reason> {
    let person = place_person(&mut draft, filling.person)?;
    place_provenance(&mut draft, filling.provenance);
    for entry in &mut draft.entries {
        refer(&mut entry.resource, filling.reference, &person)?;
    }
    let placed = filling.known.iter().map(|known| &known.placed).chain(filling.others);
    let mut references = References::new(filling.base, placed);
    for existing in filling.existing {
        if let Some((resource_type, id)) = type_and_id(&existing.resource) {
            references.add(resource_type, id, &existing.uuid);
        }
    }
    let (mut read, mut same) = (0, 0);
    for entry in draft.entries.iter_mut().filter(|entry| is_read_first(entry)) {
        read += 1;
        if let Some(there) = filling.existing.iter().find(|there| there.uuid == entry.uuid) {
            same += usize::from(update(entry, &there.resource, filling, &references)?);
        }
    }
    let targets = draft.entries.iter().map(|entry| target(entry, &references)).collect();
    let request =
        Request { method: "POST".into(), path: String::new(), if_match: None, body: draft.write(), targets };
    Ok(Filled { request, unchanged: read > 0 && same == read })
}

/// Takes the Patient's entry out where the Patient is there. Gives the reference to it.
fn place_person(draft: &mut Draft, person: &Person) -> Result<String, Reason> {
    let at = draft.entries.iter().position(|entry| entry.resource_type == "Patient");
    match (person, at) {
        (Person::At(id), at) => {
            // Its demographics are the clinical system's own.
            if let Some(at) = at {
                draft.entries.remove(at);
            }
            Ok(format!("Patient/{id}"))
        }
        (Person::New, Some(at)) => {
            let entry = draft.entries.get(at).ok_or(Reason::Poison)?;
            Ok(format!("urn:uuid:{}", entry.uuid))
        }
        (Person::New, None) => Err(Reason::PatientNotFound),
    }
}

fn place_provenance(draft: &mut Draft, form: ProvenanceForm) {
    let is_provenance = |entry: &DraftEntry| entry.resource_type == "Provenance";
    match form {
        ProvenanceForm::ById => {}
        ProvenanceForm::LeftOut => draft.entries.retain(|entry| !is_provenance(entry)),
        ProvenanceForm::ByTag => {
            for entry in draft.entries.iter_mut().filter(|entry| is_provenance(entry)) {
                let tag = |name: &str| entry.resource.path(&format!("meta.tag[0].{name}"))?.as_str();
                if let (Some(system), Some(code)) = (tag("system"), tag("code")) {
                    entry.write = Write::IfNoneExist { query: format!("_tag={system}|{code}") };
                    remove(&mut entry.resource, "id");
                }
            }
        }
    }
}

/// Puts the person's place into every reference.
fn refer(node: &mut Node, from: &str, to: &str) -> Result<(), Reason> {
    match node {
        Node::Array(items) => items.iter_mut().try_for_each(|item| refer(item, from, to)),
        Node::Object(members) => members.iter_mut().try_for_each(|(name, value)| match value {
            Node::String(text) if name == "reference" && text.contains('?') => {
                // Any other search would be left to the server to resolve, and some servers do not.
                if text != from {
                    return Err(Reason::Poison);
                }
                to.clone_into(text);
                Ok(())
            }
            other => refer(other, from, to),
        }),
        _ => Ok(()),
    }
}

/// Makes the update of a resource that is there. Gives whether it is there as it would be sent.
fn update(
    entry: &mut DraftEntry,
    there: &Node,
    filling: &Filling<'_>,
    references: &References<'_>,
) -> Result<bool, Reason> {
    let Person::At(patient) = filling.person else { return Err(Reason::IdentifierCollision) };
    if !content::same_subject(there, filling.base, patient) {
        return Err(Reason::IdentifierCollision);
    }
    let (_, id) = type_and_id(there).ok_or(Reason::Divergent)?;
    let version = there.path("meta.versionId").and_then(Node::as_str).and_then(version_of);
    let found = content::digest(there, references);
    let same = take_over(entry, there, &found, version.as_deref(), filling.known, references)?;
    set_id(&mut entry.resource, id);
    if let Some(version) = version {
        entry.write = Write::ById { id: id.to_owned(), if_match: Some(format!("W/\"{version}\"")) };
    } else {
        // Without a version there is nothing to match; the identifier still names one resource.
        remove(&mut entry.resource, "id");
    }
    Ok(same)
}

/// Judges what is there, and keeps what others wrote where they may. Gives whether nothing changes.
fn take_over(
    entry: &mut DraftEntry,
    there: &Node,
    found: &str,
    version: Option<&str>,
    known: &[Known],
    references: &References<'_>,
) -> Result<bool, Reason> {
    content::take_notes(&mut entry.resource, there);
    let ours = content::digest(&entry.resource, references);
    if content::compare(&ours, found) == Comparison::Same {
        return Ok(true);
    }
    let sent: Vec<&Known> = known.iter().filter(|known| known.placed.uuid == entry.uuid).collect();
    let is_version = |known: &&Known| version.is_some() && known.placed.version.as_deref() == version;
    let is_content = |known: &&Known| content::compare(&known.content, found) == Comparison::Same;
    if let Some(known) = sent.iter().find(|known| is_version(known) || is_content(known)) {
        // A version of somebody else's that a person let ours go over: how far they got stays, where we have no news of it.
        if !is_content(known) && content::same_progress(&ours, &known.content) {
            content::take_progress(&mut entry.resource, there);
        }
        return Ok(false);
    }
    // Where nothing is known of an earlier state (a store that was lost), what would be sent is what is compared.
    let last = sent.last().map_or(ours.as_str(), |known| &known.content);
    if content::compare(last, found) != Comparison::MovedOn {
        return Err(Reason::Divergent);
    }
    if content::same_progress(&ours, last) && !sent.is_empty() {
        // We have nothing new to say about how far it got; they have.
        content::take_progress(&mut entry.resource, there);
    }
    Ok(content::compare(&content::digest(&entry.resource, references), found) == Comparison::Same)
}

/// What of ours stands there in another version than the one we know: what a person must see who decides whose counts.
#[must_use]
pub fn not_as_known(existing: &[Existing], known: &[Known]) -> Vec<Placed> {
    let there = existing.iter().filter_map(|there| placed(&there.uuid, &there.resource));
    let is_known = |there: &Placed| {
        known.iter().any(|known| known.placed.uuid == there.uuid && known.placed.version == there.version)
    };
    there.filter(|there| there.version.is_none() || !is_known(there)).collect()
}

fn target(entry: &DraftEntry, references: &References<'_>) -> Target {
    Target {
        resource_type: entry.resource_type.clone(),
        uuid: entry.uuid.clone(),
        system: match &entry.write {
            Write::ByIdentifier { system, .. } => Some(system.clone()),
            Write::ById { .. } => own_system(entry),
            Write::IfNoneExist { .. } => None,
        },
        content: content::digest(&entry.resource, references),
        ours: entry.is_ours(),
    }
}

/// The system of the identifier whose value is our UUID.
fn own_system(entry: &DraftEntry) -> Option<String> {
    let identifiers = entry.resource.get("identifier")?.as_array()?;
    let own = identifiers.iter().find(|one| one.get("value").and_then(Node::as_str) == Some(&entry.uuid))?;
    own.get("system")?.as_str().map(str::to_owned)
}

/// What is placed by what is there.
#[must_use]
pub fn placed(uuid: &str, resource: &Node) -> Option<Placed> {
    let (resource_type, id) = type_and_id(resource)?;
    Some(Placed {
        resource_type: resource_type.to_owned(),
        uuid: uuid.to_owned(),
        id: id.to_owned(),
        version: resource.path("meta.versionId").and_then(Node::as_str).map(str::to_owned),
    })
}

fn type_and_id(resource: &Node) -> Option<(&str, &str)> {
    let id = resource.get("id")?.as_str().filter(|id| super::base::is_id(id))?;
    Some((resource.get("resourceType")?.as_str()?, id))
}

fn remove(resource: &mut Node, name: &str) {
    if let Node::Object(members) = resource {
        members.retain(|(known, _)| known != name);
    }
}

fn set_id(resource: &mut Node, id: &str) {
    remove(resource, "id");
    if let Node::Object(members) = resource {
        members.insert(1.min(members.len()), ("id".to_owned(), Node::String(id.to_owned())));
    }
}

#[cfg(test)]
mod tests {
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
    }

    impl Case {
        fn new(existing: Vec<Existing>) -> Self {
            let person = Person::At("7".into());
            Self { person, existing, known: Vec::new(), provenance: ProvenanceForm::ById }
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
    fn what_is_about_somebody_else_is_a_collision() {
        for other in ["Patient/8", "https://elsewhere.example/fhir/Patient/7", "Group/7"] {
            let mut existing = as_sent();
            let mut bytes = Vec::new();
            json::write(&existing[0].resource, &mut bytes);
            existing[0].resource = node(&String::from_utf8(bytes).unwrap().replace("Patient/7", other));
            assert_eq!(
                Case::new(existing).fill(bundle("")).err(),
                Some(Reason::IdentifierCollision),
                "{other}"
            );
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
}
