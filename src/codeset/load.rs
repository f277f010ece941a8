//! From files to tables.
//!
//! What it is: one pass over the files in the manifest's order, concepts before what refers to them. Invariant:
//! a code is checked for shape, a checksum for equality and a reference for existence before anything is returned;
//! what contradicts itself is an error that names file and code, never the last one wins.
//! Next: [`super::resolve`].

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::concept::{Concept, Confidence};
use super::fold::with_folded;
use super::form::{Contains, Evidence, Extension, Resource};
use super::manifest::{FileEntry, MANIFEST, Manifest, Role};
use super::read::{Ctv3, ReadV2};
use super::resolve::CodeSystemKind;
use super::sctid::SctId;
use super::well_known::WellKnown;
use super::{Codeset, CodesetError, ReadRow, Term};

/// One code of a ValueSet, from `compose` or from `expansion`.
struct Entry<'a> {
    version: Option<&'a str>,
    inactive: bool,
    code: &'a str,
    display: Option<&'a str>,
    listed_as: Option<&'a str>,
    extension: &'a [Extension<'a>],
}

/// The tables while they grow.
struct Loader<'m> {
    manifest: &'m Manifest,
    set: Codeset,
}

impl Codeset {
    /// Loads the manifest and the files it names.
    pub(crate) fn load<'f>(
        files: impl IntoIterator<Item = (&'f str, &'f [u8])>,
    ) -> Result<Self, CodesetError> {
        let files: HashMap<&str, &[u8]> = files.into_iter().collect();
        let manifest = Manifest::parse(files.get(MANIFEST).ok_or(CodesetError::NoManifest)?)?;
        let mut loader = Loader { manifest: &manifest, set: Self::empty(&manifest) };
        // Concepts first: the other files refer to them.
        for wanted in [Role::Concepts, Role::Sensitive, Role::ReadV2, Role::Ctv3, Role::Terms] {
            for entry in manifest.files.iter().filter(|entry| entry.role == wanted) {
                let missing = || CodesetError::FileMissing { file: entry.name.clone() };
                loader.file(entry, files.get(entry.name.as_str()).ok_or_else(missing)?)?;
            }
        }
        loader.finish()
    }

    fn empty(manifest: &Manifest) -> Self {
        Self {
            name_and_version: format!("{} {}", manifest.id, manifest.version),
            title: manifest.title.clone(),
            concepts: Vec::new(),
            by_id: HashMap::new(),
            sorted_ids: Vec::new(),
            terms: HashMap::new(),
            read_v2: HashMap::new(),
            ctv3: HashMap::new(),
            reverse: HashMap::new(),
            well_known: HashMap::new(),
            sources: manifest.sources.iter().map(|(key, source)| (key.clone(), source.clone())).collect(),
            licences: manifest.licences.clone(),
        }
    }
}

/// The SHA-256 of a file, as lower-case hexadecimal.
pub(crate) fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

impl Loader<'_> {
    fn file(&mut self, entry: &FileEntry, bytes: &[u8]) -> Result<(), CodesetError> {
        let found = checksum(bytes);
        if !found.eq_ignore_ascii_case(&entry.sha256) {
            let (file, expected) = (entry.name.clone(), entry.sha256.clone());
            return Err(CodesetError::Changed { file, expected, found });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| CodesetError::content(&entry.name, "not UTF-8"))?;
        let resource: Resource<'_> = serde_json::from_str(text)
            .map_err(|source| CodesetError::Json { file: entry.name.clone(), source })?;
        let wanted = match entry.role {
            Role::Concepts | Role::Sensitive => "ValueSet",
            Role::ReadV2 | Role::Ctv3 | Role::Terms => "ConceptMap",
        };
        if resource.resource_type != wanted {
            let what = format!("a {} where the manifest promises a {wanted}", resource.resource_type);
            return Err(CodesetError::content(&entry.name, what));
        }
        match entry.role {
            Role::Concepts => self.concepts(entry, &resource),
            Role::Sensitive => self.sensitive(entry, &resource),
            Role::ReadV2 | Role::Ctv3 => self.read_map(entry, &resource),
            Role::Terms => self.terms(entry, &resource),
        }
    }

    fn concepts(&mut self, entry: &FileEntry, resource: &Resource<'_>) -> Result<(), CodesetError> {
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

    fn sensitive(&mut self, entry: &FileEntry, resource: &Resource<'_>) -> Result<(), CodesetError> {
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

    fn read_map(&mut self, entry: &FileEntry, resource: &Resource<'_>) -> Result<(), CodesetError> {
        let file = entry.name.as_str();
        let system = if entry.role == Role::ReadV2 { CodeSystemKind::ReadV2 } else { CodeSystemKind::Ctv3 };
        for group in &resource.group {
            if group.source.as_deref() != Some(system.uri())
                || group.target.as_deref() != Some(CodeSystemKind::Snomed.uri())
            {
                let what = format!("a group that does not map {} to SNOMED CT", system.uri());
                return Err(CodesetError::content(file, what));
            }
            for element in &group.element {
                let wrong = |what: String| CodesetError::content(file, format!("{}: {what}", element.code));
                let mut targets = element.target.iter();
                let Some(target) = targets.next() else { continue };
                if targets.next().is_some() {
                    return Err(wrong("more than one target; a person must choose".into()));
                }
                // `unmatched`: a Read code that is known to have no SNOMED CT code here.
                let Some(code) = target.code.as_deref() else { continue };
                let id = parse_id(file, code)?;
                let concept =
                    *self.set.by_id.get(&id).ok_or_else(|| wrong(format!("{id} is in no ValueSet")))?;
                let evidence = Evidence::of(&target.extension);
                let row = ReadRow {
                    concept,
                    term: element.display.as_deref().map(Into::into),
                    note: target.comment.as_deref().map(Into::into),
                    source: evidence.source.unwrap_or(file).into(),
                    emit: evidence.emit.unwrap_or(entry.emit),
                };
                let equivalent = row.emit && matches!(&*target.equivalence, "equal" | "equivalent");
                let pair = self.set.reverse.entry(id);
                let twice = if system == CodeSystemKind::ReadV2 {
                    let code = ReadV2::parse(&element.code).map_err(|e| wrong(e.to_string()))?;
                    if equivalent && pair.or_default().read_v2.replace(code).is_some() {
                        return Err(wrong(format!("a second equivalent of {id}; only one to one pairs are")));
                    }
                    self.set.read_v2.insert(code, row).is_some()
                } else {
                    let code = Ctv3::parse(&element.code).map_err(|e| wrong(e.to_string()))?;
                    if equivalent && pair.or_default().ctv3.replace(code).is_some() {
                        return Err(wrong(format!("a second equivalent of {id}; only one to one pairs are")));
                    }
                    self.set.ctv3.insert(code, row).is_some()
                };
                if twice {
                    return Err(wrong("listed twice".into()));
                }
            }
        }
        Ok(())
    }

    fn terms(&mut self, entry: &FileEntry, resource: &Resource<'_>) -> Result<(), CodesetError> {
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

    /// What can only be done when all is read.
    fn finish(mut self) -> Result<Codeset, CodesetError> {
        self.own_terms();
        for (key, code) in &self.manifest.well_known {
            let role = WellKnown::from_key(key).ok_or_else(|| {
                CodesetError::content(MANIFEST, format!("well_known: {key:?} is not known"))
            })?;
            self.set.well_known.insert(role, parse_id(MANIFEST, code)?);
        }
        self.set.sorted_ids = self.set.by_id.keys().copied().collect();
        self.set.sorted_ids.sort_unstable();
        Ok(self.set)
    }

    /// A concept's own words mean it too, unless the tables of local terms say otherwise.
    fn own_terms(&mut self) {
        let mut own: HashMap<&str, HashMap<String, Term>> = HashMap::new();
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

fn parse_id(file: &str, code: &str) -> Result<SctId, CodesetError> {
    SctId::parse(code).map_err(|problem| CodesetError::content(file, format!("{code:?}: {problem}")))
}

/// The codes a ValueSet lists, from its expansion when it has one, else from `compose`.
fn entries<'a>(file: &str, resource: &'a Resource<'_>) -> Result<Vec<Entry<'a>>, CodesetError> {
    let mut found = Vec::new();
    if let Some(expansion) = &resource.expansion {
        expanded(file, &expansion.contains, &mut found)?;
        return Ok(found);
    }
    let Some(compose) = &resource.compose else {
        return Err(CodesetError::content(file, "neither `compose` nor `expansion`"));
    };
    for include in &compose.include {
        if !(include.filter.is_empty() && include.value_set.is_empty() && compose.exclude.is_empty()) {
            let what = "filters, imports and exclusions need a terminology server: give the expansion";
            return Err(CodesetError::content(file, what));
        }
        snomed_only(file, include.system.as_ref())?;
        found.extend(include.concept.iter().map(|line| Entry {
            version: include.version.as_deref(),
            inactive: false,
            code: &line.code,
            display: line.display.as_deref(),
            listed_as: line.designation.first().map(|designation| &*designation.value),
            extension: &line.extension,
        }));
    }
    Ok(found)
}

fn expanded<'a>(
    file: &str,
    contains: &'a [Contains<'_>],
    found: &mut Vec<Entry<'a>>,
) -> Result<(), CodesetError> {
    for line in contains {
        if let (Some(code), false) = (line.code.as_deref(), line.is_abstract) {
            snomed_only(file, line.system.as_ref())?;
            found.push(Entry {
                version: line.version.as_deref(),
                inactive: line.inactive,
                code,
                display: line.display.as_deref(),
                listed_as: None,
                extension: &line.extension,
            });
        }
        expanded(file, &line.contains, found)?;
    }
    Ok(())
}

fn snomed_only(file: &str, system: Option<&Cow<'_, str>>) -> Result<(), CodesetError> {
    if system.is_some_and(|system| *system == CodeSystemKind::Snomed.uri()) {
        return Ok(());
    }
    Err(CodesetError::content(file, format!("a system other than {}", CodeSystemKind::Snomed.uri())))
}
