//! Writes refused and held rows aside, each under the heading of its own file, in the order of the input.
//!
//! Rows under one heading share a file; inputs with different headings, or of different kinds, get a file each, because
//! a file of both could not be read back. Every file is written, if only its heading, so that none of an earlier run
//! is taken for this one's. Invariant: each file alone is an input for `convert`. Next: [`crate::source::Layout`],
//! which makes the lines.

use std::io;
use std::path::{Path, PathBuf};

use super::error::ConvertError;
use super::group::{FileScene, Place};
use super::part::{Pending, Sealed};
use super::report::RejectsFile;
use super::sorter::Sorter;

/// A row that is not written, with the reasons.
pub struct Reject {
    /// Where it stands.
    pub place: Place,
    /// The line of the rejects file.
    pub line: String,
}

/// Endings of files that refused rows cannot be written as.
const NOT_TEXT: [&str; 5] = ["xlsx", "xlsm", "xls", "ods", "xml"];

/// Checks that the name of the file says what will be in it.
///
/// # Errors
/// It promises a workbook or XML.
pub fn check(path: &Path) -> Result<(), ConvertError> {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    if !NOT_TEXT.contains(&ending.as_str()) {
        return Ok(());
    }
    let (kind, name) = if ending == "xml" { ("XML", "ndjson") } else { ("a workbook", "csv") };
    Err(ConvertError::Usage(format!(
        "--rejects: refused rows are not written as {kind}: rows of a table or a workbook go into a .csv, which a \
         spreadsheet opens, and records of JSON or XML into an .ndjson. Name it {}",
        path.with_extension(name).display()
    )))
}

/// The refused rows of a run, on the disk but not yet under their names.
pub(super) struct Written {
    files: Vec<(Sealed, RejectsFile)>,
    /// A file that looks like one more of these, left by an earlier run.
    left: Option<PathBuf>,
}

/// Why refused rows could not be written.
pub(super) enum RejectsError {
    /// The spill file.
    Spill(io::Error),
    /// The rejects file.
    Write(ConvertError),
}

/// Writes the refused rows. `rejects` are keyed by place.
pub(super) fn write(path: &Path, files: &[FileScene], rejects: Sorter) -> Result<Written, RejectsError> {
    let headings: Vec<Option<String>> = files.iter().map(|file| file.layout.reject_header()).collect();
    let mut groups: Vec<&Option<String>> = Vec::new();
    for (heading, _) in headings.iter().zip(files).filter(|(_, file)| !file.previous) {
        if !groups.contains(&heading) {
            groups.push(heading);
        }
    }
    let mut open: Vec<(Pending, RejectsFile)> = Vec::new();
    for (number, heading) in groups.iter().enumerate() {
        let place = numbered(path, number, heading.is_some());
        let mut pending = Pending::owned(&place, path).map_err(RejectsError::Write)?;
        if let Some(heading) = heading {
            pending.write(heading.as_bytes()).map_err(RejectsError::Write)?;
        }
        open.push((pending, RejectsFile { file: place.display().to_string(), rows: 0 }));
    }
    let mut sorted = rejects.sorted().map_err(RejectsError::Spill)?;
    while let Some((key, line)) = sorted.next_record().map_err(RejectsError::Spill)? {
        let file = key.first_chunk().map_or(0, |place| Place::from_bytes(*place).file());
        let group = headings.get(file).and_then(|heading| groups.iter().position(|known| *known == heading));
        if let Some((pending, known)) = group.and_then(|group| open.get_mut(group)) {
            pending.write(&line).map_err(RejectsError::Write)?;
            known.rows += 1;
        }
    }
    let next = |is_table| numbered(path, groups.len().max(1), is_table);
    let left = [next(true), next(false)].into_iter().find(|place| place.exists());
    let seal = |(pending, known): (Pending, RejectsFile)| Ok((pending.seal()?, known));
    let files = open.into_iter().map(seal).collect::<Result<_, _>>().map_err(RejectsError::Write)?;
    Ok(Written { files, left })
}

impl Written {
    /// Gives the files their names; tells which they are, and what an earlier run left beside them.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn finish(self) -> Result<(Vec<RejectsFile>, Option<String>), ConvertError> {
        let mut named = Vec::new();
        for (sealed, known) in self.files {
            sealed.name()?;
            named.push(known);
        }
        let note = self.left.map(|path| {
            format!("{}: left by an earlier run; none of this run's refused rows are in it", path.display())
        });
        Ok((named, note))
    }
}

/// `rejects.csv`, `rejects.2.csv`, `rejects.3.ndjson`…; what compresses stays at the end.
fn numbered(path: &Path, number: usize, is_table: bool) -> PathBuf {
    if number == 0 {
        return path.to_owned();
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let packed = [".gz", ".zst"].into_iter().find(|ending| name.ends_with(ending)).unwrap_or_default();
    let bare = name.strip_suffix(packed).unwrap_or(&name);
    let (stem, ending) = match bare.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => (stem, Some(ending)),
        _ => (bare, None),
    };
    let ending = match (ending, is_table) {
        (Some("csv" | "tsv" | "txt"), false) => Some("ndjson"),
        (Some("ndjson" | "json" | "jsonl"), true) => Some("csv"),
        (ending, _) => ending,
    };
    let ending = ending.map(|ending| format!(".{ending}")).unwrap_or_default();
    path.with_file_name(format!("{stem}.{}{ending}{packed}", number + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_files_are_numbered_and_named_for_what_is_in_them() {
        for (path, number, is_table, expected) in [
            ("a/rejects.csv", 0, false, "a/rejects.csv"),
            ("a/rejects.csv", 1, true, "a/rejects.2.csv"),
            ("a/rejects.csv", 1, false, "a/rejects.2.ndjson"),
            ("rejects.ndjson", 2, true, "rejects.3.csv"),
            ("rejects.csv.gz", 1, true, "rejects.2.csv.gz"),
            ("r.csv.zst", 1, false, "r.2.ndjson.zst"),
            ("rejects", 1, true, "rejects.2"),
            (".rejects", 1, true, ".rejects.2"),
        ] {
            assert_eq!(numbered(Path::new(path), number, is_table), Path::new(expected), "{path}");
        }
    }

    #[test]
    fn a_workbook_or_xml_is_refused_with_the_name_to_give() {
        let told = |name: &str| check(Path::new(name)).unwrap_err().to_string();
        assert!(told("out/r.XLSX").ends_with("Name it out/r.csv"), "{}", told("out/r.XLSX"));
        assert!(told("r.xml").ends_with("Name it r.ndjson"), "{}", told("r.xml"));
        for fine in ["r.csv", "r.tsv", "r.ndjson", "r", "r.csv.gz", "r.json"] {
            assert!(check(Path::new(fine)).is_ok(), "{fine}");
        }
    }
}
