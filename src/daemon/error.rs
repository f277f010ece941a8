//! [`DaemonError`]: why the daemon cannot start, or had to stop. Next: [`super::parts`].

use std::path::Path;

use thiserror::Error;

use crate::codeset::CodesetError;
use crate::config::{Problems, SecretError};
use crate::store::StoreError;

/// Why the daemon cannot start, or had to stop.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DaemonError {
    /// The configuration is wrong.
    #[error("{0}")]
    Configuration(#[from] Problems),
    /// A secret cannot be had.
    #[error("{0}")]
    Secret(#[from] SecretError),
    /// The codeset cannot be loaded.
    #[error("the codeset cannot be used: {0}")]
    Codeset(#[from] CodesetError),
    /// An endpoint cannot be made.
    #[error("endpoint {name}: {problem}")]
    Endpoint {
        /// Its name.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// A profile cannot be used by a daemon.
    #[error("{path}: {problem}")]
    Profile {
        /// The profile's file.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// Another daemon works on this data folder.
    #[error(
        "{0}: another sp-fhir daemon works here; stop it first, or give this one a data folder of its own"
    )]
    Running(String),
    /// Another process pulls into this data folder.
    #[error(
        "{0}: another process pulls here (the daemon does, where an endpoint has `pull`); let it, or stop it first"
    )]
    Pulling(String),
    /// No endpoint is pulled.
    #[error("no endpoint has `pull`; see the commented file that `sp-fhir init` writes")]
    NothingToPull,
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An endpoint cannot be read.
    #[error("{0}")]
    Unread(String),
    /// A loop ended abnormally: a defect of the program.
    #[error(
        "internal error: a loop stopped; everything accepted is kept. Please report it with `sp-fhir --version`"
    )]
    Defect,
    /// A file, folder or socket.
    #[error("{place}: {source}")]
    Io {
        /// Which.
        place: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl DaemonError {
    /// An error of a file or folder.
    #[must_use]
    pub fn io(place: &Path, source: std::io::Error) -> Self {
        Self::Io { place: place.display().to_string(), source }
    }

    /// Whether the configuration must be mended, not the machine.
    #[must_use]
    pub const fn is_configuration(&self) -> bool {
        matches!(
            self,
            Self::Configuration(_)
                | Self::Secret(_)
                | Self::Codeset(_)
                | Self::Endpoint { .. }
                | Self::Profile { .. }
                | Self::NothingToPull
        )
    }
}
