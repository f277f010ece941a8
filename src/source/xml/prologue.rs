//! What an XML document says before its first record: its encoding, its namespace, and that it has no DOCTYPE.
//!
//! What it is: looks at the beginning of a text. What it is not: a judge of FHIR; [`crate::fhir`] reads that.
//! Invariant: a DOCTYPE is refused wherever it stands, whether it would matter to a reader or not. Next: [`mod@super::detect`].

use super::token::{Token, token};
use crate::event::IssueCode;
use crate::source::error::{SourceError, SourceErrorKind};
use crate::source::scan::find1;

const FHIR: &str = "http://hl7.org/fhir";

/// The encoding that an XML declaration states.
pub(crate) fn declared_encoding(head: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    let head = head.trim_ascii_start();
    let declaration = head.strip_prefix(b"<?xml")?.get(..200.min(head.len() - 5))?;
    let text = String::from_utf8_lossy(declaration);
    let label =
        text.split("?>").next()?.split("encoding").nth(1)?.trim_start().strip_prefix('=')?.trim_start();
    let quote = label.chars().next()?;
    let label = label.get(1..)?.split(quote).next()?;
    // Without a byte order mark these bytes are not UTF-16, whatever they say.
    encoding_rs::Encoding::for_label(label.as_bytes()).filter(|e| e.is_ascii_compatible())
}

/// Whether the root element stands in the FHIR namespace.
pub(crate) fn root_is_fhir(text: &str) -> bool {
    let mut at = 0;
    while let Some(open) = find1(text.as_bytes(), at, b'<') {
        match token(text.as_bytes(), open) {
            Token::Open { end, .. } => {
                let tag = text.get(open..end).unwrap_or_default();
                return ['"', '\''].iter().any(|q| tag.contains(&format!("{q}{FHIR}{q}")));
            }
            Token::Other { end } | Token::Close { end, .. } => at = end,
            Token::Doctype | Token::More => return false,
        }
    }
    false
}

pub(super) fn doctype() -> SourceError {
    SourceError::new(SourceErrorKind::Malformed, IssueCode::Doctype.title(), IssueCode::Doctype.remedy())
}

/// Refuses a document with a DOCTYPE, whether it matters to the reader or not.
pub(crate) fn refuse_doctype(text: &str) -> Result<(), SourceError> {
    let mut at = 0;
    while let Some(open) = find1(text.as_bytes(), at, b'<') {
        match token(text.as_bytes(), open) {
            Token::Doctype => return Err(doctype()),
            Token::Open { end, .. } | Token::Other { end } | Token::Close { end, .. } => at = end,
            Token::More => return Ok(()),
        }
    }
    Ok(())
}
