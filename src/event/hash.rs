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
    let digit = |four_bits: u8| char::from(four_bits + if four_bits < 10 { b'0' } else { b'a' - 10 });
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}
