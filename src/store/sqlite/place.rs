//! Where the store lies: a folder and files that nobody else can read. Next: `migrate.rs`.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use crate::store::StoreError;

type Result<T> = std::result::Result<T, StoreError>;

fn problem(path: &Path, problem: impl Into<String>) -> StoreError {
    StoreError::Place { path: path.display().to_string(), problem: problem.into() }
}

fn io_problem(path: &Path) -> impl Fn(io::Error) -> StoreError {
    move |error| problem(path, in_words(&error))
}

/// What the system said, and what to do where that is known.
pub(super) fn in_words(error: &io::Error) -> String {
    let remedy = match error.kind() {
        io::ErrorKind::PermissionDenied => "; give it to the user who runs sp-fhir, with all that lies in it",
        io::ErrorKind::ReadOnlyFilesystem => "; name a store on a file system that can be written",
        _ => "",
    };
    format!("{error}{remedy}")
}

/// Makes the folder if it is absent, and refuses one that others can enter.
pub(super) fn folder(path: &Path) -> Result<()> {
    if !path.exists() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path).map_err(io_problem(path))?;
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            sync(parent)?;
        }
    }
    private_folder(path)
}

/// Refuses what is no folder, and a folder that others can enter.
pub(super) fn private_folder(path: &Path) -> Result<()> {
    let found = fs::metadata(path).map_err(io_problem(path))?;
    if !found.is_dir() {
        return Err(problem(path, "this is not a folder; give the folder that is to hold the store"));
    }
    private(path, &found, "0700")
}

/// Makes an empty file if there is none, and refuses one that others can read. Says whether it is new.
pub(super) fn file(path: &Path) -> Result<bool> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let new = match options.open(path) {
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(error) => return Err(io_problem(path)(error)),
    };
    if new && let Some(folder) = path.parent() {
        sync(folder)?;
    }
    check(path)?;
    Ok(new)
}

/// Refuses a file that others can read; one that is absent is fine.
pub(super) fn check(path: &Path) -> Result<()> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io_problem(path)(error)),
    };
    if !found.is_file() {
        return Err(problem(path, "this is not a plain file"));
    }
    private(path, &found, "0600")
}

/// Whether a folder's disk takes no more bytes. An empty file it would still take.
pub(super) fn is_full(folder: &Path) -> bool {
    let tried = tempfile::Builder::new().prefix(".room-").tempfile_in(folder).and_then(|mut file| {
        file.write_all(&[0; 64 << 10])?;
        file.as_file().sync_all()
    });
    tried
        .is_err_and(|error| matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
}

/// After this, a new name in a folder survives a loss of power.
pub(super) fn sync(folder: &Path) -> Result<()> {
    #[cfg(unix)]
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io_problem(folder))?;
    Ok(())
}

#[cfg(unix)]
fn private(path: &Path, found: &fs::Metadata, wanted: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let told = format!("others can read it (mode {mode:04o}); make it {wanted} with `chmod {wanted}`");
    Err(problem(path, told))
}

#[cfg(not(unix))]
fn private(_: &Path, _: &fs::Metadata, _: &str) -> Result<()> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("a/b");
        folder(&place).unwrap();
        assert_eq!(mode(&place), 0o700);
        let name = place.join("x");
        assert!(file(&name).unwrap());
        assert!(!file(&name).unwrap());
        assert_eq!(mode(&name), 0o600);
        for bad in [0o640, 0o604, 0o666] {
            set(&name, bad);
            let told = file(&name).unwrap_err().to_string();
            assert!(told.contains("chmod 0600"), "{told}");
        }
        set(&place, 0o750);
        let told = folder(&place).unwrap_err().to_string();
        assert!(told.contains("chmod 0700"), "{told}");
    }

    #[test]
    fn a_link_or_a_folder_is_no_store() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
        assert!(file(&link).is_err());
        assert!(file(dir.path()).is_err());
        let plain = dir.path().join("plain");
        file(&plain).unwrap();
        assert!(folder(&plain).is_err());
    }
}
