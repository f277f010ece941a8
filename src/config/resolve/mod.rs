//! From the configuration as written to the one that runs: defaults, paths, ranges. Everything wrong is found at once.
//!
//! Pure but for what [`Places`] says. Here are the rules of single values; `intake` and `endpoint` (with `server`, `auth`
//! and `pull`) read the tables, `apart` and `folders` look at all of them together. Next: [`super::secret`].

mod apart;
mod auth;
mod endpoint;
mod folders;
mod intake;
mod pull;
mod server;
mod webhook;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::event::build::parse_uri;

use super::raw::{ConfigFile, LogFormat, LogLevel};
use super::{Config, Log, Mapping, Places, Problem, SecretRef, duration};

/// Resolves and checks.
///
/// # Errors
/// Everything that is wrong.
pub fn resolve(raw: ConfigFile, file: Option<&Path>, places: &Places) -> Result<Config, Vec<Problem>> {
    let beside = file.and_then(Path::parent).unwrap_or(Path::new(""));
    let beside = places.working.join(beside);
    let data = raw.data_folder.as_deref().map_or_else(|| places.data_folder(), |path| beside.join(path));
    let mut resolver = Resolver { data: data.clone(), beside, problems: Vec::new() };
    let config = Config {
        file: file.map(|file| places.working.join(file)),
        store: resolver.written(raw.store.path.as_deref(), "store"),
        http: resolver.http(raw.http),
        folders: resolver.folders(raw.folder),
        mapping: Mapping {
            codeset: raw.mapping.codeset.as_deref().map(|path| resolver.given(path)),
            opaque_key: raw.mapping.opaque_key.as_deref().map(|path| SecretRef::File(resolver.given(path))),
            repair_codes: raw.mapping.repair_codes.unwrap_or(false),
        },
        endpoints: resolver.endpoints(raw.endpoint),
        log: Log {
            format: raw.log.format.unwrap_or(LogFormat::Json),
            level: raw.log.level.unwrap_or(LogLevel::Info),
        },
        data_folder: data,
    };
    if !config.data_folder.is_absolute() {
        resolver.wrong("data_folder", "not an absolute path in the end", "give an absolute path");
    }
    resolver.apart(&config);
    resolver.folders_apart(&config);
    if resolver.problems.is_empty() { Ok(config) } else { Err(resolver.problems) }
}

struct Resolver {
    /// Below this is what sp-fhir writes.
    data: PathBuf,
    /// Beside the file is what sp-fhir is given.
    beside: PathBuf,
    problems: Vec<Problem>,
}

impl Resolver {
    fn wrong(&mut self, key: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) {
        self.problems.push(Problem::new(key, what, remedy));
    }

    fn written(&self, path: Option<&str>, default: &str) -> PathBuf {
        self.data.join(path.unwrap_or(default))
    }

    fn given(&self, path: &str) -> PathBuf {
        self.beside.join(path)
    }

    fn time(
        &mut self,
        key: String,
        text: Option<&str>,
        default: Duration,
        range: (Duration, Duration),
    ) -> Duration {
        let Some(text) = text else { return default };
        match duration::parse(text) {
            None => self.wrong(key, "not a length of time", duration::REMEDY),
            Some(time) if time < range.0 || time > range.1 => {
                let remedy = format!("at least {} s, at most {} s", range.0.as_secs_f64(), range.1.as_secs());
                self.wrong(key, "too short or too long", remedy);
            }
            Some(time) => return time,
        }
        default
    }

    fn number(&mut self, key: String, number: Option<u64>, default: usize, range: (u64, u64)) -> usize {
        let Some(number) = number else { return default };
        match usize::try_from(number) {
            Ok(fits) if (range.0..=range.1).contains(&number) => fits,
            _ => {
                self.wrong(key, "out of range", format!("at least {}, at most {}", range.0, range.1));
                default
            }
        }
    }

    fn uri(&mut self, key: String, uri: Option<&str>) -> Option<Arc<str>> {
        match parse_uri(uri?) {
            Ok(uri) => Some(Arc::from(uri.trim_end_matches('/'))),
            Err(code) => {
                self.wrong(key, code.title(), code.remedy());
                None
            }
        }
    }

    /// A secret by file or by environment variable, and not by both.
    fn secret(&mut self, key: &str, file: Option<&str>, variable: Option<&str>) -> Option<SecretRef> {
        match (file, variable) {
            (Some(file), None) => Some(SecretRef::File(self.given(file))),
            (None, Some(name)) if !name.is_empty() && !name.contains(['=', '\0']) => {
                Some(SecretRef::Environment(name.to_owned()))
            }
            (None, Some(_)) => {
                self.wrong(format!("{key}_env"), "not the name of an environment variable", "give its name");
                None
            }
            (None, None) => {
                let remedy = format!("give {key}_file, or {key}_env");
                self.wrong(format!("{key}_file"), "missing", remedy);
                None
            }
            (Some(_), Some(_)) => {
                self.wrong(format!("{key}_file"), format!("given beside {key}_env"), "give one of the two");
                None
            }
        }
    }

    /// Keys that another kind has: they would be passed over in silence.
    fn unused(&mut self, place: &str, kind: &str, keys: &[(&str, bool)]) {
        for (key, _) in keys.iter().filter(|(_, there)| *there) {
            let remedy = "remove it, or choose the kind that it belongs to";
            self.wrong(format!("{place}.{key}"), format!("not used with kind = \"{kind}\""), remedy);
        }
    }
}

/// An IPv4 loopback address written as IPv6 is one too.
fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}
