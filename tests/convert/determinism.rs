//! The output depends on the set of rows and on nothing else: not on workers, order, repetition or memory.

use crate::command::{Bench, Fixture, Ran, fixtures, limited};
use crate::output::set;
use crate::scheme::{LOG_PROFILE, PROFILE, csv, log, log_file, rows, shuffled};

#[test]
fn any_number_of_workers_gives_the_same_bytes() {
    let bench = Bench::new();
    let profile = bench.file("p.toml", PROFILE);
    let log_profile = bench.file("log.toml", LOG_PROFILE);
    let mut inputs: Vec<Fixture> = fixtures();
    let export = bench.file("in.csv", csv(&rows(1..900)));
    inputs.push(Fixture { name: "tidewell".into(), export, profile });
    let export = bench.file("log.csv", log_file(&shuffled(&log(150, 7, 0), 1)));
    inputs.push(Fixture { name: "weir".into(), export, profile: log_profile });
    for input in inputs {
        let outcome = |jobs| {
            let more = ["--jobs", jobs, "--rejects", "@rejects"];
            let (ran, report) = bench.convert_with_report(&input.export, &input.profile, &more);
            (ran.out, bench.read("rejects"), report)
        };
        let alone = outcome("1");
        for jobs in ["2", "3", "7"] {
            assert!(outcome(jobs) == alone, "{} with {jobs} jobs", input.name);
        }
    }
}

/// The heading and the rows of a table whose rows may be several lines long.
fn split(text: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let (mut rows, mut row, mut quoted) = (Vec::new(), Vec::new(), false);
    for byte in text {
        row.push(*byte);
        quoted ^= *byte == b'"';
        if *byte == b'\n' && !quoted {
            rows.push(std::mem::take(&mut row));
        }
    }
    assert!(row.is_empty() && !quoted, "an unfinished last row");
    (rows.remove(0), rows)
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let bench = Bench::new();
    let mut tables = 0;
    for fixture in
        fixtures().into_iter().filter(|fixture| fixture.export.extension().is_some_and(|e| e == "csv"))
    {
        tables += 1;
        let text = std::fs::read(&fixture.export).unwrap();
        let (heading, rows) = split(&text);
        let expected: Ran = bench.convert(&fixture.export, &fixture.profile, &[]);
        for seed in 1..=4 {
            let input = bench.file("in.csv", [heading.clone(), shuffled(&rows, seed).concat()].concat());
            let ran = bench.convert(&input, &fixture.profile, &[]);
            assert_eq!(ran.code, expected.code, "{} seed {seed}", fixture.name);
            assert_eq!(set(&ran.out), set(&expected.out), "{} seed {seed}", fixture.name);
        }
    }
    assert!(tables >= 3);
    let profile = bench.file("log.toml", LOG_PROFILE);
    let rows = log(40, 7, 0);
    let expected = bench.convert(&bench.file("log.csv", log_file(&rows)), &profile, &[]).ended(0);
    for seed in 5..9 {
        let input = bench.file("log.csv", log_file(&shuffled(&rows, seed)));
        let ran = bench.convert(&input, &profile, &[]).ended(0);
        assert_eq!(set(&ran.out), set(&expected.out), "seed {seed}");
    }
}

/// Rows of one file or of several: the same set of Bundles.
#[test]
fn the_files_that_rows_are_in_do_not_matter() {
    let bench = Bench::new();
    let profile = bench.file("log.toml", LOG_PROFILE);
    let rows = log(20, 5, 0);
    let expected = bench.convert(&bench.file("log.csv", log_file(&rows)), &profile, &[]).ended(0);
    std::fs::create_dir(bench.path("in")).unwrap();
    for (n, part) in shuffled(&rows, 3).chunks(23).enumerate() {
        bench.file(&format!("in/{n}.csv"), log_file(part));
    }
    let ran = bench.convert(&bench.path("in"), &profile, &[]).ended(0);
    assert_eq!(set(&ran.out), set(&expected.out));
}

#[test]
fn the_same_event_again_changes_nothing() {
    let bench = Bench::new();
    let profile = bench.file("log.toml", LOG_PROFILE);
    let rows = log(12, 6, 0);
    let expected = bench.convert(&bench.file("log.csv", log_file(&rows)), &profile, &[]).ended(0);
    let doubled = shuffled(&[rows.clone(), rows.clone(), rows[3..9].to_vec()].concat(), 2);
    let ran = bench.convert(&bench.file("log.csv", log_file(&doubled)), &profile, &[]).ended(0);
    assert_eq!(set(&ran.out), set(&expected.out));
}

/// More rows than the sort holds in memory: spilled to files and merged. The padding is a column that goes nowhere, so
/// the same rows without it, sorted in memory, must give the same bytes.
#[test]
fn a_log_larger_than_memory_gives_the_same_bytes() {
    let bench = Bench::new();
    let profile = bench.file("log.toml", LOG_PROFILE);
    let small = bench.file("small.csv", log_file(&shuffled(&log(700, 3, 0), 4)));
    let large = bench.file("large.csv", log_file(&shuffled(&log(700, 3, 14_000), 4)));
    assert!(std::fs::metadata(&large).unwrap().len() > 28 << 20);
    std::fs::create_dir(bench.path("tmp")).unwrap();
    let expected = bench.convert(&small, &profile, &["--tmp", "@tmp"]).ended(0);
    let ran = bench.convert(&large, &profile, &["--tmp", "@tmp"]).ended(0);
    assert!(ran.out == expected.out);
    assert_eq!(std::fs::read_dir(bench.path("tmp")).unwrap().count(), 0, "spill files stayed");
    // That it did spill shows where files may not grow: the small log needs none, the large one cannot do without.
    for (input, spills) in [(&small, false), (&large, true)] {
        let Some(mut command) = limited("--fsize=4096") else { return };
        command.arg("convert").arg(input).arg("--profile").arg(&profile);
        bench.add(&mut command, &["--tmp", "@tmp"]);
        assert_eq!(command.output().unwrap().status.code() != Some(0), spills, "{}", input.display());
    }
}
