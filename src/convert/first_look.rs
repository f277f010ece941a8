//! [`FirstLook`]: what must be known of the whole input before the first referral is written.
//!
//! Where rows are converted as they come it is a pass of its own over the files; where they are grouped it goes
//! along with the reading. It reads of each row who it is about, and more only where a row says something of
//! consent, or where rows are events. Next: [`super::known`], what comes out of it.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::event::person::Person;
use crate::event::{EventType, Issue, ReferralEvent};
use crate::profile::about::About;
use crate::source::{BadRecord, Scratch};

use super::consents::{Consents, to_be_heeded};
use super::group::{Digest16, FileScene, Place, digest16};
use super::interpret::Interpreter;
use super::known::{Export, Known};
use super::person_keys::{InSource, SourceTag, of_referral, source_tag};
use super::persons::{PersonFinder, Stated};
use super::repeats::{DuplicateFinder, EventIds};

/// What is collected.
pub struct FirstLook<'a> {
    interpreter: &'a Interpreter,
    folder: PathBuf,
    /// Earlier exports that were read, each with its number.
    earlier: Vec<(usize, Export)>,
    /// Of the export that is read at the moment.
    persons: PersonFinder,
    consents: Consents,
    /// Referral ids, where no grouping brings their rows together.
    repeats: Option<DuplicateFinder>,
    /// Ids of events, where rows are events.
    event_ids: Option<EventIds>,
    /// The source of the last row: nearly always that of the next.
    source: (String, SourceTag),
}

impl<'a> FirstLook<'a> {
    /// Begins; `repeats` says whether ids that occur twice are looked for too.
    #[must_use]
    pub fn new(interpreter: &'a Interpreter, folder: &Path, repeats: bool) -> Self {
        Self {
            interpreter,
            folder: folder.to_owned(),
            earlier: Vec::new(),
            persons: PersonFinder::new(folder),
            consents: Consents::default(),
            repeats: repeats.then(|| DuplicateFinder::new(folder)),
            event_ids: (!interpreter.is_snapshot()).then(|| EventIds::new(folder)),
            source: (String::new(), source_tag("")),
        }
    }

    /// Looks at a row; gives the key of its referral.
    ///
    /// # Errors
    /// A spill file cannot be written.
    pub fn see(
        &mut self,
        scene: &FileScene,
        place: Place,
        text: &str,
        scratch: &mut Scratch,
    ) -> io::Result<Option<Vec<u8>>> {
        let interpreter = self.interpreter;
        if interpreter.is_fhir() {
            return Ok(None);
        }
        let (key, about) = interpreter.key_and_about(&scene.layout, &scene.bound, text, scratch);
        if let (Some(repeats), Some(key)) = (&mut self.repeats, &key) {
            repeats.add(key)?;
        }
        let heeded = to_be_heeded(&about);
        let mut events = None;
        if !interpreter.is_snapshot() || heeded.is_some() {
            let read = interpreter.events(&scene.layout, &scene.bound, text, scratch);
            let refused = read.issues.iter().any(Issue::is_error);
            if !refused {
                for event in &read.events {
                    self.consents.note(event, place, key.as_deref().unwrap_or_default());
                    if let Some(ids) = &mut self.event_ids {
                        ids.add(event, scene.export)?;
                    }
                }
                events = Some(read.events);
            } else if let Some(said) = heeded {
                let (keys, referral) = (self.keys(&about), self.referral(&about, key.as_deref()));
                self.consents.note_refused(keys, referral, place, said);
                self.note_more(&about, place, said);
            }
        }
        self.note_person(&about, events.as_deref(), key.as_deref(), place)?;
        Ok(key)
    }

    /// Looks at a row that the reader refused: it states nothing for certain, but what it seems to say is heeded.
    ///
    /// # Errors
    /// A spill file cannot be written.
    pub fn see_refused(&mut self, scene: &FileScene, bad: &BadRecord, file: usize) -> io::Result<()> {
        if self.interpreter.is_fhir() {
            return Ok(());
        }
        let (place, mut scratch) = (Place::new(file, bad.row), Scratch::default());
        let (layout, code) = (&scene.layout, bad.issue.code);
        let (key, about) =
            self.interpreter.key_and_about_refused(layout, &scene.bound, &bad.text, code, &mut scratch);
        if let Some(said) = to_be_heeded(&about) {
            let (keys, referral) = (self.keys(&about), self.referral(&about, key.as_deref()));
            self.consents.note_refused(keys, referral, place, said);
            self.note_more(&about, place, said);
        }
        self.note_person(&about, None, key.as_deref(), place)
    }

    /// The same for whoever else a record may be about whose parts cannot be told apart.
    fn note_more(&mut self, about: &About, place: Place, said: &'static str) {
        let source = about.source.as_deref().or(self.interpreter.identities.source.as_deref());
        let tag = self.tag(source.unwrap_or_default());
        for number in &about.more_numbers {
            let person = Person { nhs_number: Some(*number), ..Person::default() };
            self.consents.note_refused(InSource::new(tag, &person), None, place, said);
        }
    }

    fn keys(&mut self, about: &About) -> InSource {
        let source = about.source.as_deref().or(self.interpreter.identities.source.as_deref());
        let tag = self.tag(source.unwrap_or_default());
        InSource::new(tag, &about.person)
    }

    /// The referral's key is its id, after the source where a record names it.
    fn referral(&mut self, about: &About, key: Option<&[u8]>) -> Option<Digest16> {
        let id = std::str::from_utf8(key?).ok()?.rsplit('\u{1f}').next()?;
        let source = about.source.as_deref().or(self.interpreter.identities.source.as_deref());
        let tag = self.tag(source.unwrap_or_default());
        Some(of_referral(tag, id))
    }

    fn tag(&mut self, source: &str) -> SourceTag {
        if self.source.0 != source {
            self.source = (source.to_owned(), source_tag(source));
        }
        self.source.1
    }

    fn note_person(
        &mut self,
        about: &About,
        events: Option<&[ReferralEvent]>,
        key: Option<&[u8]>,
        place: Place,
    ) -> io::Result<()> {
        let log = !self.interpreter.is_snapshot();
        let stated = |day| log.then(|| Stated { referral: digest16(key.unwrap_or_default()), day });
        match events.filter(|_| log) {
            Some(events) => events.iter().try_for_each(|event| {
                let person = &event.record.person;
                let keys = InSource::new(self.tag(&event.source), person);
                self.persons.add(keys, person, stated(day(event)), place)
            }),
            // A refused row of a log has no place among the others; what it says counts.
            None => {
                let keys = self.keys(about);
                self.persons.add(keys, &about.person, stated(u32::MAX), place)
            }
        }
    }

    /// All rows of an earlier export have been seen. They come oldest first, today's after them: whose a number is, and
    /// what refused rows say, each export says for itself; what is stated of consent counts in those after it.
    ///
    /// # Errors
    /// A spill file cannot be read.
    pub fn end_of_earlier(&mut self, export: usize) -> io::Result<()> {
        let persons = std::mem::replace(&mut self.persons, PersonFinder::new(&self.folder));
        let found = self.end_of_export(persons)?;
        self.earlier.push((export, found));
        Ok(())
    }

    fn end_of_export(&mut self, persons: PersonFinder) -> io::Result<Export> {
        let concerned = self.consents.persons();
        let (disputes, classes) = persons.find(&concerned)?;
        Ok(Export::new(self.consents.unclear(), disputes, classes))
    }

    /// What was found: of the persons, and the referral ids that occur twice.
    ///
    /// # Errors
    /// A spill file cannot be read.
    pub fn finish(mut self) -> io::Result<(Known, HashSet<Digest16>)> {
        let twice = self.repeats.take().map(DuplicateFinder::duplicates).transpose()?.unwrap_or_default();
        let persons = std::mem::replace(&mut self.persons, PersonFinder::new(&self.folder));
        let today = self.end_of_export(persons)?;
        let event_ids = self.event_ids.map(EventIds::of_several_referrals).transpose()?.unwrap_or_default();
        Ok((Known::new(self.consents, today, self.earlier).with_event_ids(event_ids), twice))
    }
}

/// When an event's record was stated: what has no day, and what amends, comes last in the fold.
fn day(event: &ReferralEvent) -> u32 {
    let amends = matches!(event.event_type, EventType::Corrected | EventType::EnteredInError);
    let day = event.occurred_at.filter(|_| !amends && !event.is_status_slot).map(|when| when.day());
    day.map_or(u32::MAX, |day| {
        let (year, month) = (u32::from(day.year().unsigned_abs()), u32::from(day.month().unsigned_abs()));
        (year * 12 + month) * 31 + u32::from(day.day().unsigned_abs())
    })
}
