//! Local terms: the words that people use for a code.
//!
//! What it is not: a search; words are compared folded and whole. Invariant: words lead only to what may leave, and two
//! wordings that fold to the same lead to the same. Next: [`crate::codeset::resolve`].

use foldhash::HashMap;

use super::{Loader, parse_id};
use crate::codeset::fold::with_folded;
use crate::codeset::form::{Evidence, Resource};
use crate::codeset::manifest::FileEntry;
use crate::codeset::{CodesetError, Term};

impl Loader<'_> {
    pub(super) fn terms(&mut self, entry: &FileEntry, resource: &Resource<'_>) -> Result<(), CodesetError> {
        let (file, group) = (entry.name.as_str(), entry.group.as_deref().unwrap_or_default());
        let mut read: Vec<(&str, Term)> = Vec::new();
        for element in resource.group.iter().flat_map(|group| &group.element) {
            let wrong = |what: String| CodesetError::content(file, format!("{:?}: {what}", element.code));
            let [target] = element.target.as_slice() else {
                return Err(wrong("exactly one target is needed (`unmatched` for none)".into()));
            };
            let term = match target.code.as_deref() {
                None if target.equivalence == "unmatched" => Term::Unmapped {
                    because: target.comment.as_deref().unwrap_or("no code fits").into(),
                    sensitive: Evidence::of(&target.extension).reason.map(Into::into),
                },
                None => return Err(wrong("no code, and not `unmatched`".into())),
                Some(code) => {
                    let id = parse_id(file, code)?;
                    // Words may only lead to what may leave.
                    let usable = self.set.emittable(id, Some(group)).map(|_| self.set.by_id.get(&id));
                    match usable {
                        Ok(Some(index)) => Term::Coded(*index),
                        Ok(None) => return Err(wrong(format!("{id} is in no ValueSet"))),
                        Err(problem) => return Err(wrong(format!("{id}: {problem}"))),
                    }
                }
            };
            read.push((&element.code, term));
        }
        let table = self.set.terms.entry(group.into()).or_default();
        for (words, term) in read {
            let folded = with_folded(words, str::to_owned);
            if folded.is_empty() {
                return Err(CodesetError::content(file, format!("{words:?}: no letters or digits")));
            }
            if table.get(folded.as_str()).is_some_and(|earlier| *earlier != term) {
                let what = format!("{words:?}: another wording that folds to the same has another target");
                return Err(CodesetError::content(file, what));
            }
            // The wording itself is a key too, so that looking it up needs no folding.
            table.insert(words.into(), term.clone());
            table.insert(folded.into(), term);
        }
        Ok(())
    }

    /// A concept's own words mean it too, unless the tables of local terms say otherwise.
    pub(super) fn own_terms(&mut self) {
        let mut own: HashMap<&str, HashMap<String, Term>> = HashMap::default();
        for (index, concept) in (0u32..).zip(&self.set.concepts) {
            if !concept.is_emittable() {
                continue;
            }
            let words = [concept.term.as_deref(), concept.listed_as.as_deref()];
            for folded in words.into_iter().flatten().map(|words| with_folded(words, str::to_owned)) {
                for group in concept.groups.iter().filter(|_| !folded.is_empty()) {
                    let terms = own.entry(group).or_default();
                    let term = terms.entry(folded.clone()).or_insert(Term::Coded(index));
                    if *term != Term::Coded(index) {
                        *term = Term::Ambiguous;
                    }
                }
            }
        }
        for (group, terms) in own {
            let table = self.set.terms.entry(group.into()).or_default();
            for (words, term) in terms {
                table.entry(words.into()).or_insert(term);
            }
        }
    }
}
