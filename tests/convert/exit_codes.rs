//! Every exit code, each with what a person is told.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use crate::command::{Bench, RECORDED_AT, binary, fixture, sp};
use crate::scheme::{PROFILE, Row, csv, rows};

#[test]
fn everything_converted_is_0() {
    let bench = Bench::new();
    let (input, profile) = (bench.file("in.csv", csv(&rows(1..4))), bench.file("p.toml", PROFILE));
    let ran =
        bench.convert(&input, &profile, &[]).ended(0).says(&["3 rows in", "3 converted", "recorded at"]);
    assert!(!ran.err.contains("refused"), "{}", ran.err);
    assert!(ran.text().lines().count() > 3);
}

#[test]
fn some_refused_is_1_and_the_place_and_the_remedy_are_told() {
    let bench = Bench::new();
    let bad = Row::new(2).with("Referred", "31st of March");
    let (input, profile) = (bench.file("in.csv", csv(&[Row::new(1), bad])), bench.file("p.toml", PROFILE));
    let ran = bench.convert(&input, &profile, &[]).ended(1);
    // The heading is row 1, so the bad row is 3.
    let ran = ran.says(&["1 refused", "[date-format]", "in.csv:3:Referred", "correct the cell", "--rejects"]);
    assert!(!ran.err.contains("31st"), "the value itself is not repeated: {}", ran.err);
    let place = format!("{}:3:Referred: error[date-format]", input.display());
    let told =
        sp(&["validate".as_ref(), input.as_os_str(), "--profile".as_ref(), profile.as_os_str()]).ended(1);
    assert!(told.text().contains(&place), "{}", told.text());
    assert!(told.text().contains("; correct the cell"), "{}", told.text());
}

#[test]
fn some_held_is_1() {
    let bench = Bench::new();
    let held = Row::new(2).with("Referrer", "Self").with("Share", "").with("Share date", "");
    let (input, profile) = (bench.file("in.csv", csv(&[Row::new(1), held])), bench.file("p.toml", PROFILE));
    bench.convert(&input, &profile, &[]).ended(1).says(&[
        "1 held for a person",
        "[held-no-consent]",
        "in.csv:3",
    ]);
}

#[test]
fn a_wrong_command_line_is_2() {
    let bench = Bench::new();
    let (input, profile) = (bench.file("in.csv", csv(&rows(1..3))), bench.file("p.toml", PROFILE));
    let input_name = input.to_str().unwrap();
    for (arguments, told) in [
        (&["convert"][..], "Usage"),
        (&["convert", "x.csv", "--no-such-flag"], "--no-such-flag"),
        (&["convert", "x.csv", "--form", "poem"], "possible values"),
        (&["convert", "x.csv", "--recorded-at", "yesterday"], "2026-11-20T12:00:00Z"),
        (&["convert", "x.csv", "--source", "REF001"], "--source"),
        (&["convert", "x.csv", "--tmp", "/no/such/folder"], "--tmp"),
        (&["no-such-command"], "no-such-command"),
        (&["profile", "show", "no-such-profile"], "profile list"),
        (&["completions", "no-such-shell"], "bash"),
    ] {
        let ran = sp(arguments).ended(2).says(&[told]);
        assert!(ran.out.is_empty());
    }
    for (more, told) in [
        (&["--form", "bulk"][..], "-o out/"),
        (&["--form", "bulk", "-o", "@one.ndjson"], "-o out/"),
        (&["--format", "xml"], "per-event"),
        (&["--pack", "one"], "collection"),
        (&["--form", "message", "--pack", "per-referral"], "one Bundle per event"),
        (&["--jobs", "0"], "name 1 to 1024 threads"),
        (&["--jobs", "many"], "--jobs"),
    ] {
        let ran = bench.convert(&input, &profile, more).ended(2).says(&[told]);
        assert!(ran.out.is_empty());
    }
    let empty = bench.path("empty");
    std::fs::create_dir(&empty).unwrap();
    sp(&["convert".as_ref(), empty.as_os_str()]).ended(2).says(&["no file to convert"]);
    // Bare, it prints its help as an error.
    sp::<&str>(&[]).ended(2).says(&["Usage"]);
    assert!(!input_name.is_empty());
}

#[test]
fn nothing_usable_is_3() {
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    let bad = |n| Row::new(n).with("NHS", "9990000000");
    let input = bench.file("in.csv", csv(&[bad(1), bad(2)]));
    let ran = bench.convert(&input, &profile, &[]).ended(3).says(&["2 refused", "in.csv:2:NHS, "]);
    assert!(ran.out.is_empty());
    let empty = bench.file("empty.csv", "");
    bench.convert(&empty, &profile, &[]).ended(3).says(&[
        "empty.csv",
        "the file is empty",
        "check the export",
    ]);
    let pdf = bench.file("export.csv", "%PDF-1.7\n");
    bench.convert(&pdf, &profile, &[]).ended(3).says(&[
        "export.csv",
        "a PDF",
        "export the data as CSV or XLSX",
    ]);
}

#[test]
fn no_profile_is_4_and_the_command_that_drafts_one_is_told() {
    let bench = Bench::new();
    let input = bench.file("in.csv", csv(&rows(1..3)));
    let name = input.to_str().unwrap();
    let ran = sp(&["convert", name]).ended(4);
    let ran = ran.says(&["no profile was given", &format!("sp-fhir profile new {name} > my-scheme.toml")]);
    assert!(ran.out.is_empty());
}

/// The fixtures' sources are invented: whoever has the same headings is still somebody else.
#[test]
fn a_shipped_profile_is_chosen_by_the_whole_heading_and_brings_no_source() {
    let export = fixture("worked-example").export;
    let export = export.to_str().unwrap();
    let ran = sp(&["convert", export]).ended(5).says(&["source"]);
    assert!(ran.out.is_empty());
    let mine = "https://mine.example/cases";
    let ran = sp(&["convert", export, "--source", mine, "--recorded-at", RECORDED_AT]).ended(0);
    assert!(ran.text().contains("https://mine.example/cases/referral|"));
    assert!(!ran.text().contains("brackenfield"));
}

#[test]
fn a_wrong_configuration_is_5() {
    let bench = Bench::new();
    let (input, profile) = (bench.file("in.csv", csv(&rows(1..3))), bench.file("p.toml", PROFILE));
    bench
        .convert(&input, &bench.path("none.toml"), &[])
        .ended(5)
        .says(&["none.toml", "cannot read the profile"]);
    let broken = bench.file("broken.toml", "name = \n");
    bench.convert(&input, &broken, &[]).ended(5).says(&["broken.toml", "[profile-syntax]"]);
    let other = bench.file("other.toml", PROFILE.replace("\"Accepted\"", "\"Agreed on\""));
    let told = &["in.csv", "Agreed on", "[column-unknown]", "correct the name in the profile"];
    bench.convert(&input, &other, &[]).ended(5).says(told);
    let unknown = bench.file("unknown.toml", PROFILE.replace("\"person.family\"", "\"person.surname\""));
    bench.convert(&input, &unknown, &[]).ended(5).says(&["unknown.toml", "person.surname"]);
    let anonymous: String =
        PROFILE.lines().filter(|line| !line.starts_with("source")).map(|l| format!("{l}\n")).collect();
    let anonymous = bench.file("anonymous.toml", anonymous);
    bench.convert(&input, &anonymous, &[]).ended(5).says(&["names no source", "--source"]);
    bench.convert(&input, &profile, &["--codeset", "@nowhere"]).ended(5).says(&["codeset", "nowhere"]);
    std::fs::create_dir(bench.path("wrong")).unwrap();
    bench.file("wrong/manifest.json", "{}");
    bench.convert(&input, &profile, &["--codeset", "@wrong"]).ended(5).says(&["manifest.json"]);
    bench.file("short.key", "tooshort");
    bench.convert(&input, &profile, &["--opaque-key", "@short.key"]).ended(5).says(&["short.key", "32"]);
    let message =
        PROFILE.split("[message]").next().unwrap().to_owned() + PROFILE.split("endpoint\"\n").nth(1).unwrap();
    let silent = bench.file("silent.toml", message);
    bench.convert(&input, &silent, &["--form", "message"]).ended(5).says(&["[message]"]);
}

/// One changed byte in a codeset is found by its checksum.
#[test]
fn a_changed_codeset_is_5() {
    let bench = Bench::new();
    let (input, profile) = (bench.file("in.csv", csv(&rows(1..3))), bench.file("p.toml", PROFILE));
    std::fs::create_dir(bench.path("cs")).unwrap();
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("codesets/uk-sp");
    for entry in std::fs::read_dir(shipped).unwrap().map(Result::unwrap) {
        std::fs::copy(entry.path(), bench.path("cs").join(entry.file_name())).unwrap();
    }
    bench.convert(&input, &profile, &["--codeset", "@cs"]).ended(0);
    let text = String::from_utf8(bench.read("cs/ValueSet-need.json")).unwrap();
    bench.file("cs/ValueSet-need.json", text.replacen("267076002", "267076003", 1));
    bench.convert(&input, &profile, &["--codeset", "@cs"]).ended(5).says(&["ValueSet-need.json"]);
}

#[test]
fn what_cannot_be_read_or_written_is_6() {
    let bench = Bench::new();
    let (input, profile) = (bench.file("in.csv", csv(&rows(1..3))), bench.file("p.toml", PROFILE));
    bench.convert(&bench.path("none.csv"), &profile, &[]).ended(6).says(&["none.csv", "check the name"]);
    let ran = bench.convert(&input, &profile, &["-o", "@no/such/out.ndjson"]).ended(6);
    let ran = ran.says(&["out.ndjson", "make the folder"]);
    assert!(ran.out.is_empty());
    // Nothing may be half done: a rejects or report file that cannot be written is found before output is.
    for option in ["--rejects", "--report"] {
        let ran = bench.convert(&input, &profile, &[option, "@no/such/file", "-o", "@out.ndjson"]).ended(6);
        ran.says(&["no/such/file"]);
        assert!(!bench.path("out.ndjson").exists(), "{option}: the output appeared");
    }
    bench.convert(&input, &profile, &["--since", "@none.csv"]).ended(6).says(&["none.csv"]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_6() {
    let bench = Bench::new();
    let (input, profile) = (bench.file("in.csv", csv(&rows(1..3))), bench.file("p.toml", PROFILE));
    let mut command = binary();
    command.arg("convert").arg(input).arg("--profile").arg(profile);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ended = command.stdout(full).output().unwrap();
    assert_eq!(ended.status.code(), Some(6));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("standard output"));
}

/// `| head -1`: no error, and no word about it.
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let bench = Bench::new();
    let (input, profile) = (bench.file("in.csv", csv(&rows(1..800))), bench.file("p.toml", PROFILE));
    let mut command = binary();
    command.arg("convert").arg(input).arg("--profile").arg(profile);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut first).unwrap();
    drop(out);
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{said}");
    assert!(first.starts_with("{\"resourceType\":\"Bundle\""));
    assert_eq!(said, "");
    for arguments in [
        &["codes", "--all"][..],
        &["profile", "list"],
        &["completions", "bash"],
        &["profile", "show", "event-log"],
    ] {
        let mut child =
            binary().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(0), "{arguments:?}");
        assert!(ended.stderr.is_empty(), "{arguments:?}");
    }
}
