//! The Bundles under test, each with a name by which a failure can be found again.
//!
//! Two sources: the worked example in the third-party test data, and every folder of `fixtures/` that holds
//! `export.*` and `profile.toml`, converted by the real binary. A fixture's `args` file adds arguments, one a line.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// A fixed time of recording, so that a run can be repeated byte for byte.
const RECORDED_AT: &str = "2026-11-20T12:00:00Z";

/// The Bundles of one conversion, in their order.
pub(crate) struct Set {
    /// `worked-example`, or the fixture folder's name.
    pub(crate) name: String,
    /// Each Bundle with its line of the NDJSON (worked example: its file's number), from 1.
    pub(crate) bundles: Vec<(usize, Value)>,
    /// Patients the receiving system already holds, where the set says more of them than their identifier.
    pub(crate) patients: Vec<Value>,
}

/// One resource of one Bundle.
pub(crate) struct Resource {
    /// Set, line, entry and type: where to look when it fails.
    pub(crate) place: String,
    pub(crate) json: Value,
}

/// Every set there is; made once for all tests of the run.
pub(crate) fn all() -> &'static [Set] {
    static SETS: OnceLock<Vec<Set>> = OnceLock::new();
    SETS.get_or_init(|| {
        let mut sets: Vec<Set> = worked_example().into_iter().collect();
        sets.extend(fixture_folders().iter().map(|folder| convert(folder)));
        assert!(!sets.is_empty(), "there is nothing to send: no fixture, and SP_FHIR_TEST_DATA is not set");
        for set in &sets {
            eprintln!("{}: {} Bundles", set.name, set.bundles.len());
        }
        sets
    })
}

/// Every resource of every Bundle, and the Patients.
pub(crate) fn resources(sets: &[Set]) -> Vec<Resource> {
    let mut all = Vec::new();
    for set in sets {
        for (index, patient) in set.patients.iter().enumerate() {
            all.push(Resource {
                place: format!("{}, patient {}", set.name, index + 1),
                json: patient.clone(),
            });
        }
        for (line, bundle) in &set.bundles {
            for (index, entry) in bundle["entry"].as_array().into_iter().flatten().enumerate() {
                let json = entry["resource"].clone();
                let place = place(&set.name, *line, index, &json);
                all.push(Resource { place, json });
            }
        }
    }
    all
}

/// The first Bundles of each set as resources themselves.
pub(crate) fn whole(sets: &[Set]) -> Vec<Resource> {
    let bundles = sets.iter().flat_map(|set| set.bundles.iter().take(3).map(move |bundle| (set, bundle)));
    bundles
        .map(|(set, (line, bundle))| Resource {
            place: format!("{}, bundle {line} as a whole", set.name),
            json: bundle.clone(),
        })
        .collect()
}

/// The words for "this entry of this Bundle of this set"; `index` counts from 0, the words from 1.
pub(crate) fn place(set: &str, line: usize, index: usize, resource: &Value) -> String {
    format!(
        "{set}, bundle {line}, entry {} ({})",
        index + 1,
        resource["resourceType"].as_str().unwrap_or("no type")
    )
}

fn worked_example() -> Option<Set> {
    let folder =
        PathBuf::from(crate::need("the worked example", "SP_FHIR_TEST_DATA")?).join("worked-example");
    let read = |name: &str| -> Value {
        let path = folder.join(name);
        let text = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    let files = ["1-referred.json", "2-assessed.json", "3-completed.json", "declined.json"];
    let bundles = files.iter().enumerate().map(|(index, name)| (index + 1, read(name))).collect();
    Some(Set { name: "worked-example".into(), bundles, patients: vec![read("patient.json")] })
}

/// The folders of `fixtures/` that hold an export and a profile, by name.
fn fixture_folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut folders: Vec<PathBuf> = fs::read_dir(root)
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
        .unwrap_or_default();
    folders.retain(|folder| folder.join("profile.toml").is_file() && !exports(folder).is_empty());
    folders.sort();
    folders
}

fn exports(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
        .unwrap_or_default();
    files.retain(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("export.")));
    files.sort();
    files
}

/// The fixtures in the forms that are not sent as they are: with the Patient, and as messages.
pub(crate) fn other_forms() -> Vec<Set> {
    let mut sets = Vec::new();
    for folder in fixture_folders() {
        let profile = fs::read_to_string(folder.join("profile.toml")).unwrap();
        // A message names its sender, which is the deployer's; here it is the test's.
        let with_sender = format!(
            "{profile}\n[message]\nevent_system = \"https://sp-fhir.example/events\"\nevent_code = \"referral\"\n\
             endpoint = \"https://sender.example/fhir\"\n"
        );
        let file = std::env::temp_dir().join(format!("sp-fhir-message-{}.toml", std::process::id()));
        fs::write(&file, with_sender).unwrap();
        for more in [
            &["--form", "collection"][..],
            &["--form", "message"],
            &["--form", "collection", "--pack", "per-referral"],
        ] {
            let mut set = convert_as(&folder, &file, more);
            set.name = format!("{} {}", set.name, more.join(" "));
            sets.push(set);
        }
        let _ = fs::remove_file(&file);
    }
    sets
}

fn convert(folder: &Path) -> Set {
    convert_as(folder, &folder.join("profile.toml"), &[])
}

/// Runs `sp-fhir convert` on one fixture. Refused rows are the fixture's business (other tests hold its report), so
/// the exit status may say "some refused"; that something was made, and made without a crash, is asked here.
fn convert_as(folder: &Path, profile: &Path, form: &[&str]) -> Set {
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let more = fs::read_to_string(folder.join("args")).unwrap_or_default();
    let output = Command::new(env!("CARGO_BIN_EXE_sp-fhir"))
        .current_dir(folder)
        .arg("convert")
        .args(exports(folder))
        .arg("--profile")
        .arg(profile)
        .args(form)
        .args(["--recorded-at", RECORDED_AT])
        .args(more.lines().map(str::trim).filter(|arg| !arg.is_empty()))
        .output()
        .unwrap_or_else(|e| panic!("{name}: the binary did not start: {e}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(code) if code != 101), "{name}: {}: {said}", output.status);
    let text = String::from_utf8(output.stdout).unwrap_or_else(|_| panic!("{name}: the output is not UTF-8"));
    let bundles: Vec<(usize, Value)> = text
        .lines()
        .enumerate()
        .map(|(index, line)| {
            let bundle: Value =
                serde_json::from_str(line).unwrap_or_else(|e| panic!("{name}, bundle {}: {e}", index + 1));
            assert_eq!(bundle["resourceType"], "Bundle", "{name}, bundle {}", index + 1);
            (index + 1, bundle)
        })
        .collect();
    assert!(!bundles.is_empty(), "{name}: no Bundle was made ({}): {said}", output.status);
    Set { name, bundles, patients: Vec::new() }
}
