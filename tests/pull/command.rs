//! `sp-fhir pull --once` with a folder as the sink, and the lock against a second puller.

#![cfg(feature = "cli")]

use std::process::{Command, Output};

use crate::stub::{Manner, Stub};
use crate::world::{patient, request};

fn run(config: &std::path::Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sp-fhir"));
    command.args(["pull", "--once", "--config"]).arg(config).env("HOME", config.parent().unwrap());
    command.output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_writes_a_file_of_events_and_says_what_came() {
    let stub = Stub::start(100).await;
    let person = stub.put("p1", patient("9990004218"));
    stub.put("r1", request("GP-77a", &person, "Organization/us"));
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sp-fhir.toml");
    let text = format!(
        "data_folder = \"data\"\n[[endpoint]]\nname = \"gp\"\nkind = \"fhir\"\nurl = \"{}\"\n\
         pull = {{ source = \"https://gp.example/requests\", owner = \"Organization/us\" }}\n",
        stub.base
    );
    std::fs::write(&config, text).unwrap();
    let ran = run(&config);
    let said = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(ran.status.code(), Some(0), "{said} {}", String::from_utf8_lossy(&ran.stderr));
    assert!(said.starts_with("gp: 1 new versions, 1 events"), "{said}");
    let pulled = folder.path().join("data/pulled/gp");
    let files = || std::fs::read_dir(&pulled).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    assert_eq!(files().len(), 1);
    let line: serde_json::Value = serde_json::from_slice(&std::fs::read(&files()[0]).unwrap()).unwrap();
    assert_eq!((&line["type"], &line["referral_id"]), (&"referred".into(), &"GP-77a".into()));
    // What was seen outlives the process.
    assert_eq!(run(&config).status.code(), Some(0));
    assert_eq!(files().len(), 1);
    // Before anything is pulled it can be known whether the server understands what is asked.
    let check = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sp-fhir"));
        let ran =
            command.args(["check", "--config"]).arg(&config).env("HOME", folder.path()).output().unwrap();
        String::from_utf8(ran.stdout).unwrap()
    };
    let said = check();
    assert!(
        said.contains("ok    pull             gp: ServiceRequest by performer: only what was asked"),
        "{said}"
    );
    stub.put("r9", request("LAB-9x", &person, "Organization/lab"));
    stub.behave(Manner::Ignores);
    let said = check();
    assert!(
        said.contains("WRONG pull             gp: ServiceRequest by performer: the endpoint answered"),
        "{said}"
    );
    assert!(said.contains("ServiceRequest/r9") && !said.contains("LAB-9x"), "{said}");
    stub.behave(Manner::Correct);
    // Another puller at work.
    let lock = std::fs::File::create(folder.path().join("data/pull.lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(run(&config).status.code(), Some(6));
    std::fs::write(&config, "data_folder = \"data\"\n").unwrap();
    let ran = run(&config);
    assert_eq!(ran.status.code(), Some(5), "{}", String::from_utf8_lossy(&ran.stderr));
}
