//! Compact, canonical JSON bytes of our own FHIR types.
//!
//! What it is: a writer that goes straight from a struct to bytes. Member names are constants with their quotes
//! and colon, every member ends in a comma, and the last comma becomes the closing brace: no state, no
//! look-ahead. What it is not: a general JSON writer (the types also implement [`serde::Serialize`] for that).
//! Invariant: the bytes are the same as `serde_json::to_vec` gives for the same value; a test holds them equal.
//! Next: [`super::types`].

use std::io;
use std::sync::Arc;

use serde::Serialize;
use serde::ser::SerializeMap;

use super::types::Text;
use crate::tree::json::{contents, string};

/// A value that can stand behind a member name in FHIR JSON.
///
/// A member is left out when it has nothing to say: `None`, an empty list, an empty string.
pub trait Json: Serialize {
    /// Writes the value itself.
    fn value(&self, out: &mut Vec<u8>);

    /// Writes `"name":value,`; `key` is the name with its quotes and colon. Choice elements bring their own name.
    #[inline]
    fn member(&self, key: &'static str, out: &mut Vec<u8>) {
        out.extend_from_slice(key.as_bytes());
        self.value(out);
        out.push(b',');
    }

    /// The same for serde: `name` is the bare name.
    ///
    /// # Errors
    /// Whatever the serializer reports.
    fn entry<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry(name, self)
    }
}

/// The bytes of one value.
#[must_use]
pub fn to_vec<T: Json>(value: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(4096);
    value.value(&mut out);
    out
}

/// Appends the bytes of one value; the way to fill one buffer with many Bundles.
pub fn append<T: Json>(value: &T, out: &mut Vec<u8>) {
    value.value(out);
}

/// Writes the bytes of one value in one call.
///
/// # Errors
/// Whatever the writer reports.
pub fn to_writer<T: Json>(value: &T, mut writer: impl io::Write) -> io::Result<()> {
    writer.write_all(&to_vec(value))
}

/// Ends an object whose members were written with [`Json::member`].
#[inline]
pub(crate) fn close(out: &mut Vec<u8>) {
    match out.last_mut() {
        Some(last) if *last == b',' => *last = b'}',
        _ => out.push(b'}'),
    }
}

impl Json for Text {
    #[inline]
    fn value(&self, out: &mut Vec<u8>) {
        string(self, out);
    }

    #[inline]
    fn member(&self, key: &'static str, out: &mut Vec<u8>) {
        if !self.is_empty() {
            out.extend_from_slice(key.as_bytes());
            out.push(b'"');
            contents(self, out);
            out.extend_from_slice(b"\",");
        }
    }

    fn entry<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error> {
        if self.is_empty() { Ok(()) } else { map.serialize_entry(name, self) }
    }
}

impl Json for bool {
    #[inline]
    fn value(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if *self { b"true" } else { b"false" });
    }
}

macro_rules! integers {
    ($($ty:ty)*) => {$(
        impl Json for $ty {
            #[inline]
            fn value(&self, out: &mut Vec<u8>) {
                // A small integer is the common case (a score); writing to a Vec cannot fail.
                let _ = io::Write::write_fmt(out, format_args!("{self}"));
            }
        }
    )*};
}
integers!(i32 u32);

impl<T: Json> Json for Option<T> {
    #[inline]
    fn value(&self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.value(out),
            None => out.extend_from_slice(b"null"),
        }
    }

    #[inline]
    fn member(&self, key: &'static str, out: &mut Vec<u8>) {
        if let Some(value) = self {
            value.member(key, out);
        }
    }

    fn entry<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error> {
        self.as_ref().map_or(Ok(()), |value| value.entry(name, map))
    }
}

macro_rules! pointers {
    ($($pointer:ident)*) => {$(
        impl<T: Json> Json for $pointer<T> {
            #[inline]
            fn value(&self, out: &mut Vec<u8>) {
                self.as_ref().value(out);
            }

            #[inline]
            fn member(&self, key: &'static str, out: &mut Vec<u8>) {
                self.as_ref().member(key, out);
            }

            fn entry<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error> {
                self.as_ref().entry(name, map)
            }
        }
    )*};
}
pointers!(Box Arc);

impl<T: Json> Json for Vec<T> {
    #[inline]
    fn value(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for item in self {
            item.value(out);
            out.push(b',');
        }
        match out.last_mut() {
            Some(last) if *last == b',' => *last = b']',
            _ => out.push(b']'),
        }
    }

    #[inline]
    fn member(&self, key: &'static str, out: &mut Vec<u8>) {
        if !self.is_empty() {
            out.extend_from_slice(key.as_bytes());
            self.value(out);
            out.push(b',');
        }
    }

    fn entry<M: SerializeMap>(&self, name: &'static str, map: &mut M) -> Result<(), M::Error> {
        if self.is_empty() { Ok(()) } else { map.serialize_entry(name, self) }
    }
}
