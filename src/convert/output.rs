//! Writes pieces: to standard output, to one file, or to a folder; compressed by the name's ending.
//!
//! Invariant: a file appears under its name only when the run is complete: everything is written beside it under a
//! hidden name and renamed at the end, so that a reader never sees half a run. Standard output cannot be
//! taken back; what was written to it stands. Next: [`super::part`], one file; [`super::folder`], many.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::map::refs::Form;

use super::error::ConvertError;
use super::folder::{self, Folder};
use super::part::Pending;
use super::render::{Encoding, Pack, Piece, Pieces, Rendering};

/// Where output goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// One file, in place of one that is there.
    File(PathBuf),
    /// A folder.
    Folder {
        /// Its path.
        path: PathBuf,
        /// Whether the files of an earlier run give way.
        replace: bool,
    },
    /// Nowhere: for checks that only count.
    Nowhere,
}

/// Writes the pieces of a run.
pub struct Output {
    rendering: Rendering,
    stream: Option<Pending>,
    folder: Option<Folder>,
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
        let (stream, folder) = match &target {
            Target::Stdout => (Some(Pending::stdout()?), None),
            Target::File(path) => (Some(Pending::file(path)?), None),
            Target::Folder { path, replace } => (None, Some(Folder::open(path, *replace)?)),
            Target::Nowhere => (None, None),
        };
        let mut output = Self {
            rendering,
            stream,
            folder,
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
        if self.folder.is_none() && !self.rendering.is_by_resource() {
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
        if let Some(folder) = &mut self.folder {
            let ending = if self.rendering.encoding == Encoding::Xml { "xml" } else { "json" };
            let mut file = folder.file(&format!("{}.{ending}", piece.uuid))?;
            file.write(bytes)?;
            self.bytes += bytes.len() as u64;
            return file.finish();
        }
        self.stream_write(bytes)?;
        self.stream_write(b"\n")
    }

    fn bulk(&mut self, piece: &Piece, bytes: &[u8]) -> Result<(), ConvertError> {
        self.bytes += bytes.len() as u64 + 1;
        let Some(folder) = &mut self.folder else { return Ok(()) };
        let file = match self.by_type.entry(piece.resource_type) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(folder.file(&format!("{}.ndjson", piece.resource_type))?)
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
        self.folder.map_or(Ok(()), Folder::finish)
    }
}

/// Checks, before anything is read, that output would not mix with what is there.
///
/// # Errors
/// It would.
pub fn check_target(target: &Target) -> Result<(), ConvertError> {
    match target {
        Target::Folder { path, replace } => folder::check(path, *replace),
        _ => Ok(()),
    }
}

/// What goes together.
fn check(target: &Target, rendering: &Rendering) -> Result<(), ConvertError> {
    let usage = |text: &str| Err(ConvertError::Usage(text.to_owned()));
    let folder = matches!(target, Target::Folder { .. } | Target::Nowhere);
    if rendering.events {
        let plain = (rendering.pack, rendering.encoding) == (Pack::Ndjson, Encoding::Json);
        return match target {
            Target::Folder { .. } => usage("--form events is NDJSON: name a file with -o, or leave it out"),
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
        (_, Pack::One, _) if matches!(target, Target::Folder { .. }) => {
            usage("--pack one writes one file: name it with -o")
        }
        (_, Pack::Ndjson, Encoding::Xml) => {
            usage("XML has no lines: choose --pack per-event or per-referral with a folder, or --pack one")
        }
        (_, Pack::PerEvent | Pack::PerReferral, Encoding::Xml) if !folder => {
            usage("XML Bundles are a file each: name a folder, as in -o out/")
        }
        (form, Pack::Ndjson, _)
            if folder && form != Form::Bulk && matches!(target, Target::Folder { .. }) =>
        {
            usage("to write into a folder choose --form bulk, --pack per-event or --pack per-referral")
        }
        _ => Ok(()),
    }
}

/// Whether a path names a folder: it ends in a slash, or is one.
#[must_use]
pub fn is_folder(path: &Path) -> bool {
    path.as_os_str().to_string_lossy().ends_with(['/', std::path::MAIN_SEPARATOR]) || path.is_dir()
}
