//! Lengths of time as they are written: a number and `ms`, `s`, `m`, `h` or `d`. Next: [`super::resolve`].

use std::time::Duration;

/// What is said when a length of time cannot be read.
pub const REMEDY: &str = "write a number and its unit: \"500ms\", \"30s\", \"15m\", \"2h\" or \"30d\"";

/// Reads `"30s"`.
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(split)?;
    let number: u64 = number.parse().ok()?;
    let seconds = |each: u64| number.checked_mul(each).map(Duration::from_secs);
    match unit.trim_start() {
        "ms" => Some(Duration::from_millis(number)),
        "s" => seconds(1),
        "m" => seconds(60),
        "h" => seconds(3600),
        "d" => seconds(24 * 3600),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_its_unit() {
        for (text, millis) in
            [("500ms", 500), ("30s", 30_000), ("15 m", 900_000), ("2h", 7_200_000), (" 1d ", 86_400_000)]
        {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "30", "s", "-1s", "1.5h", "30 sec", "99999999999999999999s", "9999999999999999999d"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
