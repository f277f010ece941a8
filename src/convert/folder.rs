//! `Folder`: output of many files in one folder, which never mixes two runs.
//!
//! What it is: a hidden folder that takes the run's files and becomes the folder that was asked for, in one rename,
//! or, where that folder is there already, gives its files to it at the end. A list of what was written stays in
//! the folder ([`LIST`]), so that a later run knows which files are an earlier run's and which are somebody else's.
//! Invariants: without `replace` no file of the folder is touched; with it, only files that are listed; and
//! the list names at least every file of ours that is there, whenever the run is cut off. Next: [`super::output`].

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use super::error::ConvertError;
use super::part::{Pending, Staging, remove_dead, split};

/// The names of the files that runs wrote into a folder, one a line.
pub const LIST: &str = ".sp-fhir-files";
/// The list of both runs while one takes the place of the other.
const BOTH: &str = ".sp-fhir-files-both";

/// Endings of files that would be taken for this run's.
const ENDINGS: [&str; 3] = ["ndjson", "json", "xml"];

/// A folder in the making.
pub(super) struct Folder {
    /// What was asked for.
    place: PathBuf,
    list: Pending,
    /// Where files stand until the end.
    staging: Staging,
    /// Whether the folder was there before.
    existing: bool,
    replace: bool,
}

/// Checks, before anything is read, that output into this folder would mix with nothing.
///
/// # Errors
/// It would, or the folder cannot be listed.
pub fn check(place: &Path, replace: bool) -> Result<(), ConvertError> {
    let refuse = |text: String| Err(ConvertError::Usage(format!("{}: {text}", place.display())));
    let found = look(place).map_err(|error| ConvertError::write(place, error))?;
    if let Some(name) = found.foreign {
        return refuse(format!(
            "the folder holds {name}, which no run of sp-fhir is known to have written; output would get mixed up with \
             it. Name a new or an empty folder{}",
            if replace { " (--replace removes only what a run of sp-fhir wrote)" } else { "" }
        ));
    }
    if found.ours > 0 && !replace {
        let files = if found.ours == 1 { "1 file".to_owned() } else { format!("{} files", found.ours) };
        return refuse(format!(
            "the folder holds the output of an earlier run ({files}). Name another folder, or add --replace to put this \
             run's output in the place of that one's"
        ));
    }
    Ok(())
}

/// What is in a folder.
#[derive(Default)]
struct Found {
    /// Files that an earlier run wrote.
    ours: u64,
    /// A file of somebody else that looks like output.
    foreign: Option<String>,
}

fn look(place: &Path) -> io::Result<Found> {
    let mut found = Found::default();
    let entries = match fs::read_dir(place) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error),
    };
    let listed: HashSet<String> = names(&place.join(LIST))?.collect::<io::Result<_>>()?;
    for entry in entries {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if listed.contains(name.as_ref()) {
            found.ours += 1;
        } else if looks_like_output(&name) && found.foreign.as_deref().is_none_or(|first| *first > *name) {
            found.foreign = Some(name.into_owned());
        }
    }
    Ok(found)
}

/// Whether whoever reads the folder would take this file for output.
fn looks_like_output(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let bare = lower.strip_suffix(".gz").or_else(|| lower.strip_suffix(".zst")).unwrap_or(&lower);
    !name.starts_with('.') && bare.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending))
}

/// The names of a list; none where there is no list. Only what can be a file of ours in this very folder: a list that
/// somebody changed must not reach anything else.
fn names(list: &Path) -> io::Result<impl Iterator<Item = io::Result<String>> + use<>> {
    let file = match File::open(list) {
        Ok(file) => Some(BufReader::new(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let is_plain = |name: &String| looks_like_output(name) && !name.contains(['/', '\\']);
    Ok(file.into_iter().flat_map(BufRead::lines).filter(move |line| line.as_ref().map_or(true, is_plain)))
}

impl Folder {
    /// Starts a folder.
    ///
    /// # Errors
    /// Output would mix with what is there, or the disk.
    pub(super) fn open(place: &Path, replace: bool) -> Result<Self, ConvertError> {
        check(place, replace)?;
        let open = || -> io::Result<Self> {
            let existing = place.is_dir();
            let resolved = if existing { place.canonicalize()? } else { place.to_owned() };
            let (parent, name) = split(&resolved);
            let staging = if existing {
                // What a dead run left beside it, when it was not there yet.
                remove_dead(parent, &name);
                Staging::new(&resolved, &name)?
            } else {
                fs::create_dir_all(parent)?;
                Staging::new(parent, &name)?
            };
            let list = Pending::staged(&staging.path, LIST, resolved.join(LIST)).map_err(io::Error::other)?;
            Ok(Self { place: resolved, list, staging, existing, replace })
        };
        open().map_err(|error| ConvertError::write(place, error))
    }

    /// Starts a file of the folder.
    ///
    /// # Errors
    /// The disk.
    pub(super) fn file(&mut self, name: &str) -> Result<Pending, ConvertError> {
        self.list.write(name.as_bytes())?;
        self.list.write(b"\n")?;
        Pending::staged(&self.staging.path, name, self.place.join(name))
    }

    /// Every file is complete: the folder gets its name, or its files.
    ///
    /// # Errors
    /// The disk, or another run wrote into the folder meanwhile.
    pub(super) fn finish(self) -> Result<(), ConvertError> {
        let Self { place, list, staging, existing, replace } = self;
        list.finish()?;
        let done = if existing {
            // Once more: another run may have been quicker.
            check(&place, replace)?;
            give(&staging.path, &place)
        } else {
            fs::rename(&staging.path, &place)
        };
        done.map_err(|error| ConvertError::write(&place, error))
    }
}

/// Gives the files of `staging` to a folder that was there before, in place of those an earlier run listed.
fn give(staging: &Path, place: &Path) -> io::Result<()> {
    let (earlier, ours) = (place.join(LIST), staging.join(LIST));
    let both = staging.join(BOTH);
    {
        let mut out = io::BufWriter::new(File::create(&both)?);
        for list in [&earlier, &ours] {
            for name in names(list)? {
                io::Write::write_all(&mut out, name?.as_bytes())?;
                io::Write::write_all(&mut out, b"\n")?;
            }
        }
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    }
    let obsolete: Vec<String> = names(&earlier)?
        .filter(|name| name.as_ref().map_or(true, |name| !staging.join(name).exists()))
        .collect::<io::Result<_>>()?;
    fs::rename(&both, &earlier)?;
    for name in obsolete {
        match fs::remove_file(place.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    for name in names(&ours)? {
        let name = name?;
        match fs::rename(staging.join(&name), place.join(&name)) {
            // A name that is listed twice has been moved already.
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(&ours, &earlier)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, replace: bool, files: &[(&str, &str)]) -> Result<(), ConvertError> {
        let mut folder = Folder::open(folder, replace)?;
        for (name, text) in files {
            let mut file = folder.file(name)?;
            file.write(text.as_bytes())?;
            file.finish()?;
        }
        folder.finish()
    }

    fn all(folder: &Path) -> Vec<(String, String)> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let text = |entry: &fs::DirEntry| fs::read_to_string(entry.path()).unwrap_or_default();
        let mut found: Vec<_> =
            entries.map(|entry| (entry.file_name().into_string().unwrap(), text(&entry))).collect();
        found.retain(|(name, _)| name != LIST);
        found.sort();
        found
    }

    fn pairs(files: &[(&str, &str)]) -> Vec<(String, String)> {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn two_runs_do_not_mix_and_replace_takes_only_what_is_listed() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("new/out");
        write(&place, false, &[("A.ndjson", "1"), ("B.ndjson", "1")]).unwrap();
        assert_eq!(fs::read_dir(root.path().join("new")).unwrap().count(), 1);
        let refused = write(&place, false, &[("C.ndjson", "2")]).unwrap_err();
        assert!(refused.to_string().contains("(2 files)"), "{refused}");
        fs::write(place.join("notes.txt"), "mine").unwrap();
        fs::create_dir(place.join("more")).unwrap();
        write(&place, true, &[("B.ndjson", "2"), ("C.ndjson", "2")]).unwrap();
        let kept = [("B.ndjson", "2"), ("C.ndjson", "2"), ("more", ""), ("notes.txt", "mine")];
        assert_eq!(all(&place), pairs(&kept));
        fs::write(place.join("D.JSON"), "theirs").unwrap();
        for replace in [false, true] {
            let refused = write(&place, replace, &[("B.ndjson", "3")]).unwrap_err();
            assert!(refused.to_string().contains("D.JSON"), "{refused}");
        }
        assert_eq!(all(&place).len(), 5);
    }

    #[test]
    fn a_list_cannot_reach_out_of_its_folder() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("out");
        fs::create_dir(&place).unwrap();
        fs::write(root.path().join("x.json"), "theirs").unwrap();
        fs::write(place.join(LIST), "../x.json\n/etc/x.json\n.hidden.json\nnotes.txt\n").unwrap();
        fs::write(place.join("notes.txt"), "theirs").unwrap();
        write(&place, true, &[("A.ndjson", "1")]).unwrap();
        assert!(root.path().join("x.json").exists());
        assert_eq!(all(&place), pairs(&[("A.ndjson", "1"), ("notes.txt", "theirs")]));
    }

    #[test]
    fn a_run_that_fails_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        for place in [root.path().join("new"), root.path().to_owned()] {
            let mut folder = Folder::open(&place, false).unwrap();
            folder.file("A.ndjson").unwrap().finish().unwrap();
            drop(folder);
            assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0, "{}", place.display());
        }
    }

    #[test]
    fn two_runs_at_once_do_not_mix() {
        let root = tempfile::tempdir().unwrap();
        let new = root.path().join("new");
        for place in [root.path().to_owned(), new] {
            let mut first = Folder::open(&place, false).unwrap();
            let mut second = Folder::open(&place, false).unwrap();
            first.file("A.ndjson").unwrap().finish().unwrap();
            second.file("B.ndjson").unwrap().finish().unwrap();
            second.finish().unwrap();
            first.finish().unwrap_err();
            assert_eq!(all(&place), pairs(&[("B.ndjson", "")]));
            fs::remove_file(place.join("B.ndjson")).unwrap();
            fs::remove_file(place.join(LIST)).unwrap();
        }
    }
}
