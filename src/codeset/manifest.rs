//! `manifest.json`: what a codeset is called, which files it has, and what their bytes must be.
//!
//! What it is: the only list of files; a file it does not name is never read. What it is not: a FHIR resource.
//! Invariant: every name is a plain file name, so nothing outside the folder can be reached.
//! Next: `load`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::error::CodesetError;

/// The manifest's own file name.
pub(crate) const MANIFEST: &str = "manifest.json";

/// The manifest as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) id: String,
    pub(crate) version: String,
    #[serde(default)]
    pub(crate) title: String,
    /// The SNOMED CT releases (`http://snomed.info/sct/…/version/YYYYMMDD`) that verified the codes of the files
    /// whose `include.version` says so. Empty: nothing was verified and no coding gets a `version`.
    #[serde(default)]
    pub(crate) verified_by_release: Vec<String>,
    /// What a source key means: publisher, document, licence.
    #[serde(default)]
    pub(crate) sources: BTreeMap<String, Source>,
    #[serde(default)]
    pub(crate) licences: Vec<Licence>,
    /// The concepts that have a fixed part in the mapping, by their role's name.
    #[serde(default)]
    pub(crate) well_known: BTreeMap<String, String>,
    pub(crate) files: Vec<FileEntry>,
}

/// Who published a list, and where.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The publisher's name.
    pub publisher: String,
    /// The document, with its revision where one is known.
    pub document: String,
    /// Its licence as far as it was stated.
    #[serde(default)]
    pub licence: Option<String>,
    /// What a code may do on the strength of this list alone.
    pub proves: Proves,
}

/// What a list is enough for, without a loaded SNOMED CT release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proves {
    /// A named UK list: its codes may leave, and its words are UK words.
    Uk,
    /// SNOMED International or HL7: codes without an extension namespace may leave, without a display.
    International,
    /// Not enough for any code.
    Nothing,
}

/// A licence that covers part of the codeset, with the attribution it asks for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// What it covers.
    pub applies_to: String,
    /// Its name.
    pub licence: String,
    /// The attribution it asks for.
    #[serde(default)]
    pub attribution: Option<String>,
}

/// One file of the codeset.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileEntry {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The field group, for `concepts` and `terms`.
    #[serde(default)]
    pub(crate) group: Option<String>,
    /// Whether a code whose line does not say may leave. Absent: no.
    #[serde(default)]
    pub(crate) emit: bool,
    pub(crate) sha256: String,
}

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Role {
    /// A ValueSet: the concepts of one group.
    Concepts,
    /// A ValueSet: the codes that disclose, each with its reason.
    Sensitive,
    /// A ConceptMap from Read v2 to SNOMED CT.
    ReadV2,
    /// A ConceptMap from CTV3 to SNOMED CT.
    Ctv3,
    /// A ConceptMap from the words of exports to SNOMED CT, for one group.
    Terms,
}

impl Manifest {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, CodesetError> {
        let manifest: Self = serde_json::from_slice(bytes)
            .map_err(|source| CodesetError::Json { file: MANIFEST.to_owned(), source })?;
        let wrong = |what: String| Err(CodesetError::content(MANIFEST, what));
        if manifest.id.trim().is_empty() || manifest.version.trim().is_empty() {
            return wrong("id and version may not be empty".into());
        }
        for (n, file) in manifest.files.iter().enumerate() {
            if file.name.is_empty() || file.name.starts_with('.') || file.name.contains(['/', '\\', ':']) {
                return wrong(format!("{:?} is not a plain file name", file.name));
            }
            if manifest.files.iter().take(n).any(|earlier| earlier.name == file.name) {
                return wrong(format!("{} is named twice", file.name));
            }
            let grouped = matches!(file.role, Role::Concepts | Role::Terms);
            if grouped != file.group.as_deref().is_some_and(|group| !group.is_empty()) {
                return wrong(format!(
                    "{}: a group is given for concepts and terms, and only there",
                    file.name
                ));
            }
        }
        // Without the list nothing would be held back as disclosing, so its absence must be a decision.
        if !manifest.files.iter().any(|file| file.role == Role::Sensitive) {
            return wrong("no file has the role `sensitive`; give one, even if it lists no code".into());
        }
        Ok(manifest)
    }
}
