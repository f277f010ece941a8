//! Text made safe to stand in XML.
//!
//! Invariant: what was escaped here is read back by [`super::parse`] as it was.

/// Appends an attribute's value. Tabs and line ends become references: readers turn the bare ones into spaces.
pub fn escape(text: &str, out: &mut String) {
    write(text, out, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\t' => Some("&#9;"),
        '\n' => Some("&#10;"),
        '\r' => Some("&#13;"),
        _ => None,
    });
}

/// Appends character data. Carriage returns become references: readers turn the bare ones into line feeds.
pub fn escape_text(text: &str, out: &mut String) {
    write(text, out, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '\r' => Some("&#13;"),
        _ => None,
    });
}

fn write(text: &str, out: &mut String, escape: fn(char) -> Option<&'static str>) {
    let mut rest = text;
    // Every escaped character is ASCII, so the byte after it begins the next one.
    while let Some((at, escaped)) = rest.char_indices().find_map(|(at, c)| Some((at, escape(c)?))) {
        out.push_str(rest.get(..at).unwrap_or_default());
        out.push_str(escaped);
        rest = rest.get(at + 1..).unwrap_or_default();
    }
    out.push_str(rest);
}
