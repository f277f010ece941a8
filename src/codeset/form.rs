//! The part of FHIR R4 ValueSet and ConceptMap a codeset is read from.
//!
//! What it is: the shape of the files, borrowed from their text. What it is not: the general R4 types (those are
//! [`crate::fhir`]); reading a thousand concepts through them would cost more and check less. Invariant: anything
//! that would change which codes a ValueSet means (filters, imports, exclusions) is refused, not skipped.
//! Next: `load`.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// The extension that carries `emit`, `confidence`, `source`, `tag` and `reason` on a code.
pub(crate) const EVIDENCE: &str = "https://sp-fhir.example/fhir/StructureDefinition/code-evidence";

/// A ValueSet or a ConceptMap.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resource<'a> {
    #[serde(borrow)]
    pub(crate) resource_type: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) compose: Option<Compose<'a>>,
    #[serde(borrow, default)]
    pub(crate) expansion: Option<Expansion<'a>>,
    #[serde(borrow, default)]
    pub(crate) group: Vec<MapGroup<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Compose<'a> {
    #[serde(borrow, default)]
    pub(crate) include: Vec<Include<'a>>,
    #[serde(default)]
    pub(crate) exclude: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Include<'a> {
    #[serde(borrow, default)]
    pub(crate) system: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) version: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) concept: Vec<Line<'a>>,
    #[serde(default)]
    pub(crate) filter: Vec<IgnoredAny>,
    #[serde(default)]
    pub(crate) value_set: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
pub(crate) struct Expansion<'a> {
    #[serde(borrow, default)]
    pub(crate) contains: Vec<Contains<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Contains<'a> {
    #[serde(borrow, default)]
    pub(crate) system: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) version: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(crate) inactive: bool,
    #[serde(default, rename = "abstract")]
    pub(crate) is_abstract: bool,
    #[serde(borrow, default)]
    pub(crate) code: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) display: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) extension: Vec<Extension<'a>>,
    #[serde(borrow, default)]
    pub(crate) contains: Vec<Self>,
}

/// One code of a ValueSet.
#[derive(Deserialize)]
pub(crate) struct Line<'a> {
    #[serde(borrow)]
    pub(crate) code: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) display: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) designation: Vec<Designation<'a>>,
    #[serde(borrow, default)]
    pub(crate) extension: Vec<Extension<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Designation<'a> {
    #[serde(borrow)]
    pub(crate) value: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Extension<'a> {
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(borrow, default)]
    extension: Vec<Self>,
    #[serde(default)]
    value_boolean: Option<bool>,
    #[serde(borrow, default)]
    value_code: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    value_string: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(crate) struct MapGroup<'a> {
    #[serde(borrow, default)]
    pub(crate) source: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) target: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) element: Vec<Element<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Element<'a> {
    #[serde(borrow)]
    pub(crate) code: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) display: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) target: Vec<Target<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Target<'a> {
    #[serde(borrow, default)]
    pub(crate) code: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) equivalence: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) comment: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(crate) extension: Vec<Extension<'a>>,
}

/// What the evidence extension says.
#[derive(Default)]
pub(crate) struct Evidence<'a> {
    pub(crate) emit: Option<bool>,
    pub(crate) confidence: Option<&'a str>,
    pub(crate) source: Option<&'a str>,
    pub(crate) tag: Option<&'a str>,
    pub(crate) reason: Option<&'a str>,
}

impl<'a> Evidence<'a> {
    /// Reads it from a code's extensions; other extensions are left alone.
    pub(crate) fn of(extensions: &'a [Extension<'_>]) -> Self {
        let mut evidence = Self::default();
        for part in extensions.iter().filter(|e| e.url == EVIDENCE).flat_map(|e| &e.extension) {
            match &*part.url {
                "emit" => evidence.emit = part.value_boolean,
                "confidence" => evidence.confidence = part.value_code.as_deref(),
                "source" => evidence.source = part.value_string.as_deref(),
                "tag" => evidence.tag = part.value_string.as_deref(),
                "reason" => evidence.reason = part.value_string.as_deref(),
                _ => {}
            }
        }
        evidence
    }
}
