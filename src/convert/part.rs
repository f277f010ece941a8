//! [`Pending`]: one file in the making, under a hidden name beside its place until it is complete.
//!
//! What it is: a file that is compressed by its name's ending, sealed, and then given its name. A run that is killed
//! leaves its hidden file behind, with persons' data in it. So the file is locked as long as its run lives, and
//! the next run for the same place removes what nobody holds locked. Invariant: the file of a living run is never
//! removed, and a name never stands for half a file. Next: [`super::folder`], for many files at once.

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::error::ConvertError;

/// Hidden names begin with this, then say which place they belong to.
const PREFIX: &str = ".sp-fhir-";
/// Hidden files end in this.
const SUFFIX: &str = ".part";
/// The folder of a hidden file has its name with this ending.
const FOLDER: &str = "files";
/// How often a name is tried again that another run took for a dead one's; once is already a rare chance.
const TRIES: usize = 8;

/// Buffer before the disk.
const BUFFER: usize = 1 << 17;

/// A hidden file, locked while its run lives, and gone when it is dropped.
pub(super) struct Part(NamedTempFile);

impl Part {
    /// A hidden file in `folder` for the place `owner`, after those that dead runs left for it are removed.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub(super) fn new(folder: &Path, owner: &str) -> io::Result<Self> {
        let prefix = prefix(owner);
        remove_dead(folder, owner);
        for _ in 0..TRIES {
            let file = tempfile::Builder::new().prefix(&prefix).suffix(SUFFIX).tempfile_in(folder)?;
            // A file system without locks: then no run can lock it, and nobody removes it either.
            let _ = file.as_file().lock();
            // Between its making and its locking another run may have taken it for a dead one's.
            if fs::symlink_metadata(file.path()).is_ok() {
                return Ok(Self(file));
            }
        }
        Err(io::Error::other("another run keeps removing the temporary file"))
    }
}

/// A hidden folder, which lives and dies with a hidden file.
pub(super) struct Staging {
    /// The folder.
    pub(super) path: PathBuf,
    _part: Part,
}

impl Staging {
    /// An empty hidden folder in `folder` for the place `owner`.
    ///
    /// # Errors
    /// As [`Part::new`].
    pub(super) fn new(folder: &Path, owner: &str) -> io::Result<Self> {
        let part = Part::new(folder, owner)?;
        let path = part.0.path().with_extension(FOLDER);
        fs::create_dir(&path)?;
        Ok(Self { path, _part: part })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Gone already when it became the folder that was asked for. Its file goes after it.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// What hidden names of this place begin with. A digest, because a place's own name may be as long as a name can be.
fn prefix(owner: &str) -> String {
    let digest = Sha256::digest(owner.as_bytes());
    let tag = crate::event::hash::hex(digest.get(..4).unwrap_or_default());
    format!("{PREFIX}{tag}-")
}

/// Removes what dead runs left in `folder` for the place `owner`. What cannot be listed, opened or locked stays.
pub(super) fn remove_dead(folder: &Path, owner: &str) {
    let prefix = prefix(owner);
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !name.starts_with(&prefix) || !name.ends_with(SUFFIX) {
            continue;
        }
        let path = entry.path();
        let Ok(file) = File::options().read(true).write(true).open(&path) else { continue };
        if file.try_lock().is_ok() {
            let _ = fs::remove_dir_all(path.with_extension(FOLDER));
            let _ = fs::remove_file(&path);
        }
    }
}

/// The name of a place within its folder, and the folder.
pub(super) fn split(path: &Path) -> (&Path, String) {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    (folder, path.file_name().unwrap_or_default().to_string_lossy().into_owned())
}

/// A stream that is compressed by its name, and has an end to write.
enum Sink {
    Plain(BufWriter<Box<dyn Write + Send>>),
    Gzip(GzEncoder<BufWriter<Box<dyn Write + Send>>>),
    Zstd(zstd::Encoder<'static, BufWriter<Box<dyn Write + Send>>>),
}

impl Sink {
    fn new(inner: Box<dyn Write + Send>, name: &Path) -> io::Result<Self> {
        let inner = BufWriter::with_capacity(BUFFER, inner);
        Ok(match name.extension().and_then(|e| e.to_str()) {
            Some("gz") => Self::Gzip(GzEncoder::new(inner, flate2::Compression::new(1))),
            Some("zst") => Self::Zstd(zstd::Encoder::new(inner, 1)?),
            _ => Self::Plain(inner),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(out) => out.write_all(bytes),
            Self::Gzip(out) => out.write_all(bytes),
            Self::Zstd(out) => out.write_all(bytes),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Plain(mut out) => out.flush(),
            Self::Gzip(out) => out.finish()?.flush(),
            Self::Zstd(out) => out.finish()?.flush(),
        }
    }
}

/// What stands on the disk while a file is in the making.
enum Standing {
    /// Nothing that could be renamed: a pipe, a device, standard output.
    Stream,
    /// A hidden file beside its place.
    Hidden(Part),
    /// A file that has its name already, in a folder that has not.
    Staged(NamedTempFile),
}

/// One file in the making.
pub struct Pending {
    sink: Sink,
    standing: Standing,
    path: PathBuf,
}

/// One file, whole and on the disk, but not yet under its name.
pub struct Sealed {
    standing: Standing,
    path: PathBuf,
}

impl Pending {
    /// Starts a file beside its final place.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn file(path: &Path) -> Result<Self, ConvertError> {
        Self::owned(path, path)
    }

    /// Starts a file beside its final place, on behalf of the place `owner`: the run that next writes `owner` removes
    /// what a dead run left of this one.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub(super) fn owned(path: &Path, owner: &Path) -> Result<Self, ConvertError> {
        // Through a link to what it names; and a device or a pipe is written to, never replaced.
        let resolved = path.canonicalize();
        let place = resolved.as_deref().unwrap_or(path);
        let start = || -> io::Result<Self> {
            if fs::metadata(place).is_ok_and(|known| known.is_dir()) {
                return Err(io::Error::from(ErrorKind::IsADirectory));
            }
            if fs::metadata(place).is_ok_and(|known| !known.is_file()) {
                let out = File::options().write(true).open(place)?;
                let sink = Sink::new(Box::new(out), path)?;
                return Ok(Self { sink, standing: Standing::Stream, path: path.to_owned() });
            }
            let (folder, _) = split(place);
            let part = Part::new(folder, &split(owner).1)?;
            // The same open file, not the file opened again: on some systems a lock shuts out even its own process.
            let sink = Sink::new(Box::new(part.0.as_file().try_clone()?), path)?;
            Ok(Self { sink, standing: Standing::Hidden(part), path: place.to_owned() })
        };
        start().map_err(|error| ConvertError::write(path, error))
    }

    /// Starts a file under its own name in a folder that is itself in the making; `path` is what it will be.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub(super) fn staged(folder: &Path, name: &str, path: PathBuf) -> Result<Self, ConvertError> {
        let start = || -> io::Result<(Sink, NamedTempFile)> {
            let make = || tempfile::Builder::new().prefix(name).rand_bytes(0).tempfile_in(folder);
            let file = match make() {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    fs::remove_file(folder.join(name))?;
                    make()?
                }
                other => other?,
            };
            Ok((Sink::new(Box::new(file.as_file().try_clone()?), Path::new(name))?, file))
        };
        match start() {
            Ok((sink, file)) => Ok(Self { sink, standing: Standing::Staged(file), path }),
            Err(error) => Err(ConvertError::write(&path, error)),
        }
    }

    /// Standard output.
    pub(super) fn stdout() -> Result<Self, ConvertError> {
        let path = PathBuf::from("standard output");
        let sink = Sink::new(Box::new(io::stdout()), &path).map_err(|e| ConvertError::write(&path, e))?;
        Ok(Self { sink, standing: Standing::Stream, path })
    }

    /// Writes bytes.
    ///
    /// # Errors
    /// The disk, or the reader of the pipe.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ConvertError> {
        self.sink.write(bytes).map_err(|error| ConvertError::write(&self.path, error))
    }

    /// Writes the file's end and waits until it is on the disk.
    ///
    /// # Errors
    /// The disk, or the reader of the pipe.
    pub fn seal(self) -> Result<Sealed, ConvertError> {
        let Self { sink, standing, path } = self;
        let sealed = sink.finish().and_then(|()| match &standing {
            Standing::Stream => Ok(()),
            Standing::Hidden(Part(file)) | Standing::Staged(file) => file.as_file().sync_all(),
        });
        match sealed {
            Ok(()) => Ok(Sealed { standing, path }),
            Err(error) => Err(ConvertError::write(&path, error)),
        }
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// The disk, or the reader of the pipe.
    pub fn finish(self) -> Result<(), ConvertError> {
        self.seal()?.name()
    }
}

impl Sealed {
    /// Gives the file its name.
    ///
    /// # Errors
    /// The disk.
    pub fn name(self) -> Result<(), ConvertError> {
        let Self { standing, path } = self;
        let named = match standing {
            Standing::Stream => Ok(()),
            // The lock goes when the file is closed, which is after it has its name.
            Standing::Hidden(Part(file)) => file.persist(&path).map(drop).map_err(|error| error.error),
            Standing::Staged(file) => file.keep().map(drop).map_err(|error| error.error),
        };
        named.map_err(|error| ConvertError::write(&path, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_living_runs_file_stays_and_a_dead_ones_goes() {
        let folder = tempfile::tempdir().unwrap();
        let living = Staging::new(folder.path(), "out.ndjson").unwrap();
        // What a killed run leaves: the file, its folder, and no lock.
        let dead = folder.path().join(format!("{}dead{SUFFIX}", prefix("out.ndjson")));
        fs::write(&dead, "half").unwrap();
        fs::create_dir(dead.with_extension(FOLDER)).unwrap();
        fs::write(dead.with_extension(FOLDER).join("Patient.ndjson"), "half").unwrap();
        let others = [format!("{}dead{SUFFIX}", prefix("other.ndjson")), "out.ndjson.part".to_owned()];
        for other in &others {
            fs::write(folder.path().join(other), "").unwrap();
        }
        let next = Part::new(folder.path(), "out.ndjson").unwrap();
        assert!(!dead.exists() && !dead.with_extension(FOLDER).exists());
        assert!(living.path.exists() && living.path.with_extension("part").exists());
        assert!(others.iter().all(|other| folder.path().join(other).exists()));
        drop((living, next));
        let mut expected = others.to_vec();
        expected.sort();
        assert_eq!(names(folder.path()), expected);
    }

    #[test]
    fn a_file_has_its_name_only_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        let mut pending = Pending::file(&path).unwrap();
        pending.write(b"whole").unwrap();
        let sealed = pending.seal().unwrap();
        assert!(!path.exists());
        sealed.name().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        let mut dropped = Pending::file(&path).unwrap();
        dropped.write(b"half").unwrap();
        drop(dropped);
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }
}
