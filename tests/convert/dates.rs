//! Dates that cannot be are refused with the columns to look at; dates to come are held; rows without any are not lost.

use serde_json::Value;

use crate::command::{Bench, Ran};
use crate::output::{adds_up, number};
use crate::scheme::{LOG_PROFILE, PROFILE, Row, csv, log, log_file};

fn convert(rows: &[Row]) -> (Ran, Value, String) {
    let bench = Bench::new();
    let (profile, input) = (bench.file("p.toml", PROFILE), bench.file("in.csv", csv(rows)));
    let (ran, report) = bench.convert_with_report(&input, &profile, &["--rejects", "@r.csv"]);
    adds_up(&report);
    (ran, report, String::from_utf8(bench.read("r.csv")).unwrap())
}

#[test]
fn impossible_dates_are_refused_with_their_columns() {
    for (column, value, code, says) in [
        ("Born", "2026-02-20", "before-birth", &["before-birth at Referred", "date of birth in Born"][..]),
        ("Contacted", "1949-01-01", "before-birth", &["before-birth at Contacted", "date of birth in Born"]),
        ("Born", "1890-01-01", "age-impossible", &["age-impossible at Referred", "date of birth in Born"]),
        ("Accepted", "1899-12-30", "date-too-early", &["date-too-early at Accepted", "1899-12-30"]),
        ("Accepted", "1900-01-05", "date-too-early", &["date-too-early at Accepted"]),
        ("Accepted", "1970-01-01", "date-too-early", &["date-too-early at Accepted"]),
        ("Born", "1899-12-31", "date-too-early", &["date-too-early at Born"]),
        ("Share date", "1900-01-01", "date-too-early", &["date-too-early at Share date"]),
    ] {
        let row = Row::new(2).with("Born", "1950-06-01").with(column, value);
        let (ran, report, rejects) = convert(&[Row::new(1), row]);
        let ran = ran.ended(1).says(&[code]);
        assert_eq!(number(&report, "rows/refused"), 1, "{column} {value}: {}", ran.err);
        assert!(number(&report, &format!("refused_by_any_reason/{code}")) == 1, "{}", ran.err);
        for part in says {
            assert!(rejects.contains(part), "{column} {value}: {rejects}");
        }
        assert!(!ran.text().contains("TW-2"), "{column} {value}");
    }
}

#[test]
fn what_could_be_is_converted() {
    for (column, value) in [
        ("Born", "2026"),
        ("Born", "1897-01-01"),
        ("Born", "2026-01-03"),
        ("Born", "1970-01-01"),
        ("Born", ""),
    ] {
        let (ran, report, _) = convert(&[Row::new(2).with(column, value)]);
        assert_eq!(number(&report, "rows/converted"), 1, "{column} {value}: {}", ran.err);
    }
}

/// The run is on 2026-11-20.
#[test]
fn dates_to_come_are_held() {
    for (column, value, held) in [
        ("Share date", "2026-11-21", true),
        ("Share date", "2026-11-20", false),
        ("Accepted", "2026-11-21", true),
        ("Accepted", "2026-12", true),
        ("Accepted", "2026", false),
    ] {
        let (ran, report, rejects) = convert(&[Row::new(1), Row::bare(2).with(column, value)]);
        assert_eq!(
            number(&report, "held/held-future-date"),
            u64::from(held),
            "{column} {value}: {}",
            ran.err
        );
        assert_eq!(rejects.contains("TW-2"), held);
    }
    let bench = Bench::new();
    let recorded =
        LOG_PROFILE.replace("event_id = \"Event\"", "event_id = \"Event\"\nrecorded_at = \"Padding\"");
    let profile = bench.file("p.toml", recorded.replace("ignore = [\"Padding\"]\n", ""));
    for (recorded, code) in [("2026-11-21T08:00:00Z", 3), ("2026-11-20T23:00:00Z", 0)] {
        let rows: Vec<String> = log(1, 2, 0).iter().map(|row| format!("{row}{recorded}")).collect();
        let input = bench.file("log.csv", log_file(&rows));
        bench.convert(&input, &profile, &[]).ended(code);
    }
}

/// Nothing of a row may be lost in silence: of what nothing can be made is refused, with the columns that would help.
#[test]
fn a_row_without_date_or_status_is_refused() {
    let empty = Row::bare(2).with("Referred", "");
    for more in [&[][..], &["--since", "@before.csv"]] {
        let bench = Bench::new();
        let (profile, input) =
            (bench.file("p.toml", PROFILE), bench.file("in.csv", csv(&[Row::new(1), empty.clone()])));
        bench.file("before.csv", csv(&[Row::new(2)]));
        let (ran, report) =
            bench.convert_with_report(&input, &profile, &[more, &["--rejects", "@r.csv"]].concat());
        adds_up(&report);
        ran.ended(1).says(&["1 refused", "[nothing-happened]"]);
        assert_eq!(number(&report, "rows/unchanged"), 0);
        let rejects = String::from_utf8(bench.read("r.csv")).unwrap();
        assert!(rejects.contains("nothing in Referred, Accepted, Contacted, Closed"), "{rejects}");
        assert!(rejects.contains(&empty.line(',')), "{rejects}");
    }
}

/// A status that says nothing that is sent is not passed over in silence either.
#[test]
fn a_status_of_which_nothing_is_sent_is_warned_of() {
    let bench = Bench::new();
    let with_status = format!(
        "{}\n[[status]]\nid = \"status\"\ncolumn = \"Message\"\nvalues = \"status\"\n[values.status]\nOffered = {{ event = \"offered\" }}\n",
        PROFILE.replace("fields.message = \"Message\"\n", "")
    );
    let profile = bench.file("p.toml", with_status);
    let offered = Row::bare(2).with("Referred", "").with("Message", "Offered");
    let input = bench.file("in.csv", csv(&[Row::new(1), offered]));
    let (ran, report) = bench.convert_with_report(&input, &profile, &[]);
    adds_up(&report);
    ran.ended(0).says(&["[nothing-sent]", "in.csv:3"]);
    assert_eq!(number(&report, "rows/unchanged"), 1);
}

/// Every reason of a row is told at once, so that it is mended once.
#[test]
fn every_reason_is_counted() {
    let row = Row::new(2).with("NHS", "1").with("Accepted", "soon").with("Closed", "later");
    let (ran, report, _) = convert(&[Row::new(1), row, Row::new(3).with("Accepted", "soon")]);
    ran.ended(1).says(&["2 refused", "refused 2: not a date", "refused 1: not the form of an NHS number"]);
    assert_eq!(number(&report, "refused/nhs-number-format"), 1);
    assert_eq!(number(&report, "refused/date-format"), 1);
    assert_eq!(number(&report, "refused_by_any_reason/date-format"), 2);
}
