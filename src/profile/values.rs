//! [`ValueMap`]: what the words in a column stand for.
//!
//! A value is found whatever its case and spacing; two keys that differ only in those are refused when the
//! profile is compiled. A value that a map lists is a *controlled term*. Next: [`super::compile`].

use std::collections::BTreeMap;

use foldhash::HashMap;

use super::raw::ValueEntry;
use crate::event::blank::trim;

/// A compiled value map.
#[derive(Clone, Debug)]
pub struct ValueMap {
    /// The map's name in the profile.
    pub name: String,
    exact: HashMap<String, usize>,
    folded: HashMap<String, usize>,
    entries: Vec<(String, ValueEntry)>,
}

/// Case and runs of white space do not tell values apart.
#[must_use]
pub fn fold(value: &str) -> String {
    let mut folded = String::with_capacity(value.len());
    for word in value.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.extend(word.chars().flat_map(char::to_lowercase));
    }
    folded
}

impl ValueMap {
    /// Compiles a map.
    ///
    /// # Errors
    /// A sentence naming two keys that are the same but for case and spacing.
    pub fn new(name: &str, entries: &BTreeMap<String, ValueEntry>) -> Result<Self, String> {
        let entries: Vec<_> = entries.iter().map(|(key, entry)| (key.clone(), entry.clone())).collect();
        let (mut exact, mut folded) = (HashMap::default(), HashMap::default());
        for (at, (key, _)) in entries.iter().enumerate() {
            exact.insert(key.clone(), at);
            if let Some(other) = folded.insert(fold(key), at) {
                let other = entries.get(other).map_or("", |(key, _): &(String, ValueEntry)| key.as_str());
                return Err(format!("values.{name}: {key:?} and {other:?} differ only in case or spacing"));
            }
        }
        Ok(Self { name: name.to_owned(), exact, folded, entries })
    }

    /// What a value stands for.
    #[must_use]
    pub fn get(&self, value: &str) -> Option<&ValueEntry> {
        self.find(value).map(|(_, entry)| entry)
    }

    /// What a value stands for, with the map's own spelling of it.
    #[must_use]
    pub fn find(&self, value: &str) -> Option<(&str, &ValueEntry)> {
        let value = trim(value);
        let at = self.exact.get(value).or_else(|| self.folded.get(&fold(value)))?;
        self.entries.get(*at).map(|(key, entry)| (key.as_str(), entry))
    }

    /// Every key with its entry, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ValueEntry)> {
        self.entries.iter().map(|(key, entry)| (key.as_str(), entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(keys: &[&str]) -> Result<ValueMap, String> {
        ValueMap::new("m", &keys.iter().map(|k| ((*k).to_owned(), ValueEntry::default())).collect())
    }

    #[test]
    fn case_and_spacing_do_not_count() {
        let map = map(&["Loneliness / isolation", "Debt"]).unwrap();
        let found = map.find(" loneliness  / Isolation ").map(|(key, _)| key);
        assert_eq!(found, Some("Loneliness / isolation"));
        assert!(map.get("Debts").is_none());
    }

    #[test]
    fn keys_that_fold_together_are_refused() {
        assert!(map(&["Yes", "yes "]).is_err());
    }
}
