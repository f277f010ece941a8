//! Several earlier exports: what any of them said is known, and nothing of it is undone by the last.

use serde_json::Value;

use crate::command::{Bench, Ran};
use crate::output::{adds_up, lines, number, resources};
use crate::scheme::{PROFILE, Row, csv, nhs_number};

/// Converts the last export, with all that came before it.
fn last_of(exports: &[Row]) -> (Ran, Value) {
    last_with(exports, PROFILE)
}

fn last_with(exports: &[Row], profile: &str) -> (Ran, Value) {
    let bench = Bench::new();
    let profile = bench.file("p.toml", profile);
    let mut more = Vec::new();
    let (last, earlier) = exports.split_last().unwrap();
    for (n, row) in earlier.iter().enumerate() {
        bench.file(&format!("{n}.csv"), csv(std::slice::from_ref(row)));
        more.extend(["--since".to_owned(), format!("@{n}.csv")]);
    }
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let input = bench.file("last.csv", csv(std::slice::from_ref(last)));
    let (ran, report) = bench.convert_with_report(&input, &profile, &more);
    adds_up(&report);
    (ran, report)
}

fn of<'a>(bundles: &'a [Value], kind: &'a str) -> Vec<&'a Value> {
    bundles.iter().flat_map(resources).filter(|r| r["resourceType"] == kind).collect()
}

#[test]
fn the_person_first_sent_stays_the_person() {
    let row = Row::bare(1).with("Person", "");
    let other = row.clone().with("NHS", &nhs_number(7));
    let more = other.clone().with("Accepted", "2026-02-02");
    let blank = row.clone().with("NHS", "").with("Person", "P1");
    for between in [other, blank] {
        let (ran, report) = last_of(&[row.clone(), between, more.clone()]);
        assert!(ran.out.is_empty(), "{}", ran.text());
        assert_eq!(number(&report, "held/held-two-persons"), 1, "{}", report["held"]);
    }
    // It is held only while it is wrong.
    let right = row.clone().with("Accepted", "2026-02-02");
    let (ran, _) = last_of(&[row.clone(), row.with("NHS", &nhs_number(7)), right]);
    assert_eq!(lines(&ran.ended(0).out).len(), 1);
}

/// Where no number tells, the source's identifier does.
#[test]
fn a_referral_without_a_number_stays_its_persons_too() {
    let row = Row::bare(1).with("NHS", "");
    let other = row.clone().with("Person", "P2").with("Family", "Weir").with("Born", "1999-09-09");
    for other in [other.clone(), other.with("NHS", &nhs_number(7))] {
        let more = other.clone().with("Accepted", "2026-02-02");
        let (ran, report) = last_of(&[row.clone(), other, more]);
        assert!(ran.out.is_empty(), "{}", ran.text());
        assert_eq!(number(&report, "held/held-two-persons"), 1, "{}", report["held"]);
    }
    // Details of the same person may change, and the number may become known.
    let known = row.clone().with("NHS", &nhs_number(1));
    for same in [row.clone().with("Family", "Weir").with("Born", "1999-09-09"), known.with("Person", "")] {
        let (ran, report) = last_of(&[row.clone(), same.with("Accepted", "2026-02-02")]);
        assert!(!ran.ended(0).out.is_empty(), "{}", report["held"]);
    }
}

#[test]
fn a_withdrawal_stands_through_later_repeats() {
    let full = Row::bare(1).with("Share date", "");
    let none = full.clone().with("Share", "None");
    let more = full.clone().with("Accepted", "2026-02-02");
    let (ran, report) = last_of(&[full.clone(), none.clone(), full.clone(), more.clone()]);
    assert!(ran.out.is_empty(), "{}", ran.text());
    assert_eq!(number(&report, "remarks/withdrawn-after-sending"), 1);
    let (ran, report) = last_of(&[none, full, more]);
    assert!(ran.out.is_empty(), "{}", ran.text());
    assert_eq!(number(&report, "rows/not_shared"), 1);
}

#[test]
fn a_held_episode_is_held_until_it_is_put_right() {
    // Row 4 is closed on 2026-04-05.
    let moved = Row::new(4).with("Referred", "2026-07-01");
    let (ran, report) = last_of(&[Row::new(4), moved.clone(), moved.clone()]);
    assert!(ran.out.is_empty(), "{}", ran.text());
    assert_eq!(number(&report, "held/held-new-episode"), 1);
    let (ran, report) = last_of(&[Row::new(4), moved, Row::new(4)]);
    assert!(ran.ended(0).out.is_empty());
    assert_eq!(number(&report, "rows/unchanged"), 1);
}

/// The scheme's profile, with a status column.
fn with_status() -> String {
    format!(
        "{}\n[[status]]\nid = \"st\"\ncolumn = \"Message\"\nvalues = \"st\"\n\n[values.st]\nActive = {{ event = \"contacted\" }}\nComplete = {{ event = \"completed\" }}\nLost = {{ event = \"closed_without_completion\" }}\n",
        PROFILE.replace("fields.message = \"Message\"\n", "")
    )
}

/// The column that said that the referral had ended says so no longer, and the referral is of a later day.
#[test]
fn an_end_without_a_date_may_be_followed_by_a_new_episode() {
    let row = |status: &str, referred: &str| Row::bare(1).with("Message", status).with("Referred", referred);
    let closed = row("Complete", "2026-03-01");
    for status in ["Active", ""] {
        let moved = row(status, "2026-05-01");
        let (ran, report) = last_with(&[closed.clone(), moved.clone(), moved], &with_status());
        assert!(ran.out.is_empty(), "{}", ran.text());
        assert_eq!(number(&report, "held/held-new-episode"), 1, "{}", report["held"]);
    }
    // While it says so the date was corrected; so it was to an earlier one.
    for corrected in [row("Complete", "2026-05-01"), row("Lost", "2026-05-01"), row("Active", "2026-02-01")] {
        let (ran, report) = last_with(&[closed.clone(), corrected], &with_status());
        assert!(!ran.ended(0).out.is_empty(), "{}", report["held"]);
    }
}

#[test]
fn a_status_is_never_set_back() {
    let profile = with_status();
    let status = |word: &str| Row::bare(1).with("Message", word);
    let (ran, report) = last_with(&[status("Complete"), status("Active")], &profile);
    assert!(ran.ended(0).says(&["[status-set-back]"]).out.is_empty());
    assert_eq!(number(&report, "rows/unchanged"), 1);
    // What is sent for another reason says what was said before, also an export later.
    let changed = status("Active").with("Note", "Changed");
    let (ran, _) = last_with(&[status("Complete"), status("Active"), changed], &profile);
    let bundles = lines(&ran.ended(0).says(&["[status-set-back]"]).out);
    let statuses: Vec<&Value> = of(&bundles, "Task").into_iter().map(|task| &task["status"]).collect();
    assert_eq!(statuses, ["completed"]);
}

/// One column has the day of the closing, another the status: the second closing stands where the first stood.
#[test]
fn a_referral_that_was_reopened_closes_again() {
    let profile = format!(
        "{}\n[[status]]\nid = \"st\"\ncolumn = \"Message\"\nvalues = \"st\"\n\n[values.st]\nReopened = {{ event = \"reopened\" }}\nClosed = {{ event = \"completed\" }}\n",
        PROFILE.replace("fields.message = \"Message\"\n", "")
    );
    let row = |status: &str, closed: &str| {
        let row = Row::new(4).with("Message", status).with("Closed", closed);
        if closed.is_empty() { row.with("End", "") } else { row }
    };
    let tasks = |ran: &Ran| {
        let bundles = lines(&ran.out);
        let tasks = of(&bundles, "Task").into_iter();
        tasks
            .map(|task| (task["identifier"][0]["value"].to_string(), task["status"].to_string()))
            .collect::<Vec<_>>()
    };
    let (first, reopened) = (row("Closed", "2026-04-05"), row("Reopened", "2026-04-05"));
    let (ran, _) = last_with(&[first.clone(), reopened.clone()], &profile);
    let [(second, open)] = tasks(&ran).try_into().unwrap();
    assert_eq!(open, "\"in-progress\"", "{}", ran.text());

    let again = row("Closed", "2026-06-01");
    for exports in [
        vec![first.clone(), reopened.clone(), again.clone()],
        vec![first.clone(), reopened.clone(), row("Reopened", "2026-06-01"), again.clone()],
    ] {
        let (ran, report) = last_with(&exports, &profile);
        assert!(!ran.err.contains("status-set-back") && !ran.err.contains("date-cleared"), "{}", ran.err);
        let found = tasks(&ran);
        assert_eq!(found.last(), Some(&(second.clone(), "\"completed\"".to_owned())), "{found:?}");
        assert_eq!(number(&report, "rows/converted"), 1);
        // It stays so, and says nothing another time; a correction of the day is a correction of this closing.
        let same = [exports.clone(), vec![again.clone()]].concat();
        let (ran, _) = last_with(&same, &profile);
        assert!(ran.ended(0).out.is_empty(), "{}", report["remarks"]);
        let corrected = [exports, vec![row("Closed", "2026-06-02")]].concat();
        let (ran, _) = last_with(&corrected, &profile);
        let found = tasks(&ran);
        assert!(found.iter().all(|task| *task == (second.clone(), "\"completed\"".to_owned())), "{found:?}");
        assert!(!found.is_empty());
    }
    // And once more.
    let exports =
        [first.clone(), reopened.clone(), again, row("Reopened", "2026-06-01"), row("Closed", "2026-08-01")];
    let (ran, _) = last_with(&exports, &profile);
    let found = tasks(&ran);
    assert!(
        found.last().is_some_and(|(task, status)| *task != second && status == "\"completed\""),
        "{found:?}"
    );
    // A closing that did not move is for a person to look at.
    let (ran, _) = last_with(&[first.clone(), reopened, first], &profile);
    assert!(ran.ended(0).says(&["[status-set-back]"]).out.is_empty());
}

#[test]
fn a_consent_says_what_was_applied() {
    let at = |share: &str, date: &str| Row::bare(1).with("Share", share).with("Share date", date);
    // Without a date nothing is lifted, and nothing says that it was.
    let (ran, report) = last_of(&[at("Codes", ""), at("Full", "")]);
    assert!(ran.ended(0).says(&["[consent-not-lifted]"]).out.is_empty());
    assert_eq!(number(&report, "rows/unchanged"), 1);
    // By a later date it is, and all of it is sent again.
    let (ran, _) = last_of(&[at("Codes", "2026-01-01"), at("Full", "2026-02-01")]);
    let ran = ran.ended(0);
    let bundles = lines(&ran.out);
    assert!(ran.text().contains("hates fuss"), "the note was withheld and may leave now");
    let consents = of(&bundles, "Consent");
    let said: Vec<&str> = consents.iter().filter_map(|c| c["policyRule"]["text"].as_str()).collect();
    assert!(!said.is_empty() && said.iter().all(|text| text.contains("everything")), "{said:?}");
    // Less than before: what had been sent is listed for a person.
    let (ran, report) = last_of(&[at("Full", ""), at("Codes", "")]);
    let ran = ran.ended(0).says(&["[narrowed-after-sending]", "(found note)"]);
    assert_eq!(number(&report, "remarks/narrowed-after-sending"), 1);
    let bundles = lines(&ran.out);
    let said: Vec<&str> =
        of(&bundles, "Consent").iter().filter_map(|c| c["policyRule"]["text"].as_str()).collect();
    assert!(!said.is_empty() && said.iter().all(|text| text.contains("codes only")), "{said:?}");
    assert!(!ran.text().contains("hates fuss"));
}

/// A number that was cleared, by mistake or in a log that names the person once, is still the person's: what hangs on
/// their record is not moved off it.
#[test]
fn a_cleared_number_takes_nothing_off_the_persons_record() {
    let row = Row::bare(1);
    let cleared = row.clone().with("NHS", "").with("Accepted", "2026-02-02");
    let of_the_person = |task: &&Value| task["for"]["identifier"]["value"] == nhs_number(1).as_str();
    for exports in
        [vec![row.clone(), cleared.clone()], vec![row.clone(), row.clone().with("NHS", ""), cleared]]
    {
        let (ran, _) = last_of(&exports);
        let bundles = lines(&ran.ended(0).out);
        let tasks = of(&bundles, "Task");
        assert!(tasks.len() == 1 && tasks.iter().all(of_the_person), "{tasks:?}");
    }
    // With another local identifier besides, nobody knows.
    let other = row.clone().with("NHS", "").with("Person", "P7");
    let (ran, report) = last_of(&[row, other]);
    assert!(ran.out.is_empty(), "{}", ran.text());
    assert_eq!(number(&report, "held/held-two-persons"), 1);
}

/// What was sent about a local identifier is sent again about the person, all of it.
#[test]
fn a_number_that_comes_later_brings_everything_with_it() {
    let row = Row::new(2);
    let (ran, _) = last_of(&[row.clone().with("NHS", ""), row.clone()]);
    let bundles = lines(&ran.ended(0).out);
    let encounters = of(&bundles, "Encounter");
    assert_eq!(encounters.len(), 1);
    assert_eq!(encounters[0]["subject"]["identifier"]["value"], nhs_number(2).as_str());
    // Said once, it is not said again.
    let (ran, report) = last_of(&[row.clone().with("NHS", ""), row.clone(), row]);
    assert!(ran.ended(0).out.is_empty());
    assert_eq!(number(&report, "rows/unchanged"), 1);
}

/// The row of today is the statement of before, edited: an earlier one never allows what this one does not.
#[test]
fn an_earlier_export_allows_nothing_that_the_row_no_longer_does() {
    let at = |share: &str, date: &str| Row::bare(1).with("Share", share).with("Share date", date);
    let full = at("Full", "2026-02-10");
    for date in ["2026-02-01", ""] {
        let none = at("None", date).with("Accepted", "2026-02-20");
        let (ran, report) = last_of(&[full.clone(), none]);
        assert!(ran.ended(0).says(&["[withdrawn-after-sending]"]).out.is_empty());
        assert_eq!(number(&report, "rows/not_shared"), 1);
        for share in ["Codes", ""] {
            let less = at(share, if share.is_empty() { "" } else { date });
            let (ran, _) = last_of(&[full.clone(), less]);
            let ran = ran.ended(0).says(&["[narrowed-after-sending]"]);
            assert!(!ran.text().contains("hates fuss"), "{share}");
        }
    }
    let of_self = |row: Row| row.with("Referrer", "Self");
    let (ran, report) = last_of(&[of_self(full.clone()), of_self(at("", ""))]);
    assert!(ran.out.is_empty(), "{}", ran.text());
    assert_eq!(number(&report, "held/held-no-consent"), 1);
    // Put back, it counts again.
    let (ran, _) = last_of(&[full.clone(), at("", ""), full]);
    assert!(ran.ended(0).text().contains("hates fuss"));
}
