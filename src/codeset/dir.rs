//! Reading a codeset from a folder: the only part of this module that touches files (feature `convert`).

use std::path::Path;

use super::manifest::{MANIFEST, Manifest};
use super::{Codeset, CodesetError};

/// No file of a codeset is larger than this, in bytes; a larger one is refused before it is read.
const LARGEST: u64 = 256 * 1024 * 1024;

impl Codeset {
    /// Reads `manifest.json` and the files it names, nothing else.
    ///
    /// # Errors
    /// A file that is missing, cannot be read, is not what the manifest says, or is no codeset.
    pub fn from_dir(folder: &Path) -> Result<Self, CodesetError> {
        let manifest = match read(folder, MANIFEST) {
            Err(CodesetError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return Err(CodesetError::NoManifest);
            }
            other => other?,
        };
        let names: Vec<String> =
            Manifest::parse(&manifest)?.files.into_iter().map(|file| file.name).collect();
        let mut files = vec![(MANIFEST.to_owned(), manifest)];
        for name in names {
            match read(folder, &name) {
                // Left out, so that loading reports it as missing like any other.
                Err(CodesetError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
                bytes => files.push((name, bytes?)),
            }
        }
        Self::from_files(files)
    }
}

fn read(folder: &Path, name: &str) -> Result<Vec<u8>, CodesetError> {
    let path = folder.join(name);
    let io = |source| CodesetError::Io { file: path.display().to_string(), source };
    let size = std::fs::metadata(&path).map_err(io)?.len();
    if size > LARGEST {
        return Err(CodesetError::content(
            name,
            format!("{size} bytes is more than a codeset file may have"),
        ));
    }
    std::fs::read(&path).map_err(io)
}
