//! Invented exports: a scheme with a row per referral, and a log with a row per event. Next: any test.

/// The scheme's columns.
pub(crate) const COLUMNS: [&str; 24] = [
    "Case",
    "Person",
    "NHS",
    "Given",
    "Family",
    "Born",
    "Address",
    "Postcode",
    "Phone",
    "Practice",
    "Referrer",
    "Service",
    "Share",
    "Share date",
    "Referred",
    "Need",
    "Code",
    "Read",
    "Note",
    "Accepted",
    "Contacted",
    "Closed",
    "End",
    "Message",
];

/// The scheme's profile.
pub(crate) const PROFILE: &str = r#"
name = "tidewell"
source = "https://tidewell.example/cases"
export = "snapshot"

[fields]
referral_id = "Case"
"person.local_id" = "Person"
"person.nhs_number" = "NHS"
"person.given" = "Given"
"person.family" = "Family"
"person.birth_date" = "Born"
"person.address_lines" = "Address"
"person.postcode" = "Postcode"
"person.phone" = "Phone"
"person.practice_ods" = "Practice"
"referrer.kind" = { column = "Referrer", values = "referrer" }
"service.kind" = { constant = "link-worker" }
"service.name" = "Service"
"consent.share" = { column = "Share", values = "share" }
"consent.date" = "Share date"

[[event]]
id = "referred"
type = "referred"
date = "Referred"

[event.fields]
reasons = [
  { column = "Need", values = "need" },
  { column = "Code", system = "snomed" },
  { column = "Read", system = "read-v2" },
]
note = "Note"

[[event]]
id = "accepted"
type = "accepted"
date = "Accepted"

[[event]]
id = "contacted"
type = "contacted"
date = "Contacted"

[[event]]
id = "closed"
type = { column = "End", values = "end" }
date = "Closed"
fields.outcome = { column = "End", values = "end" }
fields.message = "Message"

[message]
event_system = "https://tidewell.example/message-events"
event_code = "referral"
endpoint = "https://tidewell.example/endpoint"

[values.referrer]
GP = "gp"
Self = "self"

[values.share]
Full = "full"
Codes = "codes_only"
None = "none"

[values.need]
Lonely = {}
Housing = {}
Debt = {}

[values.end]
"Goals met" = { event = "completed" }
"Not suitable" = { event = "rejected" }
"Moved away" = { event = "closed_without_completion" }
"#;

/// A row of the scheme.
#[derive(Clone)]
pub(crate) struct Row(Vec<String>);

impl Row {
    /// A good row, the same for the same number.
    pub(crate) fn new(n: u32) -> Self {
        let day = |month: u32| format!("2026-{month:02}-{:02}", n % 28 + 1);
        let mut row = Self(vec![String::new(); COLUMNS.len()]);
        for (column, value) in [
            ("Case", format!("TW-{n}")),
            ("Person", format!("P{n}")),
            ("NHS", nhs_number(n)),
            ("Given", "Anwen".to_owned()),
            ("Family", format!("Pryce{n}")),
            ("Born", format!("19{:02}-04-{:02}", n % 90 + 10, n % 28 + 1)),
            ("Address", format!("{n} Mill Lane")),
            ("Postcode", "ZZ99 3VZ".to_owned()),
            ("Phone", format!("07700 9{n:05}")),
            ("Practice", "Z99981".to_owned()),
            ("Referrer", "GP".to_owned()),
            ("Service", "Tidewell link workers".to_owned()),
            ("Share", "Full".to_owned()),
            ("Share date", day(1)),
            ("Referred", day(1)),
            ("Need", ["Lonely", "Housing", "Debt"][n as usize % 3].to_owned()),
            ("Note", format!("Said \"yes\"; likes tea, hates fuss {n}")),
            ("Accepted", day(2)),
            ("Contacted", if n.is_multiple_of(2) { day(3) } else { String::new() }),
            ("Closed", if n.is_multiple_of(4) { day(4) } else { String::new() }),
            ("End", if n.is_multiple_of(4) { "Goals met".to_owned() } else { String::new() }),
        ] {
            row = row.with(column, &value);
        }
        row
    }

    /// A good row of a referral that was made, and nothing else.
    pub(crate) fn bare(n: u32) -> Self {
        ["Accepted", "Contacted", "Closed", "End"]
            .iter()
            .fold(Self::new(n), |row, column| row.with(column, ""))
    }

    /// The row with another value in a column.
    #[track_caller]
    pub(crate) fn with(mut self, column: &str, value: &str) -> Self {
        value.clone_into(&mut self.0[COLUMNS.iter().position(|name| *name == column).expect(column)]);
        self
    }

    /// The value of a column.
    pub(crate) fn get(&self, column: &str) -> &str {
        &self.0[COLUMNS.iter().position(|name| *name == column).expect(column)]
    }

    /// The row as a line, without its end; every cell that needs quotes has them.
    pub(crate) fn line(&self, delimiter: char) -> String {
        let cells: Vec<String> = self.0.iter().map(|cell| quoted(cell, delimiter)).collect();
        cells.join(&delimiter.to_string())
    }
}

/// Another referral of a person.
pub(crate) fn another_referral(of: u32, n: u32) -> Row {
    let person = Row::new(of);
    ["Person", "NHS", "Given", "Family", "Born"]
        .iter()
        .fold(Row::new(n), |row, column| row.with(column, person.get(column)))
}

pub(crate) fn quoted(cell: &str, delimiter: char) -> String {
    if cell.contains([delimiter, '"', '\n', '\r']) || cell.starts_with(' ') {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

/// Rows with their heading.
pub(crate) fn csv(rows: &[Row]) -> String {
    table(rows, ',', "\n")
}

/// Rows with their heading, in a dialect.
pub(crate) fn table(rows: &[Row], delimiter: char, end: &str) -> String {
    let heading = COLUMNS.join(&delimiter.to_string());
    std::iter::once(heading)
        .chain(rows.iter().map(|row| row.line(delimiter)))
        .map(|line| line + end)
        .collect()
}

/// Good rows.
pub(crate) fn rows(numbers: impl IntoIterator<Item = u32>) -> Vec<Row> {
    numbers.into_iter().map(Row::new).collect()
}

/// The n-th invented NHS number: of the 999 range, its check digit right.
pub(crate) fn nhs_number(n: u32) -> String {
    assert!(n < 90_000, "the range is used up");
    let valid = (0..11).map(|k| format!("{}", 999_000_000 + n * 11 + k)).find_map(|nine| {
        let sum: u32 =
            nine.bytes().zip((2..=10).rev()).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
        match 11 - sum % 11 {
            10 => None,
            11 => Some(format!("{nine}0")),
            check => Some(format!("{nine}{check}")),
        }
    });
    valid.unwrap()
}

/// The log's profile.
pub(crate) const LOG_PROFILE: &str = r#"
name = "weir-log"
source = "https://weir.example/log"
export = "events"
ignore = ["Padding"]

[file]
delimiter = ";"

[fields]
event_id = "Event"
referral_id = "Case"
target_event_id = "Amends"
"person.nhs_number" = "NHS"
"person.given" = "Given"
"person.family" = "Family"
"person.birth_date" = "Born"
"person.practice_ods" = "Practice"
"referrer.kind" = { constant = "gp" }
"service.kind" = { constant = "link-worker" }
"service.name" = { constant = "Weir link workers" }
"consent.share" = { constant = "full" }

[[event]]
id = "event"
type = { column = "What", values = "what" }
date = "At"
fields.note = "Note"

[values.what]
referred = { event = "referred" }
accepted = { event = "accepted" }
contacted = { event = "contacted" }
attended = { event = "attended" }
missed = { event = "did_not_attend" }
held = { event = "on_hold" }
resumed = { event = "resumed" }
corrected = { event = "corrected" }
"#;

/// The log's heading.
pub(crate) const LOG_HEADING: &str = "Event;At;What;Case;Amends;NHS;Given;Family;Born;Practice;Note;Padding";

/// The rows of a log: `per_referral` events of each of so many referrals, in no order.
pub(crate) fn log(referrals: u32, per_referral: u32, padding: usize) -> Vec<String> {
    let what = ["referred", "accepted", "contacted", "missed", "attended", "held", "resumed"];
    let mut rows = Vec::new();
    for step in 0..per_referral {
        for n in 0..referrals {
            rows.push(format!(
                "E{n}-{step};2026-{:02}-{:02}T{:02}:15:00;{};W-{n};;{};Mair;Weir{n};1950-01-01;Z99982;note {n} {step};{}",
                step + 1,
                n % 28 + 1,
                9 + step,
                what[step as usize % what.len()],
                nhs_number(n),
                "x".repeat(padding),
            ));
        }
    }
    rows
}

/// A log as a file.
pub(crate) fn log_file(rows: &[String]) -> String {
    std::iter::once(LOG_HEADING)
        .chain(rows.iter().map(String::as_str))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// The same rows in another order, the same for the same seed.
pub(crate) fn shuffled<T: Clone>(rows: &[T], seed: u64) -> Vec<T> {
    let mut rows = rows.to_vec();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for last in (1..rows.len()).rev() {
        // xorshift64: no quality is needed, only another order for each seed.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        rows.swap(last, usize::try_from(state % (last as u64 + 1)).unwrap());
    }
    rows
}
