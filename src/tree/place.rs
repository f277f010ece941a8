//! Saying where in a text something is, without saying what is there.
//!
//! What it is: line and column of a byte offset, and names made safe to print. Invariant: a name that could be a
//! value (long, or with characters no field name has) is printed as `?`. Next: [`super::json`].

/// `line:column` of a byte offset, both from 1; the column counts characters.
pub(crate) fn line_column(bytes: &[u8], offset: usize) -> String {
    let before = bytes.get(..offset.min(bytes.len())).unwrap_or(bytes);
    let line = 1 + before.iter().filter(|&&b| b == b'\n').count();
    let start = before.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    // Continuation bytes of UTF-8 are not characters of their own.
    let column = 1 + before.iter().skip(start).filter(|&&b| b & 0xC0 != 0x80).count();
    format!("{line}:{column}")
}

/// The name itself when it looks like a field's name, else `?`: keys of hostile input may hold anything.
pub(crate) fn safe_name(name: &str) -> &str {
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b"_$@".contains(&b));
    let rest = bytes.all(|b| b.is_ascii_alphanumeric() || b"_$@.:-".contains(&b));
    if first && rest && name.len() <= 64 { name } else { "?" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_in_characters() {
        let text = "ab\nFôn!\n".as_bytes();
        assert_eq!(line_column(text, 0), "1:1");
        assert_eq!(line_column(text, 3), "2:1");
        assert_eq!(line_column(text, 7), "2:4");
        assert_eq!(line_column(text, 999), "3:1");
        assert_eq!(line_column(b"", 0), "1:1");
    }

    #[test]
    fn only_field_names_are_printed() {
        assert_eq!(safe_name("nhs_number"), "nhs_number");
        assert_eq!(safe_name("_birthDate"), "_birthDate");
        assert_eq!(safe_name("Nia Fôn"), "?");
        assert_eq!(safe_name("9990004218"), "?");
        assert_eq!(safe_name(""), "?");
    }
}
