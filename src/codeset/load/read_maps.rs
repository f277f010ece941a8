//! Maps from Read v2 and CTV3 to SNOMED CT.
//!
//! What it is not: a choice; a code with two targets is an error, because a person must choose. Invariant: back from SNOMED
//! CT only pairs lead that are equivalent one to one. Next: [`super::terms`].

use super::{Loader, parse_id};
use crate::codeset::form::{Evidence, Resource};
use crate::codeset::manifest::{FileEntry, Role};
use crate::codeset::read::{Ctv3, ReadV2};
use crate::codeset::resolve::CodeSystemKind;
use crate::codeset::{CodesetError, ReadRow};

impl Loader<'_> {
    pub(super) fn read_map(
        &mut self,
        entry: &FileEntry,
        resource: &Resource<'_>,
    ) -> Result<(), CodesetError> {
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
}
