//! Workbooks, made in the test.

use rust_xlsxwriter::{ExcelDateTime, Format as CellFormat, Formula, Workbook};

use super::*;
use crate::source::Limits;

fn bytes(mut book: Workbook) -> Vec<u8> {
    book.save_to_buffer().unwrap()
}

/// A title over all, two rows of headings with merged cells, and every kind of cell.
fn scheme_sheet() -> Workbook {
    let mut book = Workbook::new();
    let (plain, date) = (CellFormat::new(), CellFormat::new().set_num_format("dd/mm/yyyy"));
    let moment = CellFormat::new().set_num_format("dd/mm/yyyy hh:mm");
    let sheet = book.add_worksheet().set_name("Referrals").unwrap();
    sheet.merge_range(0, 0, 0, 5, "Social prescribing, 2024", &plain).unwrap();
    sheet.merge_range(2, 0, 3, 0, "NHS No", &plain).unwrap();
    sheet.merge_range(2, 1, 2, 2, "Contact", &plain).unwrap();
    sheet.write(3, 1, "First").unwrap().write(3, 2, "Last").unwrap();
    sheet.write(2, 3, "Code").unwrap().write(2, 4, "Seen").unwrap().write(2, 5, "Notes").unwrap();
    sheet.write(4, 0, 9_990_004_218_u64).unwrap();
    sheet.write_with_format(4, 1, ExcelDateTime::parse_from_str("2024-05-01").unwrap(), &date).unwrap();
    sheet
        .write_with_format(4, 2, ExcelDateTime::parse_from_str("2024-05-02T13:30:00").unwrap(), &moment)
        .unwrap();
    sheet.write(4, 3, 1_659_111_000_000_100_f64).unwrap().write(4, 4, true).unwrap();
    sheet.write(4, 5, "a, \"b\"\nc").unwrap();
    sheet.write(6, 0, "999 000 4218").unwrap().write(6, 3, 2.5).unwrap();
    sheet.write_formula(6, 5, Formula::new("=1+1").set_result("2")).unwrap();
    sheet.write(7, 0, "x").unwrap().write_formula(7, 1, Formula::new("=1/0").set_result("#DIV/0!")).unwrap();
    sheet.write(8, 0, "too wide").unwrap().write(8, 7, "stray").unwrap();
    book
}

#[test]
fn titles_merged_headings_and_every_kind_of_cell() {
    let out = read_as("s.xlsx", bytes(scheme_sheet()), &Options::default());
    assert_eq!(out.format, Some(Format::Xlsx), "{out:?}");
    assert_eq!(out.header, ["NHS No", "Contact / First", "Contact / Last", "Code", "Seen", "Notes"]);
    assert_eq!(
        out.rows[0],
        (
            5,
            ["9990004218", "2024-05-01", "2024-05-02T13:30:00", "1659111000000100", "TRUE", "a, \"b\"\nc"]
                .map(String::from)
                .to_vec()
        )
    );
    assert_eq!(out.rows[1], (7, ["999 000 4218", "", "", "2.5", "", "2"].map(String::from).to_vec()));
    assert_eq!(out.bad, [(8, IssueCode::FormulaError), (9, IssueCode::RowShape)]);
    assert_eq!((out.blank, out.rows.len(), out.error.is_none()), (1, 2, true));
    assert!(out.notes[0].contains("`Referrals`") && out.notes[0].contains("row 4"), "{:?}", out.notes);
}

#[test]
fn a_workbook_in_gzip_and_refused_rows_as_csv() {
    let book = bytes(scheme_sheet());
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, &book).unwrap();
    let out = read(packed.finish().unwrap());
    assert_eq!(out.rows.len(), 2);
    // What is refused becomes CSV with the joined headings, and can be read alone.
    let mut reader = Reader::open(&Input::bytes("s.xlsx", book), &Options::default()).unwrap();
    let layout = std::sync::Arc::clone(reader.layout());
    let mut csv = layout.reject_header().unwrap();
    for batch in &mut reader {
        let batch = batch.unwrap();
        csv.extend(batch.records().map(|r| layout.reject_line(r.text, &[])));
    }
    let again = read(&csv);
    assert_eq!((again.header, again.rows[0].1.clone()), (out.header, out.rows[0].1.clone()));
}

#[test]
fn sheets_are_chosen() {
    let mut book = Workbook::new();
    book.add_worksheet().set_name("Empty").unwrap();
    book.add_worksheet().set_name("Hidden").unwrap().set_hidden(true).write(0, 0, "h").unwrap();
    let sheet = book.add_worksheet().set_name("Data").unwrap();
    sheet.write(0, 0, "Case").unwrap().write(1, 0, 7).unwrap();
    let sheet = book.add_worksheet().set_name("More").unwrap();
    sheet.write(0, 0, "a").unwrap().write(0, 1, "b").unwrap().write(1, 0, "x").unwrap();
    let book = bytes(book);
    let with = |sheet: Option<&str>, header_row| {
        read_as(
            "s.xlsx",
            &book,
            &Options { sheet: sheet.map(String::from), header_row, ..Options::default() },
        )
    };
    let out = with(None, None);
    assert_eq!((out.header.as_slice(), out.cells()), (&["Case".to_owned()][..], vec![vec!["7"]]));
    assert!(out.notes[1].contains("More"), "{:?}", out.notes);
    assert_eq!(with(Some("more"), None).cells(), [["x", ""]]);
    assert_eq!(with(Some("Hidden"), None).header, ["h"]);
    let missing = with(Some("None"), None);
    assert_eq!(missing.error_kind(), Some(SourceErrorKind::NotFound));
    assert!(missing.error.unwrap().to_string().contains("Data"));
    assert_eq!(with(Some("Data"), Some(9)).error_kind(), Some(SourceErrorKind::NotFound));
    assert_eq!(with(Some("Empty"), None).error_kind(), Some(SourceErrorKind::Empty));
}

#[test]
fn many_rows_and_formatted_empty_ones() {
    let mut book = Workbook::new();
    let bold = CellFormat::new().set_bold();
    let sheet = book.add_worksheet();
    sheet.write(0, 0, "a").unwrap().write(0, 1, "b").unwrap();
    for row in 1..=20_000_u32 {
        sheet.write(row, 0, row).unwrap().write(row, 1, "some text of a few words").unwrap();
    }
    for row in 20_001..120_000 {
        sheet.write_blank(row, 0, &bold).unwrap();
    }
    let book = bytes(book);
    let out = read_as("s.xlsx", &book, &Options::default());
    assert!(out.error.is_none(), "{:?}", out.error);
    assert_eq!((out.rows.len(), out.blank, out.rows[19_999].0), (20_000, 0, 20_001));
    // The same sheet is above a limit that is smaller than its XML.
    let limits = Limits { max_workbook_part: 1 << 20, ..Limits::default() };
    let out = read_as("s.xlsx", &book, &Options { limits, ..Options::default() });
    assert_eq!(out.error_kind(), Some(SourceErrorKind::TooLarge));
}

/// A zip archive of one deflated part, whose directory may lie about the part's size.
fn archive(name: &str, content: &[u8], said: u32) -> Vec<u8> {
    let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut deflated, content).unwrap();
    let data = deflated.finish().unwrap();
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let size = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
    let short = |n: usize| u16::try_from(n).unwrap().to_le_bytes();
    let common = [
        &[20, 0, 0, 0, 8, 0, 0, 0, 0, 0][..],
        &crc.sum().to_le_bytes(),
        &size(data.len()),
        &said.to_le_bytes(),
        &short(name.len()),
        &[0, 0],
    ]
    .concat();
    let local = [b"PK\x03\x04", &common[..], name.as_bytes(), &data].concat();
    let central = [b"PK\x01\x02\x14\x00", &common[..], &[0; 14], name.as_bytes()].concat();
    let end =
        [b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &size(central.len())[..], &size(local.len()), &[0, 0]].concat();
    [local, central, end].concat()
}

#[test]
fn bombs_and_lies_about_sizes() {
    let zeros = vec![b' '; 40 << 20];
    let limits = Limits { max_workbook_part: 32 << 20, ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    for said in [40 << 20, 10] {
        let out = read_as("b.xlsx", archive("xl/sharedStrings.xml", &zeros, said), &options);
        assert_eq!(out.error_kind(), Some(SourceErrorKind::TooLarge), "{:?}", out.error);
    }
    let out = read_as("b.xlsx", archive("xl/workbook.xml", b"<x/>", 3), &options);
    assert_eq!(out.error_kind(), Some(SourceErrorKind::Malformed));
}

#[test]
fn other_archives_are_named() {
    for (part, word) in [
        ("word/document.xml", "Word"),
        ("content.xml", ".ods"),
        ("xl/workbook.bin", ".xlsb"),
        ("a.csv", "zip"),
    ] {
        let error = read(archive(part, b"<x/>", 4)).error.unwrap();
        assert_eq!(error.kind(), SourceErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn damaged_workbooks_end_in_an_error() {
    let whole = bytes(scheme_sheet());
    for cut in [4, 30, whole.len() / 2, whole.len() - 10] {
        assert!(read(&whole[..cut]).error.is_some(), "{cut}");
    }
    // Any byte changed: an error or rows, never a panic of ours.
    for place in (0..whole.len()).step_by(97) {
        let mut changed = whole.clone();
        changed[place] ^= 0x55;
        let _ = read(&changed);
    }
    assert_eq!(read(archive("xl/workbook.xml", b"<x/>", 4)).error_kind(), Some(SourceErrorKind::Malformed));
}
