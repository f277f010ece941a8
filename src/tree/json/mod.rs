//! JSON (RFC 8259) in and out of [`super::Node`].
//!
//! What it is: a strict reader ([`parse`]) and a compact writer ([`write()`]). What it is not: lenient. Refused: a key
//! named twice (also when escapes hide it), anything after the value, a lone surrogate, a byte order mark, nesting
//! beyond the limit. Invariant: `write(parse(x))` differs from `x` only in white space and escapes. Next:
//! `read.rs`, then `write.rs`.

mod pretty;
mod read;
mod write;

pub use pretty::pretty;
pub use read::{is_number, parse};
pub use write::{contents, string, write};
