//! The strict JSON reader.
//!
//! A recursive descent over bytes already known to be UTF-8; the recursion is bounded by [`Limits::depth`]. An error
//! collects its path on the way out, so that good input pays nothing for positions. Next: `write.rs`.

use std::collections::HashSet;
use std::fmt::Write as _;

use crate::event::{Issue, IssueCode, Position};
use crate::tree::{Limits, Node, line_column, safe_name};

/// Reads one JSON value that is the whole input.
///
/// # Errors
/// One [`Issue`]: where (`person.name[0] at 3:14`, line and column from 1) and what was wrong.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Node, Issue> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = Position::path(line_column(bytes, error.valid_up_to()));
            return Err(Issue::new(IssueCode::BadEncoding, at, "bytes that are not UTF-8"));
        }
    };
    let mut reader = Reader { text, bytes, at: 0, depth: 0, nodes: 0, limits };
    reader.document().map_err(|fault| fault.issue(bytes))
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    nodes: usize,
    limits: &'a Limits,
}

/// What went wrong; boxed, because it is rare and the happy result should stay small.
struct Fault {
    code: IssueCode,
    found: &'static str,
    at: usize,
    /// Innermost first.
    path: Vec<Step>,
}

enum Step {
    Key(String),
    Index(usize),
}

type Read<T> = Result<T, Box<Fault>>;

impl Fault {
    fn within(mut self: Box<Self>, step: impl FnOnce() -> Step) -> Box<Self> {
        self.path.push(step());
        self
    }

    fn issue(self: Box<Self>, bytes: &[u8]) -> Issue {
        let mut path = String::new();
        for step in self.path.iter().rev() {
            match step {
                Step::Key(key) => {
                    path.push_str(if path.is_empty() { "" } else { "." });
                    path.push_str(safe_name(key));
                }
                Step::Index(index) => {
                    let _ = write!(path, "[{index}]");
                }
            }
        }
        path.push_str(if path.is_empty() { "" } else { " at " });
        path.push_str(&line_column(bytes, self.at));
        Issue::new(self.code, Position::path(path), self.found)
    }
}

impl Reader<'_> {
    fn document(&mut self) -> Read<Node> {
        let node = self.value()?;
        self.space();
        match self.peek() {
            None => Ok(node),
            Some(_) => Err(self.fault(IssueCode::NotJson, "more text after the value")),
        }
    }

    fn fault(&self, code: IssueCode, found: &'static str) -> Box<Fault> {
        Box::new(Fault { code, found, at: self.at, path: Vec::new() })
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Read<Node> {
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            return Err(self.fault(IssueCode::TooLarge, "more values than the limit"));
        }
        self.space();
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => Ok(Node::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Node::Bool(true)),
            Some(b'f') => self.word("false", Node::Bool(false)),
            Some(b'n') => self.word("null", Node::Null),
            Some(_) => Err(self.fault(IssueCode::NotJson, "a character that begins no value")),
            None => Err(self.fault(IssueCode::NotJson, "the end of the text")),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Read<Node>) -> Read<Node> {
        if self.depth == self.limits.depth {
            return Err(self.fault(IssueCode::TooDeep, "one level too many"));
        }
        self.depth += 1;
        self.at += 1;
        let node = read(self)?;
        self.depth -= 1;
        Ok(node)
    }

    fn word(&mut self, word: &'static str, node: Node) -> Read<Node> {
        if self.bytes.get(self.at..self.at + word.len()) == Some(word.as_bytes()) {
            self.at += word.len();
            Ok(node)
        } else {
            Err(self.fault(IssueCode::NotJson, "an unknown word"))
        }
    }

    fn number(&mut self) -> Read<Node> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_part = |b: u8| b.is_ascii_digit() || b"+-.eE".contains(&b);
        let text = rest.get(..rest.bytes().take_while(|&b| is_part(b)).count()).unwrap_or_default();
        if !is_number(text.as_bytes()) {
            return Err(self.fault(IssueCode::NotJson, "not a number as JSON writes it"));
        }
        self.at += text.len();
        Ok(Node::Number(text.to_owned()))
    }

    fn array(&mut self) -> Read<Node> {
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Node::Array(items));
        }
        loop {
            let index = items.len();
            items.push(self.value().map_err(|fault| fault.within(|| Step::Index(index)))?);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                Some(_) => return Err(self.fault(IssueCode::NotJson, "no comma or bracket after an item")),
                None => return Err(self.fault(IssueCode::NotJson, "the end of the text inside an array")),
            }
        }
        self.at += 1;
        Ok(Node::Array(items))
    }

    fn object(&mut self) -> Read<Node> {
        let mut members: Vec<(String, Node)> = Vec::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Node::Object(members));
        }
        // Only large objects need more than a look at the keys before.
        let mut seen: Option<HashSet<String>> = None;
        loop {
            self.space();
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.fault(IssueCode::NotJson, "no key where one must be"));
            }
            let key = self.string()?;
            let twice = match &mut seen {
                Some(seen) => !seen.insert(key.clone()),
                None => members.iter().any(|(name, _)| *name == key),
            };
            if twice {
                let fault =
                    Fault { code: IssueCode::DuplicateKey, found: "", at: start, path: vec![Step::Key(key)] };
                return Err(Box::new(fault));
            }
            if seen.is_none() && members.len() == 32 {
                seen = Some(members.iter().map(|(name, _)| name.clone()).chain([key.clone()]).collect());
            }
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.fault(IssueCode::NotJson, "no colon after a key"));
            }
            self.at += 1;
            match self.value() {
                Ok(value) => members.push((key, value)),
                Err(fault) => return Err(fault.within(|| Step::Key(key))),
            }
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                Some(_) => return Err(self.fault(IssueCode::NotJson, "no comma or brace after a member")),
                None => return Err(self.fault(IssueCode::NotJson, "the end of the text inside an object")),
            }
        }
        self.at += 1;
        Ok(Node::Object(members))
    }

    /// Reads a string from its opening quote to past its closing one.
    fn string(&mut self) -> Read<String> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let plain = rest.iter().position(|&b| b < 0x20 || b == b'"' || b == b'\\').unwrap_or(rest.len());
            // All three stops are ASCII, so the cut is on a character's edge.
            text.push_str(self.text.get(self.at..self.at + plain).unwrap_or_default());
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    let character = self.escape()?;
                    text.push(character);
                }
                Some(_) => return Err(self.fault(IssueCode::NotJson, "a bare control character in a string")),
                None => return Err(self.fault(IssueCode::NotJson, "the end of the text inside a string")),
            }
        }
    }

    fn escape(&mut self) -> Read<char> {
        let start = self.at;
        self.at += 2;
        let character = match self.bytes.get(start + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let unit = self.hex()?;
                let scalar = match unit {
                    0xD800..0xDC00 if self.bytes.get(self.at..self.at + 2) == Some(b"\\u") => {
                        self.at += 2;
                        let low = self.hex()?;
                        if !(0xDC00..0xE000).contains(&low) {
                            return Err(self.fault(IssueCode::NotJson, "half of a surrogate pair"));
                        }
                        0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
                    }
                    _ => unit,
                };
                match char::from_u32(scalar) {
                    Some('\0') if !self.limits.nul => {
                        return Err(self.fault(IssueCode::NulCharacter, "an escaped NUL"));
                    }
                    Some(character) => character,
                    None => return Err(self.fault(IssueCode::NotJson, "half of a surrogate pair")),
                }
            }
            _ => return Err(self.fault(IssueCode::NotJson, "an unknown escape")),
        };
        Ok(character)
    }

    fn hex(&mut self) -> Read<u32> {
        let digits = self.bytes.get(self.at..self.at + 4).unwrap_or_default();
        let mut unit = 0;
        for &digit in digits {
            let Some(value) = char::from(digit).to_digit(16) else {
                return Err(self.fault(IssueCode::NotJson, "an escape without four hexadecimal digits"));
            };
            unit = unit << 4 | value;
        }
        if digits.len() < 4 {
            return Err(self.fault(IssueCode::NotJson, "an escape without four hexadecimal digits"));
        }
        self.at += 4;
        Ok(unit)
    }
}

/// Whether the bytes are a number as RFC 8259 §6 writes it: `-? int frac? exp?`.
#[must_use]
pub fn is_number(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let rest = match bytes.split_first() {
        Some((b'0', rest)) => rest,
        Some((b'1'..=b'9', _)) => after_digits(bytes),
        _ => return false,
    };
    let rest = match rest.strip_prefix(b".") {
        Some(fraction) if after_digits(fraction).len() < fraction.len() => after_digits(fraction),
        Some(_) => return false,
        None => rest,
    };
    match rest.split_first() {
        None => true,
        Some((b'e' | b'E', exponent)) => {
            let exponent =
                exponent.strip_prefix(b"-").or_else(|| exponent.strip_prefix(b"+")).unwrap_or(exponent);
            !exponent.is_empty() && after_digits(exponent).is_empty()
        }
        Some(_) => false,
    }
}

fn after_digits(bytes: &[u8]) -> &[u8] {
    let count = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    bytes.get(count..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuse(text: &str) -> (IssueCode, String) {
        let issue = parse(text.as_bytes(), &Limits::default()).unwrap_err();
        (issue.code, issue.at.path.unwrap().to_string())
    }

    #[test]
    fn keeps_order_and_digits() {
        let node = parse(
            r#" {"z":3.10,"a":[1e400,-0,true,null,"\u00f4\ud83d\ude42\/"]} "#.as_bytes(),
            &Limits::default(),
        );
        let mut out = Vec::new();
        super::super::write(&node.unwrap(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"z":3.10,"a":[1e400,-0,true,null,"ô🙂/"]}"#);
    }

    #[test]
    fn says_where_and_why() {
        assert_eq!(refuse(r#"{"a":[1,{"b":tru}]}"#), (IssueCode::NotJson, "a[1].b at 1:14".into()));
        assert_eq!(refuse("{\"a\":1,\n\"\\u0061\":2}"), (IssueCode::DuplicateKey, "a at 2:1".into()));
        assert_eq!(refuse(r#"{"Nia Fôn":x}"#), (IssueCode::NotJson, "? at 1:12".into()));
        assert_eq!(refuse(r#"["\u0000"]"#).0, IssueCode::NulCharacter);
        assert_eq!(refuse("{} x"), (IssueCode::NotJson, "1:4".into()));
        assert_eq!(refuse("\u{feff}{}"), (IssueCode::NotJson, "1:1".into()));
        assert_eq!(parse(b"\"\xff\"", &Limits::default()).unwrap_err().code, IssueCode::BadEncoding);
        for bad in
            [r#""\ud800""#, r#""\udc00\ud800""#, r#""\ud800\u0041""#, r#""\u12"#, r#""\x""#, "\"a\nb\""]
        {
            assert_eq!(refuse(bad).0, IssueCode::NotJson, "{bad}");
        }
    }

    #[test]
    fn a_key_twice_is_found_in_large_objects_too() {
        let many: Vec<String> = (0..100).map(|n| format!("\"k{n}\":{n}")).collect();
        assert!(parse(format!("{{{}}}", many.join(",")).as_bytes(), &Limits::default()).is_ok());
        for again in [0, 31, 32, 33, 99] {
            let text = format!("{{{},\"k{again}\":0}}", many.join(","));
            assert_eq!(refuse(&text).0, IssueCode::DuplicateKey, "k{again}");
        }
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let nest = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(parse(nest(64).as_bytes(), &Limits::default()).is_ok());
        assert_eq!(refuse(&nest(65)).0, IssueCode::TooDeep);
        assert_eq!(refuse(&"[".repeat(100_000)).0, IssueCode::TooDeep);
        assert_eq!(refuse(&"{\"a\":".repeat(100_000)).0, IssueCode::TooDeep);
        assert_eq!(refuse(&format!("[{}0]", "0,".repeat(500_000))).0, IssueCode::TooLarge);
    }
}
