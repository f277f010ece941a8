//! Where the command touches the world: files, the clock, the terminal. Next: [`super::convert`].

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::codeset::Codeset;
use crate::config::Places;
use crate::convert::ConvertError;
use crate::convert::error::Issues;
use crate::event::build::parse_uri;
use crate::event::finish::Identities;
use crate::profile::Profile;

const ERROR: anstyle::Style = anstyle::AnsiColor::Red.on_default().bold();

/// Says an error to the person.
pub(super) fn complain(error: &dyn std::error::Error) {
    let mut stderr = anstream::stderr().lock();
    let _ = writeln!(stderr, "{ERROR}error:{ERROR:#} {error}");
}

/// Says something to the person.
pub(super) fn say(text: &str) {
    let mut stderr = anstream::stderr().lock();
    let _ = writeln!(stderr, "{text}");
}

/// Writes a result to standard output.
pub(super) fn print(text: &str) -> Result<(), ConvertError> {
    let mut stdout = std::io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| ConvertError::write(Path::new("standard output"), error))
}

/// The codeset: a folder's, or the one that ships with the program.
pub(super) fn codeset(folder: Option<&Path>) -> Result<Arc<Codeset>, ConvertError> {
    Ok(match folder {
        Some(folder) => Arc::new(Codeset::from_dir(folder).map_err(|error| {
            ConvertError::Configuration(format!("{}: the codeset cannot be used: {error}", folder.display()))
        })?),
        None => Codeset::embedded()?,
    })
}

/// A profile from a file.
pub(super) fn profile(path: &Path) -> Result<Profile, ConvertError> {
    let text = fs::read_to_string(path).map_err(|error| {
        ConvertError::Configuration(format!("{}: cannot read the profile: {error}", path.display()))
    })?;
    Profile::parse(&text, &path.display().to_string()).map_err(|issues| ConvertError::Profile(Issues(issues)))
}

/// What the deployer gives for identity. The key is read from a file, never from the command line.
pub(super) fn identities(
    source: Option<&str>,
    opaque_key: Option<&Path>,
) -> Result<Identities, ConvertError> {
    let source = match source {
        None => None,
        Some(uri) => Some(Arc::from(parse_uri(uri).map_err(|code| {
            ConvertError::Usage(format!("--source: {}; {}", code.title(), code.remedy()))
        })?)),
    };
    let opaque_key = match opaque_key {
        None => None,
        Some(path) => Some(key(path)?),
    };
    Ok(Identities { source, opaque_key })
}

/// At least this many bytes of key.
const MIN_KEY: usize = 32;

fn key(path: &Path) -> Result<Vec<u8>, ConvertError> {
    let wrong = |what: String| ConvertError::Configuration(format!("{}: {what}", path.display()));
    let key = fs::read(path).map_err(|error| wrong(format!("cannot read the key file: {error}")))?;
    let trimmed = key.trim_ascii().to_vec();
    if trimmed.len() < MIN_KEY {
        return Err(wrong(format!(
            "the key is too short: at least {MIN_KEY} random bytes, for instance `openssl rand -hex 32`"
        )));
    }
    Ok(trimmed)
}

/// When this run records what it makes: `--recorded-at`, else now, to the second.
pub(super) fn recorded_at(given: Option<&str>) -> Result<Timestamp, ConvertError> {
    match given {
        Some(text) => text.parse().map_err(|_| {
            ConvertError::Usage("--recorded-at: not an instant such as 2026-11-20T12:00:00Z".to_owned())
        }),
        None => {
            let now = Timestamp::now();
            Ok(Timestamp::from_second(now.as_second()).unwrap_or(now))
        }
    }
}

/// Folder of spill files: `--tmp`, else the system's.
pub(super) fn temporary(given: Option<&PathBuf>) -> Result<PathBuf, ConvertError> {
    let folder = given.cloned().unwrap_or_else(std::env::temp_dir);
    if folder.is_dir() {
        Ok(folder)
    } else {
        Err(ConvertError::Usage(format!("--tmp: {} is not a folder", folder.display())))
    }
}

/// Where the configuration is looked for.
pub(super) fn places() -> Places {
    Places::here()
}

/// Now.
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

/// The login name, where the surroundings know it.
pub(super) fn login() -> Option<String> {
    ["SUDO_USER", "USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()))
}

/// Comes when the process is told to stop: SIGTERM or SIGINT. Within a runtime only.
pub(super) fn told_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(async move {
            tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        })
    }
    #[cfg(not(unix))]
    {
        Ok(async {
            let _ = tokio::signal::ctrl_c().await;
        })
    }
}

/// A word comes whenever the process is told to read its configuration again: SIGHUP. Within a runtime only.
pub(super) fn told_to_reload() -> std::io::Result<tokio::sync::mpsc::Receiver<()>> {
    // Several signals before the first is heard are one.
    let (tell, told) = tokio::sync::mpsc::channel(1);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut hangup = signal(SignalKind::hangup())?;
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                let _ = tell.try_send(());
            }
        });
    }
    #[cfg(not(unix))]
    drop(tell);
    Ok(told)
}
