//! People for the benches: as many NHS numbers of the test range as are asked for. Next: `../store.rs`, `../intake.rs`.

/// A number of the test range; each another up to 500,000, so that no person has a thousand referrals.
pub(crate) fn nhs_number(number: usize) -> String {
    let check = |nine: &str| -> usize {
        let sum: usize = nine.bytes().zip(0..).map(|(digit, at)| usize::from(digit - b'0') * (10 - at)).sum();
        (11 - sum % 11) % 11
    };
    // One of two neighbours always has a check digit.
    let nine = [0, 1].map(|odd| format!("999{:06}", (number * 2 + odd) % 1_000_000));
    let nine = nine.iter().find(|nine| check(nine) < 10).unwrap();
    format!("{nine}{}", check(nine))
}
