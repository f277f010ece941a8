//! What a torn record says of consent, however it is written: it is searched, not read.

use serde_json::json;

use crate::command::{Bench, sp};
use crate::output::{adds_up, cases, lines};
use crate::persons::event;
use crate::scheme::{COLUMNS, PROFILE, Row, another_referral, csv, nhs_number};

/// Words of several kinds that forbid.
const WORDS: &str = "[values.share]\n\"No, share nothing\" = \"none\"\n\"Don't share\" = \"none\"\n\"Dim â\" = \"none\"\n\
    \"No \\\"sharing\\\"\" = \"none\"\nNo = \"none\"\n";

fn with_words() -> String {
    PROFILE.replace("[values.share]\n", WORDS)
}

/// The cases that are written of a file with one torn record between good ones.
fn written(name: &str, profile: &str, text: impl AsRef<[u8]>) -> Vec<String> {
    let bench = Bench::new();
    let (profile, input) = (bench.file("p.toml", profile), bench.file(name, text.as_ref()));
    let (ran, report) = bench.convert_with_report(&input, &profile, &["--rejects", "@r"]);
    adds_up(&report);
    cases(&lines(&ran.ended(1).out)).into_iter().collect()
}

/// Of two persons the rows that are right, and a line that is no row.
fn with_line(line: &str) -> Vec<u8> {
    format!("{}{line}\n", csv(&[Row::new(1), Row::new(3)])).into_bytes()
}

const HELD: [&str; 1] = ["TW-3"];
const BOTH: [&str; 2] = ["TW-1", "TW-3"];

#[test]
fn a_word_that_holds_the_signs_between_cells_is_found() {
    let profile = with_words();
    for word in ["No, share nothing", "no,  SHARE nothing", "Don't share", "No \"sharing\"", "Dim â", "No"] {
        let row = another_referral(1, 2).with("Share", word).with("Note", "tea").line(',');
        for torn in [
            row.clone() + ",more",
            row.replace(",tea,", ",\"tea,"),
            row.replace(",tea,", ",\"an \"open\" q\","),
        ] {
            assert_eq!(written("in.csv", &profile, with_line(&torn)), HELD, "{torn}");
        }
    }
    let unquoted = another_referral(1, 2).with("Share", "~").line(',').replace('~', "No, share nothing");
    assert_eq!(written("in.csv", &profile, with_line(&unquoted)), HELD);
    // Where a character was lost in another encoding, the rest of the word counts.
    let mut lost =
        with_line(&(another_referral(1, 2).with("Share", "Dim ~").with("Need", "Tŷ").line(',') + ",more"));
    let tilde = lost.iter().position(|byte| *byte == b'~').unwrap();
    lost[tilde] = 0xe2;
    assert_eq!(written("in.csv", &profile, lost), HELD);
    // One without any such word holds nobody, though it says of other things that there are none.
    for note in ["nothing to share", "a note", "Nosh, sharing", ""] {
        let row = another_referral(1, 2).with("Note", note).line(',') + ",more";
        assert_eq!(written("in.csv", &profile, with_line(&row)), BOTH, "{note}");
    }
}

#[test]
fn a_word_that_a_writer_escaped_is_found() {
    let json = |row: &Row| {
        let cells = COLUMNS.iter().map(|column| (column.to_string(), row.get(column).into()));
        serde_json::Value::Object(cells.collect()).to_string()
    };
    let file = |torn: &str| format!("{}\n{torn}\n{}\n", json(&Row::new(1)), json(&Row::new(3)));
    let torn = |share: &str| {
        let whole = json(&another_referral(1, 2).with("Share", "~")).replace('~', share);
        whole.trim_end_matches('}').to_owned()
    };
    for share in
        ["Don\\u0027t share", "Dim \\u00e2", "N\\u006f", "No\\u002c share nothing", "No \\\"sharing\\\""]
    {
        assert_eq!(written("in.ndjson", &with_words(), file(&torn(share))), HELD, "{share}");
    }
    for share in ["Full", "\\u0046ull", ""] {
        assert_eq!(written("in.ndjson", &with_words(), file(&torn(share))), BOTH, "{share}");
    }

    let name = |column: &str| column.replace(' ', "_");
    let profile = COLUMNS.iter().filter(|column| column.contains(' ')).fold(with_words(), |text, column| {
        text.replace(&format!("\"{column}\""), &format!("\"{}\"", name(column)))
    });
    let profile = profile.replace("[fields]", "[file]\nrecords = \"row\"\n\n[fields]");
    let xml = |row: &Row| {
        let cells = COLUMNS.iter().map(|column| format!("<{0}>{1}</{0}>", name(column), row.get(column)));
        format!("<row>{}</row>\n", cells.collect::<String>())
    };
    let file = |share: &str| {
        let torn =
            xml(&another_referral(1, 2).with("Share", "~")).replace('~', share).replace("Anwen", "An&wen;");
        format!("<rows>{}{torn}{}</rows>", xml(&Row::new(1)), xml(&Row::new(3)))
    };
    for share in
        ["Don&apos;t share", "Dim &#226;", "Dim&#xA0;&#xe2;", "Dim &acirc;", "N&#111;", "<![CDATA[No]]>"]
    {
        assert_eq!(written("in.xml", &profile, file(share)), HELD, "{share}");
    }
    assert_eq!(written("in.xml", &profile, file("Full")), BOTH);
}

/// Where every word but some forbids, and where there is no map.
#[test]
fn a_word_that_no_map_lists_may_forbid() {
    let share = "{ column = \"Share\", values = \"share\" }";
    let otherwise =
        PROFILE.replace(share, "{ column = \"Share\", values = \"share\", otherwise = \"none\" }");
    let row = another_referral(1, 2);
    let refused = row.clone().with("Share", "Refused to share").line(',') + ",more";
    assert_eq!(written("in.csv", &otherwise, with_line(&refused)), HELD);
    assert_eq!(written("in.csv", PROFILE, with_line(&refused)), BOTH);
    let none = PROFILE
        .replace(share, "\"Share\"")
        .replace("[values.share]\nFull = \"full\"\nCodes = \"codes_only\"\nNone = \"none\"\n", "");
    let good = |row: Row| row.with("Share", "full");
    for (word, goes) in [("None", &HELD[..]), ("none", &HELD), ("full", &BOTH)] {
        let torn = row.clone().with("Share", word).line(',') + ",more";
        let text = format!("{}{torn}\n", csv(&[good(Row::new(1)), good(Row::new(3))]));
        assert_eq!(written("in.csv", &none, text), goes, "{word}");
    }
}

/// Another number that passes the check may stand before the person's: a telephone, an identifier.
#[test]
fn every_number_in_a_torn_record_is_held() {
    let first = another_referral(1, 2).with("Person", "7700900116").with("Share", "None");
    let torn = first.line(',') + ",more";
    assert_eq!(written("in.csv", PROFILE, with_line(&torn)), HELD);
    let bench = Bench::new();
    let (profile, input) =
        (bench.file("p.toml", PROFILE), bench.file("in.csv", csv(&[Row::new(1), Row::new(3)])));
    bench.file("torn.csv", format!("{}{torn}\n", csv(&[])));
    let ran = bench.convert(&input, &profile, &["@torn.csv"]);
    assert!(ran.text().contains(&nhs_number(3)) && !ran.text().contains(&nhs_number(1)), "{}", ran.err);

    let more =
        json!({"consent": {"share": "none"}, "person": {"phone": "7700900116", "nhs_number": nhs_number(1)}});
    let torn = event("2", "R2", "referred", "2026-02-01", 1, &more).to_string();
    let torn = torn.replacen('{', "{\"nhs_number\":\"7700900116\",\"type\":\"referred\",", 1);
    let whole = |n: &str, person| event(n, &format!("R{n}"), "referred", "2026-03-01", person, &json!({}));
    let input = bench.file("events.ndjson", format!("{}\n{torn}\n{}\n", whole("1", 1), whole("3", 3)));
    let at = ["--recorded-at", "2026-11-20T12:00:00Z"].map(std::ffi::OsStr::new);
    let ran = sp(&["convert".as_ref(), input.as_os_str(), at[0], at[1]]).ended(1);
    assert!(ran.text().contains(&nhs_number(3)) && !ran.text().contains(&nhs_number(1)), "{}", ran.err);
}

/// Canonical events: names and values may be escaped, and said twice.
#[test]
fn a_torn_event_is_searched_as_it_is_meant() {
    let goes = |changed: &dyn Fn(String) -> String, more: &serde_json::Value| {
        let bench = Bench::new();
        let torn = changed(event("2", "R2", "consent_changed", "2026-02-01", 1, more).to_string());
        let whole =
            |n: &str, person| event(n, &format!("R{n}"), "referred", "2026-03-01", person, &json!({}));
        let text = format!("{}\n{}\n{}\n", whole("1", 1), torn.trim_end_matches('}'), whole("3", 3));
        let input = bench.file("events.ndjson", text);
        let at = ["--recorded-at", "2026-11-20T12:00:00Z"].map(std::ffi::OsStr::new);
        let ran = sp(&["convert".as_ref(), input.as_os_str(), at[0], at[1]]).ended(1);
        assert!(ran.text().contains(&nhs_number(3)), "{}", ran.err);
        ran.text().contains(&nhs_number(1))
    };
    let (none, full) = (json!({"consent": {"share": "none"}}), json!({"consent": {"share": "full"}}));
    assert!(!goes(&|text| text.replace("\"none\"", "\"n\\u006fne\""), &none));
    assert!(!goes(
        &|text| text.replace("consent\"", "c\\u006fnsent\"").replace("\"share", "\"sh\\u0061re"),
        &none
    ));
    assert!(!goes(
        &|text| text.replace("\"share\":\"full\"", "\"share\":\"full\",\"share\":\"codes_only\""),
        &full
    ));
    assert!(!goes(&|text| text.replace("\"none\"", "\"NONE \""), &none));
    assert!(goes(&|text| text.replace("\"full\"", "\"\\u0066ull\""), &full));
}
