//! Bytes of a file as they are after at most one layer of compression, counted and bounded.
//!
//! What it is: the magic bytes of gzip and Zstandard, and a reader that stops at a limit. What it is not: text;
//! see [`super::text`]. Invariant: whatever a file claims about itself, no more than the limit comes out of it.

use std::io::{self, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use super::error::{LimitReached, SourceError, SourceErrorKind};

/// How much of a file is looked at to tell what it is.
pub(crate) const HEAD: usize = 64 << 10;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// The content of a file: its first bytes, and a reader over all of it (the first bytes included).
pub(crate) struct Content {
    pub(crate) head: Vec<u8>,
    pub(crate) reader: Box<dyn Read + Send>,
}

/// Undoes one layer of compression, recognised by content.
pub(crate) fn open(
    raw: Box<dyn Read + Send>,
    limit: u64,
    read: Arc<AtomicU64>,
) -> Result<Content, SourceError> {
    let counted = Counted { inner: raw, read };
    let (head, reader) = peek(Box::new(counted))?;
    let unpacked: Box<dyn Read + Send> = if head.starts_with(GZIP) {
        Box::new(MultiGzDecoder::new(reader))
    } else if head.starts_with(ZSTD) {
        Box::new(zstd::stream::read::Decoder::new(reader).map_err(SourceError::io)?)
    } else {
        return Ok(Content { head, reader });
    };
    let (head, reader) = peek(Box::new(Capped { inner: unpacked, left: limit, limit }))?;
    if head.starts_with(GZIP) || head.starts_with(ZSTD) {
        return Err(SourceError::new(
            SourceErrorKind::Unsupported,
            "compressed twice",
            "decompress it once first",
        ));
    }
    Ok(Content { head, reader })
}

fn peek(mut reader: Box<dyn Read + Send>) -> Result<(Vec<u8>, Box<dyn Read + Send>), SourceError> {
    let mut head = Vec::new();
    // `take` on a mutable borrow: what is not looked at stays in the reader.
    (&mut reader).take(HEAD as u64).read_to_end(&mut head).map_err(SourceError::io)?;
    let again = Cursor::new(head.clone());
    Ok((head, Box::new(again.chain(reader))))
}

struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(into)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

struct Capped<R> {
    inner: R,
    left: u64,
    limit: u64,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(into)?;
        match self.left.checked_sub(n as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other(LimitReached(self.limit))),
        }
        Ok(n)
    }
}
