//! [`Sink`]: what pulled events are handed to: a folder of NDJSON, or a program's own [`Callback`].
//!
//! A [webhook](crate::endpoint::webhook) is none: its events go through the outbox. A batch may come twice, after a crash or when another sink failed: its events have the same ids then, and a folder
//! that has it already writes nothing. Next: [`super::run`].

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::endpoint::Work;
use crate::event::ReferralEvent;
use crate::event::hash::hex;

use super::judge::Refused;

/// What one poll brought.
pub struct Batch<'a> {
    /// The endpoint's name.
    pub endpoint: &'a str,
    /// When the endpoint changed the newest of it, by its own clock.
    pub newest: Option<Timestamp>,
    /// The events.
    pub events: &'a [ReferralEvent],
    /// What nothing could be made of, for a person.
    pub refused: &'a [Refused],
}

/// Why a sink did not take a batch.
#[derive(Debug, thiserror::Error)]
#[error("{sink}: {problem}")]
pub struct SinkError {
    /// Which.
    pub sink: String,
    /// What is wrong; never with a person's data in it.
    pub problem: String,
}

/// Takes pulled events.
pub trait Sink: Send + Sync {
    /// Takes a batch. When this returns, it is kept: the endpoint is not asked for it again.
    fn hand_over<'a>(&'a self, batch: &'a Batch<'a>) -> Work<'a, Result<(), SinkError>>;
}

/// A program's own: a function that takes a batch and has kept it when it returns. It is called on the puller's own task,
/// so what takes long belongs on another; a sink that waits for something implements [`Sink`] itself.
///
/// # Example
/// ```
/// # use sp_fhir::pull::sink::{Batch, Callback};
/// let sink = Callback::new("my program", |batch: &Batch<'_>| {
///     // Where it cannot be kept, say so: the same batch comes again at the next poll.
///     if batch.events.len() > 1000 { Err("too many at once".to_owned()) } else { Ok(()) }
/// });
/// # let _: std::sync::Arc<dyn sp_fhir::pull::sink::Sink> = std::sync::Arc::new(sink);
/// ```
pub struct Callback<F> {
    name: String,
    take: F,
}

impl<F> Callback<F>
where
    F: Fn(&Batch<'_>) -> Result<(), String> + Send + Sync,
{
    /// A function, under the name by which its errors are known. What it says must hold no person's data: it is logged.
    pub fn new(name: impl Into<String>, take: F) -> Self {
        Self { name: name.into(), take }
    }
}

impl<F> Sink for Callback<F>
where
    F: Fn(&Batch<'_>) -> Result<(), String> + Send + Sync,
{
    fn hand_over<'a>(&'a self, batch: &'a Batch<'a>) -> Work<'a, Result<(), SinkError>> {
        let wrong = |problem| SinkError { sink: self.name.clone(), problem };
        Box::pin(std::future::ready((self.take)(batch).map_err(wrong)))
    }
}

/// A folder: one file of NDJSON for each poll that brought anything, and one beside it for what was refused. Each
/// appears whole and only its owner may read it.
#[derive(Clone, Debug)]
pub struct NdjsonFolder {
    path: PathBuf,
    takes_events: bool,
}

impl NdjsonFolder {
    /// A folder. It is made, for its owner only, when it is first needed.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path, takes_events: true }
    }

    /// A folder for what was refused, where the events go elsewhere.
    #[must_use]
    pub const fn for_refused(path: PathBuf) -> Self {
        Self { path, takes_events: false }
    }
}

impl Sink for NdjsonFolder {
    fn hand_over<'a>(&'a self, batch: &'a Batch<'a>) -> Work<'a, Result<(), SinkError>> {
        let events = if self.takes_events { batch.events } else { &[] };
        let files = files(&Batch { events, ..*batch });
        let folder = self.path.clone();
        Box::pin(async move {
            let wrong = |error: io::Error| SinkError {
                sink: self.path.display().to_string(),
                problem: error.to_string(),
            };
            let write = move || files.into_iter().try_for_each(|(name, bytes)| keep(&folder, &name, &bytes));
            tokio::task::spawn_blocking(write).await.map_err(io::Error::other).flatten().map_err(wrong)
        })
    }
}

/// Names and contents. The names follow from the contents, so that a repeated batch is the same files.
fn files(batch: &Batch<'_>) -> Vec<(String, Vec<u8>)> {
    let events = batch.events.iter().filter_map(|event| serde_json::to_vec(event).ok());
    let refused = batch.refused.iter().filter_map(|refused| {
        let issues = refused.issues.iter().map(|issue| {
            json!({"code": issue.code.as_str(), "path": issue.at.path.as_deref(), "what": issue.code.title(),
                "remedy": issue.code.remedy()})
        });
        let line = json!({"resource": refused.resource, "version": refused.version,
            "issues": issues.collect::<Vec<_>>()});
        serde_json::to_vec(&line).ok()
    });
    let at =
        batch.newest.map_or_else(|| "undated".to_owned(), |at| at.strftime("%Y%m%dT%H%M%SZ").to_string());
    [(lines(events), "ndjson"), (lines(refused), "refused.ndjson")]
        .into_iter()
        .filter(|(bytes, _)| !bytes.is_empty())
        .map(|(bytes, ending)| {
            let digest = hex(&Sha256::digest(&bytes));
            let name = format!("{}-{at}-{}.{ending}", batch.endpoint, digest.get(..12).unwrap_or_default());
            (name, bytes)
        })
        .collect()
}

fn lines(items: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    items
        .flat_map(|mut line| {
            line.push(b'\n');
            line
        })
        .collect()
}

/// Writes a file so that it is there whole, and still there after the power fails.
fn keep(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    let file = folder.join(name);
    match fs::read(&file) {
        Ok(there) if there == bytes => return Ok(()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut temporary = tempfile::Builder::new().prefix(".tmp-").tempfile_in(folder)?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    temporary.persist(&file).map_err(|error| error.error)?;
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Issue, IssueCode, Position};

    #[tokio::test]
    async fn a_batch_is_one_file_for_its_owner_and_a_repeated_one_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pulled");
        let sink = NdjsonFolder::new(path.clone());
        let refused = [Refused {
            resource: "Task/1".into(),
            version: "2".into(),
            issues: vec![Issue::new(IssueCode::FhirModifier, Position::path("Task.status"), "x")],
        }];
        let newest = Some("2026-11-20T12:00:00Z".parse().unwrap());
        let batch = Batch { endpoint: "gp", newest, events: &[], refused: &refused };
        sink.hand_over(&batch).await.unwrap();
        sink.hand_over(&batch).await.unwrap();
        let names: Vec<String> = fs::read_dir(&path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(names.len(), 1, "{names:?}");
        assert!(
            names[0].starts_with("gp-20261120T120000Z-") && names[0].ends_with(".refused.ndjson"),
            "{names:?}"
        );
        let text = fs::read_to_string(path.join(&names[0])).unwrap();
        assert!(text.contains(r#""resource":"Task/1""#) && text.ends_with("}\n"), "{text}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(&path.join(&names[0]))), (0o700, 0o600));
        }
    }

    #[tokio::test]
    async fn a_callback_is_given_the_batch_and_says_why_it_does_not_take_it() {
        let sink = Callback::new("mine", |batch: &Batch<'_>| match batch.endpoint {
            "gp" => Ok(()),
            _ => Err("not here".to_owned()),
        });
        let batch = |endpoint| Batch { endpoint, newest: None, events: &[], refused: &[] };
        assert!(sink.hand_over(&batch("gp")).await.is_ok());
        let error = sink.hand_over(&batch("other")).await.unwrap_err();
        assert_eq!(error.to_string(), "mine: not here");
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let issues = vec![Issue::new(IssueCode::FhirModifier, Position::path("Task"), "x")];
        let refused = [Refused { resource: "Task/1".into(), version: "2".into(), issues }];
        let batch = Batch { endpoint: "gp", newest: None, events: &[], refused: &refused };
        assert!(NdjsonFolder::new(file).hand_over(&batch).await.is_err());
    }
}
