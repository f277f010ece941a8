//! `sp-fhir init` and `sp-fhir check`, as a person runs them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sp-fhir"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn init_writes_the_commented_file_once_and_makes_private_folders() {
    let home = tempfile::tempdir().unwrap();
    let first = run(home.path(), &["init"]);
    assert_eq!(first.status.code(), Some(0), "{}", said(&first));
    let file = home.path().join("sp-fhir.toml");
    assert_eq!(fs::read_to_string(&file).unwrap(), sp_fhir::config::DEFAULT);
    let data = home.path().join(".local/state/sp-fhir");
    for folder in ["", "store", "inbox", "inbox/done", "inbox/refused", "outgoing"] {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(data.join(folder)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{folder}");
        }
        assert!(data.join(folder).is_dir(), "{folder}");
    }
    fs::write(&file, "# mine").unwrap();
    let again = run(home.path(), &["init"]);
    assert_eq!((again.status.code(), fs::read_to_string(&file).unwrap().as_str()), (Some(6), "# mine"));
    assert!(said(&again).contains("is there already and is left as it is"), "{}", said(&again));
}

#[test]
fn check_is_content_with_what_init_made_and_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let nothing = run(home.path(), &["check"]);
    assert_eq!(nothing.status.code(), Some(0), "{}", said(&nothing));
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    run(home.path(), &["init", "etc/sp-fhir.toml", "--data", "data"]);
    assert!(home.path().join("data/inbox/refused").is_dir());
    let checked = run(home.path(), &["check", "--config", "etc/sp-fhir.toml"]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
}

#[test]
fn check_tells_everything_that_is_wrong_at_once() {
    let home = tempfile::tempdir().unwrap();
    let profile = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/worked-example/profile.toml");
    let draft = format!("draft = true\n{}", fs::read_to_string(profile).unwrap());
    fs::write(home.path().join("draft.toml"), draft).unwrap();
    fs::write(home.path().join("token"), "t0ken-value").unwrap();
    fs::create_dir_all(home.path().join("data/inbox")).unwrap();
    let text = "data_folder = \"data\"\n[intake.http.auth]\nkind = \"bearer\"\ntoken_file = \"token\"\n\
                [[intake.folder]]\nprofile = \"draft.toml\"\n";
    fs::write(home.path().join("sp-fhir.toml"), text).unwrap();
    let checked = run(home.path(), &["check"]);
    assert_eq!(checked.status.code(), Some(5));
    let said = said(&checked);
    for part in ["not reviewed", "intake.http.auth.token_file"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("t0ken-value"), "{said}");
    fs::write(home.path().join("sp-fhir.toml"), "[store]\npth = 1\n[log]\nlevel = \"loud\"").unwrap();
    let wrong = run(home.path(), &["check"]);
    assert_eq!(wrong.status.code(), Some(5));
    let said = self::said(&wrong);
    assert!(said.contains("store.pth: ") && said.contains("log.level: "), "{said}");
    let printed = String::from_utf8_lossy(&wrong.stdout).into_owned();
    assert_eq!(
        printed.lines().filter(|line| line.starts_with("WRONG configuration")).count(),
        2,
        "{printed}"
    );
}

#[test]
fn check_names_the_key_of_a_value_of_the_wrong_type_and_never_the_value() {
    let home = tempfile::tempdir().unwrap();
    let text = "[intake.http.auth]\nkind = \"bearer\"\ntoken_env = \"SP_FHIR_ABSENT\"\n";
    fs::write(home.path().join("sp-fhir.toml"), text).unwrap();
    let absent = said(&run(home.path(), &["check"]));
    assert!(absent.contains("intake.http.auth.token_env: environment variable SP_FHIR_ABSENT"), "{absent}");
    let text = "[[endpoint]]\nname = \"a\"\nkind = \"file\"\npath = \"a\"\nrate = \"s3cret\"\n";
    fs::write(home.path().join("sp-fhir.toml"), text).unwrap();
    let said = said(&run(home.path(), &["check"]));
    assert!(said.contains("endpoint[1].rate: a value of the wrong type, expected a number"), "{said}");
    assert!(!said.contains("s3cret"), "{said}");
}

#[test]
fn check_says_what_can_never_be_made_and_nothing_untrue_of_a_webhook() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("file"), "").unwrap();
    fs::write(home.path().join("sp-fhir.toml"), "data_folder = \"file/data\"\n").unwrap();
    let checked = run(home.path(), &["check"]);
    assert_eq!(checked.status.code(), Some(5), "{}", said(&checked));
    assert!(said(&checked).contains("cannot be made"), "{}", said(&checked));

    let key = home.path().join("webhook.key");
    fs::write(&key, "k".repeat(32)).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let text = "data_folder = \"data\"\n[[endpoint]]\nname = \"hook\"\nkind = \"webhook\"\n\
                url = \"http://127.0.0.1:9/events\"\nauth = { kind = \"hmac\", key_file = \"webhook.key\" }\n[[endpoint]]\nname = \"files\"\nkind = \"file\"\npath = \"out\"\n";
    fs::write(home.path().join("sp-fhir.toml"), text).unwrap();
    let checked = run(home.path(), &["check"]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    // Test numbers are posted to it like any other.
    let said = said(&checked);
    let hook = said.lines().find(|line| line.contains("hook: a webhook")).unwrap();
    assert!(!hook.contains("test numbers"), "{said}");
}
