//! [`CodesetError`]: why a codeset could not be loaded. Each names the file to look at.
//!
//! A codeset holds no patient data, so unlike an [`crate::event::Issue`] these may show the text that is wrong.

/// Why a codeset could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodesetError {
    /// There is no `manifest.json`.
    #[error("the codeset has no manifest.json")]
    NoManifest,
    /// The manifest names a file that is not there.
    #[error("{file}: named in manifest.json but not there")]
    FileMissing {
        /// The file's name.
        file: String,
    },
    /// The file is not what the manifest says it is.
    #[error("{file}: changed since the manifest was made (sha256 {found}, the manifest says {expected})")]
    Changed {
        /// The file's name.
        file: String,
        /// The checksum in the manifest.
        expected: String,
        /// The checksum of the bytes.
        found: String,
    },
    /// The file is not JSON, or not the JSON expected.
    #[error("{file}: {source}")]
    Json {
        /// The file's name.
        file: String,
        /// What the reader says, with line and column.
        source: serde_json::Error,
    },
    /// The file is well formed, but says something a codeset may not say.
    #[error("{file}: {what}")]
    Content {
        /// The file's name.
        file: String,
        /// What is wrong, with the code or term it is about.
        what: String,
    },
    /// The file could not be read.
    #[error("{file}: {source}")]
    Io {
        /// The file's path.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
}

impl CodesetError {
    pub(crate) fn content(file: &str, what: impl Into<String>) -> Self {
        Self::Content { file: file.to_owned(), what: what.into() }
    }
}
