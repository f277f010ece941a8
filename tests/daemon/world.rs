//! A data folder, a configuration, and the processes that work on them. Next: `people.rs`.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A place of its own for one test.
pub(crate) struct World {
    folder: tempfile::TempDir,
    starts: AtomicU32,
    /// Whom its processes run as; absent: who runs the test.
    user: Option<u32>,
}

/// How a command ended, and what it said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// An endpoint that is a folder, as fast as it may be.
pub(crate) const FILES: &str = r#"
[[endpoint]]
name = "files"
kind = "file"
path = "outgoing"
test = true
concurrency = 32
rate = 1000.0
settle_time = "1s"
"#;

impl World {
    /// A world with these endpoints; `more` is TOML of top-level tables.
    pub(crate) fn new(more: &str) -> Self {
        let world = Self::bare();
        world.configure(&format!(
            "data_folder = {:?}\n[intake]\nfolder = []\n[intake.http]\nlisten = \"127.0.0.1:0\"\n[log]\nlevel = \"debug\"\n{more}",
            world.data()
        ));
        world
    }

    /// A world without a configuration.
    pub(crate) fn bare() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), starts: AtomicU32::new(0), user: None }
    }

    /// Runs its processes as somebody whom permissions bind; they bind root to nothing. False where that cannot be.
    pub(crate) fn bind(&mut self) -> bool {
        use std::os::unix::fs::{MetadataExt as _, chown};
        const NOBODY: u32 = 65534;
        if fs::metadata(self.path()).unwrap().uid() != 0 {
            return true;
        }
        self.user = Some(NOBODY);
        chown(self.path(), Some(NOBODY), None).is_ok() && self.sp_fhir().arg("--version").output().is_ok()
    }

    pub(crate) fn configure(&self, text: &str) {
        fs::write(self.config(), text).unwrap();
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("sp-fhir.toml")
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Where the file endpoint writes.
    pub(crate) fn outgoing(&self) -> PathBuf {
        self.data().join("outgoing")
    }

    /// Everything that all daemons of this world logged.
    pub(crate) fn logs(&self) -> String {
        let starts = self.starts.load(Ordering::SeqCst);
        (0..starts).map(|start| fs::read_to_string(self.log(start)).unwrap_or_default()).collect()
    }

    fn log(&self, start: u32) -> PathBuf {
        self.folder.path().join(format!("daemon-{start}.log"))
    }

    fn sp_fhir(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sp-fhir"));
        command.current_dir(self.folder.path()).stdin(Stdio::null()).env("USER", "j.marsh");
        // A configuration that names no data folder must not find this user's own.
        if let Some(user) = self.user {
            std::os::unix::process::CommandExt::uid(&mut command, user);
        }
        command.env("XDG_STATE_HOME", self.folder.path().join("state")).env_remove("STATE_DIRECTORY");
        command
    }

    /// Starts a daemon and leaves it to itself.
    pub(crate) fn spawn(&self) -> Daemon {
        let log = self.log(self.starts.fetch_add(1, Ordering::SeqCst));
        let child = self
            .sp_fhir()
            .args(["daemon", "--config"])
            .arg(self.config())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Daemon { child, log, at: None }
    }

    /// Starts a daemon and waits until it takes events in.
    pub(crate) fn start(&self) -> Daemon {
        let mut daemon = self.spawn();
        daemon.wait_started();
        daemon
    }

    /// Runs a command to its end; `--config` is added.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        let output = self.sp_fhir().args(arguments).arg("--config").arg(self.config()).output().unwrap();
        Said {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// `sp-fhir status`, as data.
    pub(crate) fn status(&self) -> Value {
        let said = self.run(&["status", "--format", "json"]);
        serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{}{}", said.stdout, said.stderr))
    }

    /// Waits until nothing is on its way any more; gives the last status.
    pub(crate) fn wait_idle(&self, limit: Duration) -> Value {
        self.wait_idle_while(limit, || {})
    }

    /// As [`World::wait_idle`], and does something again and again meanwhile.
    pub(crate) fn wait_idle_while(&self, limit: Duration, mut meanwhile: impl FnMut()) -> Value {
        let began = Instant::now();
        loop {
            meanwhile();
            let status = self.status();
            let open: u64 = ["pending", "in-flight", "unknown"].iter().map(|word| count(&status, word)).sum();
            if open == 0 {
                return status;
            }
            assert!(began.elapsed() < limit, "still on its way after {limit:?}: {status:#}\n{}", self.tail());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Entries as `sp-fhir outbox list` gives them.
    pub(crate) fn entries(&self, arguments: &[&str]) -> Vec<Value> {
        let all = [&["outbox", "list", "--format", "json", "--limit", "1000000"], arguments].concat();
        let said = self.run(&all);
        assert_eq!(said.code, 0, "{}", said.stderr);
        said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The end of the last log.
    pub(crate) fn tail(&self) -> String {
        let logs = self.logs();
        let lines: Vec<&str> = logs.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

/// How many entries a status has in a state.
pub(crate) fn count(status: &Value, state: &str) -> u64 {
    status["states"][state].as_u64().unwrap_or_else(|| panic!("{state} in {status}"))
}

/// How many entries the endpoints have, read back or not yet.
pub(crate) fn arrived(status: &Value) -> u64 {
    count(status, "delivered") + count(status, "acknowledged")
}

/// A daemon's process; killed when it is dropped.
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
    at: Option<SocketAddr>,
}

impl Daemon {
    /// Where it takes events in.
    pub(crate) fn at(&self) -> SocketAddr {
        self.at.expect("it has started")
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn wait_started(&mut self) {
        let began = Instant::now();
        loop {
            let log = self.log();
            let line = log.lines().find(|line| line.contains(r#""message":"started""#));
            if let Some(line) = line.and_then(|line| serde_json::from_str::<Value>(line).ok()) {
                self.at = line["http"].as_str().map(|at| at.parse().unwrap());
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the daemon ended ({status}): {log}");
            }
            assert!(began.elapsed() < Duration::from_secs(60), "it does not start: {log}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self, limit: Duration) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(began.elapsed() < limit, "it runs after {limit:?}: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// SIGTERM, and its end: how long that took.
    pub(crate) fn stop(mut self) -> Duration {
        let began = Instant::now();
        self.signal("TERM");
        let status = self.wait(Duration::from_secs(60));
        assert_eq!(status.code(), Some(0), "{}", self.log());
        began.elapsed()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
