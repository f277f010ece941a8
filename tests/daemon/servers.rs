//! Real FHIR servers: those that `scripts/servers` started, and helios-hfs of a test's own that it can kill.
//!
//! What counts is what they hold. Next: `outage.rs`.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::world::World;

const FHIR: &str = "application/fhir+json";

/// HTTP to a FHIR server.
pub(crate) struct Server {
    pub(crate) base: String,
    http: reqwest::blocking::Client,
}

impl Server {
    pub(crate) fn at(base: &str) -> Self {
        let http = reqwest::blocking::Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
        Self { base: base.trim_end_matches('/').to_owned(), http }
    }

    /// Creates a resource; gives its id.
    pub(crate) fn create(&self, resource: &Value) -> String {
        let kind = resource["resourceType"].as_str().unwrap();
        let request = self.http.post(format!("{}/{kind}", self.base)).header("content-type", FHIR);
        let answer = request.body(resource.to_string()).send().unwrap();
        let status = answer.status();
        let body: Value = serde_json::from_str(&answer.text().unwrap()).unwrap();
        assert!(status.is_success(), "{status}: {body}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// Searches by POST; gives what was found.
    pub(crate) fn search(&self, kind: &str, form: &str) -> Vec<Value> {
        let escaped = form.replace(':', "%3A").replace('/', "%2F").replace('|', "%7C");
        let answer = self
            .http
            .post(format!("{}/{kind}/_search", self.base))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("{escaped}&_count=1000"))
            .send()
            .unwrap();
        let body: Value = serde_json::from_str(&answer.text().unwrap()).unwrap();
        assert_eq!(body["resourceType"], "Bundle", "{kind}?{form}: {body}");
        let matches = body["entry"].as_array().into_iter().flatten();
        matches
            .filter(|entry| entry["search"]["mode"] != "include" && entry["search"]["mode"] != "outcome")
            .map(|entry| entry["resource"].clone())
            .collect()
    }

    fn answers(&self) -> bool {
        self.http
            .get(format!("{}/metadata", self.base))
            .send()
            .is_ok_and(|answer| answer.status().is_success())
    }
}

/// Types that are not ours alone, or that no identifier names.
const SHARED: [&str; 8] = [
    "Patient",
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "HealthcareService",
    "Location",
    "CodeSystem",
    "Provenance",
];

/// Counts at the server what the world says it has there: one resource for each identifier, and for each person no other
/// ServiceRequest or Task. Gives how many resources were counted. `persons` are ids of Patients.
pub(crate) fn each_stands_once(world: &World, server: &Server, endpoint: &str, persons: &[String]) -> usize {
    let mut ours: BTreeMap<(String, String), u32> = BTreeMap::new();
    let mut referrals = std::collections::BTreeSet::new();
    // The last entry of a referral knows everything that was placed.
    let entries = world.entries(&["--endpoint", endpoint]);
    let last: BTreeMap<&str, i64> = entries
        .iter()
        .map(|entry| (entry["referral"].as_str().unwrap(), entry["id"].as_i64().unwrap()))
        .collect();
    for (referral, id) in &last {
        referrals.insert(*referral);
        let said = world.run(&["outbox", "show", &id.to_string(), "--format", "json"]);
        let detail: Value = serde_json::from_str(&said.stdout).unwrap();
        for placed in detail["at_endpoint"].as_array().unwrap() {
            let kind = placed["type"].as_str().unwrap();
            if !SHARED.contains(&kind) {
                let uuid = placed["uuid"].as_str().unwrap().to_owned();
                *ours.entry((kind.to_owned(), uuid)).or_default() += 1;
            }
        }
    }
    for (kind, uuid) in ours.keys() {
        let found = server.search(kind, &format!("identifier={uuid}"));
        assert_eq!(found.len(), 1, "{}: {kind} {uuid}", server.base);
    }
    for kind in ["ServiceRequest", "Task"] {
        let wanted = ours.keys().filter(|(of, _)| of == kind).count();
        assert!(wanted >= referrals.len(), "{kind}: {wanted} for {} referrals", referrals.len());
        let found: usize =
            persons.iter().map(|id| server.search(kind, &format!("patient=Patient/{id}")).len()).sum();
        assert_eq!(found, wanted, "{}: {kind} of all persons", server.base);
    }
    ours.len()
}

/// helios-hfs, started by the test on a port of its own with a database in a file.
pub(crate) struct Hfs {
    program: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    child: Option<Child>,
    pub(crate) server: Server,
}

impl Hfs {
    /// Nothing, after saying so, where `scripts/get-servers` has not put it.
    pub(crate) fn new(test: &str) -> Option<Self> {
        let paths = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/servers.env");
        let told = Command::new("bash")
            .args(["-c", r#"source "$0" && printf '%s\n%s' "$HFS" "$R4""#])
            .arg(paths)
            .output()
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
            .unwrap_or_default();
        let (program, data) = told.split_once('\n').unwrap_or_default();
        let (program, data) = (PathBuf::from(program), Path::new(data).join("hfs"));
        if !program.is_file() || !data.is_dir() {
            use std::io::Write as _;
            let said = format!("\nSKIPPED: {test}: scripts/get-servers has not run here\n");
            let _ = std::io::stderr().write_all(said.as_bytes());
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(data).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Server::at(&format!("http://127.0.0.1:{port}"));
        let mut hfs = Self { program, folder, port, child: None, server };
        hfs.start();
        Some(hfs)
    }

    /// Starts it on the database that it has.
    pub(crate) fn start(&mut self) {
        let port = self.port.to_string();
        let folder = self.folder.path();
        let log = File::create(folder.join("hfs.log")).unwrap();
        let child = Command::new(&self.program)
            .current_dir(folder)
            .envs([
                ("HFS_VALIDATION_MODE", "off"),
                ("HFS_UI_ENABLED", "false"),
                ("HFS_NL_SEARCH_ENABLED", "false"),
                ("HFS_SOF_ENABLED", "false"),
            ])
            .args(["--host", "127.0.0.1", "--log-level", "warn", "--port", &port])
            .args(["--base-url", &self.server.base, "--database-url"])
            .arg(folder.join("hfs.sqlite"))
            .arg("--data-dir")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let began = Instant::now();
        while !self.server.answers() {
            let log = || std::fs::read_to_string(folder.join("hfs.log")).unwrap_or_default();
            assert!(began.elapsed() < Duration::from_secs(60), "hfs does not start: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for Hfs {
    fn drop(&mut self) {
        self.kill();
    }
}
