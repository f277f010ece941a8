//! Runs the binary and keeps what it said. Next: `output.rs`, which reads it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// The instant of every run, so that output is the same each time.
pub(crate) const RECORDED_AT: &str = "2026-11-20T12:00:00Z";

/// What a run left.
pub(crate) struct Ran {
    /// `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
    pub(crate) took: Duration,
}

impl Ran {
    fn new(output: Output, began: Instant) -> Self {
        Self {
            code: output.status.code(),
            out: output.stdout,
            err: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
            took: began.elapsed(),
        }
    }

    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.err);
        self
    }

    #[track_caller]
    pub(crate) fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "{part:?} is not in:\n{}", self.err);
        }
        self
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.out).expect("output is UTF-8")
    }
}

/// The binary, with nothing of this terminal in its environment.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sp-fhir"));
    for variable in ["SP_FHIR_TMP", "CLICOLOR_FORCE", "NO_COLOR", "RUST_BACKTRACE"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs the binary with arguments.
pub(crate) fn sp<S: AsRef<OsStr>>(arguments: &[S]) -> Ran {
    let began = Instant::now();
    Ran::new(binary().args(arguments).output().unwrap(), began)
}

/// Runs the binary under a limit of memory it may write to, where the system has a command for that. Address space is
/// no measure: allocators reserve more than they use.
pub(crate) fn sp_within<S: AsRef<OsStr>>(bytes: u64, arguments: &[S]) -> Ran {
    let mut command = limited(&format!("--data={bytes}")).unwrap_or_else(binary);
    let began = Instant::now();
    Ran::new(command.args(arguments).output().unwrap(), began)
}

/// The binary under a limit; `None`, said aloud, where there is no `prlimit`.
pub(crate) fn limited(limit: &str) -> Option<Command> {
    if Command::new("prlimit").arg("--version").output().is_err() {
        eprintln!("SKIPPED: limit {limit}: there is no prlimit on this system");
        return None;
    }
    let mut command = Command::new("prlimit");
    command.arg(limit).arg(env!("CARGO_BIN_EXE_sp-fhir")).env_remove("SP_FHIR_TMP").stdin(Stdio::null());
    Some(command)
}

/// A folder for one test's files.
pub(crate) struct Bench(TempDir);

impl Bench {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and gives its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// `convert INPUT --profile PROFILE` and more; arguments that begin with `@` are files of this folder.
    pub(crate) fn convert(&self, input: &Path, profile: &Path, more: &[&str]) -> Ran {
        let mut command = binary();
        command.arg("convert").arg(input).arg("--profile").arg(profile).args(["--recorded-at", RECORDED_AT]);
        self.add(&mut command, more);
        let began = Instant::now();
        Ran::new(command.output().unwrap(), began)
    }

    /// Adds arguments; those that begin with `@` are files of this folder.
    pub(crate) fn add(&self, command: &mut Command, more: &[&str]) {
        for argument in more {
            match argument.strip_prefix('@') {
                Some(name) => command.arg(self.path(name)),
                None => command.arg(argument),
            };
        }
    }

    /// Like [`Self::convert`], with the report.
    pub(crate) fn convert_with_report(&self, input: &Path, profile: &Path, more: &[&str]) -> (Ran, Value) {
        let ran = self.convert(input, profile, &[more, &["--report", "@report.json"]].concat());
        let report = match std::fs::read(self.path("report.json")) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap(),
            Err(_) => panic!("no report: {}", ran.err),
        };
        (ran, report)
    }
}

/// A folder of `fixtures/`.
pub(crate) struct Fixture {
    pub(crate) name: String,
    pub(crate) export: PathBuf,
    pub(crate) profile: PathBuf,
}

/// Every folder of `fixtures/`.
pub(crate) fn fixtures() -> Vec<Fixture> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut found: Vec<Fixture> = Vec::new();
    for folder in std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()) {
        let export = ["csv", "xlsx", "json", "xml", "ndjson", "tsv"]
            .iter()
            .map(|ending| folder.join(format!("export.{ending}")))
            .find(|path| path.exists());
        if let Some(export) = export {
            let name = folder.file_name().unwrap().to_string_lossy().into_owned();
            found.push(Fixture { name, export, profile: folder.join("profile.toml") });
        }
    }
    assert!(found.len() >= 6, "fixtures are missing");
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

pub(crate) fn fixture(name: &str) -> Fixture {
    fixtures().into_iter().find(|fixture| fixture.name == name).unwrap_or_else(|| panic!("no fixture {name}"))
}
