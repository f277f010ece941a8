//! [`Torn`]: the text of a record that is none, searched for words and NHS numbers.
//!
//! A row with a cell too many, a quotation mark left open, JSON or XML that cannot be parsed: which cell is which cannot
//! be said, but the words stand there. They are searched for in the whole text, as it is and with what a writer escapes
//! undone, because a word may hold the very signs that part cells. What this is not: a reading of the record. Invariant: the
//! text is gone through once to fold it and once for each word, however it is made. Next: [`super::about`].

use std::borrow::Cow;

use super::values::fold;
use crate::event::NhsNumber;
use crate::event::blank::is_invisible;
use crate::event::build::NhsNumberRule;

/// What stands for a character that could not be made out.
const UNKNOWN: char = char::REPLACEMENT_CHARACTER;
/// What stands for a delimiter that is a blank.
const PARTED: char = '\u{1f}';
/// An entity longer than this is none.
const MAX_ENTITY: usize = 12;

/// The text of a record that is none, made ready to be searched.
pub(crate) struct Torn {
    /// As it is, and as it is meant; each with whether something in it could not be made out.
    texts: Vec<(String, bool)>,
    is_row: bool,
}

impl Torn {
    /// Of a row of a table.
    pub(crate) fn row(text: &str, delimiter: char) -> Self {
        let parted = |text: &str| match delimiter.is_whitespace() {
            true => folded(&text.replace(delimiter, PARTED.encode_utf8(&mut [0; 4]))),
            false => folded(text),
        };
        let mut texts = vec![parted(text)];
        if text.contains("\"\"") {
            texts.push(parted(&text.replace("\"\"", "\"")));
        }
        Self::new(texts, true)
    }

    /// Of JSON or XML.
    pub(crate) fn tree(text: &str) -> Self {
        let mut texts = vec![folded(text)];
        if text.contains(['\\', '&']) {
            texts.push(folded(&without_entities(&without_escapes(text))));
        }
        Self::new(texts, false)
    }

    fn new(texts: Vec<String>, is_row: bool) -> Self {
        let with_unknown = |text: String| {
            let unknown = text.contains(UNKNOWN);
            (text, unknown)
        };
        Self { texts: texts.into_iter().map(with_unknown).collect(), is_row }
    }

    /// Whether a word, or several, stand in it, whatever their case and spacing. In a row no letter or digit may touch them; in
    /// JSON and XML they must be all that stands between two signs, because names of members hold words too.
    pub(crate) fn holds(&self, word: &str) -> bool {
        let word = folded(&fold(word));
        let word = word.trim();
        let by_letters = self.is_row && word.chars().any(char::is_alphanumeric);
        let is_whole = |text: &str, from: usize, to: usize| {
            let (before, after) = (text.get(..from).unwrap_or_default(), text.get(to..).unwrap_or_default());
            if by_letters {
                let touches = |one: Option<char>, other: Option<char>| {
                    one.zip(other).is_some_and(|(a, b)| a.is_alphanumeric() && b.is_alphanumeric())
                };
                return !touches(before.chars().next_back(), word.chars().next())
                    && !touches(word.chars().next_back(), after.chars().next());
            }
            // Of blanks there is never more than one.
            let before = before.strip_suffix(' ').unwrap_or(before).chars().next_back();
            let after = after.strip_prefix(' ').unwrap_or(after).chars().next();
            before.is_none_or(is_sign) && after.is_none_or(is_sign)
        };
        !word.is_empty()
            && self.texts.iter().any(|(text, unknown)| {
                let mut found = text.match_indices(word);
                found.any(|(at, found)| is_whole(text, at, at + found.len()))
                    || (*unknown && holds_unknown(text, word, is_whole))
            })
    }

    /// Every NHS number that stands in it, each once.
    pub(crate) fn numbers(&self, rule: NhsNumberRule) -> Vec<NhsNumber> {
        let parse = match rule {
            NhsNumberRule::Reject => NhsNumber::parse,
            NhsNumberRule::Warn => NhsNumber::parse_unchecked_digit,
        };
        let texts = self.texts.iter();
        let mut numbers: Vec<NhsNumber> =
            texts.flat_map(|(text, _)| ten_digits(text)).filter_map(|digits| parse(&digits).ok()).collect();
        let mut met = std::collections::HashSet::new();
        numbers.retain(|number| met.insert(*number));
        numbers
    }
}

/// What parts the cells of a row, and the names and values of a tree.
const fn is_sign(sign: char) -> bool {
    matches!(
        sign,
        ',' | ';'
            | '|'
            | ':'
            | '{'
            | '}'
            | '['
            | ']'
            | '<'
            | '>'
            | '='
            | '"'
            | '\''
            | '\\'
            | UNKNOWN
            | PARTED
    )
}

/// Whether a word stands where some of it could not be made out. What is beyond ASCII, or a blank, may be lost.
fn holds_unknown(text: &str, word: &str, is_whole: impl Fn(&str, usize, usize) -> bool) -> bool {
    let may_be_lost = |letter: char| !letter.is_ascii() || letter == ' ';
    if !word.contains(may_be_lost) {
        return false;
    }
    text.char_indices().any(|(from, _)| {
        let mut rest = text.get(from..).unwrap_or_default().chars();
        let mut letters = word.chars();
        let is_it = letters.all(|letter| {
            rest.next().is_some_and(|found| found == letter || (found == UNKNOWN && may_be_lost(letter)))
        });
        is_it && is_whole(text, from, text.len() - rest.as_str().len())
    })
}

/// Case, runs of blanks and what is not seen tell nothing apart.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut blank = false;
    for letter in text.chars() {
        if letter.is_whitespace() {
            blank = true;
            continue;
        }
        if !letter.is_ascii() && is_invisible(letter) {
            continue;
        }
        if std::mem::take(&mut blank) {
            folded.push(' ');
        }
        match letter.is_ascii() {
            true => folded.push(letter.to_ascii_lowercase()),
            false => folded.extend(letter.to_lowercase()),
        }
    }
    folded
}

/// All that could be a number: ten digits with nothing but blanks and hyphens between them, no digit before or after.
fn ten_digits(text: &str) -> impl Iterator<Item = String> {
    let mut before = None;
    let starts = text.char_indices().filter(move |(_, letter)| {
        let before = before.replace(*letter);
        letter.is_ascii_digit() && !before.is_some_and(|before| before.is_ascii_digit())
    });
    starts.filter_map(|(at, _)| {
        let mut digits = String::with_capacity(10);
        for letter in text.get(at..).unwrap_or_default().chars() {
            match letter {
                '0'..='9' if digits.len() == 10 => return None,
                '0'..='9' => digits.push(letter),
                ' ' | '-' | '\u{2010}'..='\u{2013}' if digits.len() < 10 => {}
                _ => break,
            }
        }
        (digits.len() == 10).then_some(digits)
    })
}

/// The text with what JSON escapes undone, as far as it is an escape.
pub(crate) fn without_escapes(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let mut letters = after.chars();
        match letters.next() {
            Some('u') => {
                let (letter, length) = escaped(letters.as_str());
                plain.push(letter);
                rest = letters.as_str().get(length..).unwrap_or_default();
                continue;
            }
            Some('n' | 'r' | 't' | 'b' | 'f') => plain.push(' '),
            Some(letter) => plain.push(letter),
            None => {}
        }
        rest = letters.as_str();
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// The character that hexadecimal digits after `\u` stand for, and how many bytes say so: two escapes where it needs them.
fn escaped(text: &str) -> (char, usize) {
    let unit = |text: &str| u16::from_str_radix(text.get(..4)?, 16).ok();
    let Some(first) = unit(text) else { return (UNKNOWN, 0) };
    let second = text.get(4..).and_then(|rest| unit(rest.strip_prefix("\\u")?));
    match (char::decode_utf16([first]).next(), second) {
        (Some(Ok(letter)), _) => (letter, 4),
        (_, Some(second)) => match char::decode_utf16([first, second]).next() {
            Some(Ok(letter)) => (letter, 10),
            _ => (UNKNOWN, 4),
        },
        _ => (UNKNOWN, 4),
    }
}

/// The text with what XML escapes undone. An entity that XML does not have stands for a character nobody knows.
fn without_entities(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let name = after.bytes().take(MAX_ENTITY).position(|byte| byte == b';');
        let name =
            name.and_then(|end| after.get(..end)).and_then(|name| Some((entity(name)?, name.len() + 1)));
        match name {
            Some((letter, length)) => {
                plain.push(letter);
                rest = after.get(length..).unwrap_or_default();
            }
            None => {
                plain.push('&');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

fn entity(name: &str) -> Option<char> {
    let number = |digits: &str, base| char::from_u32(u32::from_str_radix(digits, base).ok()?);
    if let Some(digits) = name.strip_prefix('#') {
        let hexadecimal = digits.strip_prefix(['x', 'X']);
        return Some(hexadecimal.map_or_else(|| number(digits, 10), |d| number(d, 16)).unwrap_or(UNKNOWN));
    }
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(UNKNOWN),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn in_a_row_a_word_ends_where_letters_do() {
        let row = Torn::row(
            "R2,9990079196,\"No,\n share  Nothing\",\"a \"\"bad\"\" word\",No-one,left \"open",
            ',',
        );
        for word in ["No, share nothing", "NO", "share nothing", "a \"bad\" word", "one", "open"] {
            assert!(row.holds(word), "{word}");
        }
        for word in ["none", "not", "on", "n", "", " ", "hare", "-"] {
            assert!(!row.holds(word), "{word}");
        }
        // What has no letter is a word where nothing else is in its cell.
        for (text, delimiter, holds) in
            [("a, -,b", ',', true), ("a\t-\tb", '\t', true), ("a b-c", '\t', false)]
        {
            assert_eq!(Torn::row(text, delimiter).holds("-"), holds, "{text}");
        }
    }

    #[test]
    fn in_a_tree_a_word_stands_between_signs() {
        for (text, word) in [
            (r#"{"share":"No\u0020thanks","#, "no thanks"),
            (r#"{"share":"\u0044im \u00e2","#, "Dim â"),
            (r#"{"share":"\ud83d\udeab","#, "🚫"),
            (r#"{"share":"Don\"t"#, "don\"t"),
            (r#"{"share":false,"#, "FALSE"),
            (r#"{"share":No thanks,"#, "no thanks"),
            ("<share>Don&apos;t share</share>", "Don't share"),
            ("<share>Don't share</share>", "Don't share"),
            ("<share>Dim &#226;</share><x>", "Dim â"),
            ("<share>Dim&#xA0;&#xE2;</share>", "Dim â"),
            ("<share>Dim &acirc;</share>", "Dim â"),
            ("<share>Dim&nbsp;\u{fffd}</share>", "Dim â"),
            ("<share><![CDATA[None]]></share>", "none"),
            ("<a share='None'/>", "None"),
        ] {
            assert!(Torn::tree(text).holds(word), "{text}");
        }
        for (text, word) in [
            (r#"{"NHS no":"1","note":"has no phone","#, "no"),
            ("<NHS_no>1</NHS_no>", "no"),
            ("<share>Dim &acirc;</share>", "Dim as"),
            ("<share>&bogus; &;&#;&#xffffffff;&none</share>", "None"),
            (r#"{"a":"\u00", "b":"\"#, "b\\"),
        ] {
            assert!(!Torn::tree(text).holds(word), "{text}");
        }
    }

    #[test]
    fn every_number_is_found() {
        let numbers = |torn: Torn, rule| -> Vec<String> {
            torn.numbers(rule).iter().map(|number| number.as_str().to_owned()).collect()
        };
        let text = "R2,7700900116,999 007 9196,1 9990237573,9990079196,99902375730,07700900116,4000000005";
        let found = numbers(Torn::row(text, ','), NhsNumberRule::Reject);
        assert_eq!(found, ["7700900116", "9990079196", "9990237573"]);
        assert_eq!(numbers(Torn::row(text, ','), NhsNumberRule::Warn).len(), 4);
        assert_eq!(numbers(Torn::row("1\t9990079196\t2", '\t'), NhsNumberRule::Reject), ["9990079196"]);
        let escaped = Torn::tree("<n>&#57;990079196</n>{\"n\":\"\\u0039990237573\"");
        assert_eq!(numbers(escaped, NhsNumberRule::Reject), ["9990079196", "9990237573"]);
    }

    /// However a record of the largest size is made, it is gone through a few times, not once for each of its letters.
    #[test]
    fn a_large_record_is_searched_quickly() {
        let began = Instant::now();
        for piece in
            ["no", "a ", "1 ", "\"\"", "\\u0", "&#", "\u{fffd}", "d\u{fffd} ", "9990079196,", "&a;", "\\"]
        {
            let text = piece.repeat((1 << 18) / piece.len());
            for torn in [Torn::row(&text, ','), Torn::tree(&text)] {
                let words = ["No, share nothing", "nonononono", "dim â â â", "none", "a a a a b"];
                assert!(
                    !words.iter().any(|word| torn.holds(word)) || piece.contains(['\u{fffd}', ';']),
                    "{piece}"
                );
                assert!(torn.numbers(NhsNumberRule::Reject).len() <= 1);
            }
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    }
}
