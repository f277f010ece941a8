//! The compact JSON writer, and the string escaper that every JSON writer here uses.
//!
//! Invariant: only `"`, `\` and control characters are escaped, in the same way as serde_json. Next: [`crate::fhir`].

use crate::tree::Node;

/// Appends the value as compact JSON: no white space, members in their order, numbers digit for digit.
pub fn write(node: &Node, out: &mut Vec<u8>) {
    match node {
        Node::Null => out.extend_from_slice(b"null"),
        Node::Bool(true) => out.extend_from_slice(b"true"),
        Node::Bool(false) => out.extend_from_slice(b"false"),
        Node::Number(text) => out.extend_from_slice(text.as_bytes()),
        Node::String(text) => string(text, out),
        Node::Array(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Node::Object(members) => {
            out.push(b'{');
            for (index, (key, value)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                string(key, out);
                out.push(b':');
                write(value, out);
            }
            out.push(b'}');
        }
    }
}

/// Writes a JSON string with its quotes. Only `"`, `\` and control characters are escaped, as serde_json does.
#[inline]
pub fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    contents(text, out);
    out.push(b'"');
}

/// The same without the quotes: for a string that is written in parts.
#[inline]
pub fn contents(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    if needs_escape(bytes) {
        escaped(bytes, out);
    } else {
        out.extend_from_slice(bytes);
    }
}

/// Eight bytes at a time: most strings need no escape, and asking first makes the copy one `memcpy`.
#[inline]
fn needs_escape(bytes: &[u8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    // True bits where a byte is below `n`, for n <= 0x80; bytes with the high bit set never count.
    const fn below(word: u64, n: u8) -> u64 {
        word.wrapping_sub(ONES.wrapping_mul(n as u64)) & !word & HIGH
    }
    const fn found(word: [u8; 8]) -> u64 {
        let word = u64::from_ne_bytes(word);
        let quote = word ^ ONES.wrapping_mul(b'"' as u64);
        let backslash = word ^ ONES.wrapping_mul(b'\\' as u64);
        below(word, 0x20) | below(quote, 1) | below(backslash, 1)
    }
    let (words, rest) = bytes.as_chunks::<8>();
    match bytes.last_chunk() {
        // The last eight are looked at together; some of them for the second time.
        Some(last) => words.iter().fold(found(*last), |all, word| all | found(*word)) != 0,
        None => rest.iter().any(|&b| b < 0x20 || b == b'"' || b == b'\\'),
    }
}

#[cold]
fn escaped(bytes: &[u8], out: &mut Vec<u8>) {
    const HEX: [u8; 16] = *b"0123456789abcdef";
    for &byte in bytes {
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0x08 => b'b',
            0x0c => b'f',
            0x00..0x20 => {
                let digit = HEX.get(usize::from(byte & 0xf)).copied().unwrap_or(b'0');
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', b'0' + (byte >> 4), digit]);
                continue;
            }
            _ => {
                out.push(byte);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', short]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_as_serde_json_does() {
        let mut all: Vec<String> =
            (0..0x180u32).filter_map(char::from_u32).map(|c| format!("abcdefg{c}h")).collect();
        all.extend(["", "plain", "a \"quoted\" word", "back\\slash", "Fôn 🙂", "é\u{1f}é"].map(String::from));
        all.push(all.concat());
        for text in all {
            for start in 0..text.len().min(9) {
                let Some(part) = text.get(start..) else { continue };
                let mut out = Vec::new();
                string(part, &mut out);
                assert_eq!(out, serde_json::to_vec(part).unwrap(), "{part:?}");
            }
        }
    }
}
