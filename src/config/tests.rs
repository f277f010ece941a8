//! The configuration's rules, and that `default.toml` says what the code does.

use std::path::Path;
use std::time::Duration;

use super::endpoint::{Auth, Kind};
use super::raw::SmartAlgorithm;
use super::*;

fn places() -> Places {
    Places { home: Some("/home/nia".into()), working: "/work-folder".into(), ..Places::default() }
}

fn parse(text: &str) -> Result<Config, Problems> {
    Config::parse(text, Some(Path::new("/etc/sp-fhir/sp-fhir.toml")), &places())
}

fn keys(text: &str) -> Vec<String> {
    parse(text).unwrap_err().0.into_iter().map(|problem| problem.key).collect()
}

#[test]
fn the_commented_file_says_what_the_code_does() {
    assert_eq!(parse(DEFAULT), parse(""));
    assert!(parse("").is_ok());
}

#[test]
fn every_commented_key_of_the_file_can_be_used() {
    let mut examples = 0;
    for (n, line) in DEFAULT.lines().enumerate() {
        // Prose has a space after its `#`, a key has none.
        let Some(example) =
            line.strip_prefix('#').filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
        else {
            continue;
        };
        examples += 1;
        let text: Vec<&str> =
            DEFAULT.lines().enumerate().map(|(m, other)| if m == n { example } else { other }).collect();
        let problems = read::Read::of(&text.join("\n")).unwrap().problems;
        assert!(problems.is_empty(), "{example}: {problems:?}");
    }
    assert!(examples > 15, "{examples}");
}

#[test]
fn every_key_is_in_the_commented_file() {
    let tables =
        ["[store]", "[intake.http]", "[intake.http.auth]", "[[intake.folder]]", "[mapping]", "[log]"];
    let endpoint = "[[endpoint]]\nname = \"a\"\nkind = \"file\"\n";
    let cases = tables.iter().map(|table| format!("{table}\nno-such-key = 1\n")).chain(
        [
            "no-such-key = 1",
            "auth = { kind = \"none\", no-such-key = 1 }",
            "tls = { no-such-key = 1 }",
            "retry = { no-such-key = 1 }",
            "pull = { no-such-key = 1 }",
        ]
        .iter()
        .map(|line| format!("{endpoint}{line}\n")),
    );
    let mut known = 0;
    for text in cases {
        let problems = read::Read::of(&text).unwrap().problems;
        let what = &problems[0].what;
        assert!(problems[0].key.ends_with(".no-such-key"), "{text}: {problems:?}");
        for key in what.split('`').skip(1).step_by(2) {
            known += 1;
            let mut words = DEFAULT.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            assert!(words.any(|word| word == key), "{key} is not explained");
        }
    }
    assert!(known > 45, "only {known} keys seen");
}

#[test]
fn without_a_file_there_is_a_store_a_folder_http_on_loopback_and_a_file_endpoint() {
    let config = Config::parse("", None, &places()).unwrap();
    let data = Path::new("/home/nia/.local/state/sp-fhir");
    assert_eq!(config.data_folder, data);
    assert_eq!(config.store, data.join("store"));
    assert_eq!(config.folders[0].path, data.join("inbox"));
    assert_eq!(config.folders[0].refused, data.join("inbox/refused"));
    let http = config.http.as_ref().unwrap();
    assert_eq!((http.listen.to_string().as_str(), &http.auth), ("127.0.0.1:8087", &HttpAuth::None));
    assert_eq!(config.endpoints[0].kind, Kind::File { path: data.join("outgoing") });
    assert!(!config.endpoints[0].test);
    assert_eq!(config.folders_to_make().len(), 6);
    assert!(config.secrets().is_empty());
}

#[test]
fn what_is_written_is_below_the_data_folder_and_what_is_given_beside_the_file() {
    let config = parse(
        "data_folder = \"data\"\n[mapping]\nopaque_key = \"opaque.key\"\n[[intake.folder]]\npath = \"/mnt/in\"\n\
         profile = \"p.toml\"\nsource = \"https://a.example/cases/\"\nsettle = \"2m\"",
    )
    .unwrap();
    assert_eq!(config.store, Path::new("/etc/sp-fhir/data/store"));
    let folder = &config.folders[0];
    assert_eq!(folder.path, Path::new("/mnt/in"));
    assert_eq!(folder.done, Path::new("/mnt/in/done"));
    assert_eq!(folder.profile.as_deref(), Some(Path::new("/etc/sp-fhir/p.toml")));
    assert_eq!(folder.source.as_deref(), Some("https://a.example/cases"));
    assert_eq!(folder.settle, Duration::from_secs(120));
    let (key, secret, _) = config.secrets().remove(0);
    assert_eq!((key.as_str(), secret.place().as_str()), ("mapping.opaque_key", "/etc/sp-fhir/opaque.key"));
}

#[test]
fn all_problems_are_told_at_once_each_with_its_key() {
    let found = keys(
        "[intake.http]\nlisten = \"0.0.0.0:1\"\nmax_events = 0\n[[intake.folder]]\nsettle = \"soon\"\nsource = \"x\"\n\
         [[endpoint]]\nname = \"a b\"\nkind = \"fhir\"\nrate = -1.0\nurl = \"http://fhir.example\"\n\
         practices = [\"?\"]\n[endpoint.auth]\nkind = \"smart\"\ntoken_file = \"t\"",
    );
    assert_eq!(
        found,
        [
            "intake.http.max_events",
            "intake.http.auth",
            "intake.folder[1].source",
            "intake.folder[1].settle",
            "endpoint[1].name",
            "endpoint[1].practices",
            "endpoint[1].rate",
            "endpoint[1].url",
            "endpoint[1].auth.token_file",
            "endpoint[1].auth.token_url",
            "endpoint[1].auth.client_id",
            "endpoint[1].auth.key_id",
            "endpoint[1].auth.scope",
            "endpoint[1].auth.key_file",
        ]
    );
}

#[test]
fn unknown_keys_and_wrong_types_are_refused_in_every_table_at_once_without_their_values() {
    let text = "pull = 1\n[store]\npth = \"x\"\n[log]\nlevel = \"loud\"\n[mapping]\nrepair_codes = \"s3cret\"\n\
                [intake]\nfolder = \"inbox\"\nmesh = 1";
    let problems = parse(text).unwrap_err();
    let found: Vec<&str> = problems.0.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(
        found,
        ["store.pth", "intake.folder", "mapping.repair_codes", "log.level", "pull", "intake.mesh"]
    );
    assert!(!problems.to_string().contains("s3cret"), "{problems}");
    assert!(problems.0[0].what.contains("`path` is near"), "{problems}");
    let no_toml = parse("[store]\npath = \"x\"\n[intake\ntoken = \"s3cret\"").unwrap_err();
    assert_eq!(no_toml.0[0].key, "line 3");
    assert!(!no_toml.to_string().contains("s3cret"), "{no_toml}");
}

#[test]
fn several_wrong_keys_of_one_table_are_told_at_once_and_with_them_what_is_wrong_elsewhere() {
    let text = "[intake.http]\nlisen = \"127.0.0.1:1\"\nmax_body = 5\nmax_events = 0\nsource = 7\n[log]\nlevel = \"s3cret\"\nformt = 1\n\
                [[intake.folder]]\nsettle = \"soon\"\n\
                [[endpoint]]\nkind = \"fhir\"\nulr = \"http://127.0.0.1:1/fhir\"\nrate = \"fast\"\nconcurrency = 0\n\
                auth = { kid = 1, token = \"s3cret\" }\n[[endpoint]]\nname = \"b\"\nkind = \"s3cret\"\npaht = \"b\"";
    let problems = parse(text).unwrap_err();
    let found: Vec<&str> = problems.0.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(
        found,
        [
            "intake.http.lisen",
            "intake.http.max_body",
            "intake.http.source",
            "endpoint[1].auth.kid",
            "endpoint[1].auth.token",
            "endpoint[1].auth.kind",
            "endpoint[1].rate",
            "endpoint[1].ulr",
            "endpoint[1].name",
            "endpoint[2].kind",
            "endpoint[2].paht",
            "log.formt",
            "log.level",
            "intake.http.max_events",
            "intake.folder[1].settle",
        ],
        "{problems}"
    );
    assert!(!problems.to_string().contains("s3cret"), "{problems}");
    let said = |key: &str| &problems.0.iter().find(|problem| problem.key == key).unwrap().what;
    assert!(said("intake.http.lisen").contains("`listen` is near"), "{problems}");
    assert!(said("endpoint[1].ulr").contains("`url` is near"), "{problems}");
    // What is missing because its name is mistyped is not told again.
    let mistyped = keys("[[endpoint]]\nname = \"a\"\nkind = \"fhir\"\nulr = \"http://127.0.0.1:1/fhir\"");
    assert_eq!(mistyped, ["endpoint[1].ulr"]);
}

#[test]
fn listening_off_loopback_needs_authentication() {
    let http =
        |listen: &str, auth: &str| parse(&format!("[intake.http]\nlisten = \"{listen}\"\n{auth}")).is_ok();
    let bearer = "auth = { kind = \"bearer\", token_file = \"t\" }";
    for listen in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
        assert!(http(listen, ""), "{listen}");
    }
    for listen in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1", "[::ffff:192.0.2.1]:1"] {
        assert!(!http(listen, ""), "{listen}");
        assert!(http(listen, bearer), "{listen}");
    }
    assert!(!http("localhost", ""));
    assert_eq!(parse("[intake.http]\nlisten = \"\"").unwrap().http, None);
}

#[test]
fn an_endpoint_elsewhere_needs_https_and_credentials() {
    let good = |text: &str| {
        let text = format!("[[endpoint]]\nname = \"gp\"\nkind = \"fhir\"\n{text}");
        parse(&text).map(|config| config.endpoints[0].kind.clone())
    };
    let bearer = "auth = { kind = \"bearer\", token_file = \"t\" }";
    assert!(good("url = \"http://127.0.0.1:8080/fhir\"").is_ok());
    assert!(good("url = \"http://[::1]:8080/fhir\"").is_ok());
    assert!(good("url = \"https://fhir.example/r4\"").is_err());
    assert!(good(&format!("url = \"https://fhir.example/r4\"\n{bearer}")).is_ok());
    assert!(good("url = \"https://fhir.example/r4\"\ntls = { cert = \"c\", key = \"k\" }").is_ok());
    for url in [
        "http://fhir.example",
        "http://localhost.attacker.example",
        "http://127.0.0.1.attacker.example/",
        "https://user:pw@fhir.example",
        "https://fhir.example/?token=1",
        "ftp://fhir.example",
        "fhir.example",
    ] {
        assert!(good(&format!("url = \"{url}\"\n{bearer}")).is_err(), "{url}");
    }
    let smart = "url = \"https://fhir.example/r4\"\nauth = { kind = \"smart\", token_url = \"https://auth.example/t\", \
                 client_id = \"c\", key_env = \"K\", key_id = \"1\", algorithm = \"ES384\", scope = \"s\" }";
    let Ok(Kind::Fhir(server)) = good(smart) else { panic!() };
    let Auth::Smart { algorithm, key, .. } = server.auth else { panic!() };
    assert_eq!((algorithm, key), (SmartAlgorithm::Es384, SecretRef::Environment("K".into())));
}

#[test]
fn names_practices_and_folders_are_each_used_once() {
    let endpoint = |name: &str, practices: &str| {
        format!(
            "[[endpoint]]\nname = \"{name}\"\nkind = \"file\"\npath = \"{name}\"\npractices = [{practices}]\n"
        )
    };
    let two = |a: String, b: String| keys(&format!("{a}{b}"));
    assert_eq!(
        two(endpoint("a", "\"A81001\""), endpoint("a", "\"a81001\"")),
        ["endpoint[2].name", "endpoint[2].practices"]
    );
    assert_eq!(two(endpoint("a", ""), endpoint("b", "")), ["endpoint"]);
    assert_eq!(keys("endpoint = []"), ["endpoint"]);
    assert_eq!(keys("[[intake.folder]]\npath = \"a\"\ndone = \"a\""), ["intake.folder[1].done"]);
    assert_eq!(
        keys(&format!("[[intake.folder]]\npath = \"a\"\n{}", endpoint("a", ""))),
        ["endpoint[1].path"]
    );
    let shared =
        "[[intake.folder]]\npath = \"a\"\ndone = \"d\"\n[[intake.folder]]\npath = \"b\"\ndone = \"d\"";
    assert!(parse(shared).is_ok());
    assert!(parse("intake.folder = []").unwrap().folders.is_empty());
}

#[test]
fn what_is_pulled_has_a_source_somebody_it_is_for_and_a_folder_of_its_own() {
    let fhir = "[[endpoint]]\nname = \"gp\"\nkind = \"fhir\"\nurl = \"http://127.0.0.1:1/fhir\"\n";
    let pull = |table: &str| parse(&format!("{fhir}pull = {{ {table} }}"));
    let (source, owner) = ("source = \"https://gp.example/requests/\"", "owner = \"Organization/12\"");
    let config = pull(&format!("{source}, {owner}")).unwrap();
    let pulled = config.endpoints[0].pull.as_ref().unwrap();
    assert_eq!(&*pulled.source, "https://gp.example/requests");
    assert_eq!((pulled.owner.as_deref(), pulled.requester.as_deref()), (Some("Organization/12"), None));
    assert_eq!((pulled.every.as_secs(), pulled.overlap.as_secs()), (900, 3600));
    assert!(pulled.folder.ends_with("pulled/gp"), "{}", pulled.folder.display());
    assert!(config.folders_to_make().contains(&pulled.folder));
    for (table, key) in [
        (owner.to_owned(), "source"),
        (source.to_owned(), "owner"),
        (format!("{source}, owner = \"Organization/1,Organization/2\""), "owner"),
        (format!("{source}, {owner}, requester = \"https://x.example/Organization/1\""), "requester"),
        (format!("{source}, {owner}, every = \"1s\""), "every"),
        (format!("{source}, {owner}, overlap = \"1s\""), "overlap"),
        (format!("{source}, {owner}, folder = \"inbox\""), "folder"),
    ] {
        let problems = pull(&table).unwrap_err().0;
        assert_eq!(problems[0].key, format!("endpoint[1].pull.{key}"), "{table}");
    }
    let file = "[[endpoint]]\nname = \"a\"\nkind = \"file\"\npath = \"a\"\n";
    assert_eq!(keys(&format!("{file}pull = {{ {source}, {owner} }}")), ["endpoint[1].pull"]);
}

#[test]
fn a_webhook_is_signed_takes_no_referrals_and_is_named_by_a_pull() {
    let webhook = |keys: &str| {
        format!(
            "[[endpoint]]\nname = \"cases\"\nkind = \"webhook\"\nurl = \"https://cases.example/in\"\n{keys}\n"
        )
    };
    let hmac = "auth = { kind = \"hmac\", key_file = \"webhook.key\" }";
    let gp = |more: &str| {
        format!(
            "[[endpoint]]\nname = \"gp\"\nkind = \"fhir\"\nurl = \"http://127.0.0.1:1/fhir\"\npull = {{ \
             source = \"https://gp.example/requests\", owner = \"Organization/12\", webhook = \"cases\"{more} }}\n"
        )
    };
    let config = parse(&format!("{}{}", gp(""), webhook(hmac))).unwrap();
    let Kind::Webhook(receiver) = &config.endpoints[1].kind else { panic!() };
    assert_eq!(receiver.key, SecretRef::File("/etc/sp-fhir/webhook.key".into()));
    assert!(
        config.secrets().iter().any(|(key, _, least)| key == "endpoint[2].auth.key_file" && *least == 32)
    );
    assert_eq!(config.routes().0.len(), 1, "no referral goes to it");
    let pull = config.endpoints[0].pull.as_ref().unwrap();
    assert_eq!((pull.webhook.as_deref(), pull.events_to_folder), (Some("cases"), false));
    let both = parse(&format!("{}{}", gp(", folder = \"kept\""), webhook(hmac))).unwrap();
    assert!(both.endpoints[0].pull.as_ref().unwrap().events_to_folder);
    let variable = "auth = { kind = \"hmac\", key_env = \"SP_FHIR_WEBHOOK_KEY\" }";
    assert!(parse(&format!("{}{}", gp(""), webhook(variable))).is_ok());

    assert_eq!(keys(&gp("")), ["endpoint[1].pull.webhook"]);
    assert_eq!(keys(&webhook(hmac)), ["endpoint"]);
    for (more, key) in [
        ("", "auth"),
        ("auth = { kind = \"none\" }", "auth"),
        ("auth = { kind = \"bearer\", token_file = \"t\" }", "auth"),
        ("auth = { kind = \"hmac\" }", "auth.key_file"),
        ("auth = { kind = \"hmac\", key_file = \"k\", scope = \"s\" }", "auth.scope"),
        (&format!("{hmac}\npractices = [\"A81001\"]"), "practices"),
        (&format!("{hmac}\ntest = true"), "test"),
        (&format!("{hmac}\npath = \"a\""), "path"),
    ] {
        let found = keys(&format!("{}{}", gp(""), webhook(more)));
        assert!(found.contains(&format!("endpoint[2].{key}")), "{more}: {found:?}");
    }
    let plain = webhook(hmac).replace("https:", "http:");
    assert!(keys(&format!("{}{plain}", gp(""))).contains(&"endpoint[2].url".to_owned()));
    let fhir = gp("").replace("pull =", "auth = { kind = \"hmac\", key_file = \"k\" }\npull =");
    assert!(keys(&format!("{fhir}{}", webhook(hmac))).contains(&"endpoint[1].auth.kind".to_owned()));
}

#[test]
fn no_folder_that_is_read_or_written_is_one_of_our_own() {
    let watched = |name: &str, path: &str| match name {
        "path" => format!("[[intake.folder]]\npath = {path:?}\n"),
        _ => format!("[[intake.folder]]\npath = \"in\"\n{name} = {path:?}\n"),
    };
    for path in ["store", "store/", "./store", "outgoing/../store", ".", "../sp-fhir/store"] {
        for name in ["path", "done", "refused"] {
            let text = format!("data_folder = \"/home/nia/.local/state/sp-fhir\"\n{}", watched(name, path));
            assert_eq!(keys(&text), [format!("intake.folder[1].{name}")], "{path}");
        }
        let outgoing = format!("[[endpoint]]\nname = \"a\"\nkind = \"file\"\npath = {path:?}\ntest = true\n");
        let text = format!("data_folder = \"/home/nia/.local/state/sp-fhir\"\n{outgoing}");
        assert_eq!(keys(&text), ["endpoint[1].path"], "{path}");
    }
    // The same folder, written otherwise.
    let text = format!("{}{}", watched("path", "in"), watched("path", "./x/../in"));
    assert!(keys(&text).contains(&"intake.folder[2].path".to_owned()));
    assert!(parse(&watched("path", "incoming/today")).is_ok());
}
