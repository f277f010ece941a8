//! A daily export of one scheme, sent ten days running: each referral stands once, in its last state, and every change is
//! explained by an entry. Next: `exits.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::files;
use crate::people::{PRACTICE, Person};
use crate::servers::{Hfs, each_stands_once};
use crate::world::{FILES, World, arrived, count};

const PROFILE: &str = r#"
name = "daily"
source = "https://elmfield-sp.example/cases"
export = "snapshot"

[fields]
referral_id = "Case"
"person.nhs_number" = "Number"
"person.given" = "First"
"person.family" = "Surname"
"person.birth_date" = "Born"
"person.practice_ods" = "Practice"
"service.kind" = { constant = "link-worker" }
"service.name" = { constant = "Elmfield link workers" }
"referrer.kind" = { constant = "gp" }
"consent.share" = { constant = "full" }

[[event]]
id = "referred"
type = "referred"
date = "Referred"
fields.reasons = [{ column = "Need", values = "need" }]

[[event]]
id = "accepted"
type = "accepted"
date = "Accepted"

[[event]]
id = "contact"
type = "contacted"
date = { column = "Contacts", split = ";" }

[[event]]
id = "closed"
type = { column = "Reason", values = "closure" }
date = "Closed"
[event.fields]
outcome = { column = "Reason", values = "closure" }

[values.need]
"Loneliness / isolation" = {}
Debt = {}
Housing = {}

[values.closure]
"Goals met" = { event = "completed" }
Declined = { event = "declined" }
"#;

/// A row of the export.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    case: u32,
    referred: &'static str,
    need: &'static str,
    accepted: &'static str,
    contacts: &'static str,
    closed: &'static str,
    reason: &'static str,
}

fn row(case: u32) -> Row {
    Row { case, referred: "2026-03-02", need: "Debt", accepted: "", contacts: "", closed: "", reason: "" }
}

fn csv(rows: &[Row]) -> String {
    let mut out =
        "Case,Number,First,Surname,Born,Practice,Referred,Need,Accepted,Contacts,Closed,Reason\n".to_owned();
    for row in rows {
        let person = Person::new(row.case, PRACTICE);
        let Row { case, referred, need, accepted, contacts, closed, reason } = row;
        out.push_str(&format!(
            "ELM-{case},{},Małgorzata,{},1964-09-23,{PRACTICE},{referred},{need},{accepted},{contacts},{closed},{reason}\n",
            person.number, person.family,
        ));
    }
    out
}

/// What the scheme's people do each day.
fn days() -> Vec<(&'static str, Vec<Row>)> {
    let mut rows: Vec<Row> = (1..=12).map(row).collect();
    let mut days = vec![("twelve are referred", rows.clone())];
    for row in rows.iter_mut().take(4) {
        row.accepted = "2026-03-03";
    }
    days.push(("four are accepted", rows.clone()));
    rows.reverse();
    days.push(("the same, sorted the other way", rows.clone()));
    days.push(("the same file", rows.clone()));
    let at = |rows: &Vec<Row>, case| rows.iter().position(|row| row.case == case).unwrap();
    for case in 1..=3 {
        let place = at(&rows, case);
        rows[place].contacts = "2026-03-05";
    }
    let place = at(&rows, 5);
    rows[place].need = "Housing";
    days.push(("three contacts, and a need put right", rows.clone()));
    rows.retain(|row| row.case != 12);
    days.push(("a row is gone", rows.clone()));
    for (case, reason) in [(1, "Goals met"), (6, "Declined")] {
        let place = at(&rows, case);
        (rows[place].closed, rows[place].reason) = ("2026-03-09", reason);
    }
    let place = at(&rows, 2);
    rows[place].contacts = "2026-03-05; 2026-03-09";
    days.push(("two ends and a second contact", rows.clone()));
    let place = at(&rows, 4);
    rows[place].accepted = "2026-03-04";
    days.push(("a date put right", rows.clone()));
    let place = at(&rows, 3);
    rows[place].contacts = "";
    days.push(("a contact is taken out, which only a person can explain", rows.clone()));
    rows.push(row(13));
    days.push(("one more is referred", rows));
    days
}

/// The cases whose rows are not as the day before.
fn changed(before: &[Row], now: &[Row]) -> BTreeSet<u32> {
    now.iter().filter(|row| !before.contains(row)).map(|row| row.case).collect()
}

/// Sends the ten days; gives how many entries there are.
fn send_all(world: &World) -> usize {
    fs::write(world.path().join("daily.toml"), PROFILE).unwrap();
    let (mut before, mut known, mut cleared) = (Vec::new(), 0, false);
    for (day, (what, rows)) in days().into_iter().enumerate() {
        let file = world.path().join(format!("day-{}.csv", day + 1));
        fs::write(&file, csv(&rows)).unwrap();
        let said = world.run(&["send", file.to_str().unwrap(), "--profile", "daily.toml"]);
        assert_eq!(said.code, 0, "day {}: {}{}", day + 1, said.stdout, said.stderr);
        // It is said for as long as the date is gone.
        cleared |= what.starts_with("a contact");
        assert_eq!(said.stderr.contains("[date-cleared]"), cleared, "{}", said.stderr);
        let entries = world.entries(&["--after", &known.to_string()]);
        let explained: BTreeSet<&str> =
            entries.iter().map(|entry| entry["referral"].as_str().unwrap()).collect();
        // A date that was cleared changes nothing by itself: a person is told, and decides (entered_in_error).
        let wanted = if what.starts_with("a contact") { BTreeSet::new() } else { changed(&before, &rows) };
        assert_eq!(explained.len(), wanted.len(), "day {}: {what}: {wanted:?}: {entries:#?}", day + 1);
        known += i64::try_from(entries.len()).unwrap();
        before = rows;
        world.wait_idle(Duration::from_secs(60));
    }
    let status = world.status();
    assert_eq!(status["accepted"].as_i64(), Some(known));
    assert_eq!(i64::try_from(arrived(&status)).unwrap(), known, "{status:#}\n{:#?}", world.entries(&[]));
    usize::try_from(known).unwrap()
}

/// The last state of each Task by case, as the scheme sees it at the end.
fn wanted() -> BTreeMap<String, &'static str> {
    let mut wanted: BTreeMap<String, &'static str> =
        (5..=13).map(|case| (format!("ELM-{case}"), "requested")).collect();
    wanted.extend(
        [
            ("ELM-1", "completed"),
            ("ELM-2", "in-progress"),
            ("ELM-3", "in-progress"),
            ("ELM-4", "accepted"),
            ("ELM-6", "cancelled"),
        ]
        .map(|(case, status)| (case.to_owned(), status)),
    );
    wanted
}

/// Each ServiceRequest and Task as it stands after these writes, by type and identifier.
fn stands<'a>(bundles: impl Iterator<Item = &'a Value>) -> BTreeMap<String, Value> {
    let mut held = BTreeMap::new();
    for entry in bundles.flat_map(|bundle| bundle["entry"].as_array().unwrap()) {
        let url = entry["request"]["url"].as_str().unwrap();
        if url.starts_with("Task?") || url.starts_with("ServiceRequest?") {
            held.insert(url.to_owned(), entry["resource"].clone());
        }
    }
    held
}

/// Whose resource it is, by the number of its subject.
fn case_of(resource: &Value) -> Option<String> {
    let text = resource.to_string();
    let case = (1..=13).find(|case| text.contains(&Person::new(*case, PRACTICE).number))?;
    Some(format!("ELM-{case}"))
}

#[test]
fn ten_days_leave_each_referral_once_in_its_last_state() {
    let world = World::new(FILES);
    let daemon = world.start();
    let entries = send_all(&world);
    let bundles = files::in_order(&world.outgoing());
    assert_eq!(bundles.len(), entries, "a file for each entry");
    let held = stands(bundles.iter());
    let of =
        |kind: &str| held.iter().filter(|(url, _)| url.starts_with(kind)).map(|(_, r)| r).collect::<Vec<_>>();
    assert_eq!(of("ServiceRequest?").len(), 13);
    let tasks = of("Task?");
    let stand: BTreeMap<String, &str> =
        tasks.iter().map(|task| (case_of(task).unwrap(), task["status"].as_str().unwrap())).collect();
    assert_eq!((tasks.len(), stand), (13, wanted()));
    let need = of("ServiceRequest?")
        .into_iter()
        .find(|one| case_of(one).as_deref() == Some("ELM-5"))
        .unwrap()
        .to_string();
    assert!(need.contains("Housing") && !need.contains("Debt"), "{need}");
    daemon.stop();
}

#[test]
fn ten_days_leave_each_referral_once_at_a_real_server() {
    let Some(hfs) = Hfs::new("ten_days_leave_each_referral_once_at_a_real_server") else { return };
    let persons: Vec<String> =
        (1..=13).map(|number| hfs.server.create(&Person::new(number, PRACTICE).patient())).collect();
    let world = World::new(&format!(
        "[[endpoint]]\nname = \"gp\"\nkind = \"fhir\"\nurl = {:?}\ntest = true\nrate = 1000.0\n",
        hfs.server.base
    ));
    let daemon = world.start();
    send_all(&world);
    each_stands_once(&world, &hfs.server, "gp", &persons);
    let mut stand = BTreeMap::new();
    for (case, id) in (1..).zip(&persons) {
        let tasks = hfs.server.search("Task", &format!("patient=Patient/{id}"));
        assert_eq!(tasks.len(), 1);
        stand.insert(format!("ELM-{case}"), tasks[0]["status"].as_str().unwrap().to_owned());
    }
    let wanted = wanted().into_iter().map(|(case, status)| (case, status.to_owned())).collect();
    assert_eq!(stand, wanted);
    daemon.stop();
}

#[test]
fn a_change_that_says_nothing_new_is_counted_and_not_sent() {
    let world = World::new(FILES);
    fs::write(world.path().join("daily.toml"), PROFILE).unwrap();
    let send = |name: &str, text: &str| {
        let file = world.path().join(name);
        fs::write(&file, text).unwrap();
        let said = world.run(&["send", file.to_str().unwrap(), "--profile", "daily.toml"]);
        assert_eq!(said.code, 0, "{}", said.stderr);
    };
    let today = csv(&[row(1), row(2)]);
    send("one.csv", &today);
    let daemon = world.start();
    world.wait_idle(Duration::from_secs(60));
    let family = Person::new(1, PRACTICE).family;
    send("two.csv", &today.replacen(&family, "Öztürk", 1));
    let status = world.wait_idle(Duration::from_secs(60));
    assert_eq!((arrived(&status), count(&status, "not-shared")), (2, 1), "{status:#}");
    assert_eq!(status["accepted"].as_u64(), Some(3));
    let last = world.entries(&[]).pop().unwrap();
    assert_eq!((&last["type"], &last["reason"]), (&"details_changed".into(), &"unchanged".into()));
    assert_eq!(files::in_order(&world.outgoing()).len(), 2);
    daemon.stop();
}

#[test]
fn a_date_that_is_gone_from_a_clean_export_is_named_in_the_folders_log() {
    let world = World::new(FILES);
    fs::write(world.path().join("daily.toml"), PROFILE).unwrap();
    let text = fs::read_to_string(world.config()).unwrap();
    world.configure(&text.replace(
        "[intake]\nfolder = []\n",
        "[[intake.folder]]\npath = \"inbox\"\nsettle = \"1s\"\nprofile = \"daily.toml\"\n",
    ));
    let daemon = world.start();
    let inbox = world.data().join("inbox");
    for (day, accepted) in ["2026-03-05", ""].into_iter().enumerate() {
        let name = format!("day-{day}.csv");
        fs::write(inbox.join(format!("{name}.part")), csv(&[Row { accepted, ..row(1) }])).unwrap();
        fs::rename(inbox.join(format!("{name}.part")), inbox.join(name)).unwrap();
        let began = std::time::Instant::now();
        while daemon.log().matches("a file was read").count() <= day {
            assert!(began.elapsed() < Duration::from_secs(30), "{}", daemon.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    assert_eq!(fs::read_dir(inbox.join("refused")).unwrap().count(), 0, "no row was refused");
    let log = daemon.log();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("a file was read")).collect();
    assert!(!lines[0].contains("date-cleared") && lines[1].contains("date-cleared 1"), "{lines:?}");
    daemon.stop();
}
