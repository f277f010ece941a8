//! The inside of a start tag: attributes, strictly.
//!
//! quick-xml's own iterator lets several malformed forms through (no white space between attributes, `<` in a value),
//! so the text between the name and `>` is read here.

use super::chars::{all_chars, is_name, resolve};
use crate::tree::{MAX_ATTRIBUTES, MAX_NAMESPACES};

/// Why attributes were refused: what was found, and whether it was a limit.
pub(super) enum Refused {
    Malformed(&'static str),
    TooMany(&'static str),
}

/// Names and values in their order, references resolved and white space normalised (XML 1.0 §3.3.3).
pub(super) fn read(mut rest: &str) -> Result<Vec<(&str, String)>, Refused> {
    const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];
    let mut attributes: Vec<(&str, String)> = Vec::new();
    let mut namespaces = 0;
    loop {
        let trimmed = rest.trim_start_matches(SPACE);
        if trimmed.is_empty() {
            return Ok(attributes);
        }
        if trimmed.len() == rest.len() {
            return Err(Refused::Malformed("no space before an attribute"));
        }
        let Some((name, after)) = trimmed.split_once('=') else {
            return Err(Refused::Malformed("an attribute without a value"));
        };
        let name = name.trim_end_matches(SPACE);
        if !is_name(name) {
            return Err(Refused::Malformed("a malformed attribute name"));
        }
        let after = after.trim_start_matches(SPACE);
        let quote = match after.chars().next() {
            Some(quote @ ('"' | '\'')) => quote,
            _ => return Err(Refused::Malformed("an attribute value without quotes")),
        };
        let Some((raw, after)) = after.get(1..).and_then(|after| after.split_once(quote)) else {
            return Err(Refused::Malformed("an attribute value without its closing quote"));
        };
        if attributes.iter().any(|(other, _)| *other == name) {
            return Err(Refused::Malformed("one attribute twice"));
        }
        if name == "xmlns" || name.starts_with("xmlns:") {
            namespaces += 1;
            if namespaces > MAX_NAMESPACES {
                return Err(Refused::TooMany("more than 16 namespaces on one element"));
            }
        } else if attributes.len() - namespaces == MAX_ATTRIBUTES {
            return Err(Refused::TooMany("more than 64 attributes on one element"));
        }
        attributes.push((name, value(raw).map_err(Refused::Malformed)?));
        rest = after;
    }
}

fn value(raw: &str) -> Result<String, &'static str> {
    if raw.contains('<') {
        return Err("`<` in an attribute value");
    }
    if !all_chars(raw) {
        return Err("a character that XML does not allow");
    }
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '\t', '\n', '\r']) {
        let (plain, tail) = rest.split_at(at);
        value.push_str(plain);
        rest = if let Some(reference) = tail.strip_prefix('&') {
            let (name, after) = reference.split_once(';').ok_or("`&` that begins no reference")?;
            value.push(resolve(name).ok_or("a reference that is not defined")?);
            after
        } else {
            value.push(' ');
            tail.strip_prefix("\r\n").or_else(|| tail.get(1..)).unwrap_or_default()
        };
    }
    value.push_str(rest);
    Ok(value)
}
