//! From files to tables.
//!
//! What it is: one pass over the files in the manifest's order, concepts before what refers to them. What it is not:
//! look-ups, which are [`super::resolve`]'s. Invariant: a code is checked for shape, a checksum for equality and a
//! reference for existence before anything is returned; what contradicts itself is an error that names file and code,
//! never the last one wins. Next: [`concepts`].

use std::fmt::Write as _;

use foldhash::HashMap;
use sha2::{Digest, Sha256};

use super::form::Resource;
use super::manifest::{FileEntry, MANIFEST, Manifest, Role};
use super::sctid::SctId;
use super::well_known::WellKnown;
use super::{Codeset, CodesetError};

mod concepts;
mod read_maps;
mod terms;
mod value_set;

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
            by_id: HashMap::default(),
            sorted_ids: Vec::new(),
            terms: HashMap::default(),
            read_v2: HashMap::default(),
            ctv3: HashMap::default(),
            reverse: HashMap::default(),
            well_known: HashMap::default(),
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
}

fn parse_id(file: &str, code: &str) -> Result<SctId, CodesetError> {
    SctId::parse(code).map_err(|problem| CodesetError::content(file, format!("{code:?}: {problem}")))
}
