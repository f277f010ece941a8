//! Output appears only when it is complete.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::command::{Bench, binary};
use crate::scheme::{LOG_PROFILE, PROFILE, csv, log, log_file, rows};

/// Killed in the middle, a run leaves nothing under a final name, and nobody finds a spill file.
#[test]
#[cfg(unix)]
fn a_killed_run_leaves_no_output() {
    let bench = Bench::new();
    let profile = bench.file("log.toml", LOG_PROFILE);
    let input = bench.file("log.csv", log_file(&log(2_400, 6, 2_000)));
    for folder in ["tmp", "out"] {
        std::fs::create_dir(bench.path(folder)).unwrap();
    }
    let mut command = binary();
    command
        .arg("convert")
        .arg(input)
        .arg("--profile")
        .arg(profile)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let more = [
        "--tmp",
        "@tmp",
        "-o",
        "@out/out.ndjson",
        "--rejects",
        "@out/rejects.csv",
        "--report",
        "@out/report.json",
    ];
    bench.add(&mut command, &more);
    let mut child = command.spawn().unwrap();
    let began = Instant::now();
    let parts = || -> Vec<(String, u64)> {
        let entries = std::fs::read_dir(bench.path("out")).unwrap().filter_map(Result::ok);
        entries.filter_map(|e| Some((e.file_name().into_string().ok()?, e.metadata().ok()?.len()))).collect()
    };
    while parts().iter().all(|(_, length)| *length == 0) {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before anything was written");
        assert!(began.elapsed() < Duration::from_secs(60), "nothing was written in a minute");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(child.try_wait().unwrap().is_none(), "the run ended too soon to be killed");
    child.kill().unwrap();
    child.wait().unwrap();
    for (name, _) in parts() {
        assert!(name.starts_with(".sp-fhir-") && name.ends_with(".part"), "{name}");
    }
    assert_eq!(std::fs::read_dir(bench.path("tmp")).unwrap().count(), 0, "a spill file stayed");
}

/// A run that fails leaves an older output as it was, and nothing beside it.
#[test]
fn a_failed_run_leaves_the_old_output() {
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    std::fs::create_dir(bench.path("out")).unwrap();
    bench.file("out/out.ndjson", "the old output\n");
    let text = csv(&rows(1..2_000));
    let mut packed = zstd::encode_all(text.as_bytes(), 1).unwrap();
    packed.truncate(packed.len() / 2);
    let input = bench.file("in.csv.zst", packed);
    bench
        .convert(&input, &profile, &["-o", "@out/out.ndjson"])
        .ended(3)
        .says(&["in.csv.zst", "ends too early"]);
    assert_eq!(bench.read("out/out.ndjson"), b"the old output\n");
    assert_eq!(std::fs::read_dir(bench.path("out")).unwrap().count(), 1);
    let input = bench.file("in.csv", text);
    bench.convert(&input, &profile, &["-o", "@out/out.ndjson"]).ended(0);
    assert_ne!(bench.read("out/out.ndjson"), b"the old output\n");
    assert_eq!(std::fs::read_dir(bench.path("out")).unwrap().count(), 1);
}

/// What is written can be read by its owner alone, as far as the system has such a thing.
#[test]
#[cfg(unix)]
fn output_is_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    let (input, profile) = (bench.file("in.csv", csv(&rows(1..3))), bench.file("p.toml", PROFILE));
    let more = ["-o", "@out.ndjson", "--rejects", "@rejects.csv", "--report", "@report.json"];
    bench.convert(&input, &profile, &more).ended(0);
    for name in ["out.ndjson", "rejects.csv", "report.json"] {
        let mode = std::fs::metadata(bench.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}: {mode:o}");
    }
}
