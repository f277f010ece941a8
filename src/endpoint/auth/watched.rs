//! [`Watched`]: what was read from files, read again when they change.
//!
//! A rotated key or certificate is in use from the next request on, without a restart. What this is not: no thread and no
//! notification; each use asks the file system for a few numbers, which costs microseconds. Invariant: a set of files
//! that cannot be used never replaces one that can; the last good one stays, with one warning for each change. So a
//! file caught half-written, or a certificate swapped a moment before its key, stops nothing. Next: [`super::bearer`].

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use secrecy::zeroize::Zeroizing;

use super::AuthError;

/// No key, certificate bundle or token is larger.
const LARGEST: u64 = 4 << 20;

/// Whether others may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// Certificates: anybody may.
    Public,
    /// Keys and tokens: only its owner, or the group of a file of root that the group cannot write, which is how
    /// service managers hand secrets to a service.
    Secret,
}

/// Turns the contents of the files into what they mean.
type Parse<T> = dyn Fn(&[&[u8]]) -> Result<T, String> + Send + Sync;

/// What was read from files.
pub struct Watched<T> {
    files: Vec<(PathBuf, Privacy)>,
    parse: Box<Parse<T>>,
    state: Mutex<State<T>>,
}

struct State<T> {
    /// The files as they were when they were last read, well or not; none where one was not there.
    seen: Option<Vec<Stamp>>,
    /// To read again in any case.
    doubted: bool,
    good: Arc<T>,
}

/// By what a change is known.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    /// Inode and mode: a file put in place by rename may bring an old date with it, and a mode has none.
    other: (u64, u32),
}

impl<T: 'static> Watched<T> {
    /// Reads the files. `parse` gets their contents in this order, and says what is wrong without quoting them.
    ///
    /// # Errors
    ///
    /// Where a file cannot be read, is readable by others though secret, or is not what `parse` expects.
    pub fn open(
        files: Vec<(PathBuf, Privacy)>,
        parse: impl Fn(&[&[u8]]) -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Self, AuthError> {
        let (seen, good) = load(&files, &parse)?;
        let state = State { seen: Some(seen), doubted: false, good: Arc::new(good) };
        Ok(Self { files, parse: Box::new(parse), state: Mutex::new(state) })
    }

    /// What the files hold now, or held when they were last good.
    pub fn current(&self) -> Arc<T> {
        let mut state = self.lock();
        let now = stamps(&self.files);
        let doubted = std::mem::take(&mut state.doubted);
        if !doubted && now.is_some() && now == state.seen {
            return Arc::clone(&state.good);
        }
        match load(&self.files, &self.parse) {
            Ok((seen, good)) => {
                let before = state.seen.replace(seen);
                state.good = Arc::new(good);
                if now != before {
                    tracing::info!(file = %self.names(), "read again, because it changed");
                }
            }
            Err(problem) => {
                // One warning for each change; a file that is not there is asked for again each time.
                if now.is_none() || now != state.seen {
                    tracing::warn!(%problem, "a changed file cannot be used; the last good one stays in use");
                }
                state.seen = now;
            }
        }
        Arc::clone(&state.good)
    }

    /// Reads the files as they are now, for a check: what is wrong with them is an error, though an older content may
    /// still be in use.
    ///
    /// # Errors
    ///
    /// As [`Watched::open`].
    pub fn check(&self) -> Result<T, AuthError> {
        load(&self.files, &self.parse).map(|(_, good)| good)
    }

    /// Reads the files again at the next use, changed or not.
    pub fn doubt(&self) {
        self.lock().doubted = true;
    }

    fn names(&self) -> String {
        self.files.iter().map(|(path, _)| path.display().to_string()).collect::<Vec<_>>().join(", ")
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Only the names of the files.
impl<T: 'static> std::fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watched({})", self.names())
    }
}

fn stamps(files: &[(PathBuf, Privacy)]) -> Option<Vec<Stamp>> {
    files.iter().map(|(path, _)| std::fs::metadata(path).ok().map(|found| stamp(&found))).collect()
}

fn stamp(found: &Metadata) -> Stamp {
    #[cfg(unix)]
    let other = {
        use std::os::unix::fs::MetadataExt;
        (found.ino(), found.mode())
    };
    #[cfg(not(unix))]
    let other = (0, 0);
    Stamp { modified: found.modified().ok(), length: found.len(), other }
}

fn load<T: 'static>(files: &[(PathBuf, Privacy)], parse: &Parse<T>) -> Result<(Vec<Stamp>, T), AuthError> {
    let mut seen = Vec::new();
    let mut contents = Vec::new();
    for (path, privacy) in files {
        let (stamp, content) = read(path, *privacy).map_err(|problem| error(path, problem))?;
        seen.push(stamp);
        contents.push(content);
    }
    let slices: Vec<&[u8]> = contents.iter().map(|content| content.as_slice()).collect();
    let names = || files.iter().map(|(path, _)| path.display().to_string()).collect::<Vec<_>>().join(", ");
    let good = parse(&slices).map_err(|problem| AuthError::File { path: names(), problem })?;
    Ok((seen, good))
}

fn error(path: &Path, problem: String) -> AuthError {
    AuthError::File { path: path.display().to_string(), problem }
}

/// One file, wiped from memory after use. The stamp is taken from the opened file before it is read: a change while
/// reading leaves an old stamp, and so the file is read again.
fn read(path: &Path, privacy: Privacy) -> Result<(Stamp, Zeroizing<Vec<u8>>), String> {
    let file = File::open(path).map_err(|found| format!("cannot be read: {}", found.kind()))?;
    let found = file.metadata().map_err(|found| format!("cannot be read: {}", found.kind()))?;
    if !found.is_file() {
        return Err("is not a file".to_owned());
    }
    if found.len() > LARGEST {
        return Err(format!("is larger than {} MB", LARGEST >> 20));
    }
    if privacy == Privacy::Secret {
        kept_private(&found)?;
    }
    // Room from the start: a vector that grows leaves copies behind.
    let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0) + 1));
    file.take(LARGEST)
        .read_to_end(&mut content)
        .map_err(|found| format!("cannot be read: {}", found.kind()))?;
    Ok((stamp(&found), content))
}

#[cfg(unix)]
fn kept_private(found: &Metadata) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    let mode = found.mode() & 0o777;
    let allowed = if found.uid() == 0 { 0o740 } else { 0o700 };
    if mode & !allowed == 0 {
        return Ok(());
    }
    Err(format!(
        "others may read it (mode {mode:04o}); make it 0600, and renew the secret if others could have read it"
    ))
}

/// Elsewhere who may read a file is not said by a mode; the deployer sees to it.
#[cfg(not(unix))]
fn kept_private(_: &Metadata) -> Result<(), String> {
    Ok(())
}
