//! Content hashes: SHA-256 over the wire form, as lower-case hexadecimal.
//!
//! They tell a revision from a repeat and take part in the Provenance's identifier. Next: [`super::build`].

use serde::Serialize;
use sha2::{Digest, Sha256};

/// The hash of a value's wire form. Values of this crate always serialise; one that did not would hash as empty.
#[must_use]
pub fn of<T: Serialize>(value: &T) -> String {
    hex(&Sha256::digest(serde_json::to_vec(value).unwrap_or_default()))
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |four_bits: u8| four_bits + if four_bits < 10 { b'0' } else { b'a' - 10 };
    // Arrays have a known length: the text is filled without asking for room at every digit.
    let digits: Vec<u8> = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
    String::from_utf8(digits).unwrap_or_default()
}
