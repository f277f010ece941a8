//! [`Folder`]: an endpoint that is a folder. Each parcel becomes one file with its transaction Bundle, as it left the
//! planner.
//!
//! The embedded default: nothing to configure, nothing to reach. A file is named after its Provenance, which is the
//! event's key, and its bytes; it appears whole or not at all and only its owner may read it. What this is not: it
//! knows no Patient, so the identity check is left to whoever loads the files. Invariant: a file is never written over with other
//! bytes. Next: [`super::fhir_rest`].

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::event::hash::hex;
use crate::outbox::{Outcome, Parcel, Reason, Receipt, Refusal};

use super::fhir_rest::draft::{Draft, Write};
use super::{
    Endpoint, Found, Held, Known, Listing, Prepared, Request, Sight, Standing, Target, Unread, Vitals, Work,
};

/// How names of files begin that are not complete.
const TEMPORARY: &str = ".tmp-";

/// A folder of Bundles.
#[derive(Clone, Debug)]
pub struct Folder {
    name: String,
    path: PathBuf,
    /// Why nothing could be written when it was last tried.
    trouble: Arc<Mutex<Option<&'static str>>>,
}

impl Folder {
    /// An endpoint by its name and folder. The folder is made, for its owner only, when it is first needed.
    #[must_use]
    pub fn new(name: String, path: PathBuf) -> Self {
        Self { name, path, trouble: Arc::default() }
    }

    /// Remembers whether it could be written, and says it once when that changes.
    fn note(&self, failed: Option<io::ErrorKind>) {
        let now = failed.map(why);
        let was = std::mem::replace(&mut *self.trouble.lock().unwrap_or_else(PoisonError::into_inner), now);
        let (endpoint, folder) = (&self.name, self.path.display());
        match now {
            Some(why) if was != now => {
                tracing::error!(endpoint, %folder, why, "the endpoint's folder cannot be written; it is tried now and then");
            }
            None if was.is_some() => {
                tracing::info!(endpoint, %folder, "the endpoint's folder can be written again")
            }
            _ => {}
        }
    }

    /// Removes what a process that was killed left half written. Call it before anything is sent. A file that another
    /// process is writing at this moment is lost to it, and written again.
    ///
    /// # Errors
    /// The folder or a file in it cannot be changed.
    pub fn tidy(&self) -> io::Result<()> {
        make(&self.path)?;
        for file in fs::read_dir(&self.path)? {
            let file = file?;
            if file.file_name().to_string_lossy().starts_with(TEMPORARY) {
                match fs::remove_file(file.path()) {
                    // Its writer was quicker.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    other => other?,
                }
            }
        }
        Ok(())
    }

    fn file(&self, request: &Request) -> Option<PathBuf> {
        // Names are made here; one that came from anywhere else must not lead out of the folder.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        let stem = request.path.strip_suffix(".json")?;
        (!stem.is_empty() && stem.bytes().all(plain) && !stem.starts_with('.'))
            .then(|| self.path.join(&request.path))
    }
}

/// Why a folder cannot be written, and what to do.
const fn why(kind: io::ErrorKind) -> &'static str {
    use io::ErrorKind as K;
    match kind {
        K::StorageFull | K::QuotaExceeded => "the disk of its folder is full; make room",
        K::ReadOnlyFilesystem => "the disk of its folder is read-only",
        K::PermissionDenied => "its folder may not be written; give it to the user that runs the daemon",
        K::NotFound | K::NotADirectory | K::AlreadyExists => "its folder is not there and cannot be made",
        _ => "its folder cannot be written; look at the disk",
    }
}

/// How much is written to see whether there is room: a full disk still takes an empty file.
const PROBE_BYTES: usize = 64 << 10;

/// The request for a parcel.
fn request(parcel: &Parcel) -> Option<Request> {
    let draft = Draft::read(&parcel.bundle)?;
    let content = hex(&Sha256::digest(parcel.bundle.as_bytes()));
    let provenance = draft.entries.iter().find(|entry| entry.resource_type == "Provenance");
    let key = provenance.map_or("bundle", |entry| entry.uuid.as_str());
    let targets = draft.entries.iter().map(|entry| Target {
        resource_type: entry.resource_type.clone(),
        uuid: entry.uuid.clone(),
        system: match &entry.write {
            Write::ByIdentifier { system, .. } => Some(system.clone()),
            _ => None,
        },
        content: content.clone(),
        ours: entry.is_ours(),
    });
    Some(Request {
        method: "WRITE".into(),
        path: format!("{key}-{}.json", content.get(..12)?),
        if_match: None,
        targets: targets.collect(),
        body: parcel.bundle.clone(),
    })
}

/// Whether the file is there with these bytes.
fn has(file: &Path, body: &str) -> io::Result<bool> {
    match fs::read(file) {
        Ok(bytes) => Ok(bytes == body.as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes a file so that it is there whole, and still there after the power fails.
fn write(folder: &Path, file: &Path, body: &str) -> io::Result<()> {
    make(folder)?;
    let mut temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder)?;
    temporary.write_all(body.as_bytes())?;
    temporary.as_file().sync_all()?;
    temporary.persist(file).map_err(|error| error.error)?;
    fs::File::open(folder)?.sync_all()
}

fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// What a file is called where resources are compared.
const FILE: &str = "Bundle";
/// What stands for the system of its name.
const FOLDER: &str = "folder";

/// Each request has a file of its own, so nothing here is ever overtaken.
fn sight(place: usize, request: &Request, (is_there, is_same): (bool, bool)) -> Sight {
    let name = request.path.trim_end_matches(".json").to_owned();
    let standing = || Standing {
        id: request.path.clone(),
        version: None,
        about_other: false,
        holds: is_same.then_some(place),
    };
    Sight {
        resource_type: FILE.to_owned(),
        name,
        system: Some(FOLDER.to_owned()),
        written_by: vec![place],
        copies: is_there.then(standing).into_iter().collect(),
        more: false,
    }
}

/// Every file of the folder that is whole.
fn files(folder: &Path) -> io::Result<Vec<Held>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut held = Vec::new();
    for entry in entries {
        let id = entry?.file_name().to_string_lossy().into_owned();
        if let Some(name) = id.strip_suffix(".json").filter(|name| !name.starts_with('.')) {
            held.push(Held { names: vec![name.to_owned()], id, version: None });
        }
    }
    held.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    Ok(held)
}

/// Runs what waits for a disk where it keeps nobody waiting.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

impl Endpoint for Folder {
    fn name(&self) -> &str {
        &self.name
    }

    fn prepare<'a>(&'a self, parcel: &'a Parcel, _known: &'a [Known]) -> Work<'a, Prepared> {
        let prepared = request(parcel)
            .map_or(Prepared::Ended(Outcome::Rejected(Refusal::of(Reason::Poison))), Prepared::Ready);
        Box::pin(std::future::ready(prepared))
    }

    fn send<'a>(&'a self, request: &'a Request) -> Work<'a, Outcome> {
        Box::pin(async move {
            let Some(file) = self.file(request) else {
                return Outcome::Rejected(Refusal::of(Reason::Poison));
            };
            let (folder, body) = (self.path.clone(), request.body.clone());
            let written = blocking(move || write(&folder, &file, &body)).await;
            self.note(written.as_ref().err().map(io::Error::kind));
            match written {
                Ok(()) => Outcome::Accepted(Receipt::default()),
                // The file appears in one step and with these bytes, so a second try does no harm.
                Err(_) => Outcome::Deferred { reason: Reason::Unavailable, status: None, retry_after: None },
            }
        })
    }

    fn look<'a>(&'a self, request: &'a Request) -> Work<'a, Found> {
        Box::pin(async move {
            let Some(file) = self.file(request) else { return Found::Wrong(Reason::Poison) };
            let body = request.body.clone();
            match blocking(move || has(&file, &body)).await {
                Ok(true) => Found::Applied(Receipt::default()),
                Ok(false) => Found::Absent,
                Err(_) => Found::Unclear(Reason::Unavailable),
            }
        })
    }

    fn read<'a>(
        &'a self,
        requests: &'a [Request],
        _known: &'a [Known],
    ) -> Work<'a, Result<Vec<Sight>, Unread>> {
        Box::pin(async move {
            let files: Option<Vec<_>> = requests.iter().map(|request| self.file(request)).collect();
            let files = files.ok_or(Reason::Poison)?;
            let bodies: Vec<String> = requests.iter().map(|request| request.body.clone()).collect();
            let found = blocking(move || {
                let pairs = files.iter().zip(&bodies);
                pairs.map(|(file, body)| Ok((file.try_exists()?, has(file, body)?))).collect()
            });
            let found: Vec<(bool, bool)> = found.await.map_err(|_| Reason::Unavailable)?;
            let sights = requests.iter().zip(found).enumerate();
            Ok(sights.map(|(place, (request, found))| sight(place, request, found)).collect())
        })
    }

    fn list<'a>(&'a self, resource_type: &'a str, system: &'a str) -> Work<'a, Result<Listing, Reason>> {
        Box::pin(async move {
            if (resource_type, system) != (FILE, FOLDER) {
                return Ok(Listing::Whole(Vec::new()));
            }
            let folder = self.path.clone();
            let held = blocking(move || files(&folder)).await.map_err(|_| Reason::Unavailable)?;
            Ok(Listing::Whole(held))
        })
    }

    fn probe(&self) -> Work<'_, Result<(), Reason>> {
        Box::pin(async {
            let folder = self.path.clone();
            let tried = blocking(move || {
                make(&folder)?;
                let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(&folder)?;
                file.write_all(&[0; PROBE_BYTES])?;
                file.as_file().sync_all()
            });
            let tried = tried.await;
            self.note(tried.as_ref().err().map(io::Error::kind));
            tried.map_err(|_| Reason::Unavailable)
        })
    }

    fn vitals(&self) -> Vitals {
        let trouble = *self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        Vitals { trouble, ..Vitals::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel() -> Parcel {
        Parcel {
            subject: crate::outbox::Subject::default(),
            bundle: r#"{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:7a8180ab-76be-5402-b454-0c9b868dd562","resource":{"resourceType":"Provenance"},"request":{"method":"PUT","url":"Provenance/7a8180ab-76be-5402-b454-0c9b868dd562"}}]}"#.into(),
            fulfils: None,
            let_stand: Vec::new(),
        }
    }

    fn run<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
    }

    fn ready(folder: &Folder) -> Request {
        match run(folder.prepare(&parcel(), &[])) {
            Prepared::Ready(request) => request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_appears_whole_once_and_for_its_owner_only() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::new("files".into(), place.path().join("out"));
        let request = ready(&folder);
        assert_eq!(run(folder.look(&request)), Found::Absent);
        for _ in 0..2 {
            assert!(matches!(run(folder.send(&request)), Outcome::Accepted(_)));
        }
        assert!(matches!(run(folder.look(&request)), Found::Applied(_)));
        let files: Vec<_> =
            fs::read_dir(place.path().join("out")).unwrap().map(|file| file.unwrap()).collect();
        assert_eq!(files.len(), 1);
        assert!(files[0].file_name().to_string_lossy().starts_with("7a8180ab-76be-5402-b454-0c9b868dd562-"));
        assert_eq!(fs::read_to_string(files[0].path()).unwrap(), parcel().bundle);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(fs::metadata(place.path().join("out")).unwrap().permissions().mode() & 0o777, 0o700);
        }
        fs::write(files[0].path(), "cut").unwrap();
        assert_eq!(run(folder.look(&request)), Found::Absent);
    }

    #[test]
    fn what_was_left_half_written_is_tidied_away_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::new("files".into(), place.path().join("out"));
        folder.tidy().unwrap();
        for name in [".tmp-a1", "b.json", "note.txt"] {
            fs::write(place.path().join("out").join(name), "x").unwrap();
        }
        folder.tidy().unwrap();
        let mut left: Vec<_> =
            fs::read_dir(place.path().join("out")).unwrap().map(|file| file.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["b.json", "note.txt"]);
    }

    #[test]
    fn a_file_is_read_back_and_listed() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::new("files".into(), place.path().join("out"));
        let request = ready(&folder);
        let read = || {
            let sights = run(folder.read(std::slice::from_ref(&request), &[])).unwrap();
            assert_eq!(sights.len(), 1);
            let copies = sights[0].copies.iter();
            copies.map(|copy| copy.holds).collect::<Vec<_>>()
        };
        assert_eq!(read(), []);
        assert_eq!(run(folder.list(FILE, FOLDER)), Ok(Listing::Whole(Vec::new())));
        run(folder.send(&request));
        assert_eq!(read(), [Some(0)]);
        let Ok(Listing::Whole(held)) = run(folder.list(FILE, FOLDER)) else { panic!("no listing") };
        assert_eq!(held[0].id, request.path);
        fs::write(place.path().join("out").join(&request.path), "cut").unwrap();
        assert_eq!(read(), [None]);
    }

    #[test]
    fn a_name_does_not_lead_out_of_the_folder() {
        let folder = Folder::new("files".into(), "/nowhere".into());
        for path in ["../x.json", "/etc/x.json", "a/b.json", ".json", "..json", "x"] {
            let request = Request { path: path.into(), ..ready(&folder) };
            assert!(matches!(run(folder.send(&request)), Outcome::Rejected(_)), "{path}");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_not_available() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        let folder = Folder::new("files".into(), file.join("below"));
        assert_eq!(folder.vitals().trouble, None);
        assert_eq!(run(folder.probe()), Err(Reason::Unavailable));
        assert_eq!(folder.vitals().trouble, Some("its folder is not there and cannot be made"));
        let outcome = run(folder.send(&ready(&folder)));
        assert!(matches!(outcome, Outcome::Deferred { reason: Reason::Unavailable, .. }));
        fs::remove_file(&file).unwrap();
        assert_eq!(run(folder.probe()), Ok(()));
        assert_eq!(folder.vitals().trouble, None);
        assert_eq!(fs::read_dir(file.join("below")).unwrap().count(), 0, "the probe leaves nothing");
    }
}
