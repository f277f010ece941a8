//! The codes that a ValueSet lists: from its expansion when it has one, else from `compose`.
//!
//! What it is not: a terminology server; filters, imports and exclusions are refused, never ignored. Next: [`super::read_maps`].

use std::borrow::Cow;

use crate::codeset::CodesetError;
use crate::codeset::form::{Contains, Extension, Resource};
use crate::codeset::resolve::CodeSystemKind;

/// One code of a ValueSet, from `compose` or from `expansion`.
pub(super) struct Entry<'a> {
    pub(super) version: Option<&'a str>,
    pub(super) inactive: bool,
    pub(super) code: &'a str,
    pub(super) display: Option<&'a str>,
    pub(super) listed_as: Option<&'a str>,
    pub(super) extension: &'a [Extension<'a>],
}

/// The codes a ValueSet lists, from its expansion when it has one, else from `compose`.
pub(super) fn entries<'a>(file: &str, resource: &'a Resource<'_>) -> Result<Vec<Entry<'a>>, CodesetError> {
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
