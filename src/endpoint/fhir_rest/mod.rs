//! [`FhirRest`]: an endpoint that is a FHIR R4 server.
//!
//! *Prepare* finds the Patient ([`subject`]) and what is there of ours, and fills the Bundle ([`fill`]); *send* posts
//! exactly those bytes and checks every entry of the answer ([`deliver`]; [`singles`] where there are no transactions); *look* asks for each resource by its identifier
//! ([`look`]); *read* and *list* read back ([`read`], [`list`]). What this is not: it knows no store, decides no retries, and limits no rate (the relay does).
//! Invariant: no identifier of a person stands in a URL, nothing goes to another address than the configured base,
//! and only `send` writes (and [`trial`], when a person says so). Next: [`base`].

pub mod answer;
pub mod answering;
pub mod base;
mod by_id;
pub mod capability;
pub mod classify;
pub mod client;
pub mod content;
mod crowded;
pub mod deliver;
pub mod draft;
pub mod fill;
pub mod inquiry;
pub mod join;
pub mod list;
pub mod look;
mod merge;
mod period;
mod places;
mod progress;
pub mod question;
pub mod read;
pub mod search;
pub mod singles;
mod stand;
pub mod subject;
pub mod trial;

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::clock::Clock;
use crate::endpoint::{Endpoint, Found, Had, Known, Listing, Prepared, Request, Sight, Unread, Vitals, Work};
use crate::event::NhsNumber;
use crate::outbox::parcel::Fulfils;
use crate::outbox::{Outcome, Parcel, Placed, Reason, Refusal};

use answering::Answering;
use capability::Capability;
use client::{Client, Fault};
use crowded::Crowded;
use deliver::Judged;
use draft::{Draft, Write};
use fill::{Existing, Filling, Person, ProvenanceForm};
use join::Wanted;
use subject::NotResolved;

/// What an endpoint is made from.
pub struct Settings {
    /// Its name.
    pub name: String,
    /// ODS codes of the practices it serves; empty: every practice.
    pub practices: Vec<String>,
    /// `Type/id` of the service, as Tasks there name their owner: whose Tasks are ours to answer.
    pub owner: Option<String>,
    /// The form of the Provenance; absent: as the endpoint's CapabilityStatement allows.
    pub provenance: Option<ProvenanceForm>,
    /// HTTP to it.
    pub client: Client,
    /// The time, for waits that are given as a date.
    pub clock: Arc<dyn Clock>,
}

/// A FHIR server.
pub struct FhirRest {
    settings: Settings,
    /// As its CapabilityStatement says; nothing else is kept.
    capability: OnceCell<Capability>,
    /// What was to be created unless it was there, and is there more than once.
    crowded: Crowded,
}

impl FhirRest {
    /// An endpoint. Asks nothing yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, capability: OnceCell::new(), crowded: Crowded::default() }
    }

    /// What it says it can do. A CapabilityStatement is asked for once. Where something else is answered, what is needed is
    /// assumed, and it is asked again the next time: a gateway's page today may be a statement tomorrow.
    ///
    /// # Errors
    /// The outcome of an attempt that ends here, because it cannot be asked now.
    pub async fn capability(&self) -> Result<Capability, Outcome> {
        if let Some(known) = self.capability.get() {
            return Ok(*known);
        }
        let answer = self.client().get("metadata").await.map_err(classify::unread)?;
        match answer.status {
            200..=299 => {
                let Some(stated) = answer.json().as_ref().and_then(capability::stated) else {
                    return Ok(Capability::default());
                };
                // Another may have asked at the same time; both were told the same.
                self.capability.set(stated).ok();
                Ok(stated)
            }
            // Many have none, or show it to nobody.
            400 | 403..=407 | 410..=428 | 501 => Ok(Capability::default()),
            _ => Err(classify::refused_reading(&answer, self.now())),
        }
    }

    /// HTTP to it.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.settings.client
    }

    fn now(&self) -> jiff::Timestamp {
        self.settings.clock.now()
    }

    async fn prepare_parcel(&self, parcel: &Parcel, known: &[Known]) -> Result<Prepared, NotResolved> {
        let mut draft = Draft::read(&parcel.bundle).ok_or_else(|| never(Reason::Poison))?;
        let capability = self.capability().await?;
        if !capability.transaction && !capability.conditional_update {
            // Neither together nor one at a time without the danger of a second one.
            return Err(never(Reason::RefusedByEndpoint).into());
        }
        self.one_ask(parcel, known).await?;
        let (person, existing) = tokio::join!(self.person(parcel, &draft), self.existing(&draft, known));
        let (person, existing) = (person?, existing?);
        let wanted = match &parcel.fulfils {
            Some(fulfils) => Some(self.wanted(&draft, fulfils, known, &existing).await?),
            None => None,
        };
        let owner = self.settings.owner.as_deref();
        let answering = parcel.fulfils.as_deref().zip(wanted.as_ref());
        let answering = answering.map(|(fulfils, wanted)| Answering { fulfils, wanted, owner });
        let several = self.crowded.settle(self.client(), &mut draft, self.now()).await?;
        let number = parcel.subject.nhs_number.as_deref().unwrap_or_default();
        let reference = format!("Patient?identifier={}|{number}", NhsNumber::SYSTEM);
        let filling = Filling {
            base: self.client().base(),
            reference: &reference,
            person: &person,
            existing: &existing,
            known,
            // Of several the one that is pointed at is its own name: nothing else will be known of it when this is read back.
            others: &[],
            provenance: self.settings.provenance.unwrap_or(capability.provenance),
            answering,
            let_stand: &parcel.let_stand,
        };
        let mut filled = fill::fill(draft.clone(), &filling);
        if filled == Err(Reason::Divergent) {
            // It may only look so: what it points at was never told to us, because an answer was lost.
            let mut others = self.others(&draft).await?;
            others.extend(several.iter().cloned());
            filled = fill::fill(draft.clone(), &Filling { others: &others, ..filling });
        }
        let mut filled = match filled {
            Ok(filled) => filled,
            Err(Reason::Poison) => return Err(never(Reason::Poison).into()),
            Err(Reason::Divergent) => return Ok(Prepared::Divergent(fill::to_be_seen(&draft, &filling))),
            Err(reason) => return Err(reason.into()),
        };
        if filled.nothing_left {
            return Ok(Prepared::LetStand);
        }
        if filled.unchanged
            && let Found::Applied(receipt) = look::look(self.client(), &filled.request, self.now()).await
        {
            return Ok(Prepared::Already(Had { request: filled.request, receipt }));
        }
        if let Some(task) = filled.idle {
            filled.request = fill::without_task(filled.request, &task);
        }
        if !capability.transaction {
            singles::METHOD.clone_into(&mut filled.request.method);
        }
        Ok(Prepared::Ready(filled.request))
    }

    /// Whether there is one request for what the referral asks: theirs where it answers one, else ours. A source may say
    /// only later which request a referral answers, or say it no more.
    async fn one_ask(&self, parcel: &Parcel, known: &[Known]) -> Result<(), NotResolved> {
        let Some(fulfils) = &parcel.fulfils else {
            return if answering::has_answered(known) { Err(Reason::Duplicate.into()) } else { Ok(()) };
        };
        let is_ours = |known: &&Known| {
            let Placed { resource_type, uuid, .. } = &known.placed;
            resource_type == "ServiceRequest" && fulfils.instead_of.as_ref() == Some(uuid)
        };
        let Some(ours) = known.iter().find(is_ours) else { return Ok(()) };
        if join::is_asking(self.client(), &ours.placed.id, self.now()).await? {
            return Err(Reason::Duplicate.into());
        }
        Ok(())
    }

    /// The request that the referral answers, and the Tasks about it: the one that is ours to answer as it stands at its
    /// place, because all of it is written back.
    async fn wanted(
        &self,
        draft: &Draft,
        fulfils: &Fulfils,
        known: &[Known],
        existing: &[Existing],
    ) -> Result<Wanted, NotResolved> {
        let mut wanted = join::read(self.client(), fulfils, self.now()).await?;
        let owner = self.settings.owner.as_deref();
        let mut read: Vec<String> = Vec::new();
        let is_ours = |there: &Existing| fulfils.task.as_deref() == Some(&there.uuid);
        while !existing.iter().any(is_ours) {
            let answering = Answering { fulfils, wanted: &wanted, owner };
            let Some(id) = answering::chosen(draft, &answering, known, self.client().base()) else { break };
            if read.contains(&id) {
                break;
            }
            join::read_anew(self.client(), &mut wanted.tasks, &id, self.now()).await?;
            read.push(id);
        }
        Ok(wanted)
    }

    /// The Patient; or the one that the Bundle brings, where there is none and it may.
    async fn person(&self, parcel: &Parcel, draft: &Draft) -> Result<Person, NotResolved> {
        let found =
            subject::resolve(self.client(), &parcel.subject, &self.settings.practices, self.now()).await;
        let brings = || draft.entries.iter().any(|entry| entry.resource_type == "Patient");
        match found {
            Ok(id) => Ok(Person::At(id)),
            Err(NotResolved::Held(Reason::PatientNotFound)) if brings() => Ok(Person::New),
            Err(other) => Err(other),
        }
    }

    /// ServiceRequests and Tasks of the draft that are there. What a search does not find and we know the place of is asked for
    /// there: an index may lag behind what was written.
    async fn existing(&self, draft: &Draft, known: &[Known]) -> Result<Vec<Existing>, NotResolved> {
        let mut all = Vec::new();
        for entry in draft.entries.iter().filter(|entry| fill::is_read_first(entry)) {
            let Write::ByIdentifier { system, value } = &entry.write else { continue };
            let found =
                search::by_identifier(self.client(), &entry.resource_type, system, value, self.now()).await?;
            let mut resource = match found.only(Reason::Duplicate)? {
                Some(found) => by_id::whole(self.client(), found, self.now()).await?,
                None => None,
            };
            if resource.is_none()
                && let Some(known) = known.iter().find(|known| known.placed.uuid == entry.uuid)
            {
                resource =
                    by_id::read(self.client(), &entry.resource_type, &known.placed.id, self.now()).await?;
            }
            if let Some(resource) = resource {
                all.push(Existing { uuid: entry.uuid.clone(), resource });
            }
        }
        Ok(all)
    }

    /// Where the organisations and services are that the draft creates when they are absent.
    async fn others(&self, draft: &Draft) -> Result<Vec<Placed>, NotResolved> {
        let mut all = Vec::new();
        for entry in &draft.entries {
            let Write::IfNoneExist { query } = &entry.write else { continue };
            let Some((system, value)) = draft::identifier(query) else { continue };
            let found =
                search::by_identifier(self.client(), &entry.resource_type, &system, &value, self.now())
                    .await?;
            // Several with one code are no doing of ours: whichever was pointed at, it was meant.
            all.extend(found.found.iter().filter_map(|resource| fill::placed(&entry.uuid, resource)));
        }
        Ok(all)
    }

    async fn send_request(&self, request: &Request) -> Outcome {
        let Some(draft) = Draft::read(&request.body) else { return never(Reason::Poison) };
        let outcome = self.send_draft(request, &draft).await;
        self.crowded.explain(self.client(), &draft, outcome, self.now()).await
    }

    async fn send_draft(&self, request: &Request, draft: &Draft) -> Outcome {
        if request.method == singles::METHOD {
            return singles::send(self.client(), draft.clone(), self.now()).await;
        }
        let if_match = request.if_match.as_deref();
        let sent = self.client().write(&request.method, &request.path, if_match, request.body.clone()).await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(Fault::NotSent(Reason::Poison)) => return never(Reason::Poison),
            Err(fault) => return classify::unanswered(fault),
        };
        match deliver::judge(&answer, draft, self.client().base(), self.now()) {
            Judged::Ended(outcome) => outcome,
            Judged::Unplaced(receipt) => look::place(self.client(), request, receipt, self.now()).await,
        }
    }
}

/// It will never go: a person must look.
const fn never(reason: Reason) -> Outcome {
    Outcome::Rejected(Refusal::of(reason))
}

impl Endpoint for FhirRest {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn prepare<'a>(&'a self, parcel: &'a Parcel, known: &'a [Known]) -> Work<'a, Prepared> {
        Box::pin(async move {
            match self.prepare_parcel(parcel, known).await {
                Ok(prepared) => prepared,
                Err(NotResolved::Held(reason)) => Prepared::Held(reason),
                Err(NotResolved::Ended(outcome)) => Prepared::Ended(outcome),
            }
        })
    }

    fn send<'a>(&'a self, request: &'a Request) -> Work<'a, Outcome> {
        Box::pin(self.send_request(request))
    }

    fn look<'a>(&'a self, request: &'a Request) -> Work<'a, Found> {
        Box::pin(async move { look::look(self.client(), request, self.now()).await })
    }

    fn read<'a>(
        &'a self,
        requests: &'a [Request],
        known: &'a [Known],
    ) -> Work<'a, Result<Vec<Sight>, Unread>> {
        Box::pin(async move { read::read(self.client(), requests, known, self.now()).await })
    }

    fn list<'a>(&'a self, resource_type: &'a str, system: &'a str) -> Work<'a, Result<Listing, Reason>> {
        Box::pin(async move { list::list(self.client(), resource_type, system, self.now()).await })
    }

    fn probe(&self) -> Work<'_, Result<(), Reason>> {
        Box::pin(async {
            match self.client().get("metadata").await {
                Err(Fault::NotSent(reason)) => Err(reason),
                Err(Fault::Lost) => Err(Reason::Unavailable),
                Ok(answer) if answer.status == 401 => Err(Reason::Unauthorised),
                Ok(answer) if answer.status >= 500 || matches!(answer.status, 300..=399 | 408 | 429) => {
                    Err(Reason::Unavailable)
                }
                Ok(_) => Ok(()),
            }
        })
    }

    fn fhir(self: Arc<Self>) -> Option<Arc<FhirRest>> {
        Some(self)
    }

    fn vitals(&self) -> Vitals {
        let client = self.client();
        Vitals {
            skew: client.skew().seconds(),
            certificate_ends: client.connector().certificate_ends(),
            trouble: None,
        }
    }
}
