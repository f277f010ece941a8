//! The tags of XML text, one after another.
//!
//! What it is: where a piece of markup begins and ends, found without copying. What it is not: a parser: what stands
//! inside a tag is not looked at, beyond quotation marks. Invariant: a token never ends beyond the bytes given;
//! where they end first it says so. Next: [`super::prologue`].

use crate::source::scan::find1;

/// One piece of markup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// `<name …>` or `<name …/>`.
    Open { name: (usize, usize), end: usize, empty: bool },
    /// `</name>`.
    Close { name: (usize, usize), end: usize },
    /// A comment, a CDATA section or a processing instruction.
    Other { end: usize },
    /// `<!DOCTYPE`, or any other declaration.
    Doctype,
    /// The bytes end first.
    More,
}

/// Reads the markup that starts with the `<` at `at`.
pub(crate) fn token(bytes: &[u8], at: usize) -> Token {
    let rest = bytes.get(at..).unwrap_or_default();
    let until = |end: &[u8], from: usize| {
        let mut place = at + from;
        loop {
            let Some(found) = find1(bytes, place, b'>') else { return Token::More };
            if found + 1 >= at + from + end.len() && bytes.get(..=found).is_some_and(|b| b.ends_with(end)) {
                return Token::Other { end: found + 1 };
            }
            place = found + 1;
        }
    };
    match rest {
        [b'<', b'!', b'-', b'-', ..] => until(b"-->", 4),
        [b'<', b'!', b'[', b'C', b'D', b'A', b'T', b'A', b'[', ..] => until(b"]]>", 9),
        [b'<', b'!', ..] if rest.len() < 9 => Token::More,
        [b'<', b'!', ..] => Token::Doctype,
        [b'<', b'?', ..] => until(b"?>", 2),
        [b'<', b'/', ..] => match find1(bytes, at, b'>') {
            Some(end) => {
                let name = name_end(bytes, at + 2, end);
                Token::Close { name: (at + 2, name), end: end + 1 }
            }
            None => Token::More,
        },
        _ => {
            let mut place = at + 1;
            loop {
                let Some(byte) = bytes.get(place) else { return Token::More };
                match byte {
                    b'>' => break,
                    b'"' | b'\'' => match find1(bytes, place + 1, *byte) {
                        Some(close) => place = close + 1,
                        None => return Token::More,
                    },
                    _ => place += 1,
                }
            }
            let empty = bytes.get(place - 1) == Some(&b'/');
            Token::Open { name: (at + 1, name_end(bytes, at + 1, place)), end: place + 1, empty }
        }
    }
}

fn name_end(bytes: &[u8], from: usize, limit: usize) -> usize {
    let name = bytes.get(from..limit).unwrap_or_default();
    from + name.iter().take_while(|b| !b.is_ascii_whitespace() && **b != b'/').count()
}

/// A name without its prefix.
pub(super) fn local(text: &str, (from, to): (usize, usize)) -> &str {
    let name = text.get(from..to).unwrap_or_default();
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}
