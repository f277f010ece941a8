//! What a spreadsheet's cell says, as text.
//!
//! What it is: one rule per kind of cell. Dates become ISO 8601; numbers keep the digits that were stored, so that
//! a long code that was damaged by being a number can be recognised (1659111000000107 typed as a number is stored
//! as 1659111000000100); a formula is its stored value. What it is not: the display format; thousands separators
//! and currency signs are not part of the value. Next: [`super::xlsx`].

use calamine::{DataRef, ExcelDateTime};

/// The text of a cell; `None` for an error value such as `#REF!`.
pub(crate) fn text(value: &DataRef<'_>) -> Option<String> {
    Some(match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => float(*number),
        DataRef::Bool(true) => "TRUE".to_owned(),
        DataRef::Bool(false) => "FALSE".to_owned(),
        DataRef::DateTime(moment) => date(moment),
        DataRef::DateTimeIso(text) => text.strip_suffix("T00:00:00").unwrap_or(text).to_owned(),
        DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(_) => return None,
    })
}

/// All stored digits, no exponent as long as a code could be that long, no `.0`.
pub(crate) fn float(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let size = number.abs();
    if (1e-9..1e21).contains(&size) { format!("{number}") } else { format!("{number:E}") }
}

fn date(moment: &ExcelDateTime) -> String {
    let serial = moment.as_f64();
    // Outside these bounds (years 1900 to 9999) a number only looks like a date.
    if !(0.0..2_958_466.0).contains(&serial) {
        return float(serial);
    }
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    if moment.is_duration() {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // bounded above
        let seconds = (serial * 86_400.0).round() as u64;
        return format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    if serial < 1.0 {
        return time;
    }
    let day = format!("{year:04}-{month:02}-{day:02}");
    if time == "00:00:00" { day } else { format!("{day}T{time}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::ExcelDateTimeType;

    #[test]
    fn numbers_keep_their_digits() {
        assert_eq!(float(1_659_111_000_000_100.0), "1659111000000100");
        assert_eq!(float(871_731_000_000_106_000.0), "871731000000106000");
        assert_eq!(float(9_990_004_218.0), "9990004218");
        assert_eq!(float(2.5), "2.5");
        assert_eq!(float(-0.0), "0");
        assert_eq!(float(1.5e30), "1.5E30");
        assert_eq!(float(f64::INFINITY), "inf");
    }

    #[test]
    fn dates_are_iso() {
        let of = |n: f64, kind| date(&ExcelDateTime::new(n, kind, false));
        assert_eq!(of(45_413.0, ExcelDateTimeType::DateTime), "2024-05-01");
        assert_eq!(of(45_413.5, ExcelDateTimeType::DateTime), "2024-05-01T12:00:00");
        assert_eq!(of(0.25, ExcelDateTimeType::DateTime), "06:00:00");
        assert_eq!(of(1.5, ExcelDateTimeType::TimeDelta), "36:00:00");
        assert_eq!(of(-5.0, ExcelDateTimeType::DateTime), "-5");
        assert_eq!(of(1e9, ExcelDateTimeType::DateTime), "1000000000");
    }
}
