//! [`Shelf`]: what many referrals have in common, made once and kept between them.
//!
//! An export names one source and a few dozen organisations, thousands of times. What is kept is wholly said by its
//! key, so a shelf changes no byte of output. Invariant: a shelf serves one form of output, and stays small: it is
//! emptied when it is full. Next: `parties.rs`.

use std::cell::RefCell;
use std::sync::Arc;

use foldhash::HashMap;

use super::names::Names;
use super::parties::Known;

/// Things kept of each kind, at most.
const FULL: usize = 1024;

/// Kept between referrals, by one worker.
#[derive(Default)]
pub struct Shelf {
    names: RefCell<HashMap<Arc<str>, Arc<Names>>>,
    parties: RefCell<HashMap<String, Arc<Known>>>,
    /// Where keys are put together.
    key: RefCell<String>,
}

impl Shelf {
    /// The names of a source.
    #[must_use]
    pub fn names(&self, source: &Arc<str>) -> Arc<Names> {
        let mut names = self.names.borrow_mut();
        if let Some(known) = names.get(source) {
            return Arc::clone(known);
        }
        if names.len() >= FULL {
            names.clear();
        }
        Arc::clone(names.entry(Arc::clone(source)).or_insert_with(|| Arc::new(Names::new(source))))
    }

    /// A party by everything that is said about it, made if it is new.
    pub(super) fn party(&self, said: &[&str], make: impl FnOnce() -> Known) -> Arc<Known> {
        let mut key = self.key.borrow_mut();
        key.clear();
        // No part holds a control character, so no two lists of parts have one key.
        said.iter().for_each(|part| key.extend([part, "\u{1f}"]));
        let mut parties = self.parties.borrow_mut();
        if let Some(known) = parties.get(key.as_str()) {
            return Arc::clone(known);
        }
        if parties.len() >= FULL {
            parties.clear();
        }
        let made = Arc::new(make());
        parties.insert(key.clone(), Arc::clone(&made));
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_what_it_has_and_stays_small() {
        let shelf = Shelf::default();
        let source: Arc<str> = "https://a.example".into();
        let first = shelf.names(&source);
        assert!(Arc::ptr_eq(&first, &shelf.names(&source)));
        for n in 0..=FULL {
            let _ = shelf.names(&format!("https://{n}.example").into());
        }
        assert!(shelf.names.borrow().len() <= FULL);
        assert_eq!(shelf.names(&source).source(), first.source());
    }
}
