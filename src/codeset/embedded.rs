//! The codeset that ships with the program, as bytes in the binary.

use std::sync::{Arc, OnceLock};

use super::{Codeset, CodesetError};

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../codesets/uk-sp/", $name)))),*]
    };
}

/// Every file of `codesets/uk-sp`; a test checks that none is missing.
pub(crate) const FILES: &[(&str, &[u8])] = files![
    "manifest.json",
    "ValueSet-lifecycle.json",
    "ValueSet-need.json",
    "ValueSet-service.json",
    "ValueSet-outcome.json",
    "ValueSet-source.json",
    "ValueSet-method.json",
    "ValueSet-role.json",
    "ValueSet-refset.json",
    "ValueSet-sensitive.json",
    "ConceptMap-read-v2.json",
    "ConceptMap-ctv3.json",
    "ConceptMap-terms-lifecycle.json",
    "ConceptMap-terms-need.json",
    "ConceptMap-terms-service.json",
    "ConceptMap-terms-outcome.json",
    "ConceptMap-terms-source.json",
    "ConceptMap-terms-method.json",
    "ConceptMap-terms-role.json",
];

/// Loaded once, on first use.
pub(crate) fn get() -> Result<Arc<Codeset>, CodesetError> {
    static LOADED: OnceLock<Arc<Codeset>> = OnceLock::new();
    if let Some(loaded) = LOADED.get() {
        return Ok(Arc::clone(loaded));
    }
    let loaded = Arc::new(Codeset::load(FILES.iter().copied())?);
    Ok(Arc::clone(LOADED.get_or_init(|| loaded)))
}
