//! [`SourceError`]: why a whole file could not be read, or could not be read any further.
//!
//! What it is: the end of one file, with the file's name, the row where known, and what to do. What it is
//! not: a refused record; that is an [`crate::event::Issue`] and the file goes on. Invariant: the text never
//! repeats anything out of the file but headings, sheet names and element names. Next: [`super::reader`].

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;

/// The kinds of end a file can come to, for exit codes and tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceErrorKind {
    /// The operating system refused: missing, not readable, disk full.
    Io,
    /// Nothing in it.
    Empty,
    /// A limit was reached: decompressed size, record size, columns.
    TooLarge,
    /// A kind of file that is not read here (PDF, Word, old Excel…).
    Unsupported,
    /// Damaged, or not what it says it is.
    Malformed,
    /// A sheet, a heading row or a path of records that was asked for and is not there.
    NotFound,
}

/// A file that could not be read, or not to its end.
#[derive(Debug)]
pub struct SourceError {
    kind: SourceErrorKind,
    file: Arc<str>,
    row: Option<u64>,
    title: Cow<'static, str>,
    remedy: Cow<'static, str>,
    source: Option<io::Error>,
}

impl SourceError {
    pub(crate) fn new(
        kind: SourceErrorKind,
        title: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind,
            file: Arc::from(""),
            row: None,
            title: title.into(),
            remedy: remedy.into(),
            source: None,
        }
    }

    pub(crate) fn io(error: io::Error) -> Self {
        if let Some(limit) = error.get_ref().and_then(|e| e.downcast_ref::<LimitReached>()) {
            return Self::new(
                SourceErrorKind::TooLarge,
                format!("more than {} bytes after decompression", limit.0),
                "split the file",
            );
        }
        if matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput
        ) {
            let mut it = Self::new(
                SourceErrorKind::Malformed,
                "the compressed data is damaged or ends too early",
                "copy or download the file again",
            );
            it.source = Some(error);
            return it;
        }
        let title = format!("cannot be read ({})", error.kind());
        let mut it = Self::new(SourceErrorKind::Io, title, "check the name, the permissions and the disk");
        it.source = Some(error);
        it
    }

    pub(crate) fn at_row(mut self, row: u64) -> Self {
        self.row.get_or_insert(row);
        self
    }

    pub(crate) fn in_file(mut self, file: &Arc<str>) -> Self {
        if self.file.is_empty() {
            self.file = Arc::clone(file);
        }
        self
    }

    /// Which kind of end it was.
    #[must_use]
    pub fn kind(&self) -> SourceErrorKind {
        self.kind
    }

    /// The file's name as the user gave it.
    #[must_use]
    pub fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// The row or record where reading stopped, counted as [`crate::event::Position::row`] counts.
    #[must_use]
    pub fn row(&self) -> Option<u64> {
        self.row
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &str {
        &self.remedy
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(row) = self.row {
            write!(f, ":{row}")?;
        }
        write!(f, ": {}; {}", self.title, self.remedy)
    }
}

impl std::error::Error for SourceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|e| e as _)
    }
}

/// Travels through `io::Error` from the counting reader to [`SourceError::io`].
#[derive(Debug)]
pub(crate) struct LimitReached(pub(crate) u64);

impl fmt::Display for LimitReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "more than {} bytes", self.0)
    }
}

impl std::error::Error for LimitReached {}
