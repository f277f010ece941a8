//! Packs entries into Bundles of a form, or into bulk resources.
//!
//! Invariants: each identity stands once in a Bundle (the last state wins); `fullUrl` is `urn:uuid`; a resource
//! written by query carries no `id`; a message has its MessageHeader first; collections and messages have no
//! `request`. Next: [`super::bundle_json`], by which most Bundles are written.

use std::borrow::{Borrow, Cow};
use std::collections::HashMap;

use uuid::Uuid;

use crate::fhir::types::{
    Bundle, BundleEntry, BundleRequest, Event, Identifier, MessageDestination, MessageHeader, MessageSource,
    Resource, Text,
};

use super::entry::{Entry, Write, meta};
use super::mapper::EventEntries;
use super::names::{NameKind, Names};
use super::refs::{self, Form};

/// Who sends messages, and of what event: the `[message]` table of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageSettings {
    /// `MessageHeader.eventCoding.system`.
    pub event_system: String,
    /// `MessageHeader.eventCoding.code`.
    pub event_code: String,
    /// `MessageHeader.source.endpoint`.
    pub endpoint: String,
    /// `MessageHeader.destination.endpoint`, where one is fixed.
    pub destination: Option<String>,
}

/// `PUT Type?identifier=…` and its kin.
fn request(entry: &Entry) -> Option<BundleRequest> {
    let kind = entry.resource.type_name();
    match entry.write {
        Write::Update => Some(BundleRequest {
            method: "PUT".into(),
            url: [kind, "?", &query(entry.key()?)].concat().into(),
            ..BundleRequest::default()
        }),
        Write::CreateOnce => Some(BundleRequest {
            method: "POST".into(),
            url: Text::Fixed(kind),
            if_none_exist: Some(query(entry.key()?).into()),
            ..BundleRequest::default()
        }),
        Write::ById => Some(BundleRequest {
            method: "PUT".into(),
            url: [kind, "/", &refs::plain(entry.uuid)].concat().into(),
            ..BundleRequest::default()
        }),
        Write::Never => None,
    }
}

/// A search by identifier.
fn query(id: &Identifier) -> String {
    query_parts(id).concat()
}

/// The parts of a search by identifier; the value is escaped.
pub(super) fn query_parts(id: &Identifier) -> [Cow<'_, str>; 4] {
    let (system, value) = (id.system.as_deref().unwrap_or_default(), id.value.as_deref().unwrap_or_default());
    ["identifier=".into(), system.into(), "|".into(), escape(value)]
}

/// Escapes a value inside a query: FHIR's own separators and what a URL may not hold.
fn escape(value: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() | matches!(byte, b'-' | b'.' | b'_' | b'~');
    // Every byte is looked at, without a way out: so the compiler looks at many at once.
    if value.bytes().fold(true, |all, byte| all & plain(byte)) {
        return value.into();
    }
    let mut text = String::with_capacity(value.len() * 3);
    for byte in value.bytes() {
        if plain(byte) {
            text.push(char::from(byte));
        } else {
            use std::fmt::Write as _;
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text.into()
}

/// The Bundle of one event.
#[must_use]
pub fn event_bundle(
    event: EventEntries,
    form: Form,
    message: Option<&MessageSettings>,
    names: &Names,
    recorded: &str,
) -> Bundle {
    let EventEntries { entries, revision, focus, .. } = event;
    let header = match (form, message) {
        (Form::Message, Some(message)) => entries.get(focus).map(|focus| {
            let header = message_header(message, focus, revision, names);
            BundleEntry {
                full_url: Some(refs::urn(header.0).into()),
                resource: Some(header.1.into()),
                ..BundleEntry::default()
            }
        }),
        _ => None,
    };
    let mut bundle = pack(entries, form);
    if form == Form::Message {
        bundle.identifier = Some(Identifier::new(names.system(NameKind::Event), refs::plain(revision)));
        bundle.timestamp = Some(recorded.to_owned().into());
        bundle.entry.splice(0..0, header);
    }
    bundle
}

fn message_header(
    message: &MessageSettings,
    focus: &Entry,
    revision: Uuid,
    names: &Names,
) -> (Uuid, MessageHeader) {
    let uuid = names.uuid(NameKind::Event, &["message", &refs::plain(revision)]);
    let header = MessageHeader {
        meta: meta("MessageHeader"),
        event: Some(Event::Coding(crate::fhir::types::Coding::new(
            message.event_system.clone(),
            message.event_code.clone(),
        ))),
        destination: message
            .destination
            .iter()
            .map(|endpoint| MessageDestination {
                endpoint: endpoint.clone().into(),
                ..MessageDestination::default()
            })
            .collect(),
        source: MessageSource { endpoint: message.endpoint.clone().into(), ..MessageSource::default() },
        focus: vec![crate::fhir::types::Reference::to(refs::urn(focus.uuid))],
        ..MessageHeader::default()
    };
    (uuid, header)
}

/// A Bundle of entries, each identity once, in its last state, at its first place.
#[must_use]
pub fn pack(entries: Vec<Entry>, form: Form) -> Bundle {
    let entry = last_states(entries)
        .into_iter()
        .map(|entry| BundleEntry {
            full_url: Some(refs::urn(entry.uuid).into()),
            request: if form == Form::Transaction { request(&entry) } else { None },
            resource: Some(entry.resource),
            ..BundleEntry::default()
        })
        .collect();
    Bundle { type_: bundle_type(form).into(), entry, ..Bundle::default() }
}

/// `Bundle.type` of a form.
pub(super) const fn bundle_type(form: Form) -> &'static str {
    match form {
        Form::Transaction => "transaction",
        Form::Message => "message",
        Form::Collection | Form::Bulk => "collection",
    }
}

/// Up to this many entries, looking through them is quicker than a table of them.
const FEW: usize = 64;

/// Each identity once, in its last state, at its first place.
#[must_use]
pub fn last_states<E: Borrow<Entry>>(entries: Vec<E>) -> Vec<E> {
    let identity = |entry: &E| (entry.borrow().uuid, entry.borrow().resource.type_name());
    let mut table = (entries.len() > FEW).then(|| HashMap::with_capacity(entries.len()));
    let mut kept: Vec<E> = Vec::with_capacity(entries.len());
    for entry in entries {
        let new = identity(&entry);
        let at = match &mut table {
            Some(table) => *table.entry(new).or_insert(kept.len()),
            None => kept.iter().position(|known| identity(known) == new).unwrap_or(kept.len()),
        };
        match kept.get_mut(at) {
            Some(known) => *known = entry,
            None => kept.push(entry),
        }
    }
    kept
}

/// A resource of the bulk form: with its literal id.
#[must_use]
pub fn bulk(mut entry: Entry) -> Resource {
    entry.resource.set_id(Some(refs::plain(entry.uuid).into()));
    entry.resource
}
