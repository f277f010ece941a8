//! `sp-fhir check` and the ends of certificates, through the real binary. Next: `tls.rs`.

use std::process::Command;

use crate::tls::{Server, authority, config, issue_until};
use crate::world::secret_file;

/// Checks an endpoint with mutual TLS whose certificates end on these days; gives the lines about certificates.
fn checked(ours_ends: (i32, u8, u8), theirs_ends: (i32, u8, u8)) -> Vec<String> {
    let by = authority("ours");
    let own = issue_until(&by, "client.example.org", ours_ends);
    let server = Server::start(config(&by, &issue_until(&by, "localhost", theirs_ends)));
    let folder = tempfile::tempdir().unwrap();
    secret_file(folder.path(), "ca.pem", &by.pem());
    secret_file(folder.path(), "client.pem", &own.0);
    secret_file(folder.path(), "client.key", &own.1);
    let text = format!(
        "data_folder = \"data\"\n[[endpoint]]\nname = \"gp\"\nkind = \"fhir\"\nurl = \"{}fhir\"\ntest = true\n\
         tls = {{ ca = \"ca.pem\", cert = \"client.pem\", key = \"client.key\" }}\n",
        server.url
    );
    std::fs::write(folder.path().join("sp-fhir.toml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sp-fhir"));
    let output = command.arg("check").current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines().filter(|line| line.contains(" certificate ")).map(str::to_owned).collect()
}

fn in_days(days: i64) -> (i32, u8, u8) {
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let day = now.checked_add(jiff::Span::new().days(days)).unwrap();
    (day.year().into(), day.month().try_into().unwrap(), day.day().try_into().unwrap())
}

#[test]
fn the_ends_of_all_certificates_are_told_and_warned_of() {
    let lines = checked((2090, 6, 1), (2089, 6, 1));
    assert!(lines.iter().all(|line| line.starts_with("ok ")), "{lines:#?}");
    for part in
        ["our certificate ends on 2090-06-01", "the server's certificate ends on 2089-06-01", "authorities"]
    {
        assert!(lines.iter().any(|line| line.contains(part)), "{part}: {lines:#?}");
    }
    let lines = checked(in_days(20), in_days(5));
    let mark = |part: &str| {
        let line =
            lines.iter().find(|line| line.contains(part)).unwrap_or_else(|| panic!("{part}: {lines:#?}"));
        (line.split(' ').next().unwrap().to_owned(), line.clone())
    };
    let (ours, theirs) = (mark("our certificate"), mark("the server's certificate"));
    assert!(ours.0 == "WARN" && ours.1.contains("in 30 days or less"), "{}", ours.1);
    assert!(theirs.0 == "WARN" && theirs.1.contains("in 7 days or less"), "{}", theirs.1);
    let lines = checked((2021, 6, 1), (2090, 6, 1));
    assert!(lines[0].starts_with("WRONG") && lines[0].contains("ended on 2021-06-01"), "{lines:#?}");
}
