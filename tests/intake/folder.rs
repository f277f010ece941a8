//! Watched folders: the shipped fixtures of invented people, dropped in as a scheme would.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sp_fhir::clock::{Clock, ManualClock};
use sp_fhir::codeset::Codeset;
use sp_fhir::config::{Config, Places};
use sp_fhir::event::finish::Identities;
use sp_fhir::intake::folder::{FileEnd, Parts, Turns, Watch, profile};
use sp_fhir::intake::keep::Keep;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::fake::{Fake, event, event_of};

struct Place {
    folder: tempfile::TempDir,
    keep: Arc<Fake>,
    clock: Arc<ManualClock>,
    watch: Watch,
    runtime: Runtime,
    stop: watch::Sender<bool>,
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

impl Place {
    fn new(more: &str) -> Self {
        Self::with(tempfile::tempdir().unwrap(), Arc::new(Fake::default()), more)
    }

    fn with(folder: tempfile::TempDir, keep: Arc<Fake>, more: &str) -> Self {
        Self::in_turns(folder, keep, more, Arc::default())
    }

    fn in_turns(folder: tempfile::TempDir, keep: Arc<Fake>, more: &str, turns: Arc<Turns>) -> Self {
        let text = format!("data_folder = {:?}\n[[intake.folder]]\n{more}", folder.path());
        let config = Config::parse(&text, None, &Places::default()).unwrap();
        let clock = Arc::new(ManualClock::new("2026-11-20T12:00:00Z".parse().unwrap(), 7));
        let parts = Parts {
            identities: Identities::default(),
            codeset: Codeset::embedded().unwrap(),
            keep: Arc::clone(&keep) as Arc<dyn Keep>,
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            turns,
        };
        let watch = Watch::open(config.folders[0].clone(), parts).unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self { folder, keep, clock, watch, runtime, stop: watch::channel(false).0 }
    }

    fn inbox(&self) -> PathBuf {
        self.folder.path().join("inbox")
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.inbox().join(name), bytes).unwrap();
    }

    fn poll(&mut self) -> Vec<FileEnd> {
        let stop = self.stop.subscribe();
        self.runtime.block_on(self.watch.poll(&stop))
    }

    /// Polls until what is there has settled.
    fn settle(&mut self) -> Vec<FileEnd> {
        let mut ends = self.poll();
        self.clock.advance(Duration::from_secs(6));
        ends.extend(self.poll());
        ends
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.inbox().join(folder))
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.file_type().unwrap().is_file())
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn text(&self, folder: &str, name: &str) -> String {
        fs::read_to_string(self.inbox().join(folder).join(name)).unwrap()
    }
}

fn with_profile(name: &str) -> Place {
    Place::new(&format!("profile = {:?}", fixture(name).join("profile.toml")))
}

#[test]
fn a_file_is_read_once_it_has_settled_and_then_moved() {
    let mut place = Place::new("");
    place.put("events.ndjson", format!("{}\n{}\n", event("R1", "referred", 1), event("R1", "accepted", 3)));
    place.put(".hidden.ndjson", event("R8", "referred", 1));
    place.put("coming.ndjson.part", event("R9", "referred", 1));
    assert_eq!(place.poll(), []);
    place.clock.advance(Duration::from_secs(3));
    place.put("events.ndjson", event("R1", "referred", 1));
    assert_eq!(place.poll(), []);
    place.clock.advance(Duration::from_secs(4));
    assert_eq!(place.poll(), [], "it was changed three seconds after it was first seen");
    place.clock.advance(Duration::from_secs(2));
    assert_eq!(place.poll(), [FileEnd::Done]);
    assert_eq!(place.names(""), [".hidden.ndjson", "coming.ndjson.part"]);
    assert_eq!(place.names("done"), ["20261120T120009Z-events.ndjson"]);
    assert_eq!(place.names("refused"), [""; 0]);
    assert_eq!(place.keep.count(), 1);
}

#[test]
fn every_kind_of_export_is_read_with_its_profile_and_its_refused_rows_are_those_of_convert() {
    for (name, file) in [
        ("worked-example", "export.csv"),
        ("referral-platform", "export.csv"),
        ("link-worker-sheet", "export.xlsx"),
        ("case-system", "export.xml"),
        ("json-feed", "export.json"),
        ("event-log", "export.csv"),
    ] {
        let mut place = with_profile(name);
        fs::copy(fixture(name).join(file), place.inbox().join(file)).unwrap();
        let ends = place.settle();
        assert!(matches!(ends[..], [FileEnd::Done | FileEnd::SomeRefused]), "{name}: {ends:?}");
        assert!(place.keep.count() > 0, "{name}");
        let report: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(fixture(name).join("expected/report.json")).unwrap())
                .unwrap();
        let refused = report["rows"]["refused"].as_u64().unwrap();
        assert_eq!(refused > 0, ends == [FileEnd::SomeRefused], "{name}");
        if refused == 0 {
            continue;
        }
        let names = place.names("refused");
        let reasons: serde_json::Value = serde_json::from_str(&place.text("refused", &names[0])).unwrap();
        let rows = &reasons["report"]["rows"];
        assert_eq!(rows["refused"].as_u64(), Some(refused), "{name}: {rows}");
        assert_eq!(rows["read"], report["rows"]["read"], "{name}");
    }
}

#[test]
fn the_same_export_again_changes_nothing_and_refused_rows_can_be_mended() {
    let mut place = with_profile("worked-example");
    let export = fs::read_to_string(fixture("worked-example").join("export.csv")).unwrap();
    let bad = export.replace("9995015862", "9995015863");
    place.put("today.csv", &bad);
    assert_eq!(place.settle(), [FileEnd::SomeRefused]);
    let before = place.keep.count();
    let rejects = place.names("refused").into_iter().find(|name| name.ends_with(".rejects.csv")).unwrap();
    let mended = place.text("refused", &rejects).replace("9995015863", "9995015862");
    place.put("mended.csv", mended);
    place.settle();
    assert!(place.keep.count() > before);
    let after = place.keep.count();
    place.put("today.csv", &export);
    place.settle();
    assert_eq!(place.keep.count(), after);
    assert!(place.keep.submissions.lock().unwrap().iter().all(|submission| submission.snapshot));
}

#[test]
fn a_file_that_cannot_be_read_is_moved_aside_with_its_reasons() {
    let mut place = Place::new("");
    place.put("a.pdf", "%PDF-1.7 Nia Fôn-Quill");
    place.put("b.csv", "Some,Other,Heading\n1,2,3\n");
    place.put("c.ndjson.gz", b"\x1f\x8b\x08\x00broken".as_slice());
    place.put("d.ndjson", "");
    place.put("e.ndjson", event("R1", "referred", 1));
    assert_eq!(place.settle(), [[FileEnd::Refused; 4].as_slice(), &[FileEnd::Done]].concat());
    let names = place.names("refused");
    assert_eq!(names.len(), 8, "{names:?}");
    for name in names.iter().filter(|name| name.ends_with(".reasons.json")) {
        let text = place.text("refused", name);
        assert!(text.contains("\"error\"") && !text.contains("Nia"), "{text}");
    }
    assert_eq!(place.names(""), [""; 0]);
    // They are noted until a person takes them away.
    let notes = place.watch.board().notes();
    assert!(notes.len() == 1 && notes[0].ends_with("`refused`: 4"), "{notes:?}");
    for name in names {
        fs::remove_file(place.inbox().join("refused").join(name)).unwrap();
    }
    place.clock.advance(Duration::from_secs(61));
    place.poll();
    assert_eq!(place.watch.board().notes(), [""; 0]);
}

#[test]
fn a_cause_that_refuses_many_rows_is_one_reason_that_names_them_all() {
    let mut place = Place::new("");
    let sourceless = |n: u32| {
        event(&format!("R{n}"), "referred", 1).replace("\"source\":\"https://scheme.example/cases\",", "")
    };
    let events: Vec<String> = (1..=40).map(sourceless).collect();
    place.put("events.ndjson", format!("{}\n{}", events.join("\n"), event("R99", "referred", 1)));
    assert_eq!(place.settle(), [FileEnd::SomeRefused]);
    let names = place.names("refused");
    let reasons: serde_json::Value = serde_json::from_str(&place.text("refused", &names[0])).unwrap();
    let listed = reasons["reasons"].as_array().unwrap();
    let missing: Vec<_> = listed.iter().filter(|one| one["code"] == "source-missing").collect();
    assert_eq!(missing.len(), 1, "{reasons}");
    assert_eq!((&missing[0]["count"], &missing[0]["rows"]), (&40.into(), &"1-40".into()), "{reasons}");
    assert_eq!(reasons["report"]["issues"].as_array().unwrap().len(), 0);
    assert_eq!(place.text("refused", &names[1]).lines().count(), 40, "every row is kept with its reasons");
}

#[test]
fn rows_that_contradict_one_another_are_refused_and_the_rest_goes_on() {
    let mut place = Place::new("");
    let events = [
        event("R1", "referred", 1),
        event("R1", "referred", 2),
        event("R1", "accepted", 5),
        event("R2", "referred", 1),
        "{\"schema\":".to_owned(),
    ];
    place.put("events.ndjson", events.join("\n"));
    assert_eq!(place.settle(), [FileEnd::SomeRefused]);
    let names = place.names("refused");
    let rejects = place.text("refused", &names[1]);
    assert_eq!(rejects.lines().count(), 3, "{rejects}");
    assert!(rejects.lines().next().unwrap().contains("duplicate-event-id"));
    assert!(rejects.lines().nth(2).unwrap().contains("not-json"));
    assert_eq!(place.keep.count(), 2);
}

#[test]
fn what_the_store_refuses_is_a_refused_row() {
    let mut place = Place::new("");
    place.put("one.ndjson", event("R1", "referred", 1));
    assert_eq!(place.settle(), [FileEnd::Done]);
    place.put("two.ndjson", format!("{}\n{}", event("R1", "referred", 9), event("R2", "referred", 1)));
    assert_eq!(place.settle(), [FileEnd::SomeRefused]);
    let names = place.names("refused");
    assert!(place.text("refused", &names[1]).contains("event-changed"));
    assert!(place.text("refused", &names[0]).contains("\"unchanged\": 0"));
    assert_eq!(place.keep.count(), 2);
}

#[test]
fn what_withdraws_goes_in_before_anything_else_of_the_file() {
    let mut place = Place::new("");
    let mut events: Vec<String> = (1..=200).map(|n| event(&format!("A{n:03}"), "referred", 1)).collect();
    events.push(event_of("Z999", "consent_changed", 9, "none"));
    place.put("events.ndjson", events.join("\n"));
    assert_eq!(place.settle(), [FileEnd::Done]);
    let submissions = place.keep.submissions.lock().unwrap();
    assert_eq!((&*submissions[0].referral_id, submissions.len()), ("Z999", 201));
}

#[test]
fn what_is_no_record_and_withdraws_is_heeded_beyond_its_file() {
    let mut place = Place::new("");
    let torn = event_of("R1", "contacted", 5, "none").replace("}}}", "}");
    place.put("events.ndjson", format!("{}\n{torn}", event("R2", "referred", 1)));
    assert_eq!(place.settle(), [FileEnd::SomeRefused]);
    assert_eq!(place.keep.doubts.lock().unwrap().len(), 1);
    // Too large to be a record: what it says of consent may stand in what is cut off.
    let large =
        event("R3", "contacted", 5).replace("}}}", &format!("}}}},\"x\":\"{}\"}}", "x".repeat(2 << 20)));
    place.put("large.ndjson", format!("{}\n{large}", event("R4", "referred", 1)));
    assert_eq!(place.settle(), [FileEnd::SomeRefused]);
    assert_eq!(place.keep.doubts.lock().unwrap().len(), 2);
}

#[test]
fn a_store_that_stopped_leaves_the_file_for_later_and_it_is_taken_up_again_after_a_restart() {
    let mut place = Place::new("");
    place.keep.stopped.store(true, Ordering::SeqCst);
    place.put("one.ndjson", event("R1", "referred", 1));
    assert_eq!(place.settle(), [FileEnd::Later]);
    assert_eq!(place.names(".reading"), ["one.ndjson"]);
    // Another file of the same name is a file of its own.
    place.put("one.ndjson", event("R2", "referred", 1));
    let Place { folder, keep, .. } = place;
    keep.stopped.store(false, Ordering::SeqCst);
    let mut place = Place::with(folder, keep, "");
    assert_eq!(place.poll(), [FileEnd::Done]);
    assert_eq!(place.settle(), [FileEnd::Done]);
    assert_eq!(place.names("done").len(), 2);
    assert_eq!(place.keep.count(), 2);
}

#[test]
fn when_the_daemon_stops_a_file_is_left_where_it_is_found_again() {
    let mut place = Place::new("");
    place.keep.busy.store(true, Ordering::SeqCst);
    place.put("one.ndjson", event("R1", "referred", 1));
    place.poll();
    place.clock.advance(Duration::from_secs(6));
    let stop = place.stop.clone();
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        stop.send_replace(true);
    });
    assert_eq!(place.poll(), [FileEnd::Later]);
    stopper.join().unwrap();
    assert_eq!(place.names(".reading"), ["one.ndjson"]);
}

#[test]
fn a_file_that_cannot_be_taken_waits_and_holds_up_no_other() {
    let mut place = Place::new("");
    // A folder of its name stands where it would be read.
    fs::create_dir(place.inbox().join(".reading/Canarysmith.json")).unwrap();
    place.put("Canarysmith.json", event("R1", "referred", 1));
    place.put("b.json", event("R2", "referred", 1));
    assert_eq!(place.settle(), [FileEnd::Done], "the other one");
    let board = place.watch.board();
    let notes = board.notes();
    assert!(notes.len() == 1 && notes[0].contains("files that wait: 1"), "{notes:?}");
    assert!(!notes[0].contains("Canary") && notes[0].contains("move it away"), "{notes:?}");
    let waiting = board.trouble().waiting;
    assert!(waiting[0].path.ends_with("inbox/Canarysmith.json"), "{waiting:?}");
    place.put("c.json", event("R3", "referred", 1));
    assert_eq!(place.settle(), [FileEnd::Done], "and what comes later");
    fs::remove_dir(place.inbox().join(".reading/Canarysmith.json")).unwrap();
    assert_eq!(place.settle(), [FileEnd::Done]);
    assert!(board.notes().is_empty() && place.keep.count() == 3, "{:?}", board.notes());
}

#[test]
fn a_file_that_cannot_be_put_away_waits_and_holds_up_no_other() {
    let mut place = Place::new("refused = \"elsewhere\"");
    let elsewhere = place.folder.path().join("elsewhere");
    fs::remove_dir(&elsewhere).unwrap();
    fs::write(&elsewhere, "").unwrap();
    place.put("a.ndjson", format!("{}\nno event", event("R1", "referred", 1)));
    place.put("b.json", event("R2", "referred", 1));
    assert_eq!(place.settle(), [FileEnd::Later, FileEnd::Done]);
    assert_eq!(place.names(".reading"), ["a.ndjson"]);
    assert!(place.watch.board().notes()[0].contains("cannot be moved to `done` or `refused`"));
    let calls = place.keep.calls.load(Ordering::SeqCst);
    assert_eq!(place.poll(), [], "it is not read again at once");
    fs::remove_file(&elsewhere).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    place.clock.advance(Duration::from_secs(1));
    assert_eq!(place.poll(), [FileEnd::SomeRefused]);
    assert_eq!(place.keep.calls.load(Ordering::SeqCst), calls + 1);
}

#[test]
fn a_watched_folder_that_was_replaced_is_used_again_and_that_is_shown() {
    let mut place = Place::new("");
    let (inbox, old) = (place.inbox(), place.folder.path().join("old"));
    fs::rename(&inbox, &old).unwrap();
    assert_eq!(place.poll(), []);
    let board = place.watch.board();
    assert!(board.notes()[0].contains("cannot be used (entity not found)"), "{:?}", board.notes());
    assert!(!inbox.exists(), "its disk may only not be mounted");
    fs::create_dir(&inbox).unwrap();
    place.put("a.json", event("R1", "referred", 1));
    assert_eq!(place.settle(), [FileEnd::Done]);
    assert_eq!(place.names("done").len(), 1);
    assert!(board.notes().is_empty(), "{:?}", board.notes());
}

#[test]
fn a_name_that_is_as_long_as_it_can_be_is_shortened_when_the_file_is_moved() {
    let mut place = Place::new("");
    let name = format!("{}.ndjson", "n".repeat(248));
    place.put(&name, format!("{}\nno event", event("R1", "referred", 1)));
    place.put("z.json", event("R2", "referred", 1));
    assert_eq!(place.settle(), [FileEnd::SomeRefused, FileEnd::Done]);
    let done = place.names("done");
    assert!(done[0].ends_with("n~.ndjson") && done[0].len() < 230, "{done:?}");
    assert_eq!(place.names("refused").len(), 2);
}

#[test]
fn where_every_file_would_wait_for_the_same_the_folder_rests() {
    let mut place = Place::new("");
    place.keep.stopped.store(true, Ordering::SeqCst);
    place.put("a.json", event("R1", "referred", 1));
    place.put("b.json", event("R2", "referred", 1));
    assert_eq!(place.settle(), [FileEnd::Later]);
    for _ in 0..5 {
        assert_eq!(place.poll(), []);
    }
    assert_eq!(place.keep.calls.load(Ordering::SeqCst), 1);
    place.keep.stopped.store(false, Ordering::SeqCst);
    place.clock.advance(Duration::from_secs(1));
    assert_eq!(place.poll(), [FileEnd::Done, FileEnd::Done]);
}

#[cfg(unix)]
#[test]
fn folders_are_made_for_their_owner_alone_and_links_are_not_followed() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut place = Place::new("");
    for folder in ["", "done", "refused", ".reading"] {
        let mode = fs::metadata(place.inbox().join(folder)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{folder}");
    }
    place.put("one.ndjson", "{\"a\":1}");
    std::os::unix::fs::symlink(fixture("worked-example").join("export.csv"), place.inbox().join("link.csv"))
        .unwrap();
    place.settle();
    assert!(place.inbox().join("link.csv").exists());
    for name in place.names("refused") {
        let mode = fs::metadata(place.inbox().join("refused").join(&name)).unwrap().permissions().mode();
        assert!(name.ends_with("-one.ndjson") || mode & 0o077 == 0, "{name} {mode:o}");
    }
}

#[test]
fn a_drafted_profile_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(fixture("worked-example").join("profile.toml")).unwrap();
    let path = folder.path().join("p.toml");
    fs::write(&path, format!("draft = true\n{text}")).unwrap();
    let config = format!("[[intake.folder]]\nprofile = {path:?}");
    let config = Config::parse(&config, None, &Places::default()).unwrap();
    let problem = profile(&config.folders[0]).unwrap_err();
    assert!(problem.to_string().contains("not reviewed"), "{problem}");
}

#[test]
fn a_file_that_ended_two_processes_is_set_aside_and_the_next_one_is_read() {
    let mut place = Place::new("");
    let reading = place.inbox().join(".reading");
    fs::write(reading.join("a.json"), event("E1", "referred", 2)).unwrap();
    fs::write(reading.join("b.json"), event("E2", "referred", 2)).unwrap();
    // As the second process left it: one before it ended, and it ended too.
    fs::write(reading.join(".being-read"), "1\na.json").unwrap();
    assert_eq!(place.poll(), [FileEnd::Refused, FileEnd::Done]);
    let refused = place.names("refused");
    assert_eq!(refused, ["20261120T120000Z-a.json", "20261120T120000Z-a.json.reasons.json"]);
    let reasons = fs::read_to_string(place.inbox().join("refused").join(&refused[1])).unwrap();
    assert!(reasons.contains("ended 2 times in a row"), "{reasons}");
    assert!(!reading.join(".being-read").exists());
    // Moved back, it is read: the process that set it aside lives.
    fs::rename(place.inbox().join("refused").join(&refused[0]), place.inbox().join("a.json")).unwrap();
    assert_eq!(place.settle(), [FileEnd::Done]);
}

#[test]
fn a_file_that_ended_one_process_is_read_again() {
    let mut place = Place::new("");
    let reading = place.inbox().join(".reading");
    fs::write(reading.join("a.json"), event("E1", "referred", 2)).unwrap();
    fs::write(reading.join(".being-read"), "0\na.json").unwrap();
    assert_eq!(place.poll(), [FileEnd::Done]);
    assert!(!reading.join(".being-read").exists());
}

#[test]
fn a_file_that_ended_a_process_is_read_before_the_others() {
    let mut place = Place::new("");
    let reading = place.inbox().join(".reading");
    fs::write(reading.join("a.json"), event("E1", "referred", 2)).unwrap();
    fs::write(reading.join("m.json"), event("E2", "referred", 2)).unwrap();
    fs::write(reading.join(".being-read"), "0\nm.json").unwrap();
    assert_eq!(place.poll(), [FileEnd::Done, FileEnd::Done]);
    let order: Vec<String> =
        place.keep.submissions.lock().unwrap().iter().map(|came| came.referral_id.to_string()).collect();
    assert_eq!(order, ["E2", "E1"]);
}

#[test]
fn files_of_two_folders_that_ended_a_process_are_read_one_at_a_time() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let marks = [&one, &other].map(|folder| folder.path().join("inbox/.reading/.being-read"));
    let keep = Arc::new(Fake::default());
    let met = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (seen, looked_at) = (Arc::clone(&met), marks.clone());
    *keep.meanwhile.lock().unwrap() = Some(Box::new(move || {
        // Long enough for the other folder to begin, if it may.
        std::thread::sleep(Duration::from_millis(200));
        let counts = looked_at.clone().map(|mark| fs::read_to_string(mark).unwrap_or_default());
        seen.lock().unwrap().push(counts.map(|mark| mark.starts_with("1\n")));
    }));
    let turns = Arc::new(Turns::default());
    let place = |folder| Place::in_turns(folder, Arc::clone(&keep), "", Arc::clone(&turns));
    let mut places = [one, other].map(place);
    for (name, place) in ["a.json", "b.json"].iter().zip(&places) {
        let reading = place.inbox().join(".reading");
        fs::write(reading.join(name), event(name, "referred", 2)).unwrap();
        fs::write(reading.join(".being-read"), format!("0\n{name}")).unwrap();
    }
    let [first, second] = &mut places;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let (stop, stopping) = watch::channel(false);
    let ends =
        runtime.block_on(async { tokio::join!(first.watch.poll(&stopping), second.watch.poll(&stopping)) });
    drop(stop);
    assert_eq!(ends, (vec![FileEnd::Done], vec![FileEnd::Done]));
    // Had the process ended at either moment, the next would blame one file and not both.
    let mut met = met.lock().unwrap().clone();
    met.sort_unstable();
    assert_eq!(met, [[false, true], [true, false]]);
}
