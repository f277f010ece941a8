//! What several test crates need, word for word the same. A crate takes it in with `#[path = "../common/mod.rs"]`.

#![allow(dead_code, reason = "not every crate needs everything")]

use std::io::Write as _;

/// The value of an environment variable, or nothing after saying on the real standard error what is not tested
/// (`eprintln!` would be swallowed for a test that passes).
pub(crate) fn need(test: &str, variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        // One write, on a line of its own: other tests and the test runner write at the same time.
        let said = format!("\nSKIPPED: {test}: {variable} is not set\n");
        let _ = std::io::stderr().write_all(said.as_bytes());
    }
    value
}

/// `999` and six digits with their check digit; none where ten would be needed.
pub(crate) fn test_number(middle: u32) -> Option<String> {
    let nine = format!("999{middle:06}");
    let sum: u32 =
        nine.bytes().zip((2..=10).rev()).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    match (11 - sum % 11) % 11 {
        10 => None,
        check => Some(format!("{nine}{check}")),
    }
}
