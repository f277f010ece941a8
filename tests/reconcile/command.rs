//! `sp-fhir reconcile` as a person runs it, with the folder that needs no server.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use sp_fhir::config::{Config, Places};
use sp_fhir::daemon::{Parts, endpoints};

use crate::parcels::Person;
use crate::world::World;

fn reconcile(config: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sp-fhir"));
    command.arg("reconcile").arg("--config").arg(config).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn the_command_says_what_is_not_there() {
    let place = tempfile::tempdir().unwrap();
    let (config, data, out) =
        (place.path().join("sp-fhir.toml"), place.path().join("data"), place.path().join("out"));
    let written = format!(
        "data_folder = {data:?}\n[[endpoint]]\nname = \"files\"\nkind = \"file\"\npath = {out:?}\ntest = true\n"
    );
    std::fs::write(&config, written).unwrap();
    let parts = Parts::of(Config::load(Some(&config), &Places::here()).unwrap()).unwrap();
    let clock: Arc<dyn sp_fhir::clock::Clock> = Arc::new(sp_fhir::clock::SystemClock);
    let endpoint = endpoints::make(&parts.config.endpoints[0], &clock).unwrap();
    let store = parts.store().unwrap().path().parent().unwrap().to_owned();
    let world = World::at(endpoint, store, place);
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
}
