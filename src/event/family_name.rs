//! Family names, folded: two spellings of one name are the same text.
//!
//! Case, diacritics, spaces, hyphens and apostrophes do not count: `Ó Briain-Wójcik` and `O'BRIAIN WOJCIK` are one.
//! Nothing else: no sounds, no nicknames. Folded names are compared, never sent. Next: [`super::person`].

use unicode_normalization::UnicodeNormalization;

use super::person::Person;

/// The name, folded; nothing when no letter of it is left.
#[must_use]
pub fn fold(name: &str) -> Option<String> {
    if name.is_ascii() {
        let letters = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase());
        return Some(letters.collect()).filter(|folded: &String| !folded.is_empty());
    }
    let mut folded = String::with_capacity(name.len());
    for c in name.nfkd().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()) {
        match c {
            // Letters with a stroke or joined to another have no mark that could be taken off.
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            other => folded.push(other),
        }
    }
    (!folded.is_empty()).then_some(folded)
}

/// All family names on record, former ones included, folded.
pub fn on_record(person: &Person) -> impl Iterator<Item = String> + '_ {
    person.family.iter().chain(&person.former_family).filter_map(|name| fold(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_fold_together() {
        for (a, b) in [
            ("O'Brien", "OBRIEN"),
            ("Ó Briain-Wójcik", "o’briain wojcik"),
            ("Gwynfôr", "Gwynfor"),
            ("Łukasz", "LUKASZ"),
            ("Groß", "Gross"),
            ("Sørensen", "SORENSEN"),
        ] {
            assert_eq!(fold(a), fold(b), "{a} {b}");
        }
        assert_ne!(fold("Pryce"), fold("Price"));
        assert_eq!(fold(" - "), None);
    }
}
