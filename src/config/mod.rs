//! [`Config`]: what the deployer decided, resolved and checked, before anything runs.
//!
//! [`raw`] is the file as written, [`read`] reads it, [`resolve`] fills in the defaults and finds every problem at once, [`secret`] reads
//! tokens and keys. `default.toml` is what `sp-fhir init` writes: every key, explained; a test holds it equal to the
//! defaults of the code. What this is not: it opens no socket, and reads no file but its own; whether secrets, profiles
//! and folders can be used is asked by `sp-fhir check` and at the start. Invariant: a [`Config`] holds only absolute
//! paths and values in range. Next: [`places`].

pub mod duration;
pub mod endpoint;
pub mod lines;
pub mod places;
pub mod problem;
pub mod raw;
pub mod read;
pub mod resolve;
pub mod secret;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use endpoint::{EndpointConfig, PullConfig};
pub use places::Places;
pub use problem::{Problem, Problems};
pub use raw::{LogFormat, LogLevel};
use read::Read;
pub use secret::{Secret, SecretError, SecretRef};

use crate::plan::Routes;

/// The commented configuration with every key: what `sp-fhir init` writes.
pub const DEFAULT: &str = include_str!("default.toml");

/// Everything the deployer decides.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The file it came from; absent: the defaults alone.
    pub file: Option<PathBuf>,
    /// Where sp-fhir keeps what it writes.
    pub data_folder: PathBuf,
    /// The folder of the database.
    pub store: PathBuf,
    /// HTTP intake; absent: none.
    pub http: Option<Http>,
    /// Watched folders.
    pub folders: Vec<Folder>,
    /// Choices about mapping.
    pub mapping: Mapping,
    /// Where things go, in the order of the file.
    pub endpoints: Vec<EndpointConfig>,
    /// Log lines.
    pub log: Log,
}

/// HTTP intake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    /// Address and port.
    pub listen: SocketAddr,
    /// The sending system, for events that do not name it.
    pub source: Option<Arc<str>>,
    /// Who may send.
    pub auth: HttpAuth,
    /// The largest body, in bytes.
    pub max_body_bytes: usize,
    /// The most events in one request.
    pub max_events: usize,
}

/// How senders show who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpAuth {
    /// Not at all: on loopback only.
    None,
    /// By a token.
    Bearer(SecretRef),
    /// By signing each body.
    Hmac(SecretRef),
}

impl HttpAuth {
    /// The fewest bytes of a token.
    pub const MIN_TOKEN: usize = 16;
    /// The fewest bytes of a key.
    pub const MIN_KEY: usize = crate::endpoint::auth::signature::MIN_KEY;
}

/// One watched folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// The folder.
    pub path: PathBuf,
    /// The profile of its files; absent: FHIR, canonical events, and what a shipped profile fits.
    pub profile: Option<PathBuf>,
    /// The sending system, where neither profile nor event names it.
    pub source: Option<Arc<str>>,
    /// How long a file must stay as it is before it is read.
    pub settle: Duration,
    /// Where read files go.
    pub done: PathBuf,
    /// Where refused rows and files go.
    pub refused: PathBuf,
}

/// Choices about mapping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Folder of the codeset; absent: the one that ships.
    pub codeset: Option<PathBuf>,
    /// Key under which case numbers that could be NHS numbers are replaced.
    pub opaque_key: Option<SecretRef>,
    /// Whether damaged codes are repaired.
    pub repair_codes: bool,
}

impl Mapping {
    /// The fewest bytes of an opaque key.
    pub const MIN_KEY: usize = 32;
}

/// Log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// For machines or for people.
    pub format: LogFormat,
    /// How much.
    pub level: LogLevel,
}

impl Config {
    /// The configuration of a file; without one, the first that [`Places::config_files`] finds; without any, the
    /// defaults.
    ///
    /// # Errors
    /// The file cannot be read, or everything that is wrong in it.
    pub fn load(named: Option<&Path>, places: &Places) -> Result<Self, Problems> {
        let found = || places.config_files().into_iter().find(|path| path.is_file());
        let Some(path) = named.map(|path| places.working.join(path)).or_else(found) else {
            return Self::parse("", None, places);
        };
        let text = std::fs::read_to_string(&path).map_err(|error| {
            let what = format!("cannot be read ({})", error.kind());
            Problems(vec![Problem::new(
                path.display().to_string(),
                what,
                "check the path and its permissions",
            )])
        })?;
        Self::parse(&text, Some(&path), places)
    }

    /// The configuration of a text.
    ///
    /// # Errors
    /// Everything that is wrong in it.
    pub fn parse(text: &str, file: Option<&Path>, places: &Places) -> Result<Self, Problems> {
        Self::read(text, file, places).map_err(|mut problems| {
            for problem in &mut problems {
                problem.place = file.map(|file| place(file, text, &problem.key));
            }
            Problems(problems)
        })
    }

    fn read(text: &str, file: Option<&Path>, places: &Places) -> Result<Self, Vec<Problem>> {
        let mut read = Read::of(text).map_err(|problem| vec![problem])?;
        match resolve::resolve(std::mem::take(&mut read.file), file, places) {
            Ok(config) if read.problems.is_empty() => Ok(config),
            Ok(_) => Err(read.problems),
            Err(mut more) => {
                more.retain(|problem| !read.may_explain(&problem.key));
                read.problems.extend(more);
                Err(read.problems)
            }
        }
    }

    /// Where things go, as planning knows it.
    #[must_use]
    pub fn routes(&self) -> Routes {
        Routes(self.endpoints.iter().filter_map(EndpointConfig::route).collect())
    }

    /// Every folder that sp-fhir writes in; made with mode 0700.
    #[must_use]
    pub fn folders_to_make(&self) -> Vec<PathBuf> {
        let store = Some(self.store.clone());
        let watched = self.folders.iter().flat_map(|f| [f.path.clone(), f.done.clone(), f.refused.clone()]);
        let outgoing = self.endpoints.iter().filter_map(|endpoint| match &endpoint.kind {
            endpoint::Kind::File { path } => Some(path.clone()),
            endpoint::Kind::Fhir(_) | endpoint::Kind::Webhook(_) => None,
        });
        let pulled = self.endpoints.iter().filter_map(|endpoint| endpoint.pull.as_ref());
        let outgoing = outgoing.chain(pulled.map(|pull| pull.folder.clone()));
        let mut folders: Vec<PathBuf> = Vec::new();
        for folder in [self.data_folder.clone()].into_iter().chain(store).chain(watched).chain(outgoing) {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
        folders
    }

    /// File and line of a key, as the file stands now; the file alone where the line cannot be told. Nothing without a file.
    #[must_use]
    pub fn place_of(&self, key: &str) -> Option<String> {
        let file = self.file.as_ref()?;
        Some(place(file, &std::fs::read_to_string(file).unwrap_or_default(), key))
    }

    /// Every secret, with its key.
    #[must_use]
    pub fn secrets(&self) -> Vec<(String, &SecretRef, usize)> {
        let http = self.http.as_ref().and_then(|http| match &http.auth {
            HttpAuth::None => None,
            HttpAuth::Bearer(token) => {
                Some(("intake.http.auth.token_file".to_owned(), token, HttpAuth::MIN_TOKEN))
            }
            HttpAuth::Hmac(key) => Some(("intake.http.auth.key_file".to_owned(), key, HttpAuth::MIN_KEY)),
        });
        let opaque = self.mapping.opaque_key.as_ref();
        let opaque = opaque.map(|key| ("mapping.opaque_key".to_owned(), key, Mapping::MIN_KEY));
        let of_endpoints = self.endpoints.iter().enumerate().flat_map(|(n, endpoint)| {
            let place = move |key: &str| format!("endpoint[{}].{key}", n + 1);
            endpoint.secrets().into_iter().map(move |(key, secret, least)| (place(key), secret, least))
        });
        // The key that the person wrote.
        let named = |(key, secret, least): (String, _, _)| match secret {
            &SecretRef::Environment(_) => (key.replace("_file", "_env"), secret, least),
            SecretRef::File(_) => (key, secret, least),
        };
        http.into_iter().chain(opaque).chain(of_endpoints).map(named).collect()
    }
}

/// File and line of a problem; the file alone where the line is not known.
fn place(file: &Path, text: &str, key: &str) -> String {
    let line = key.strip_prefix("line ").map_or_else(|| lines::find(text, key), |line| line.parse().ok());
    let file = file.display();
    line.map_or_else(|| file.to_string(), |line| format!("{file}:{line}"))
}
