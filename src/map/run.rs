//! One pass through the steps of a referral: the entries of each event.
//!
//! What most of its Bundles have in common (the parties, the request) is made once and made again only when it changes.
//! Next: [`super::own`].

use std::sync::Arc;

use uuid::Uuid;

use crate::event::ReferralEvent;
use crate::event::kinds::{EventType, Share};
use crate::event::person::Record;
use crate::fhir::types::{Identifier, Resource, ServiceRequest, Text};

use super::coding::{Coder, Coders};
use super::entry::{Entry, Write};
use super::fold::{Role, Step};
use super::machine::{RequestStatus, State, TaskStatus};
use super::mapper::{EventEntries, Mapper};
use super::names::NameKind;
use super::notes::Notes;
use super::own::{Context, own};
use super::parties::Parties;
use super::refs::{Refs, plain};
use super::withdrawn::withdraw;
use super::{patient, provenance, safeguards, service_request, task};

/// One pass through the steps of a referral.
pub(super) struct Run<'a> {
    pub(super) mapper: &'a Mapper<'a>,
    pub(super) recorded: Text,
    pub(super) agent: Text,
    pub(super) refs: Refs<'a>,
    pub(super) coder: Coder<'a>,
    /// The coder of events that a person has released.
    pub(super) open: Coder<'a>,
    pub(super) released: &'a [String],
    pub(super) steps: &'a [Step],
    pub(super) scene: Option<Scene>,
    pub(super) numbered: Option<Numbered>,
    pub(super) patient_uuid: Uuid,
    /// The record as an earlier export had it.
    pub(super) record_before: Option<&'a Arc<Record>>,
    /// Events as an earlier export had them.
    pub(super) revised: &'a [ReferralEvent],
    /// The record whose Flags were sent last.
    pub(super) flagged: Option<Arc<Record>>,
    /// Whether a referral that answers a request of the clinical system brings its Task.
    pub(super) answers: bool,
}

/// The record-dependent parts of one referral, made again only when the record or the service changes.
pub(super) struct Scene {
    record: Arc<Record>,
    rerouted_by: Option<usize>,
    opened_by: Option<usize>,
    parties: Parties,
    /// The request as it stands in the last Bundle made, and what of it changes from Bundle to Bundle.
    request: Option<Arc<ServiceRequest>>,
    request_as: Option<(RequestStatus, bool)>,
}

/// The request and the newest Task, which most Bundles of a referral have in common.
#[derive(Clone, Copy)]
pub(super) struct Numbered {
    episode: u32,
    task_number: u32,
    request: Uuid,
    task: Uuid,
}

impl Run<'_> {
    pub(super) fn event(&mut self, at: usize, step: &Step, notes: &mut Notes) -> Option<EventEntries> {
        let event = &step.event;
        let referral = &*event.referral_id;
        let settings = self.mapper.settings;
        self.set_scene(at, event, step.state.as_ref(), notes);
        let numbered = step.state.as_ref().map(|state| self.numbered(referral, state));
        let coders = Coders { plain: &self.coder, open: &self.open, released: self.released };
        let (refs, coder) = (&self.refs, coders.of(event));
        let scene = self.scene.as_mut()?;
        let parties = &scene.parties;
        // A request of the clinical system that this referral answers has an author; its Task is brought only where
        // it can be read first.
        let is_answer = event.record.fulfils.is_some();
        let state = step.state.as_ref().filter(|_| !is_answer || self.answers);
        let numbered = numbered.filter(|_| state.is_some());

        let context = |about| Context {
            referral,
            event: about,
            record: &event.record,
            refs,
            shelf: self.mapper.shelf,
            parties,
            coder,
            coders,
            request: numbered.map(|names| names.request),
            task: numbered.map(|names| names.task),
            sensitive: service_request::event_is_sensitive(about, coder),
        };
        let whole =
            Coder { codeset: coder.codeset, repair: coder.repair, share: Share::Full, released: false };
        let here = context(event);
        let mut entries = Vec::with_capacity(8);
        if let (Some(state), Some(names), false) = (state, numbered, is_answer) {
            let with_code = settings.code_in_every_bundle
                || at == state.opened_by
                || matches!(&step.role, Role::Corrects { is, .. } if is.event_type == EventType::Referred);
            let changing = (state.request, with_code);
            if scene.request_as.replace(changing) != Some(changing) {
                // Bundles of one state share the request; the first of another state makes its own.
                let request = Arc::make_mut(scene.request.as_mut()?);
                request.status = state.request.as_str().into();
                let kind = event.record.service.kind;
                request.code = Some(if with_code {
                    service_request::code(kind, self.mapper.codeset)
                } else {
                    service_request::words(kind)
                });
            }
            // The parties are pointed at again for every Bundle.
            let _ = (parties.requester(refs), parties.service());
            let request = Arc::clone(scene.request.as_ref()?);
            let request =
                withdraw_if(state.task == TaskStatus::EnteredInError, Resource::ServiceRequest(request));
            entries.push(Entry { uuid: names.request, resource: request, write: Write::Update });
        }
        if let (Some(state), Some(names)) = (state, numbered) {
            let key = Identifier::new(refs.names.system(NameKind::Task), plain(names.task));
            let task = task::task(&here, key, state, self.steps, notes);
            let task = withdraw_if(state.task == TaskStatus::EnteredInError, task.into());
            entries.push(Entry { uuid: names.task, resource: task, write: Write::Update });
        }
        let own_from = entries.len();
        match &step.role {
            Role::Plain => {
                let now = own(&here, notes);
                // What the event no longer says is withdrawn; what more it may not say is for a person to decide.
                for was in self.revised.iter().filter(|was| was.event_id == event.event_id) {
                    let gone: Vec<Entry> = gone(own(&context(was), &mut Notes::default()), &now)
                        .filter(|gone| entries.iter().all(|known| known.uuid != gone.uuid))
                        .collect();
                    entries.extend(gone);
                }
                entries.extend(now);
            }
            Role::Corrects { was, is } => {
                let now = own(&context(is), notes);
                let made = own(&Context { coder: &whole, ..context(was) }, &mut Notes::default());
                entries.extend(gone(made, &now));
                entries.extend(now);
            }
            Role::Withdraws(target) => {
                // Withdrawn resources say nothing, so they are withdrawn whatever the level, and noted nowhere.
                entries.extend(withdrawn(own(
                    &Context { coder: &whole, ..context(target) },
                    &mut Notes::default(),
                )));
            }
        }
        let opens = step.state.is_some_and(|state| state.opened_by == at) && step.role == Role::Plain;
        let details = event.event_type == EventType::DetailsChanged;
        // A service that changed after a rejection brings the other changes of the record with it.
        let changed = self.record_before.filter(|_| details || event.event_type == EventType::Rerouted);
        if at == 0 || opens || details || changed.is_some() {
            let sent = changed.or(self.flagged.as_ref().filter(|_| details));
            entries.extend(safeguards::flags(referral, &event.record, sent, refs, coder, notes));
            self.flagged = Some(Arc::clone(&event.record));
        }
        if (opens || event.event_type == EventType::ConsentChanged)
            && let Some(agreed) = &event.record.consent
        {
            entries.extend(safeguards::consent(referral, agreed, coder.share, refs));
        }
        if entries.is_empty() {
            return None;
        }
        let targets = entries
            .iter()
            .skip(own_from)
            .chain(entries.iter().take(own_from))
            .filter(|entry| entry.write == Write::Update)
            .map(|entry| refs.to(entry.resource.type_name(), entry.uuid))
            .collect();
        let provenance = provenance::provenance(event, targets, &self.recorded, &self.agent, refs);
        let patient = (settings.form.has_patient() || settings.create_patient).then(|| {
            let practice = parties.practice();
            patient::patient(self.patient_uuid, &event.record.person, practice, refs, coder, notes)
        });
        let mut all = parties.take_used();
        all.extend(patient);
        let focus = all.len();
        all.extend(entries);
        let revision = provenance.uuid;
        all.push(provenance);
        Some(EventEntries {
            event_id: event.event_id.clone(),
            event_type: event.event_type,
            revision,
            entries: all,
            focus,
        })
    }

    /// The names of the state's request and Task, made again when their numbers change.
    fn numbered(&mut self, referral: &str, state: &State) -> Numbered {
        let State { episode, task_number, .. } = *state;
        if let Some(known) = self.numbered
            && (known.episode, known.task_number) == (episode, task_number)
        {
            return known;
        }
        let request = service_request::name(&self.refs, referral, episode);
        let task = self.refs.names.uuid(NameKind::Task, &[referral, &task_number.to_string()]);
        *self.numbered.insert(Numbered { episode, task_number, request, task })
    }

    /// Makes the parties and the request's content anew where the record, the service or the episode changed.
    fn set_scene(&mut self, at: usize, event: &ReferralEvent, state: Option<&State>, notes: &mut Notes) {
        let (rerouted_by, opened_by) = (state.and_then(|s| s.rerouted_by), state.map(|s| s.opened_by));
        let same = |scene: &Scene| {
            Arc::ptr_eq(&scene.record, &event.record)
                && scene.rerouted_by == rerouted_by
                && scene.opened_by == opened_by
        };
        if self.scene.as_ref().is_some_and(same) {
            return;
        }
        let record = Arc::clone(&event.record);
        let to = rerouted_by.and_then(|at| self.steps.get(at)).and_then(|step| step.event.detail.to.as_ref());
        let parties = Parties::new(self.mapper.shelf, &self.refs, &record, to, self.coder.share);
        // A referral withdrawn altogether has no `referred` step left; the request is then only withdrawn.
        let opener = opened_by.and_then(|at| self.steps.get(at)).map(|step| &step.event);
        // What is to be said about the request's content is said once, with the event that brought it.
        let mut said = Notes::default();
        let notes = if opened_by == Some(at) { notes } else { &mut said };
        let coders = Coders { plain: &self.coder, open: &self.open, released: self.released };
        let request = opener.map(|opener| {
            let coder = coders.of(opener);
            let uuid = service_request::name(&self.refs, &event.referral_id, state.map_or(1, |s| s.episode));
            let key = Identifier::new(self.refs.names.system(NameKind::Referral), plain(uuid));
            let context = Context {
                referral: &event.referral_id,
                event: opener,
                record: &record,
                refs: &self.refs,
                shelf: self.mapper.shelf,
                parties: &parties,
                coder,
                coders,
                request: Some(uuid),
                task: None,
                sensitive: service_request::event_is_sensitive(opener, coder),
            };
            Arc::new(service_request::service_request(&context, key, notes))
        });
        self.scene = Some(Scene { record, rerouted_by, opened_by, parties, request, request_as: None });
    }
}

fn withdraw_if(withdrawn: bool, resource: Resource) -> Resource {
    if withdrawn { withdraw(resource) } else { resource }
}

/// The same entries, withdrawn.
fn withdrawn(entries: Vec<Entry>) -> impl Iterator<Item = Entry> {
    entries.into_iter().map(|entry| Entry { resource: withdraw_if(true, entry.resource), ..entry })
}

/// What was made and is no longer, withdrawn.
fn gone(made: Vec<Entry>, now: &[Entry]) -> impl Iterator<Item = Entry> {
    withdrawn(made).filter(|entry| is_own(entry) && now.iter().all(|kept| kept.uuid != entry.uuid))
}

/// Whether an entry is ours to update, not a party that others share.
const fn is_own(entry: &Entry) -> bool {
    matches!(entry.write, Write::Update)
}
