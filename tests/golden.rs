//! Every folder of `fixtures/` converted by the real binary, and the output compared with `expected/`.
//!
//! A case is a folder with `export.*` and `profile.toml`, and `options` where the run has more of them; add one and its expectations are made by
//! `SP_FHIR_UPDATE=1 cargo test --test golden`, to be read before they are kept.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut folders: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("profile.toml").is_file())
        .collect();
    folders.sort();
    assert!(folders.len() >= 8, "{folders:?}");
    folders
}

fn export(folder: &Path) -> String {
    let is_export = |name: &String| name.starts_with("export.");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.into_iter().find(is_export).unwrap()
}

/// What a run gave, by the name of the file it is kept in.
fn convert(folder: &Path) -> Vec<(String, String)> {
    let aside = tempfile::tempdir().unwrap();
    let export = export(folder);
    // Trees are refused as lines of JSON, rows as rows.
    let ending = if export.ends_with(".csv") || export.ends_with(".xlsx") { "csv" } else { "ndjson" };
    let (rejects, report) = (aside.path().join("rejects"), aside.path().join("report"));
    let options = fs::read_to_string(folder.join("options")).unwrap_or_default();
    let output = Command::new(env!("CARGO_BIN_EXE_sp-fhir"))
        .current_dir(folder)
        .args(["convert", &export, "--profile", "profile.toml", "--recorded-at", "2026-11-20T12:00:00Z"])
        .args(options.split_whitespace())
        .arg("--rejects")
        .arg(&rejects)
        .arg("--report")
        .arg(&report)
        .output()
        .unwrap();
    // The report names the rejects file; its folder is another each time.
    let own = format!("{}/", aside.path().display());
    let text = |path: &Path| fs::read_to_string(path).unwrap_or_default().replace(&own, "");
    vec![
        ("bundles.ndjson".to_owned(), String::from_utf8(output.stdout).unwrap()),
        (format!("rejects.{ending}"), text(&rejects)),
        ("report.json".to_owned(), text(&report)),
        ("exit".to_owned(), format!("{}\n", output.status.code().unwrap_or(-1))),
    ]
}

#[test]
fn fixtures_convert_as_expected() {
    let update = std::env::var_os("SP_FHIR_UPDATE").is_some();
    let mut wrong = Vec::new();
    for folder in fixtures() {
        let expected = folder.join("expected");
        for (name, text) in convert(&folder) {
            let path = expected.join(&name);
            if update {
                fs::create_dir_all(&expected).unwrap();
                fs::write(&path, text).unwrap();
                continue;
            }
            // Git may have changed the ends of lines of a checkout, never within one.
            let kept = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
            let text = text.replace("\r\n", "\n");
            if kept != text {
                let line = kept.lines().zip(text.lines()).position(|(a, b)| a != b);
                let line = line.unwrap_or(kept.lines().count().min(text.lines().count())) + 1;
                wrong.push(format!("{}: differs from line {line}", path.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{}\nread the difference, then `SP_FHIR_UPDATE=1 cargo test --test golden`",
        wrong.join("\n")
    );
}
