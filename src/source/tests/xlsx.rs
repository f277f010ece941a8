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
    assert_eq!(out.notes[0], "sheet 1 of 1 was read, with its headings in row 4");
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
    // A sheet may be named after the person it is about: the notes have numbers.
    let notes = [
        "sheet 3 of 4 was read, with its headings in row 1",
        "3 other sheets were not read, 1 of them hidden",
    ];
    assert_eq!(out.notes, notes);
    assert_eq!(with(Some("more"), None).cells(), [["x", ""]]);
    let hidden = with(Some("Hidden"), None);
    assert_eq!(hidden.header, ["h"]);
    assert_eq!(hidden.notes, ["hidden sheet 2 of 4 was read, with its headings in row 1"]);
    let missing = with(Some("None"), None);
    assert_eq!(missing.error_kind(), Some(SourceErrorKind::NotFound));
    let said = missing.error.unwrap().to_string();
    assert!(said.contains("the workbook's 4 (1 hidden)") && !said.contains("Data"), "{said}");
    assert_eq!(with(Some("Data"), Some(9)).error_kind(), Some(SourceErrorKind::NotFound));
    assert_eq!(with(Some("Empty"), None).error_kind(), Some(SourceErrorKind::Empty));
}

/// A merge within one row covers no other row.
#[test]
fn what_merged_cells_mean_is_said_as_it_is() {
    let note = |last_row| {
        let mut book = Workbook::new();
        let sheet = book.add_worksheet();
        ["a", "b"].iter().zip(0..).for_each(|(name, at)| _ = sheet.write(0, at, *name).unwrap());
        sheet.merge_range(1, 0, last_row, 1, "x", &CellFormat::new()).unwrap();
        let out = read_as("s.xlsx", bytes(book), &Options::default());
        out.notes.into_iter().find(|note| note.contains("merged")).unwrap()
    };
    assert!(note(1).ends_with("each value counts for its first column only"), "{}", note(1));
    assert!(note(2).ends_with("and the other rows are refused"), "{}", note(2));
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

/// What a formula gave is read; one that was never worked out is not taken for a blank cell.
#[test]
fn a_formula_without_a_stored_value_refuses_its_row() {
    let rows = [
        r#"<c r="A1" t="inlineStr"><is><t>Case</t></is></c><c r="B1" t="inlineStr"><is><t>Share</t></is></c>"#,
        r#"<c r="A2"><v>1</v></c><c r="B2" t="str"><f>IF(A2=1,"No","")</f><v>No</v></c>"#,
        r#"<c r="A3"><v>2</v></c><c r="B3" t="str"><f>IF(A3=1,"No","")</f><v></v></c>"#,
        r#"<c r="A4"><v>3</v></c><c r="B4"><f>IF(A4=1,"No","")</f></c>"#,
        r#"<c r="A5"><v>4</v></c><c r="B5"><f>IF(A5=1,"No","")</f><v/></c>"#,
        r#"<c r="A6"><v>5</v></c><c r="B6"><f t="shared" ref="B6:B7" si="0">IF(A6=1,"No","")</f></c>"#,
        r#"<c r="A7"><v>6</v></c><c r="B7"><f t="shared" si="0"/></c>"#,
        r#"<c r="A8"><v>7</v></c><c r="B8"/>"#,
    ];
    let rows: Vec<String> =
        (1..).zip(rows).map(|(n, cells): (u32, _)| format!(r#"<row r="{n}">{cells}</row>"#)).collect();
    let sheet = format!(
        r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>"#,
        rows.concat()
    );
    let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let book = format!(
        r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="{relations}">
        <sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>"#
    );
    let targets = |kind: &str, target: &str| {
        format!(
            r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1"
            Type="{relations}/{kind}" Target="{target}"/></Relationships>"#
        )
    };
    let parts = [
        ("_rels/.rels", targets("officeDocument", "xl/workbook.xml")),
        ("xl/workbook.xml", book),
        ("xl/_rels/workbook.xml.rels", targets("worksheet", "worksheets/sheet1.xml")),
        ("xl/worksheets/sheet1.xml", sheet),
    ];
    let parts =
        parts.each_ref().map(|(name, text)| (*name, text.as_bytes(), u32::try_from(text.len()).unwrap()));
    let out = read_as("s.xlsx", archive_of(&parts), &Options::default());
    assert!(out.error.is_none(), "{:?}", out.error);
    assert_eq!(out.cells(), [["1", "No"], ["2", ""], ["7", ""]]);
    let bad: Vec<_> = [4, 5, 6, 7].map(|row| (row, IssueCode::FormulaError)).into();
    assert_eq!(out.bad, bad);
}

#[test]
fn rows_under_a_merged_cell_are_refused_with_its_range() {
    let mut book = Workbook::new();
    let plain = CellFormat::new();
    let sheet = book.add_worksheet();
    for (column, name) in (0..).zip(["Case", "Share", "Note"]) {
        sheet.write(0, column, name).unwrap();
    }
    for row in 1..6 {
        sheet.write(row, 0, row).unwrap().write(row, 2, "x").unwrap();
    }
    sheet.merge_range(1, 1, 3, 1, "No", &plain).unwrap();
    sheet.merge_range(4, 1, 5, 1, "", &plain).unwrap();
    let book = bytes(book);
    let out = read_as("s.xlsx", &book, &Options::default());
    assert_eq!(out.cells(), [["1", "No", "x"], ["4", "", "x"], ["5", "", "x"]]);
    assert_eq!(out.bad, [(3, IssueCode::MergedCells), (4, IssueCode::MergedCells)]);
    // Read again as it is, the row is refused again; and the reason names the range.
    let mut reader = Reader::open(&Input::bytes("s.xlsx", book), &Options::default()).unwrap();
    let layout = std::sync::Arc::clone(reader.layout());
    let mut csv = layout.reject_header().unwrap();
    for batch in &mut reader {
        csv.extend(
            batch
                .unwrap()
                .bad()
                .iter()
                .map(|bad| layout.reject_line(&bad.text, std::slice::from_ref(&bad.issue))),
        );
    }
    assert!(csv.contains("covered by B2:B4"), "{csv}");
    let again = read(&csv);
    assert_eq!((again.rows.len(), again.bad.len()), (0, 2), "{again:?}");
}

/// Each of the cells that cover a row is marked: one of them may be a consent.
#[test]
fn every_merged_cell_over_a_row_is_marked() {
    let mut book = Workbook::new();
    let plain = CellFormat::new();
    let sheet = book.add_worksheet();
    for (column, name) in (0..).zip(["Case", "Service", "Share"]) {
        sheet.write(0, column, name).unwrap();
    }
    sheet.write(1, 0, 1).unwrap().write(2, 0, 2).unwrap();
    sheet.merge_range(1, 1, 2, 1, "Elm", &plain).unwrap();
    sheet.merge_range(1, 2, 2, 2, "No", &plain).unwrap();
    let mut reader = Reader::open(&Input::bytes("s.xlsx", bytes(book)), &Options::default()).unwrap();
    let batches: Vec<_> = (&mut reader).map(Result::unwrap).collect();
    let bad: Vec<_> = batches.iter().flat_map(|batch| batch.bad()).collect();
    assert_eq!(bad.len(), 1);
    assert_eq!((bad[0].text.as_str(), &*bad[0].issue.found), ("2,#ERROR,#ERROR", "covered by B2:B3, C2:C3"));
}

/// A zip archive of one deflated part, whose directory may lie about the part's size.
fn archive(name: &str, content: &[u8], said: u32) -> Vec<u8> {
    archive_of(&[(name, content, said)])
}

/// The same of several.
fn archive_of(parts: &[(&str, &[u8], u32)]) -> Vec<u8> {
    let size = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
    let short = |n: usize| u16::try_from(n).unwrap().to_le_bytes();
    let (mut whole, mut directory) = (Vec::new(), Vec::new());
    for (name, content, said) in parts {
        let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut deflated, content).unwrap();
        let data = deflated.finish().unwrap();
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let common = [
            &[20, 0, 0, 0, 8, 0, 0, 0, 0, 0][..],
            &crc.sum().to_le_bytes(),
            &size(data.len()),
            &said.to_le_bytes(),
            &short(name.len()),
            &[0, 0],
        ]
        .concat();
        let offset = size(whole.len());
        directory.extend([b"PK\x01\x02\x14\x00", &common[..], &[0; 10], &offset, name.as_bytes()].concat());
        whole.extend([b"PK\x03\x04", &common[..], name.as_bytes(), &data].concat());
    }
    let (count, from) = (short(parts.len()), size(whole.len()));
    let end = [b"PK\x05\x06\0\0\0\0", &count[..], &count, &size(directory.len()), &from, &[0, 0]].concat();
    [whole, directory, end].concat()
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
