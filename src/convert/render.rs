//! Turns mapped referrals into bytes, in the form and pack that were asked for.
//!
//! Done by the workers, because it is most of the work. Next: [`super::output`], which writes the pieces.

use std::ops::Range;

use uuid::Uuid;

use crate::fhir;
use crate::fhir::types::{Bundle, Resource};
use crate::map::bundle::{self, MessageSettings};
use crate::map::bundle_json::Writer;
use crate::map::entry::{Entry, Write};
use crate::map::mapper::{EventEntries, Mapped, Settings};
use crate::map::names::Names;
use crate::map::refs::Form;

use super::error::ConvertError;

/// How Bundles are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pack {
    /// One Bundle per event, one per line.
    #[default]
    Ndjson,
    /// One Bundle per event, a file each when written to a folder.
    PerEvent,
    /// One Bundle per referral, each identity once in its last state.
    PerReferral,
    /// One Bundle of everything.
    One,
}

/// JSON or XML.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// JSON.
    #[default]
    Json,
    /// XML.
    Xml,
}

/// What is wanted.
#[derive(Clone, Debug, Default)]
pub struct Rendering {
    /// The form of the Bundles.
    pub form: Form,
    /// How they are packed.
    pub pack: Pack,
    /// JSON or XML.
    pub encoding: Encoding,
    /// For messages.
    pub message: Option<MessageSettings>,
    /// Canonical events instead of FHIR.
    pub events: bool,
}

impl Rendering {
    /// Whether the ServiceRequest carries the referral code in every Bundle: where a Bundle replaces the whole
    /// resource, or holds it once.
    #[must_use]
    pub const fn code_in_every_bundle(&self) -> bool {
        matches!(self.form, Form::Transaction | Form::Bulk)
            || matches!(self.pack, Pack::PerReferral | Pack::One)
    }

    /// Whether pieces are single resources, to be told apart by identity across the whole run.
    #[must_use]
    pub const fn is_by_resource(&self) -> bool {
        matches!(self.form, Form::Bulk) || matches!(self.pack, Pack::One)
    }
}

/// Some bytes of output.
pub struct Piece {
    /// Identity: of the event, of the referral, or of the resource.
    pub uuid: Uuid,
    /// The resource's type, or `Bundle`.
    pub resource_type: &'static str,
    /// Whether other referrals may bring the same identity (organisations, services, the person).
    pub shared: bool,
    /// Where its bytes are, without a line's end.
    at: Range<usize>,
}

/// The pieces of a unit, in order, in one buffer that is used again and again: no piece is allocated by one
/// thread and freed by another.
#[derive(Default)]
pub struct Pieces {
    bytes: Vec<u8>,
    list: Vec<Piece>,
}

/// A buffer that one large referral made larger than this is not kept.
const KEEP_BUFFER: usize = 4 << 20;

impl Pieces {
    /// Adds a piece; `write` appends its bytes.
    ///
    /// # Errors
    /// What `write` reports.
    pub fn add(
        &mut self,
        uuid: Uuid,
        resource_type: &'static str,
        shared: bool,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), ConvertError>,
    ) -> Result<(), ConvertError> {
        let start = self.bytes.len();
        write(&mut self.bytes)?;
        self.list.push(Piece { uuid, resource_type, shared, at: start..self.bytes.len() });
        self.bytes.push(b'\n');
        Ok(())
    }

    /// The pieces with their bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&Piece, &[u8])> {
        self.list.iter().map(|piece| (piece, self.bytes.get(piece.at.clone()).unwrap_or_default()))
    }

    /// All pieces, one a line.
    #[must_use]
    pub fn lines(&self) -> &[u8] {
        &self.bytes
    }

    /// Empties it for the next unit.
    pub fn clear(&mut self) {
        self.list.clear();
        self.bytes.clear();
        self.bytes.shrink_to(KEEP_BUFFER);
    }
}

/// Renders the referrals of a unit into its pieces, one after the other, while each is in the processor's cache.
pub struct Renderer<'a> {
    rendering: &'a Rendering,
    recorded: String,
    /// Where Bundles need not be made as values.
    writer: Option<Writer>,
}

impl<'a> Renderer<'a> {
    /// A renderer for one unit.
    #[must_use]
    pub fn new(rendering: &'a Rendering, settings: &Settings) -> Self {
        let direct = rendering.encoding == Encoding::Json && Writer::writes(rendering.form);
        Self {
            rendering,
            recorded: settings.recorded_at.to_string(),
            writer: direct.then(|| Writer::new(rendering.form)),
        }
    }

    /// Renders one referral.
    ///
    /// # Errors
    /// A defect of the program: a resource of ours that FHIR does not allow, in XML.
    pub fn render(&mut self, names: &Names, mapped: Mapped, pieces: &mut Pieces) -> Result<(), ConvertError> {
        let Self { rendering, recorded, writer } = self;
        if rendering.is_by_resource() {
            return by_resource(mapped, rendering, pieces);
        }
        let whole = rendering.pack == Pack::PerReferral;
        if let Some(writer) = writer {
            writer.tidy();
            let mut add = |uuid, entries| {
                pieces.add(uuid, "Bundle", false, |out| {
                    writer.append(entries, out);
                    Ok(())
                })
            };
            if whole {
                let Some(uuid) = referral_uuid(&mapped) else { return Ok(()) };
                return add(uuid, mapped.events.iter().flat_map(|event| &event.entries).collect());
            }
            return mapped
                .events
                .iter()
                .try_for_each(|event| add(event.revision, event.entries.iter().collect()));
        }
        if whole {
            let Some(uuid) = referral_uuid(&mapped) else { return Ok(()) };
            let entries = mapped.events.into_iter().flat_map(|event| event.entries).collect();
            let bundle = bundle::pack(entries, rendering.form);
            return pieces.add(uuid, "Bundle", false, |out| append_bundle(bundle, rendering.encoding, out));
        }
        for event in mapped.events {
            let uuid = event.revision;
            let message = rendering.message.as_ref();
            let bundle = bundle::event_bundle(event, rendering.form, message, names, recorded);
            pieces.add(uuid, "Bundle", false, |out| append_bundle(bundle, rendering.encoding, out))?;
        }
        Ok(())
    }
}

/// The identity of a referral's one Bundle: that of its first own resource.
fn referral_uuid(mapped: &Mapped) -> Option<Uuid> {
    let first: &EventEntries = mapped.events.first()?;
    first.entries.get(first.focus).map(|entry| entry.uuid)
}

fn append_bundle(bundle: Bundle, encoding: Encoding, out: &mut Vec<u8>) -> Result<(), ConvertError> {
    match encoding {
        Encoding::Json => fhir::json::append(&bundle, out),
        Encoding::Xml => out.extend(resource_xml(&Resource::from(bundle))?),
    }
    Ok(())
}

fn resource_xml(resource: &Resource) -> Result<Vec<u8>, ConvertError> {
    let checked = fhir::checked(resource).map_err(|_| ConvertError::Worker)?;
    fhir::write_xml(&checked).map_err(|_| ConvertError::Worker)
}

fn by_resource(mapped: Mapped, rendering: &Rendering, pieces: &mut Pieces) -> Result<(), ConvertError> {
    let entries: Vec<Entry> = mapped.events.into_iter().flat_map(|event| event.entries).collect();
    for entry in bundle::last_states(entries) {
        let shared = matches!(entry.write, Write::CreateOnce | Write::Never);
        let (uuid, resource_type) = (entry.uuid, entry.resource.type_name());
        pieces.add(uuid, resource_type, shared, |out| {
            if rendering.form == Form::Bulk {
                fhir::json::append(&bundle::bulk(entry), out);
                return Ok(());
            }
            collection_entry(entry, rendering.encoding, out)
        })?;
    }
    Ok(())
}

/// One entry of the one collection.
fn collection_entry(entry: Entry, encoding: Encoding, out: &mut Vec<u8>) -> Result<(), ConvertError> {
    let url = crate::map::refs::urn(entry.uuid);
    match encoding {
        Encoding::Json => {
            out.extend_from_slice(format!("{{\"fullUrl\":\"{url}\",\"resource\":").as_bytes());
            fhir::json::append(&entry.resource, out);
            out.push(b'}');
        }
        Encoding::Xml => {
            out.extend_from_slice(format!("<entry><fullUrl value=\"{url}\"/><resource>").as_bytes());
            out.extend(resource_xml(&entry.resource)?);
            out.extend_from_slice(b"</resource></entry>");
        }
    }
    Ok(())
}
