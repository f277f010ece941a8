//! Concepts: the codes that a ValueSet lists, with what is known about each, and which are sensitive.
//!
//! What it is not: the other code systems' maps, which are [`super::read_maps`]'s. Invariant: a code that may leave
//! names sources that the manifest names. Next: [`super::value_set`].

use super::value_set::{Entry, entries};
use super::{Loader, parse_id};
use crate::codeset::CodesetError;
use crate::codeset::concept::{Concept, Confidence};
use crate::codeset::form::{Evidence, Resource};
use crate::codeset::manifest::FileEntry;
use crate::codeset::sctid::SctId;

impl Loader<'_> {
    pub(super) fn concepts(
        &mut self,
        entry: &FileEntry,
        resource: &Resource<'_>,
    ) -> Result<(), CodesetError> {
        let group = entry.group.as_deref().unwrap_or_default();
        let lines = entries(&entry.name, resource)?;
        self.set.concepts.reserve(lines.len());
        self.set.by_id.reserve(lines.len());
        for line in lines {
            let concept = self.read_concept(entry, &line)?;
            let Some(known) = self.set.by_id.get(&concept.id).copied() else {
                let index = u32::try_from(self.set.concepts.len())
                    .map_err(|_| CodesetError::content(&entry.name, "too many concepts"))?;
                self.set.by_id.insert(concept.id, index);
                self.set.concepts.push(Concept { groups: vec![group.into()], ..concept });
                continue;
            };
            let known = usize::try_from(known).ok().and_then(|index| self.set.concepts.get_mut(index));
            let Some(known) = known else { continue };
            let agrees = known.emit == concept.emit
                && known.confidence == concept.confidence
                && known.term == concept.term
                && known.release == concept.release;
            if !agrees || known.in_group(group) {
                let what = format!("{} is listed twice, or differently in two files", concept.id);
                return Err(CodesetError::content(&entry.name, what));
            }
            known.groups.push(group.into());
        }
        Ok(())
    }

    fn read_concept(&self, entry: &FileEntry, line: &Entry<'_>) -> Result<Concept, CodesetError> {
        let id = parse_id(&entry.name, line.code)?;
        let evidence = Evidence::of(line.extension);
        let confidence = match evidence.confidence {
            None => Confidence::Seen,
            Some(word) => Confidence::from_word(word).ok_or_else(|| {
                CodesetError::content(&entry.name, format!("{id}: confidence {word:?} is not known"))
            })?,
        };
        let confidence = if line.inactive { Confidence::Inactive } else { confidence };
        let emit = evidence.emit.unwrap_or(entry.emit);
        if emit && confidence != Confidence::Seen {
            let what = format!("{id}: {} and yet `emit`", confidence.as_str());
            return Err(CodesetError::content(&entry.name, what));
        }
        let source = evidence.source.unwrap_or_default();
        if emit && evidence.emit.is_some() {
            self.check_source(entry, id, source)?;
        }
        let verified = |version: &&str| self.manifest.verified_by_release.iter().any(|own| own == version);
        Ok(Concept {
            id,
            code_text: line.code.into(),
            term: line.display.map(Into::into),
            listed_as: line.listed_as.map(Into::into),
            semantic_tag: evidence.tag.map(Into::into),
            groups: Vec::new(),
            confidence,
            emit,
            sensitive: None,
            source: if source.is_empty() { entry.name.as_str().into() } else { source.into() },
            release: line.version.filter(verified).map(Into::into),
        })
    }

    /// A code may leave on the word of a named list only: the first word of each source is a key of the manifest.
    fn check_source(&self, entry: &FileEntry, id: SctId, source: &str) -> Result<(), CodesetError> {
        let named = source
            .split("; ")
            .all(|one| one.split(' ').next().is_some_and(|key| self.manifest.sources.contains_key(key)));
        if named {
            return Ok(());
        }
        let what = format!("{id}: `emit` needs sources the manifest names, not {source:?}");
        Err(CodesetError::content(&entry.name, what))
    }

    pub(super) fn sensitive(
        &mut self,
        entry: &FileEntry,
        resource: &Resource<'_>,
    ) -> Result<(), CodesetError> {
        for line in entries(&entry.name, resource)? {
            let id = parse_id(&entry.name, line.code)?;
            // A code this codeset does not have needs no protection: it cannot leave at all.
            let Some(index) = self.set.by_id.get(&id).copied() else { continue };
            let reason = Evidence::of(line.extension).reason.unwrap_or("on the sensitive list");
            if let Some(concept) = usize::try_from(index).ok().and_then(|i| self.set.concepts.get_mut(i)) {
                concept.sensitive = Some(reason.into());
            }
        }
        Ok(())
    }
}
