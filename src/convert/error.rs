//! [`ConvertError`]: why a run could not be done at all, and the exit code that says so.
//!
//! A refused row is no error of the run: it is counted and written aside. Next: [`super::run`].

use std::fmt;
use std::path::Path;

use thiserror::Error;

use crate::codeset::CodesetError;
use crate::event::Issue;
use crate::source::{SourceError, SourceErrorKind};

/// Exit codes of the command; part of its interface, never renumbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Every row was converted, unchanged or not shared.
    Done = 0,
    /// Some rows were refused or held; the rest went through.
    SomeRefused = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Nothing in the input could be used.
    NothingUsable = 3,
    /// No profile was given and no shipped one fits.
    NoProfile = 4,
    /// A profile, codeset or key file is wrong, or does not fit the file.
    Configuration = 5,
    /// A file could not be read or written.
    Io = 6,
}

impl Exit {
    /// Every exit code with what it means, for `--help` and the documentation.
    pub const ALL: &'static [(Self, &'static str)] = &[
        (Self::Done, "every row was converted (or unchanged, or not shared by the person's wish)"),
        (Self::SomeRefused, "some rows were refused or held; the rest went through"),
        (Self::Usage, "the command line is wrong"),
        (Self::NothingUsable, "nothing in the input could be used"),
        (Self::NoProfile, "no profile was given and no shipped one fits"),
        (Self::Configuration, "a profile, codeset or key file is wrong, or does not fit the file"),
        (Self::Io, "a file could not be read or written"),
    ];

    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// Several issues as one text, a line each.
#[derive(Debug)]
pub struct Issues(pub Vec<Issue>);

impl fmt::Display for Issues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, issue) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{issue}")?;
        }
        Ok(())
    }
}

/// Why a run could not be done.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConvertError {
    /// The command line asks for something that does not go together.
    #[error("{0}")]
    Usage(String),
    /// The profile is wrong, or does not fit the file.
    #[error("the profile cannot be used:\n{0}")]
    Profile(Issues),
    /// Something else in the configuration is wrong.
    #[error("{0}")]
    Configuration(String),
    /// No profile fits.
    #[error("{0}")]
    NoProfile(String),
    /// The codeset cannot be loaded.
    #[error("the codeset cannot be used: {0}")]
    Codeset(#[from] CodesetError),
    /// A file cannot be read, or not to its end.
    #[error("{0}")]
    Source(#[from] SourceError),
    /// A file cannot be written.
    #[error("{path}: cannot be written ({}); {}", what_happened(.source), what_to_do(.source.kind()))]
    Write {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A worker thread ended abnormally; a defect of the program. Nothing was written.
    #[error(
        "internal error: a worker stopped; nothing was written. Please report it with `sp-fhir --version`"
    )]
    Worker,
}

impl ConvertError {
    /// An error of writing a file.
    #[must_use]
    pub fn write(path: &Path, source: std::io::Error) -> Self {
        Self::Write { path: path.display().to_string(), source }
    }

    /// Whether the reader of our output went away (`| head`): no error to a person.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Write { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe)
    }

    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Profile(_) | Self::Configuration(_) | Self::Codeset(_) => Exit::Configuration,
            Self::NoProfile(_) => Exit::NoProfile,
            Self::Source(error) => match error.kind() {
                SourceErrorKind::Io => Exit::Io,
                SourceErrorKind::NotFound => Exit::Configuration,
                _ => Exit::NothingUsable,
            },
            Self::Write { .. } | Self::Worker => Exit::Io,
        }
    }
}

/// The system's own words; only their kind where they came wrapped, because a hidden name then stands among them.
fn what_happened(error: &std::io::Error) -> String {
    let own = error.raw_os_error().is_some() || error.kind() == std::io::ErrorKind::Other;
    if own { error.to_string() } else { error.kind().to_string() }
}

/// What a person can do about a place that cannot be written to.
fn what_to_do(kind: std::io::ErrorKind) -> &'static str {
    use std::io::ErrorKind as K;
    match kind {
        K::NotFound => "the folder it should stand in does not exist: check the name, or make the folder",
        K::PermissionDenied => "ask for the right to write there, or name another place",
        K::StorageFull | K::QuotaExceeded | K::FileTooLarge => "make room, or name another disk",
        K::IsADirectory => "this is a folder: name a file",
        K::NotADirectory => "this is a file: name a folder",
        K::ReadOnlyFilesystem => "the disk is read-only: name another place",
        K::DirectoryNotEmpty | K::AlreadyExists => {
            "another run wrote there meanwhile: name another place, or run again"
        }
        _ => "check the name, the permissions and the disk",
    }
}
