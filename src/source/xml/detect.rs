//! Which element of an XML document is a record, where nobody says.
//!
//! What it is: a look at the first piece of the text for what repeats. What it is not: certain; the report says what
//! was chosen, and `[file] records` of a profile names another. Invariant: the same text gives the same element. Next: [`super::Splitter`].

use super::token::{Token, local, token};
use crate::source::scan::find1;

/// Which elements are the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RowElement {
    pub(super) name: String,
    /// How many elements enclose it, where it was detected; `None` accepts any place.
    pub(super) depth: Option<usize>,
}

/// Detects the element that repeats: a child of the root, or of its only child.
pub(super) fn detect(head: &str) -> Option<RowElement> {
    // Every element seen at depths 1 and 2: name, how often, and whether it holds elements.
    let mut seen: [Vec<(String, usize, bool)>; 2] = [Vec::new(), Vec::new()];
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(open) = find1(head.as_bytes(), at, b'<') {
        match token(head.as_bytes(), open) {
            Token::Open { name, end, empty } => {
                if let Some(parent) =
                    depth.checked_sub(2).and_then(|d| seen.get_mut(d)).and_then(|s| s.last_mut())
                {
                    parent.2 = true;
                }
                if let Some(level) = depth.checked_sub(1).and_then(|d| seen.get_mut(d)) {
                    let name = local(head, name);
                    match level.iter().position(|(known, ..)| known == name) {
                        // The one seen last stands last, so that its children are noted with it.
                        Some(n) => {
                            let mut known = level.remove(n);
                            known.1 += 1;
                            level.push(known);
                        }
                        None => level.push((
                            name.to_owned(),
                            1,
                            head.get(open..end).is_some_and(|t| t.contains('=')),
                        )),
                    }
                }
                depth += usize::from(!empty);
                at = end;
            }
            Token::Close { end, .. } => {
                depth = depth.checked_sub(1)?;
                at = end;
            }
            Token::Other { end } => at = end,
            Token::Doctype | Token::More => break,
        }
    }
    let [first, second] = seen;
    let most = |level: &[(String, usize, bool)]| {
        level
            .iter()
            .filter(|(_, n, holds)| *n > 1 && *holds)
            .max_by_key(|(_, n, _)| *n)
            .map(|(name, ..)| name.clone())
    };
    if let Some(name) = most(&first) {
        return Some(RowElement { name, depth: Some(1) });
    }
    // Nothing repeats under the root: either its children are lists of records, or there is one record.
    if let Some(name) = most(&second) {
        return Some(RowElement { name, depth: Some(2) });
    }
    let one = first.into_iter().rfind(|(_, _, holds)| *holds)?;
    Some(RowElement { name: one.0, depth: Some(1) })
}
