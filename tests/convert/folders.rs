//! Output into a folder: two runs never mix, one may take the other's place, and a run that was cut off leaves nothing
//! that the next one does not clear away.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::command::{Bench, RECORDED_AT, binary};
use crate::scheme::{LOG_PROFILE, PROFILE, csv, log, log_file, rows};

/// Every file of a folder, hidden ones too.
fn all(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let read = |path: &Path| std::fs::read(path).unwrap_or_default();
    entries.map(|entry| (entry.file_name().into_string().unwrap(), read(&entry.path()))).collect()
}

const FORMS: [&[&str]; 3] =
    [&["--form", "bulk"], &["--pack", "per-event"], &["--form", "collection", "--pack", "per-referral"]];

#[test]
fn a_second_run_into_a_folder_is_refused_or_takes_the_place_of_the_first() {
    for form in FORMS {
        let bench = Bench::new();
        let profile = bench.file("p.toml", PROFILE);
        let (first, second) = (bench.file("a.csv", csv(&rows(1..9))), bench.file("b.csv", csv(&rows(7..12))));
        let into = |more: &[&'static str]| [form, &["-o", "@out/"], more].concat();
        bench.convert(&first, &profile, &into(&[])).ended(0);
        bench.file("out/notes.txt", "mine");
        let before = all(&bench.path("out"));
        let ran = bench.convert(&second, &profile, &into(&[])).ended(2);
        ran.says(&["out", "the output of an earlier run", "--replace"]);
        assert!(all(&bench.path("out")) == before, "{form:?}");

        // What the second run alone gives, and what was not ours.
        bench.convert(&second, &profile, &[form, &["-o", "@alone/"]].concat()).ended(0);
        let mut expected = all(&bench.path("alone"));
        expected.insert("notes.txt".to_owned(), b"mine".to_vec());
        bench.convert(&second, &profile, &into(&["--replace"])).ended(0);
        assert!(all(&bench.path("out")) == expected, "{form:?}: {:?}", all(&bench.path("out")).keys());

        // A file of somebody else that looks like output is never removed or written over.
        bench.file("out/Patient.from-elsewhere.ndjson", "theirs");
        let before = all(&bench.path("out"));
        for more in [&[][..], &["--replace"]] {
            let ran = bench.convert(&first, &profile, &into(more)).ended(2);
            ran.says(&["Patient.from-elsewhere.ndjson", "Name a new or an empty folder"]);
            assert!(all(&bench.path("out")) == before, "{form:?}");
        }
    }
}

/// What is in the folder is output, all of it.
#[test]
fn rejects_and_report_do_not_stand_among_the_output() {
    let bench = Bench::new();
    let (input, profile) = (bench.file("in.csv", csv(&rows(1..4))), bench.file("p.toml", PROFILE));
    std::fs::create_dir(bench.path("there")).unwrap();
    for (out, option, file) in [
        ("@there/", "--report", "@there/report.json"),
        ("@there", "--rejects", "@there/../there/r.csv"),
        ("@new/", "--rejects", "@new/r.csv"),
    ] {
        let ran = bench.convert(&input, &profile, &["--form", "bulk", "-o", out, option, file]).ended(2);
        ran.says(&[option, "outside that folder"]);
    }
    let more = ["--form", "bulk", "-o", "@new/", "--report", "@there/report.json"];
    bench.convert(&input, &profile, &more).ended(0);
}

/// An empty folder is used as it is, through a link too; a new one appears only when the run is complete.
#[test]
fn a_folder_keeps_its_place_and_a_failed_run_leaves_it_alone() {
    for form in FORMS {
        let bench = Bench::new();
        let profile = bench.file("p.toml", PROFILE);
        let good = bench.file("good.csv", csv(&rows(1..40)));
        let mut packed = zstd::encode_all(csv(&rows(1..2_000)).as_bytes(), 1).unwrap();
        packed.truncate(packed.len() / 2);
        let broken = bench.file("broken.csv.zst", packed);
        std::fs::create_dir(bench.path("there")).unwrap();
        for out in ["@there/", "@new/deep/"] {
            bench.convert(&broken, &profile, &[form, &["-o", out]].concat()).ended(3);
        }
        assert_eq!(all(&bench.path("there")).len(), 0);
        assert!(!bench.path("new/deep").exists());
        assert!(!bench.path("new").exists() || all(&bench.path("new")).is_empty());
        bench.convert(&good, &profile, &[form, &["-o", "@there/"]].concat()).ended(0);
        bench.convert(&good, &profile, &[form, &["-o", "@new/deep/"]].concat()).ended(0);
        let before = all(&bench.path("there"));
        assert!(before == all(&bench.path("new/deep")));
        // Refused while it reads, a run with --replace leaves the old files.
        bench.convert(&broken, &profile, &[form, &["-o", "@there/", "--replace"]].concat()).ended(3);
        assert!(all(&bench.path("there")) == before);
    }
}

/// A run that is long enough to be met in the middle, whose output goes to `out`.
fn start(bench: &Bench, out: &[&str]) -> Child {
    let profile = bench.file("log.toml", LOG_PROFILE);
    let input = bench.file("log.csv", log_file(&log(2_400, 6, 2_000)));
    let mut command = binary();
    command.arg("convert").arg(input).arg("--profile").arg(profile).args(["--recorded-at", RECORDED_AT]);
    bench.add(&mut command, out);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits until there is something hidden in the folder that holds bytes.
fn wait_for_part(folder: &Path, child: &mut Child) {
    fn size(path: &Path) -> u64 {
        match std::fs::read_dir(path) {
            Ok(entries) => entries.filter_map(Result::ok).map(|entry| size(&entry.path())).sum(),
            Err(_) => std::fs::metadata(path).map_or(0, |known| known.len()),
        }
    }
    let began = Instant::now();
    while size(folder) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before anything was written");
        assert!(began.elapsed() < Duration::from_secs(120), "nothing was written in two minutes");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(child.try_wait().unwrap().is_none(), "the run ended too soon");
}

/// What a killed run left goes with the next run to the same place; what a living run is at work on stays.
#[test]
#[cfg(unix)]
fn leftovers_of_dead_runs_go_and_those_of_living_runs_stay() {
    for out in [&["-o", "@place/out.ndjson"][..], &["--form", "bulk", "-o", "@place/out/"]] {
        let bench = Bench::new();
        std::fs::create_dir(bench.path("place")).unwrap();
        let mut killed = start(&bench, out);
        wait_for_part(&bench.path("place"), &mut killed);
        killed.kill().unwrap();
        killed.wait().unwrap();
        let left: Vec<String> = all(&bench.path("place")).into_keys().collect();
        assert!(!left.is_empty() && left.iter().all(|name| name.starts_with(".sp-fhir-")), "{left:?}");

        let mut living = start(&bench, out);
        let began = Instant::now();
        // The living run has cleared away what the dead one left before it made its own.
        let of_living = loop {
            let now: Vec<String> = all(&bench.path("place")).into_keys().collect();
            if !now.is_empty() && !now.iter().any(|name| left.contains(name)) {
                break now;
            }
            assert!(living.try_wait().unwrap().is_none(), "the run ended too soon");
            assert!(began.elapsed() < Duration::from_secs(120), "the leftovers stayed: {now:?}");
            std::thread::sleep(Duration::from_millis(2));
        };
        let signal = |name: &str, child: &Child| {
            let sent = Command::new("kill").args([name, &child.id().to_string()]).status();
            assert!(sent.is_ok_and(|status| status.success()));
        };
        signal("-STOP", &living);
        let (input, profile) = (bench.file("in.csv", csv(&rows(1..3))), bench.file("p.toml", PROFILE));
        bench.convert(&input, &profile, out).ended(0);
        let now = all(&bench.path("place"));
        assert!(of_living.iter().all(|name| now.contains_key(name)), "{of_living:?}: {:?}", now.keys());
        signal("-CONT", &living);
        let code = living.wait().unwrap().code();
        // Into one file the later run wins; into a folder it would mix, so it is refused.
        assert_eq!(code, Some(if out.len() == 2 { 0 } else { 6 }));
        let now: Vec<String> = all(&bench.path("place")).into_keys().collect();
        assert_eq!(now, [if out.len() == 2 { "out.ndjson" } else { "out" }]);
    }
}

/// What came on standard input has no name on the disk, so a killed run leaves nothing of it.
#[test]
#[cfg(unix)]
fn standard_input_is_never_found_on_the_disk() {
    use std::io::Write;
    let bench = Bench::new();
    std::fs::create_dir(bench.path("tmp")).unwrap();
    let profile = bench.file("p.toml", PROFILE);
    let mut command = binary();
    command.args(["convert", "-", "--profile"]).arg(profile);
    bench.add(&mut command, &["--tmp", "@tmp"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // More than a pipe holds: when it is taken, the run has begun to write it down.
    child.stdin.as_mut().unwrap().write_all(csv(&rows(1..2_000)).as_bytes()).unwrap();
    assert_eq!(all(&bench.path("tmp")).len(), 0);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(all(&bench.path("tmp")).len(), 0);
}

/// The disk is full in the middle: exit 6, the place is told, nothing is half written, and what was there stays.
#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_fills_up_leaves_nothing_half_written() {
    let bench = Bench::new();
    let (input, profile) = (bench.file("in.csv", csv(&rows(1..400))), bench.file("p.toml", PROFILE));
    std::fs::create_dir(bench.path("place")).unwrap();
    bench.file("place/out.ndjson", "the old output\n");
    for out in [
        &["-o", "@place/out.ndjson"][..],
        &["--form", "bulk", "-o", "@place/out/"],
        &["--pack", "per-referral", "--form", "collection", "-o", "@place/out/"],
    ] {
        // A limit on the size of a file stands for the disk: a write fails in the middle, with an error of its own.
        let mut command = Command::new("sh");
        let blocks = if out.contains(&"per-referral") { "2" } else { "40" };
        command.args(["-c", "trap '' XFSZ; ulimit -f $1; shift; exec \"$@\"", "sh", blocks]);
        command.arg(env!("CARGO_BIN_EXE_sp-fhir")).arg("convert").arg(&input).arg("--profile").arg(&profile);
        bench.add(&mut command, out);
        let ended = command.stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(6), "{out:?}: {said}");
        assert!(said.contains("place/out") && said.contains("cannot be written"), "{said}");
        assert!(said.contains("make room") && !said.contains(".part"), "{said}");
        let now = all(&bench.path("place"));
        assert_eq!(now.len(), 1, "{out:?}: {:?}", now.keys());
        assert_eq!(now["out.ndjson"], b"the old output\n");
    }
}

/// A place that nobody may write to: exit 6 before anything is read, and what to do.
#[test]
#[cfg(unix)]
fn a_place_without_the_right_to_write_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    let (input, profile) = (bench.file("in.csv", csv(&rows(1..4))), bench.file("p.toml", PROFILE));
    std::fs::create_dir(bench.path("closed")).unwrap();
    std::fs::set_permissions(bench.path("closed"), std::fs::Permissions::from_mode(0o555)).unwrap();
    if std::fs::write(bench.path("closed/probe"), "").is_ok() {
        eprintln!("SKIPPED: a folder without the right to write: this user may write everywhere");
        return;
    }
    for out in [
        &["-o", "@closed/out.ndjson"][..],
        &["--form", "bulk", "-o", "@closed/out/"],
        &["--form", "bulk", "-o", "@closed/"],
        &["--rejects", "@closed/r.csv"],
        &["--report", "@closed/r.json"],
    ] {
        let ran = bench.convert(&input, &profile, out).ended(6);
        assert!(ran.says(&["closed", "cannot be written", "the right to write"]).out.is_empty());
    }
}

/// Rejects of an earlier run in a folder that is read would be rows twice, and would be written over.
#[test]
fn no_output_replaces_a_file_of_a_folder_that_is_read() {
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    std::fs::create_dir(bench.path("in")).unwrap();
    bench.file("in/a.csv", csv(&rows(1..4)));
    bench.file("in/rejects.csv", csv(&rows(4..5)));
    bench.file("in/out.ndjson", "{}\n");
    let before = all(&bench.path("in"));
    for (option, file) in [("--rejects", "@in/rejects.csv"), ("-o", "@in/out.ndjson"), ("-o", "@in/a.csv")] {
        let ran = bench.convert(&bench.path("in"), &profile, &[option, file]).ended(2);
        ran.says(&["is read or written already", file.trim_start_matches('@')]);
        assert!(all(&bench.path("in")) == before, "{file}");
    }
}
