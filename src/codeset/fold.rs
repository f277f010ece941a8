//! Folding of words: two spellings that a person would call the same term fold to the same text.
//!
//! Case, spaces, punctuation and diacritics do not count; `/`, `&`, `+` and the word *and* join what stands
//! around them and do not count either; an apostrophe vanishes (`carer's` is `carers`). Nothing else: no stemming,
//! no synonyms, so a fold never guesses a meaning. Invariant: folding is idempotent.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Longest ASCII text folded without touching the heap, in bytes. Longer ones and others allocate.
const SHORT: usize = 128;

/// Folds, and hands the result to `then`.
pub(crate) fn with_folded<T>(words: &str, then: impl FnOnce(&str) -> T) -> T {
    if words.is_ascii() && words.len() <= SHORT {
        let mut buffer = [0u8; SHORT];
        if let Some(folded) = fold_short(words, &mut buffer) {
            return then(folded);
        }
    }
    then(&fold(words))
}

/// The folded text.
#[must_use]
pub fn fold(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    let mut word_start = 0;
    let letters = words.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    // Lower-casing can bring a mark back (İ), so it is taken out again.
    for c in letters.filter(|c| !is_combining_mark(*c)) {
        if c.is_alphanumeric() {
            out.push(c);
        } else if !is_apostrophe(c) {
            end_word(&mut out, &mut word_start);
        }
    }
    end_word(&mut out, &mut word_start);
    out.truncate(out.trim_end().len());
    out
}

const fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{02BC}' | '`')
}

/// Closes the word that began at `start`: drops it when it is *and*, else puts one space after it.
fn end_word(out: &mut String, start: &mut usize) {
    match out.get(*start..) {
        Some("") | None => {}
        Some("and") => out.truncate(*start),
        Some(_) => out.push(' '),
    }
    *start = out.len();
}

/// [`fold`] for short ASCII, into a buffer the caller has.
fn fold_short<'a>(words: &str, buffer: &'a mut [u8; SHORT]) -> Option<&'a str> {
    let (mut len, mut word_start) = (0usize, 0usize);
    for byte in words.bytes().chain([b' ']) {
        if byte.is_ascii_alphanumeric() {
            *buffer.get_mut(len)? = byte.to_ascii_lowercase();
            len += 1;
        } else if !is_apostrophe(char::from(byte)) && len > word_start {
            if buffer.get(word_start..len) == Some(b"and") {
                len = word_start;
            } else {
                // Falls off the end only for a text of exactly SHORT letters, which then takes the long way.
                *buffer.get_mut(len)? = b' ';
                len += 1;
            }
            word_start = len;
        }
    }
    std::str::from_utf8(buffer.get(..len)?).ok().map(str::trim_end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_term_fold_together() {
        let same = [
            "Loneliness / isolation",
            "loneliness/isolation",
            "LONELINESS & ISOLATION",
            "Loneliness and Isolation",
            " loneliness  +  isolation. ",
            "Lonelíness – isolation",
        ];
        for words in same {
            assert_eq!(fold(words), "loneliness isolation", "{words}");
        }
        assert_eq!(fold("Carer’s support"), fold("carer's Support"));
        assert_eq!(fold("Mental Health"), "mental health");
        assert_eq!(fold("band and brand"), "band brand");
        assert_eq!(fold("and"), "");
        assert_eq!(fold("—"), "");
    }

    #[test]
    fn different_terms_stay_different() {
        assert_ne!(fold("carer"), fold("carers"));
        assert_ne!(fold("not lonely"), fold("lonely"));
        assert_ne!(fold("ONS4 1"), fold("ONS4 2"));
    }

    proptest! {
        #[test]
        fn idempotent(words in "\\PC{0,40}") {
            let once = fold(&words);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn the_short_way_agrees_with_the_long_one(words in "[ -~]{0,140}") {
            let long = fold(&words);
            with_folded(&words, |short| assert_eq!(short, long));
        }
    }
}
