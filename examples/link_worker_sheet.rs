//! Makes `fixtures/link-worker-sheet/export.xlsx`, a link worker's workbook with everything that people do to
//! workbooks: title rows, merged headings, notes of two lines, a code that a number cell has rounded, an error
//! value, a blank row and a total below the table. Invented people, places and numbers.
//!
//! `cargo run --example link_worker_sheet` writes it anew; the bytes are the same every time.

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Formula, Workbook, Worksheet, XlsxError};

/// Number, NHS number, name, birth date, surgery code, referred on, from, reason, first and last contact,
/// discharged on, outcome, notes. Dates as year, month, day.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    Day,
    &'static str,
    Day,
    &'static str,
    &'static str,
    Day,
    Day,
    Day,
    &'static str,
    &'static str,
);
type Day = Option<(u16, u8, u8)>;

const fn on(year: u16, month: u8, day: u8) -> Day {
    Some((year, month, day))
}

const ROWS: &[Row] = &[
    (
        "AB-001",
        "999 078 0471",
        "Ceredig, Mari Elen",
        on(1952, 4, 12),
        "Z99971",
        on(2026, 1, 12),
        "GP",
        "Lonely since her husband died; would like to get out more",
        on(2026, 1, 16),
        on(2026, 3, 20),
        on(2026, 3, 27),
        "Goals met",
        "Coffee morning on Tuesdays.\nBus pass applied for.",
    ),
    (
        "AB-002",
        "999 508 7286",
        "Piątek, Grażyna",
        on(1968, 9, 30),
        "Z99971",
        on(2026, 1, 15),
        "GP",
        "Looks after her father",
        on(2026, 1, 20),
        on(2026, 2, 24),
        None,
        "",
        "",
    ),
    (
        "AB-003",
        "9991008578",
        "Rhodri, Aled",
        on(1979, 12, 3),
        "Z99971",
        on(2026, 1, 19),
        "ANP",
        "Debt",
        on(2026, 1, 23),
        on(2026, 1, 23),
        on(2026, 2, 27),
        "DNA",
        "Two letters sent.",
    ),
    (
        "AB-004",
        "999 204 3172",
        "al-Zahrāwī, Ṣafiyya",
        on(1988, 2, 29),
        "Z99971",
        on(2026, 1, 26),
        "Social worker",
        "Housing",
        on(2026, 1, 29),
        on(2026, 4, 2),
        None,
        "",
        "",
    ),
    (
        "AB-005",
        "999 850 7367",
        "Hywel, Gwen",
        on(1947, 7, 7),
        "Z99971",
        on(2026, 2, 2),
        "GP",
        "Cares for husband with dementia",
        on(2026, 2, 6),
        on(2026, 5, 1),
        on(2026, 5, 8),
        "Partly met",
        "Respite arranged.\nDaughter moving nearer.",
    ),
    (
        "AB-006",
        "999 140 7456",
        "Ŵyr, Tegid",
        on(1994, 10, 21),
        "Z99971",
        on(2026, 2, 9),
        "GP",
        "Low mood, out of work",
        None,
        None,
        on(2026, 2, 20),
        "Moved away",
        "",
    ),
    (
        "AB-001",
        "999 078 0471",
        "Ceredig, Mari Elen",
        on(1952, 4, 12),
        "Z99971",
        on(2026, 9, 14),
        "GP",
        "Lonely again, the coffee morning has closed",
        on(2026, 9, 18),
        on(2026, 10, 16),
        None,
        "",
        "Back after six months.",
    ),
    (
        "AB-007",
        "999 250 6571",
        "Nowak, Jerzy",
        on(1959, 5, 17),
        "Z99971",
        on(2026, 2, 16),
        "Self",
        "Wants to learn to use a tablet",
        None,
        None,
        None,
        "",
        "Rang us himself.",
    ),
    (
        "AB-008",
        "999 456 2002",
        "Einion Gwilym",
        on(1973, 3, 25),
        "Z99971",
        on(2026, 2, 23),
        "GP",
        "Transport",
        on(2026, 2, 27),
        on(2026, 2, 27),
        None,
        "",
        "The name was typed without a comma.",
    ),
    (
        "AB-009",
        "999 123 2885",
        "Llwyd, Menna",
        on(1965, 11, 11),
        "Z99971",
        on(2026, 3, 2),
        "GP",
        "Isolation",
        on(2026, 3, 6),
        on(2026, 3, 6),
        None,
        "",
        "",
    ),
    (
        "AB-010",
        "9994092201",
        "Iorwerth, Beca",
        on(1981, 1, 5),
        "Z99971",
        on(2026, 3, 9),
        "GP",
        "Benefits",
        on(2026, 3, 13),
        on(2026, 3, 13),
        None,
        "",
        "",
    ),
    (
        "AB-011",
        "999 964 7189",
        "Bielska, Róża",
        on(1942, 8, 28),
        "Z99971",
        on(2026, 3, 16),
        "GP",
        "Falls, does not go out",
        on(2026, 3, 20),
        on(2026, 6, 12),
        on(2026, 6, 19),
        "Goals met",
        "Walks to the shop.",
    ),
    (
        "AB-012",
        "999 418 4490",
        "Haddād, Ilyās",
        on(2002, 6, 13),
        "Z99971",
        on(2026, 3, 23),
        "ANP",
        "Getting online",
        on(2026, 3, 27),
        None,
        None,
        "",
        "",
    ),
];

fn main() -> Result<(), XlsxError> {
    let mut book = Workbook::new();
    // Without this the file would hold the time of the run.
    let made = ExcelDateTime::from_ymd(2026, 11, 2)?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&made));
    let (wrap, bold) = (Format::new().set_text_wrap(), Format::new().set_bold());
    let day = Format::new().set_num_format("dd/mm/yyyy");
    book.add_worksheet().set_name("Read me")?.write(0, 0, "Ask the PCN before changing the columns")?;
    let sheet = book.add_worksheet().set_name("Caseload")?;
    headings(sheet, &bold)?;
    let mut at = 4;
    for row in ROWS {
        // Somebody left a line free.
        at += u32::from(row.0 == "AB-010");
        let (client, nhs, name, born, surgery, referred, from, reason, first, last, end, outcome, notes) =
            *row;
        for (column, text) in
            [(0, client), (1, nhs), (2, name), (5, surgery), (7, from), (8, reason), (13, outcome)]
        {
            if !text.is_empty() {
                sheet.write(at, column, text)?;
            }
        }
        sheet.write(at, 4, "Fernley Surgery (invented)")?;
        for (column, date) in [(3, born), (6, referred), (10, first), (11, last), (12, end)] {
            if let Some((year, month, of_month)) = date {
                sheet.write_with_format(
                    at,
                    column,
                    &ExcelDateTime::from_ymd(year, month, of_month)?,
                    &day,
                )?;
            }
        }
        if !notes.is_empty() {
            sheet.write_with_format(at, 14, notes, &wrap)?;
        }
        match client {
            // Typed as a number, 16 digits: a workbook keeps 15 of them.
            "AB-002" => sheet.write(at, 9, 1_364_141_000_000_100.0_f64)?,
            "AB-003" => sheet.write(at, 9, 160_932_005.0_f64)?,
            "AB-005" => sheet.write(at, 9, "8.24401E+14")?,
            "AB-009" => sheet.write(at, 9, Formula::new("#REF!+1").set_result("#REF!"))?,
            _ => sheet,
        };
        at += 1;
    }
    sheet.write(at + 1, 0, "Total")?.write(
        at + 1,
        6,
        f64::from(u32::try_from(ROWS.len()).unwrap_or_default()),
    )?;
    book.save("fixtures/link-worker-sheet/export.xlsx")
}

/// A title over the whole table, a line below it, and two rows of headings.
fn headings(sheet: &mut Worksheet, bold: &Format) -> Result<(), XlsxError> {
    sheet.merge_range(0, 0, 0, 14, "Social prescribing caseload, Alderbrook PCN (invented)", bold)?;
    sheet.write(1, 0, "Printed 02/11/2026. Please shred.")?;
    sheet.merge_range(2, 0, 3, 0, "Client no.", bold)?;
    sheet.merge_range(2, 1, 2, 5, "Client", bold)?;
    sheet.merge_range(2, 6, 2, 9, "Referral", bold)?;
    sheet.merge_range(2, 10, 2, 11, "Contact", bold)?;
    sheet.merge_range(2, 12, 2, 13, "Discharge", bold)?;
    sheet.merge_range(2, 14, 3, 14, "Notes", bold)?;
    let lower = [
        "NHS no.",
        "Name",
        "DOB",
        "Surgery",
        "Surgery code",
        "Date",
        "From",
        "Reason",
        "Code",
        "First",
        "Last",
        "Date",
        "Outcome",
    ];
    for (column, text) in (1..).zip(lower) {
        sheet.write_with_format(3, column, text, bold)?;
    }
    Ok(())
}
