//! Input that is meant to hurt: refused in words, in bounded time and memory, never a panic.

use std::io::Write;
use std::time::Duration;

use crate::command::{Bench, Ran, limited, sp_within};
use crate::scheme::{COLUMNS, LOG_PROFILE, PROFILE, Row, csv, log_file, nhs_number, rows, table};

/// Memory of a run, stacks of its threads included.
const MEMORY: u64 = 256 << 20;
const TIME: Duration = Duration::from_secs(10);

/// Judges the end of a run whose input was bad.
#[track_caller]
pub(crate) fn survives(what: &str, ran: &Ran) {
    assert!(matches!(ran.code, Some(0..=6)), "{what}: ended with {:?}: {}", ran.code, ran.err);
    assert!(!ran.err.contains("panicked") && !ran.err.contains("internal error"), "{what}: {}", ran.err);
    assert!(ran.took < TIME, "{what}: took {:?}", ran.took);
    assert!(ran.err.len() < 64 << 10, "{what}: {} bytes of complaint", ran.err.len());
}

/// Converts a file under limits of memory and time.
fn attack(bench: &Bench, name: &str, bytes: &[u8]) -> Ran {
    attack_within(MEMORY, bench, name, bytes)
}

fn attack_within(memory: u64, bench: &Bench, name: &str, bytes: &[u8]) -> Ran {
    let (input, profile) = (bench.file(name, bytes), bench.file("p.toml", PROFILE));
    let arguments = ["convert".as_ref(), input.as_os_str(), "--profile".as_ref(), profile.as_os_str()];
    let ran = sp_within(memory, &arguments);
    survives(name, &ran);
    ran
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A file of a few megabytes that holds gibibytes: members of one mebibyte each. Below a good heading a bomb is one bad
/// row, read to its end, so that one is smaller, and larger than the memory it is given.
#[test]
fn bombs_are_refused() {
    let bench = Bench::new();
    let heading = format!("{}\n", COLUMNS.join(","));
    for (name, member) in [
        ("zeros", vec![0_u8; 1 << 20]),
        ("letters", vec![b'a'; 1 << 20]),
        ("quote", [b"\"".as_slice(), &vec![b'a'; (1 << 20) - 1]].concat()),
        ("commas", vec![b','; 1 << 20]),
        ("braces", vec![b'['; 1 << 20]),
        ("tags", b"<a>".repeat(1 << 18)),
    ] {
        let packed = gz(&member).repeat(4096);
        assert!(packed.len() < 32 << 20, "{name}: {} bytes are no bomb", packed.len());
        if matches!(name, "letters" | "quote") {
            let row = zstd::encode_all(&*member, 1).unwrap().repeat(96);
            let bomb = [zstd::encode_all(heading.as_bytes(), 1).unwrap(), row].concat();
            let ran = attack_within(64 << 20, &bench, &format!("heading-{name}.csv.zst"), &bomb);
            assert!(matches!(ran.code, Some(1 | 3)), "{name}: {:?} {}", ran.code, ran.err);
        }
        let packed = zstd::encode_all(&*member, 1).unwrap().repeat(4096);
        let ran = attack(&bench, &format!("{name}.zst"), &packed);
        assert!(matches!(ran.code, Some(1 | 3 | 5)), "{name}: {:?} {}", ran.code, ran.err);
    }
    // Compressed twice: only the outer layer is undone.
    let ran = attack(&bench, "twice.csv.gz", &gz(&gz(csv(&rows(1..3)).as_bytes())));
    assert!(matches!(ran.code, Some(3 | 5)), "{}", ran.err);
}

/// A zip archive of one deflated part, whose directory may lie about its size.
fn archive(name: &str, deflated: &[u8], said: u32) -> Vec<u8> {
    let size = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
    let short = |n: usize| u16::try_from(n).unwrap().to_le_bytes();
    let common = [
        &[20, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
        &size(deflated.len()),
        &said.to_le_bytes(),
        &short(name.len()),
        &[0, 0],
    ]
    .concat();
    let local = [b"PK\x03\x04", &common[..], name.as_bytes(), deflated].concat();
    let central = [b"PK\x01\x02\x14\x00", &common[..], &[0; 14], name.as_bytes()].concat();
    let end =
        [b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &size(central.len())[..], &size(local.len()), &[0, 0]].concat();
    [local, central, end].concat()
}

#[test]
fn workbooks_that_lie_are_refused() {
    let bench = Bench::new();
    // Blocks that end on a byte can follow one another: 48 MiB of one deflated mebibyte.
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..48 {
        encoder.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let packed = encoder.finish().unwrap();
    for part in [
        "xl/workbook.xml",
        "xl/sharedStrings.xml",
        "xl/worksheets/sheet1.xml",
        "[Content_Types].xml",
        "_rels/.rels",
    ] {
        for said in [10, 48 << 20, u32::MAX] {
            let ran = attack(&bench, "bomb.xlsx", &archive(part, &packed, said));
            assert_eq!(ran.code, Some(3), "{part} {said}: {}", ran.err);
        }
    }
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (row, values) in (0..).zip(
        std::iter::once(COLUMNS.map(str::to_owned).to_vec())
            .chain(rows(1..40).iter().map(|r| COLUMNS.iter().map(|c| r.get(c).to_owned()).collect())),
    ) {
        for (column, value) in (0..).zip(values) {
            sheet.write(row, column, value).unwrap();
        }
    }
    let whole = book.save_to_buffer().unwrap();
    attack(&bench, "whole.xlsx", &whole).ended(0);
    for cut in [1, 4, 22, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
        let ran = attack(&bench, "cut.xlsx", &whole[..cut]);
        assert!(matches!(ran.code, Some(3 | 5)), "{cut}: {:?} {}", ran.code, ran.err);
    }
    for place in (0..whole.len()).step_by(whole.len() / 40) {
        let mut changed = whole.clone();
        changed[place] ^= 0x5a;
        attack(&bench, "changed.xlsx", &changed);
    }
}

#[test]
fn deep_nesting_is_refused() {
    let bench = Bench::new();
    let deep = 100_000;
    let object = "{\"a\":".repeat(deep) + "1" + &"}".repeat(deep);
    let array = "[".repeat(deep) + &"]".repeat(deep);
    let xml = "<a>".repeat(deep) + &"</a>".repeat(deep);
    for (name, text) in [
        ("object.json", object.clone()),
        ("array.json", array.clone()),
        ("open.json", "[".repeat(deep)),
        ("line.ndjson", format!("{object}\n{array}\n")),
        ("inside.json", format!("[{{\"Case\":{array}}}]")),
        ("deep.xml", xml.clone()),
        ("record.xml", format!("<rows><row>{xml}</row><row>{xml}</row></rows>")),
        ("open.xml", "<a>".repeat(deep)),
        ("names.xml", format!("<{0}></{0}>", "a:".repeat(deep))),
        (
            "attributes.xml",
            format!("<r><row {}/></r>", (0..deep).map(|n| format!("a{n}=\"\" ")).collect::<String>()),
        ),
    ] {
        let ran = attack(&bench, name, text.as_bytes());
        assert!(matches!(ran.code, Some(3 | 5)), "{name}: {:?} {}", ran.code, ran.err);
    }
}

#[test]
fn a_doctype_is_refused_wherever_it_stands() {
    let bench = Bench::new();
    let bomb =
        "<!DOCTYPE r [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]><r><row>&b;</row><row>&b;</row></r>";
    let outside = "<?xml version=\"1.0\"?>\n<!-- x -->\n<!DOCTYPE r SYSTEM \"file:///etc/hostname\"><r><row/><row/></r>";
    for (name, text) in [("bomb.xml", bomb), ("outside.xml", outside)] {
        let ran = attack(&bench, name, text.as_bytes()).ended(3).says(&[name, "DOCTYPE"]);
        assert!(ran.out.is_empty());
    }
    let fhir = "<!DOCTYPE Patient [<!ENTITY x \"y\">]><Patient xmlns=\"http://hl7.org/fhir\"><id value=\"&x;\"/></Patient>";
    let ran = attack(&bench, "fhir.xml", fhir.as_bytes());
    assert!(matches!(ran.code, Some(3 | 5)) && ran.err.contains("DOCTYPE"), "{}", ran.err);
}

#[test]
fn truncated_archives_are_refused() {
    let bench = Bench::new();
    let text = csv(&rows(1..300));
    for (name, packed) in
        [("cut.csv.gz", gz(text.as_bytes())), ("cut.csv.zst", zstd::encode_all(text.as_bytes(), 1).unwrap())]
    {
        for cut in [3, 12, packed.len() / 2, packed.len() - 1] {
            let ran = attack(&bench, name, &packed[..cut]);
            assert!(matches!(ran.code, Some(3 | 5)), "{name} {cut}: {:?} {}", ran.code, ran.err);
        }
        let mut changed = packed.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 0xff;
        let ran = attack(&bench, name, &changed);
        assert!(ran.code != Some(0), "{name}: damage went through");
    }
}

/// A bad character refuses its row; the rows round it go on.
#[test]
fn bad_characters_refuse_their_row() {
    let bench = Bench::new();
    let marked = |mark: &[u8]| {
        let text = csv(&[Row::new(1), Row::new(2).with("Note", "MARK"), Row::new(3)]);
        let (before, after) = text.split_once("MARK").unwrap();
        [before.as_bytes(), mark, after.as_bytes()].concat()
    };
    let ran = attack(&bench, "nul.csv", &marked(b"a\0b")).ended(1).says(&["[nul-character]", "nul.csv:3"]);
    assert!(ran.text().contains("TW-1") && ran.text().contains("TW-3") && !ran.text().contains("TW-2"));
    // Half a character late in a file that began as UTF-8.
    let mut long = csv(&rows(1..2_000)).into_bytes();
    long.extend_from_slice("TW-9998,ŵŷ\n".as_bytes());
    long.extend(marked(b"\xff\xfe\xfa").splitn(2, |byte| *byte == b'\n').nth(1).unwrap());
    let ran = attack(&bench, "late.csv", &long);
    assert!(ran.code == Some(1) && !ran.text().contains("\u{fffd}"), "{:?} {}", ran.code, ran.err);
    // A table in an encoding nobody named, and text that is cut in the middle of a UTF-16 character.
    let utf16: Vec<u8> = csv(&rows(1..4)).encode_utf16().flat_map(u16::to_le_bytes).collect();
    attack(&bench, "utf16.csv", &[b"\xff\xfe", utf16.as_slice()].concat()).ended(0);
    let ran = attack(&bench, "odd.csv", &[b"\xff\xfe", &utf16[..utf16.len() - 1]].concat());
    assert!(ran.code != Some(0), "half a character at the end went unseen");
    let ran = attack(&bench, "nomark.csv", &utf16);
    assert!(matches!(ran.code, Some(0 | 3 | 5)), "{:?} {}", ran.code, ran.err);
}

/// Two case numbers that look the same are no two referrals, and two numbers that do no two persons.
#[test]
fn a_character_that_nobody_sees_makes_no_other_identifier() {
    let bench = Bench::new();
    for unseen in ["\u{200b}", "\u{200d}", "\u{2060}", "\u{feff}"] {
        for (column, value) in [("Case", "TW-2"), ("Person", "P2")] {
            for wrong in [format!("{unseen}{value}"), value.replacen('2', &format!("{unseen}2"), 1)] {
                let rows = [Row::new(1), Row::new(2).with(column, &wrong)];
                let ran = attack(&bench, "unseen.csv", csv(&rows).as_bytes()).ended(1);
                let ran = ran.says(&[
                    "[nul-character]",
                    &format!("unseen.csv:3:{column}"),
                    "an invisible character",
                ]);
                assert!(ran.text().contains("TW-1") && !ran.text().contains("TW-2"), "{wrong:?}");
            }
        }
        let wrong = nhs_number(2) + unseen;
        let ran = attack(&bench, "number.csv", csv(&[Row::new(2).with("NHS", &wrong)]).as_bytes()).ended(3);
        ran.says(&["[nhs-number-format]", "an invisible character"]);
        // The row that looks the same is of the same referral: which of them is meant, a person says.
        let twins = [Row::new(1), Row::new(2), Row::new(2).with("Case", &format!("TW-2{unseen}"))];
        let ran =
            attack(&bench, "twins.csv", csv(&twins).as_bytes()).ended(1).says(&["[duplicate-referral-id]"]);
        assert!(ran.text().contains("TW-1") && !ran.text().contains("TW-2"), "{unseen:?}");
        // In a text they do no harm.
        attack(&bench, "note.csv", csv(&[Row::new(1).with("Note", &format!("a{unseen}b"))]).as_bytes())
            .ended(0);
    }
}

#[test]
fn huge_and_open_cells_refuse_their_row() {
    let bench = Bench::new();
    let huge =
        |length: usize| csv(&[Row::new(1), Row::new(2).with("Note", &"x".repeat(length)), Row::new(3)]);
    for length in [2 << 20, 64 << 20] {
        let ran = attack(&bench, "huge.csv", huge(length).as_bytes());
        assert!(matches!(ran.code, Some(1 | 3)), "{length}: {:?} {}", ran.code, ran.err);
        assert!(ran.err.contains("too-large") || ran.err.contains("more than"), "{}", ran.err);
    }
    let text = csv(&[Row::new(1), Row::new(2).with("Note", "OPEN"), Row::new(3), Row::new(4)])
        .replace("OPEN", "\"OPEN");
    let ran = attack(&bench, "open.csv", text.as_bytes()).says(&["[quote-open]", "open.csv:3"]);
    assert!(ran.code == Some(1) && ran.text().contains("TW-4"), "{}", ran.err);
    let short = table(&rows(1..3), ',', "\n") + "TW-3,P3\n" + &Row::new(4).line(',') + ",,,,,\n";
    attack(&bench, "shape.csv", short.as_bytes()).says(&["[row-shape]"]);
    // Rows without end and columns without end.
    let ran = attack(&bench, "columns.csv", &b"a,".repeat(1 << 20));
    assert!(matches!(ran.code, Some(3 | 5)), "{:?} {}", ran.code, ran.err);
    attack(&bench, "lines.csv", &[csv(&rows(1..2)).into_bytes(), vec![b'\n'; 4 << 20]].concat());
}

/// Many bad rows cost no more memory than many good ones.
#[test]
fn a_file_of_bad_rows_is_refused_in_bounded_memory() {
    let bench = Bench::new();
    let line = format!("TW-1,{}\n", "x".repeat(1_000));
    let text = [COLUMNS.join(",").as_str(), "\n", &line.repeat(40_000)].concat();
    let (input, profile) = (bench.file("in.csv", text), bench.file("p.toml", PROFILE));
    let arguments = [
        "convert".as_ref(),
        input.as_os_str(),
        "--profile".as_ref(),
        profile.as_os_str(),
        "--jobs".as_ref(),
        "2".as_ref(),
    ];
    let ran = sp_within(MEMORY, &arguments);
    assert!(matches!(ran.code, Some(3)), "{:?} {}", ran.code, ran.err);
    assert!(ran.err.contains("40000 refused"), "{}", ran.err);
}

#[test]
fn a_json_key_twice_is_refused() {
    let bench = Bench::new();
    let twice = "{\"Case\":\"TW-1\",\"Case\":\"TW-2\"}\n{\"Case\":\"TW-3\"}\n";
    attack(&bench, "twice.ndjson", twice.as_bytes()).ended(3).says(&["[duplicate-key]", "twice.ndjson:1"]);
    let inside = "{\"Case\":\"TW-1\",\"x\":{\"y\":1,\"\\u0079\":2}}\n";
    attack(&bench, "inside.ndjson", inside.as_bytes()).ended(3).says(&["[duplicate-key]"]);
}

/// A log with tens of thousands of events of one referral takes as long as one with as many referrals, also beside an
/// earlier export. Counted is the time of the processor, whatever else runs.
#[test]
fn very_many_events_of_one_referral_take_no_longer_than_they_must() {
    let bench = Bench::new();
    let what = |n: u32| match n {
        0 => "referred",
        1 => "accepted",
        // From the third on each has a remark: it skips a step.
        n if n.is_multiple_of(2) => "held",
        _ => "attended",
    };
    let rows: Vec<String> = (0..30_000_u32)
        .map(|n| {
            let day = format!("20{:02}-{:02}-{:02}", n / 2000 + 10, n / 28 % 12 + 1, n % 28 + 1);
            let (what, number) = (what(n), nhs_number(1));
            format!("E{n};{day};{what};W-1;;{number};Mair;Weir;1950-01-01;Z99982;;")
        })
        .collect();
    let (input, profile) = (bench.file("log.csv", log_file(&rows)), bench.file("p.toml", LOG_PROFILE));
    for since in [false, true] {
        let Some(mut command) = limited("--cpu=25") else { return };
        command
            .arg("convert")
            .arg(&input)
            .arg("--profile")
            .arg(&profile)
            .arg("-o")
            .arg(bench.path("out.ndjson"));
        if since {
            command.arg("--since").arg(&input);
        }
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{since}: {:?} {said}", output.status);
    }
}
