//! `Narrative.div`: the one place where FHIR holds markup.
//!
//! What it is: the rule that a div is one well-formed XHTML `div` without anything that acts or fetches, and the way
//! from an XML document's div to the string JSON carries. What it is not: a renderer or a cleaner: active content is
//! refused, not repaired. Invariant: a div that passes can stand in an XML document as it is. Next: `read.rs`.

use crate::event::IssueCode;
use crate::tree::Limits;
use crate::tree::xml::{self, Child, Element};

pub(super) const XHTML: &str = "http://www.w3.org/1999/xhtml";

/// Elements R4 forbids in a narrative (Narrative.div), and their kin.
const FORBIDDEN: [&str; 14] = [
    "applet", "base", "body", "embed", "form", "frame", "frameset", "head", "iframe", "input", "link",
    "meta", "object", "script",
];

/// Whether a JSON div may be taken.
pub(super) fn check(div: &str) -> Result<(), (IssueCode, &'static str)> {
    let root =
        xml::parse(div.as_bytes(), &Limits::default()).map_err(|issue| (issue.code, "a malformed div"))?;
    if root.local() != "div" || root.namespace.as_deref() != Some(XHTML) {
        return Err((IssueCode::WrongShape, "no XHTML div"));
    }
    // A declaration or a comment around it could not stand inside a document.
    if div.get(root.span.clone()) != Some(div.trim_matches([' ', '\t', '\r', '\n'])) {
        return Err((IssueCode::WrongShape, "more than a div"));
    }
    if is_active(&root) { Err((IssueCode::NarrativeActive, "")) } else { Ok(()) }
}

fn is_active(element: &Element) -> bool {
    let attribute = |name: &str, value: &str| {
        let name = name.to_ascii_lowercase();
        let value = value.trim_start_matches(|c: char| c.is_whitespace() || c.is_control());
        name.starts_with("on")
            || (name == "href" || name == "src")
                && value.get(..11).is_some_and(|scheme| scheme.eq_ignore_ascii_case("javascript:"))
    };
    FORBIDDEN.contains(&element.local().to_ascii_lowercase().as_str())
        || element.attributes.iter().any(|a| attribute(a.local(), &a.value))
        || element.elements().any(is_active)
}

/// The string of a div in an XML document: its own bytes, unless it leans on declarations outside itself.
pub(super) fn text(div: &Element, source: &[u8]) -> String {
    let bytes = source.get(div.span.clone()).unwrap_or_default();
    // XML readers see every line end as a line feed (XML 1.0 §2.11).
    let raw = String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\r', "\n");
    match xml::parse(raw.as_bytes(), &Limits::default()) {
        Ok(alone) if same(&alone, div) => raw,
        _ => {
            let mut out = String::new();
            write(div, true, &mut out);
            out
        }
    }
}

fn same(a: &Element, b: &Element) -> bool {
    let child = |(a, b): (&Child, &Child)| match (a, b) {
        (Child::Text(a), Child::Text(b)) => a == b,
        (Child::Element(a), Child::Element(b)) => same(a, b),
        _ => false,
    };
    a.name == b.name
        && a.namespace == b.namespace
        && a.attributes == b.attributes
        && a.children.len() == b.children.len()
        && a.children.iter().zip(&b.children).all(child)
}

fn write(element: &Element, root: bool, out: &mut String) {
    out.push('<');
    out.push_str(element.local());
    if root {
        out.push_str(" xmlns=\"");
        out.push_str(XHTML);
        out.push('"');
    }
    for attribute in &element.attributes {
        // `xml:lang` keeps its prefix; no other foreign attribute means anything in a narrative.
        let name = if attribute.name.starts_with("xml:") { &attribute.name } else { attribute.local() };
        out.push(' ');
        out.push_str(name);
        out.push_str("=\"");
        xml::escape(&attribute.value, out);
        out.push('"');
    }
    if element.children.is_empty() {
        out.push_str("/>");
        return;
    }
    out.push('>');
    for child in &element.children {
        match child {
            Child::Element(element) => write(element, false, out),
            Child::Text(text) => xml::escape_text(text, out),
        }
    }
    out.push_str("</");
    out.push_str(element.local());
    out.push('>');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_passive_xhtml_div_is_taken() {
        let div = |inner: &str| format!("<div xmlns=\"{XHTML}\">{inner}</div>");
        assert!(check(&div("<p onion='x'>a &amp; <b>b</b></p>").replace("onion", "class")).is_ok());
        assert!(check(&format!("<h:div xmlns:h='{XHTML}'><h:p/></h:div>")).is_ok());
        for bad in [
            "text",
            "<div>x</div>",
            "",
            &format!("<p xmlns='{XHTML}'/>"),
            &div("&nbsp;"),
            &div("<p>"),
            &format!("<?xml version='1.0'?>{}", div("x")),
            &format!("<!--x-->{}", div("x")),
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        for active in ["<script>x</script>", "<p onclick='x'/>", "<a href=' javascript:x'/>", "<IFRAME/>"] {
            assert_eq!(check(&div(active)), Err((IssueCode::NarrativeActive, "")), "{active}");
        }
        assert_eq!(check(&format!("<!DOCTYPE x>{}", div("x"))), Err((IssueCode::Doctype, "a malformed div")));
    }
}
