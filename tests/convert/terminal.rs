//! What a person sees at the terminal, and what a pipe sees instead.

use crate::command::{Bench, binary, fixtures, sp};
use crate::scheme::{PROFILE, Row, csv, rows};

#[test]
fn every_command_has_help_with_examples() {
    for arguments in [
        &["--help"][..],
        &["convert", "--help"],
        &["validate", "--help"],
        &["profile", "--help"],
        &["profile", "new", "--help"],
        &["profile", "check", "--help"],
        &["profile", "list", "--help"],
        &["profile", "show", "--help"],
        &["codes", "--help"],
        &["completions", "--help"],
    ] {
        let ran = sp(arguments).ended(0);
        assert!(ran.text().contains("Example"), "{arguments:?}:\n{}", ran.text());
        assert!(ran.text().contains("  sp-fhir "), "{arguments:?}:\n{}", ran.text());
        assert!(ran.err.is_empty());
        // A command that is broken over two lines cannot be copied.
        let broken = ran.text().lines().filter(|line| line.starts_with("  sp-fhir ") && line.len() > 100);
        assert_eq!(broken.count(), 0, "{arguments:?}");
    }
    let help = sp(&["convert", "--help"]).ended(0);
    for flag in ["--since", "--rejects", "--report", "--jobs", "--quiet", "--form", "--pack", "Exit codes: 0"]
    {
        assert!(help.text().contains(flag), "{flag}");
    }
}

/// Loads the completions and asks what goes on after `sp-fhir convert --re`.
const BASH: &str = "source <(\"$0\" completions bash); COMP_WORDS=(sp-fhir convert --re); COMP_CWORD=2
    $(complete -p sp-fhir | sed 's/.*-F //; s/ .*//') sp-fhir --re convert; echo ${COMPREPLY[@]} | tr ' ' '\n' | sort";

#[test]
fn completions_are_printed_for_shells() {
    let bash =
        std::process::Command::new("bash").args(["-c", BASH]).arg(env!("CARGO_BIN_EXE_sp-fhir")).output();
    match bash {
        Ok(completed) => assert_eq!(
            String::from_utf8_lossy(&completed.stdout).lines().collect::<Vec<_>>(),
            ["--recorded-at", "--rejects", "--repair-codes", "--replace", "--report", "--require"],
            "{}",
            String::from_utf8_lossy(&completed.stderr)
        ),
        Err(_) => eprintln!("SKIPPED: completing in bash: there is no bash on this system"),
    }
    for (shell, part) in
        [("bash", "complete -F"), ("zsh", "#compdef sp-fhir"), ("fish", "complete -c sp-fhir")]
    {
        let ran = sp(&["completions", shell]).ended(0);
        assert!(ran.text().contains(part), "{shell}");
        assert!(ran.text().contains("convert") && ran.text().contains("rejects"), "{shell}");
    }
}

#[test]
fn quiet_says_nothing_but_errors() {
    let bench = Bench::new();
    let bad = Row::new(2).with("NHS", "1");
    let (input, profile) = (bench.file("in.csv", csv(&[Row::new(1), bad])), bench.file("p.toml", PROFILE));
    let ran = bench.convert(&input, &profile, &["--quiet"]).ended(1);
    assert_eq!(ran.err, "");
    assert!(!ran.out.is_empty());
    bench.convert(&bench.path("none.csv"), &profile, &["--quiet"]).ended(6).says(&["error:", "none.csv"]);
}

/// Standard error of these tests is a pipe: no colour, no bar, no carriage return.
#[test]
fn a_pipe_gets_plain_lines() {
    let bench = Bench::new();
    let bad = Row::new(2).with("NHS", "1");
    let mut many = rows(3..900);
    many.push(bad);
    let (input, profile) = (bench.file("in.csv", csv(&many)), bench.file("p.toml", PROFILE));
    let ran = bench.convert(&input, &profile, &[]).ended(1);
    assert!(!ran.err.contains(['\u{1b}', '\r']), "{:?}", ran.err);
    assert!(!ran.err.contains("left") && !ran.err.contains('%'), "{}", ran.err);
    let wrong = sp(&["convert", "--no-such-flag"]).ended(2);
    assert!(!wrong.err.contains('\u{1b}'), "{:?}", wrong.err);
}

#[test]
fn a_drafted_profile_is_marked_not_reviewed() {
    let bench = Bench::new();
    let (input, profile) =
        (bench.file("in.csv", csv(&rows(1..3))), bench.file("p.toml", format!("draft = true\n{PROFILE}")));
    let (ran, report) = bench.convert_with_report(&input, &profile, &[]);
    ran.ended(0).says(&["not reviewed", "draft = true"]);
    assert_eq!(report["profile_not_reviewed"], true);
    let profile = bench.file("q.toml", PROFILE);
    let (ran, report) = bench.convert_with_report(&input, &profile, &[]);
    assert!(!ran.ended(0).err.contains("not reviewed"));
    assert_eq!(report["profile_not_reviewed"], false);
}

#[test]
fn profiles_are_listed_shown_and_checked() {
    let bench = Bench::new();
    let list = sp(&["profile", "list"]).ended(0);
    for fixture in fixtures() {
        assert!(list.text().contains(&fixture.name), "{} is not listed", fixture.name);
        let shown = sp(&["profile", "show", &fixture.name]).ended(0);
        assert_eq!(shown.out, std::fs::read(&fixture.profile).unwrap(), "{}", fixture.name);
        let check = [fixture.profile.to_str().unwrap(), fixture.export.to_str().unwrap()];
        sp(&["profile", "check", check[0]]).ended(0);
        sp(&["profile", "check", check[0], check[1]]).ended(0);
    }
    let (input, profile) = (bench.file("in.csv", csv(&rows(1..3))), bench.file("p.toml", PROFILE));
    let wrong = bench.file("w.toml", PROFILE.replace("\"Born\"", "\"DOB\""));
    let check = |profile: &std::path::Path| {
        sp(&["profile".as_ref(), "check".as_ref(), profile.as_os_str(), input.as_os_str()])
    };
    check(&profile).ended(0);
    check(&wrong).ended(5).says(&["DOB", "[column-unknown]", "in.csv"]);
}

/// Standard input as `-`, and through a pipe that cannot be read twice.
#[test]
fn standard_input_is_read() {
    let bench = Bench::new();
    let text = csv(&rows(1..20));
    let (input, profile) = (bench.file("in.csv", &text), bench.file("p.toml", PROFILE));
    let expected = bench.convert(&input, &profile, &[]).ended(0).out;
    let mut command = binary();
    command.args(["convert", "-", "--recorded-at", crate::command::RECORDED_AT, "--profile"]).arg(&profile);
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, text.as_bytes()));
    let ended = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert!(ended.stdout == expected);
}

/// At a terminal there is a bar and colour; with NO_COLOR no colour, and with --quiet nothing at all.
#[test]
#[cfg(target_os = "linux")]
fn a_terminal_gets_a_bar_and_colours_unless_it_asks_for_none() {
    let bench = Bench::new();
    let (input, profile) = (bench.file("in.csv", csv(&rows(1..40))), bench.file("p.toml", PROFILE));
    let command = format!(
        "{} convert {} --profile {} -o {}",
        env!("CARGO_BIN_EXE_sp-fhir"),
        input.display(),
        profile.display(),
        bench.path("out.ndjson").display()
    );
    // `script` runs a command at a terminal of its own.
    let at_a_terminal = |command: &str| {
        let mut script = std::process::Command::new("script");
        for variable in ["CLICOLOR_FORCE", "CLICOLOR", "NO_COLOR"] {
            script.env_remove(variable);
        }
        script.env("TERM", "xterm").args(["-qec", command, "/dev/null"]).stdin(std::process::Stdio::null());
        script.output().ok().map(|ran| String::from_utf8(ran.stdout).unwrap())
    };
    let Some(said) = at_a_terminal(&command) else {
        eprintln!("SKIPPED: a terminal: there is no script command on this system");
        return;
    };
    assert!(said.contains("39 rows in") && said.contains("\u{1b}[32m"), "{said:?}");
    assert!(said.contains("left") && said.contains('%'), "{said:?}");
    let plain = at_a_terminal(&format!("NO_COLOR=1 {command}")).unwrap();
    assert!(plain.contains("39 rows in") && !plain.contains("\u{1b}[32m"), "{plain:?}");
    assert_eq!(at_a_terminal(&format!("{command} --quiet")).unwrap(), "");
}
