//! Where a file goes when it was read, or cannot be: to its folder, under the day's name, with its reasons beside it.
//!
//! Next: `read.rs`.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use crate::config::Folder;
use crate::convert::{ConvertError, Report};

use super::reasons::Reasons;
use super::{FileEnd, Watch, mark, place};

/// What stands in a `refused` folder until a person takes it away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// Files that were refused whole, or set aside.
    pub files: usize,
    /// Files of refused rows.
    pub rows: usize,
}

/// The end of the name of a file's reasons.
const REASONS: &str = ".reasons.json";

/// Counts what stands in a folder's `refused`; nothing where it cannot be looked into.
#[must_use]
pub fn refused(watched: &Folder) -> Refused {
    let mut found = Refused::default();
    let files = place::files(&watched.refused).unwrap_or_default();
    let names: HashSet<String> =
        files.into_iter().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
    for name in names.iter().filter(|name| !name.ends_with(REASONS)) {
        let is_rows = [".rejects.csv", ".rejects.ndjson"].iter().any(|end| name.ends_with(end));
        // Rows that were mended and put back, and refused as a file, have reasons of their own.
        match is_rows && !names.contains(&format!("{name}{REASONS}")) {
            true => found.rows += 1,
            false => found.files += 1,
        }
    }
    found
}

impl Watch {
    pub(super) fn refuse(
        &self,
        path: &Path,
        name: &str,
        error: &ConvertError,
    ) -> Result<FileEnd, ConvertError> {
        let name = self.stamped(name);
        self.write_reasons(&name, Some(error.to_string()), &self.shared.report())?;
        self.relocate(path, &self.folder.refused, &name)?;
        tracing::warn!(folder = %self.folder.path.display(), "a file could not be read and was moved aside with its reasons");
        Ok(FileEnd::Refused)
    }

    /// A file whose reading ended the process, again and again.
    pub(super) fn set_aside(&self, path: &Path, name: &str) -> Result<FileEnd, ConvertError> {
        let name = self.stamped(name);
        let said = format!(
            "the program ended {} times in a row while it read this file. Try it by itself with `sp-fhir convert`; if that ends \
             too, report it with `sp-fhir --version`. If the program was killed for another reason, move the file back into the \
             watched folder: nothing of it is taken twice",
            mark::MOST
        );
        self.write_reasons(&name, Some(said), &self.shared.report())?;
        self.relocate(path, &self.folder.refused, &name)?;
        tracing::error!(
            folder = %self.folder.path.display(),
            "the program ended again and again while it read a file; the file was moved aside with its reasons"
        );
        Ok(FileEnd::Refused)
    }

    pub(super) fn relocate(&self, path: &Path, folder: &Path, name: &str) -> Result<(), ConvertError> {
        let to = place::free(folder, name);
        place::relocate(path, &to).map_err(|error| ConvertError::write(&to, error))
    }

    pub(super) fn stamped(&self, name: &str) -> String {
        let now = self.shared.clock.now();
        format!("{}-{}", now.strftime("%Y%m%dT%H%M%SZ"), place::shortened(name))
    }

    pub(super) fn write_reasons(
        &self,
        name: &str,
        error: Option<String>,
        report: &Report,
    ) -> Result<(), ConvertError> {
        let path = place::free(&self.folder.refused, &format!("{name}{REASONS}"));
        let failed = |error| ConvertError::write(&path, error);
        let mut json = serde_json::to_vec_pretty(&Reasons::of(error, report))
            .map_err(|error| failed(io::Error::other(error)))?;
        json.push(b'\n');
        let mut file = crate::convert::part::Pending::file(&path)?;
        file.write(&json)?;
        file.finish()
    }
}
