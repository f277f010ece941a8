//! Writes pieces: to standard output, to one file, or to a folder; compressed by the name's ending.
//!
//! Invariant: a file appears under its name only when it is complete: everything is written beside it under a
//! temporary name and renamed at the end, so that a reader never sees half a run. Standard output cannot be
//! taken back; what was written to it stands. Next: [`super::run`].

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::write::GzEncoder;
use tempfile::NamedTempFile;
use uuid::Uuid;

use crate::map::refs::Form;

use super::error::ConvertError;
use super::render::{Encoding, Pack, Piece, Pieces, Rendering};

/// Where output goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// One file.
    File(PathBuf),
    /// A folder.
    Folder(PathBuf),
    /// Nowhere: for checks that only count.
    Nowhere,
}

/// A stream that is compressed by its name, and has an end to write.
enum Sink {
    Plain(Box<dyn Write + Send>),
    Gzip(GzEncoder<Box<dyn Write + Send>>),
    Zstd(zstd::Encoder<'static, Box<dyn Write + Send>>),
}

impl Sink {
    fn new(inner: Box<dyn Write + Send>, name: &Path) -> io::Result<Self> {
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

/// One file in the making.
pub struct Pending {
    sink: Sink,
    temporary: Option<NamedTempFile>,
    path: PathBuf,
}

impl Pending {
    /// Starts a file beside its final place.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn file(path: &Path) -> Result<Self, ConvertError> {
        // Through a link to what it names; and a device or a pipe is written to, never replaced.
        let resolved = path.canonicalize();
        let path = resolved.as_deref().unwrap_or(path);
        if fs::metadata(path).is_ok_and(|known| !known.is_file()) {
            let open = || -> io::Result<Self> {
                let out = BufWriter::new(fs::OpenOptions::new().write(true).open(path)?);
                Ok(Self { sink: Sink::new(Box::new(out), path)?, temporary: None, path: path.to_owned() })
            };
            return open().map_err(|error| ConvertError::write(path, error));
        }
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let start = || -> io::Result<Self> {
            let temporary =
                tempfile::Builder::new().prefix(".sp-fhir-").suffix(".part").tempfile_in(folder)?;
            let out: Box<dyn Write + Send> = Box::new(BufWriter::with_capacity(1 << 17, temporary.reopen()?));
            Ok(Self { sink: Sink::new(out, path)?, temporary: Some(temporary), path: path.to_owned() })
        };
        start().map_err(|error| ConvertError::write(path, error))
    }

    fn stdout() -> Self {
        let path = PathBuf::from("standard output");
        let sink = Sink::Plain(Box::new(BufWriter::with_capacity(1 << 17, io::stdout())));
        Self { sink, temporary: None, path }
    }

    /// Writes bytes.
    ///
    /// # Errors
    /// The disk, or the reader of the pipe.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ConvertError> {
        self.sink.write(bytes).map_err(|error| ConvertError::write(&self.path, error))
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    /// The disk.
    pub fn finish(self) -> Result<(), ConvertError> {
        let Self { sink, temporary, path } = self;
        let finish = || -> io::Result<()> {
            sink.finish()?;
            if let Some(temporary) = temporary {
                temporary.as_file().sync_all()?;
                temporary.persist(&path).map_err(|error| error.error)?;
            }
            Ok(())
        };
        finish().map_err(|error| ConvertError::write(&path, error))
    }
}

/// Writes the pieces of a run.
pub struct Output {
    target: Target,
    rendering: Rendering,
    stream: Option<Pending>,
    by_type: BTreeMap<&'static str, Pending>,

    seen: HashSet<Uuid>,
    first: bool,
    /// Bytes written before compression.
    pub bytes: u64,
}

impl Output {
    /// Opens the output.
    ///
    /// # Errors
    /// A target that does not go with the form or pack, or cannot be written.
    pub fn open(target: Target, rendering: Rendering) -> Result<Self, ConvertError> {
        check(&target, &rendering)?;
        let stream = match &target {
            Target::Stdout => Some(Pending::stdout()),
            Target::File(path) => Some(Pending::file(path)?),
            Target::Folder(folder) => {
                fs::create_dir_all(folder).map_err(|error| ConvertError::write(folder, error))?;
                None
            }
            Target::Nowhere => None,
        };
        let mut output = Self {
            target,
            rendering,
            stream,
            by_type: BTreeMap::new(),

            seen: HashSet::new(),
            first: true,
            bytes: 0,
        };
        if output.rendering.pack == Pack::One {
            output.stream_write(match output.rendering.encoding {
                Encoding::Json => b"{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[",
                Encoding::Xml => b"<Bundle xmlns=\"http://hl7.org/fhir\"><type value=\"collection\"/>",
            })?;
        }
        Ok(output)
    }

    fn stream_write(&mut self, bytes: &[u8]) -> Result<(), ConvertError> {
        self.bytes += bytes.len() as u64;
        match &mut self.stream {
            Some(stream) => stream.write(bytes),
            None => Ok(()),
        }
    }

    /// Writes pieces, in order.
    ///
    /// # Errors
    /// The disk, or the reader of the pipe.
    pub fn write(&mut self, pieces: &Pieces) -> Result<(), ConvertError> {
        let folder = matches!(self.target, Target::Folder(_));
        if !folder && !self.rendering.is_by_resource() {
            return self.stream_write(pieces.lines());
        }
        for (piece, bytes) in pieces.iter() {
            if piece.shared && !self.seen.insert(piece.uuid) {
                continue;
            }
            self.piece(piece, bytes)?;
        }
        Ok(())
    }

    fn piece(&mut self, piece: &Piece, bytes: &[u8]) -> Result<(), ConvertError> {
        if self.rendering.form == Form::Bulk {
            return self.bulk(piece, bytes);
        }
        if self.rendering.pack == Pack::One {
            if !std::mem::take(&mut self.first) && self.rendering.encoding == Encoding::Json {
                self.stream_write(b",")?;
            }
            return self.stream_write(bytes);
        }
        if let Target::Folder(folder) = &self.target {
            let ending = if self.rendering.encoding == Encoding::Xml { "xml" } else { "json" };
            let mut file = Pending::file(&folder.join(format!("{}.{ending}", piece.uuid)))?;
            file.write(bytes)?;
            self.bytes += bytes.len() as u64;
            // Files of a folder get their names as they are complete: holding all back would hold all open.
            return file.finish();
        }
        self.stream_write(bytes)?;
        self.stream_write(b"\n")
    }

    fn bulk(&mut self, piece: &Piece, bytes: &[u8]) -> Result<(), ConvertError> {
        self.bytes += bytes.len() as u64 + 1;
        let Target::Folder(folder) = &self.target else { return Ok(()) };
        let file = match self.by_type.entry(piece.resource_type) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(Pending::file(&folder.join(format!("{}.ndjson", piece.resource_type)))?)
            }
        };
        file.write(bytes)?;
        file.write(b"\n")
    }

    /// Completes everything and gives files their names.
    ///
    /// # Errors
    /// The disk, or the reader of the pipe.
    pub fn finish(mut self) -> Result<(), ConvertError> {
        if self.rendering.pack == Pack::One {
            self.stream_write(match self.rendering.encoding {
                Encoding::Json => b"]}\n",
                Encoding::Xml => b"</Bundle>\n",
            })?;
        }
        for file in self.by_type.into_values().chain(self.stream) {
            file.finish()?;
        }
        Ok(())
    }
}

/// What goes together.
fn check(target: &Target, rendering: &Rendering) -> Result<(), ConvertError> {
    let usage = |text: &str| Err(ConvertError::Usage(text.to_owned()));
    let folder = matches!(target, Target::Folder(_) | Target::Nowhere);
    if rendering.events {
        let plain = (rendering.pack, rendering.encoding) == (Pack::Ndjson, Encoding::Json);
        return match target {
            Target::Folder(_) => usage("--form events is NDJSON: name a file with -o, or leave it out"),
            _ if !plain => usage("--form events is NDJSON; --pack and --format do not apply"),
            _ => Ok(()),
        };
    }
    match (rendering.form, rendering.pack, rendering.encoding) {
        (Form::Bulk, _, Encoding::Xml) => usage("--form bulk is NDJSON; it cannot be XML"),
        (Form::Bulk, _, _) if !folder => {
            usage("--form bulk writes one file per type: name a folder, as in -o out/")
        }
        (Form::Transaction | Form::Message, Pack::One, _) => usage("--pack one is for --form collection"),
        (Form::Message, Pack::PerReferral, _) => usage("--form message is one Bundle per event"),
        (_, Pack::One, _) if matches!(target, Target::Folder(_)) => {
            usage("--pack one writes one file: name it with -o")
        }
        (_, Pack::Ndjson, Encoding::Xml) => {
            usage("XML has no lines: choose --pack per-event or per-referral with a folder, or --pack one")
        }
        (_, Pack::PerEvent | Pack::PerReferral, Encoding::Xml) if !folder => {
            usage("XML Bundles are a file each: name a folder, as in -o out/")
        }
        (form, Pack::Ndjson, _) if folder && form != Form::Bulk && matches!(target, Target::Folder(_)) => {
            usage("to write into a folder choose --pack per-event or --pack per-referral")
        }
        _ => Ok(()),
    }
}

/// Whether a path names a folder: it ends in a slash, or is one.
#[must_use]
pub fn is_folder(path: &Path) -> bool {
    path.as_os_str().to_string_lossy().ends_with(['/', std::path::MAIN_SEPARATOR]) || path.is_dir()
}
