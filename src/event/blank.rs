//! Blanks around a value, and text that needs no second look.
//!
//! Every cell is asked for both, several times; nearly every cell begins and ends with a visible ASCII character and
//! holds nothing else. Invariant: the answers are those of `str::trim` and of the slow checks. Next: [`super::reading`].

use std::borrow::Cow;

/// As `str::trim`, which decodes a character at each end first.
#[inline]
#[must_use]
pub(crate) fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

/// Whether a text is visible ASCII and spaces: such text holds nothing that may not stand in FHIR or XML.
#[inline]
#[must_use]
pub(crate) fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Whether a character takes no place: zero-width ones, marks of direction, the byte order mark.
#[must_use]
pub(crate) const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The text as it is seen: for finding out what belongs together, not for use.
#[must_use]
pub(crate) fn as_seen(text: &str) -> Cow<'_, str> {
    if is_plain(text) || !text.chars().any(is_invisible) {
        return Cow::Borrowed(text);
    }
    let seen: String = text.chars().filter(|c| !is_invisible(*c)).collect();
    Cow::Owned(trim(&seen).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trimming_is_that_of_the_standard_library() {
        for text in ["", " ", "a", " a", "a ", "ab", " a b ", "\u{a0}a\u{2003}", "é", " é", "a\n", "\u{85}ab"]
        {
            assert_eq!(trim(text), text.trim(), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_seen_is_left_out() {
        for text in ["A1\u{200b}", "\u{feff}A1", "A\u{2060}1", "A1 \u{200d}"] {
            assert_eq!(as_seen(text), "A1", "{text:?}");
        }
        for text in ["A 1", "Ŵ-1", "A1"] {
            assert!(matches!(as_seen(text), Cow::Borrowed(same) if same == text), "{text:?}");
        }
    }

    #[test]
    fn plain_text_holds_nothing_else() {
        assert!(is_plain("Mrs O'Neil ~ 12/3") && is_plain(""));
        for text in ["a\tb", "a\u{7f}", "é", "a\0", "\u{feff}", "\u{ffff}"] {
            assert!(!is_plain(text), "{text:?}");
        }
    }
}
