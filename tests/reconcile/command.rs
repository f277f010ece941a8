//! `sp-fhir reconcile` as a person runs it, with the folder that needs no server.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sp_fhir::config::{Config, Places};
use sp_fhir::daemon::{Parts, endpoints};
use sp_fhir::outbox::State;

use crate::parcels::Person;
use crate::world::World;

fn reconcile(config: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sp-fhir"));
    command.arg("reconcile").arg("--config").arg(config).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A configuration with one folder as endpoint, and the world it describes.
fn world() -> (World, PathBuf, PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let (config, data, out) =
        (place.path().join("sp-fhir.toml"), place.path().join("data"), place.path().join("out"));
    let written = format!(
        "data_folder = {data:?}\n[intake.http]\nlisten = \"\"\n[[endpoint]]\nname = \"files\"\nkind = \"file\"\n\
         path = {out:?}\ntest = true\n"
    );
    std::fs::write(&config, written).unwrap();
    let parts = Parts::of(Config::load(Some(&config), &Places::here()).unwrap()).unwrap();
    let clock: Arc<dyn sp_fhir::clock::Clock> = Arc::new(sp_fhir::clock::SystemClock);
    let endpoint = endpoints::make(&parts.config.endpoints[0], &clock).unwrap();
    let store = parts.store().unwrap().path().parent().unwrap().to_owned();
    (World::at(endpoint, store, place), config, out)
}

/// The daemon itself, which is ended with the test.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_daemon_acknowledges_what_it_delivered() {
    let (world, config, _out) = world();
    world.accept(&Person::new(), &["referred", "attended"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_sp-fhir"));
    let command = command.arg("daemon").arg("--config").arg(&config).stderr(Stdio::null());
    let _daemon = Daemon(command.spawn().unwrap());
    let is_done = || world.entries().iter().all(|entry| entry.state == State::Acknowledged);
    let started = Instant::now();
    while !is_done() {
        assert!(started.elapsed() < Duration::from_secs(60), "{:?}", world.entries());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[tokio::test]
async fn the_command_says_what_is_not_there() {
    let (world, config, out) = world();
    for _ in 0..2 {
        world.accept(&Person::new(), &["referred", "attended"]);
    }
    assert_eq!(world.deliver().await, 4);

    let whole = reconcile(&config, &[]);
    assert_eq!(whole.status.code(), Some(0), "{}", text(&whole.stderr));
    let report: serde_json::Value = serde_json::from_slice(&whole.stdout).unwrap();
    assert_eq!((&report["accepted"], &report["states"]["delivered"]), (&4.into(), &4.into()));
    assert_eq!(report["endpoints"][0]["classes"]["matched"], 4);
    assert!(text(&whole.stderr).contains("4  matched"), "{}", text(&whole.stderr));

    let round = world.read_back().await;
    assert_eq!((round.acknowledged, round.not_there), (4, 0));

    let mut files: Vec<_> = std::fs::read_dir(&out).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    std::fs::remove_file(&files[0]).unwrap();
    std::fs::write(&files[1], "cut").unwrap();
    std::fs::write(out.join("=cmd.json"), "{}").unwrap();
    let made = world.folder.join("report.csv");
    let csv = reconcile(&config, &["--endpoint", "files", "--format", "csv", "-o", made.to_str().unwrap()]);
    assert_eq!(csv.status.code(), Some(1), "{}", text(&csv.stderr));
    assert_eq!(text(&csv.stdout), "");
    let csv = std::fs::read_to_string(&made).unwrap();
    for row in [
        "entries,files,acknowledged,4",
        "resources,files,matched,2",
        "resources,files,missing,1",
        "resources,files,divergent,1",
        "resources,files,duplicate,0",
        "resources,files,unknown,1",
        "resource,files,unknown,,,Bundle,folder,'=cmd,",
    ] {
        assert!(csv.contains(row), "{row}: {csv}");
    }
    let html = reconcile(&config, &["--format", "html"]);
    assert_eq!(html.status.code(), Some(1));
    assert!(text(&html.stdout).starts_with("<!doctype html>"));

    assert_eq!(reconcile(&config, &["--endpoint", "none"]).status.code(), Some(2));
    assert_eq!(reconcile(Path::new("/nowhere.toml"), &[]).status.code(), Some(5));
    std::fs::remove_dir_all(&out).unwrap();
    std::fs::write(&out, "").unwrap();
    let unread = reconcile(&config, &[]);
    assert_eq!(unread.status.code(), Some(6), "{}", text(&unread.stderr));
    assert_eq!(text(&unread.stdout), "");
    // The others are reported all the same, and the one that cannot be read is named.
    let written = std::fs::read_to_string(&config).unwrap();
    let other = out.with_file_name("other");
    let more = format!(
        "[[endpoint]]\nname = \"other\"\nkind = \"file\"\npath = {other:?}\ntest = true\npractices = [\"M85063\"]\n"
    );
    std::fs::write(&config, written + &more).unwrap();
    let partly = reconcile(&config, &[]);
    assert_eq!(partly.status.code(), Some(6), "{}", text(&partly.stderr));
    let report: serde_json::Value = serde_json::from_slice(&partly.stdout).unwrap();
    assert_eq!(report["endpoints"][0]["endpoint"], "other");
    assert!(report["not_read"][0].as_str().unwrap().starts_with("endpoint files cannot be read"), "{report}");
}
