//! Where output may go: never over an input or another output, and through links and pipes, not in their place.

use crate::command::Bench;
use crate::output::lines;
use crate::scheme::{PROFILE, csv, rows};

#[test]
fn no_output_replaces_an_input_or_another_output() {
    let bench = Bench::new();
    let (input, profile) = (bench.file("in.csv", csv(&rows(1..4))), bench.file("p.toml", PROFILE));
    for more in [
        &["-o", "@in.csv"][..],
        &["--rejects", "@in.csv"],
        &["--report", "@p.toml"],
        &["-o", "@same", "--report", "@same"],
        &["--rejects", "-"],
    ] {
        let before = (bench.read("in.csv"), bench.read("p.toml"));
        let _ = bench.file("same", "");
        bench.convert(&input, &profile, more).ended(2);
        assert_eq!((bench.read("in.csv"), bench.read("p.toml")), before, "{more:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_and_a_pipe_is_written_to() {
    use std::os::unix::fs::FileTypeExt;

    let bench = Bench::new();
    let (input, profile) = (bench.file("in.csv", csv(&rows(1..4))), bench.file("p.toml", PROFILE));
    let real = bench.file("real.ndjson", "old");
    std::os::unix::fs::symlink(&real, bench.path("link.ndjson")).unwrap();
    bench.convert(&input, &profile, &["-o", "@link.ndjson"]).ended(0);
    assert!(std::fs::symlink_metadata(bench.path("link.ndjson")).unwrap().is_symlink());
    let written = lines(&bench.read("real.ndjson")).len();
    assert!(written > 3, "{written}");

    let pipe = bench.path("pipe");
    if !std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: output to a pipe: there is no mkfifo on this system");
        return;
    }
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read(pipe).unwrap()
    });
    bench.convert(&input, &profile, &["-o", "@pipe"]).ended(0);
    assert_eq!(lines(&reader.join().unwrap()).len(), written);
    assert!(std::fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
}
