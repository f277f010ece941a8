//! What an authorisation server said when it gave no token.
//!
//! What this is not: nothing is decided by words, only by the status. Invariant: what goes to the log cannot be what we
//! sent: no value of the request, no long word, nothing that mixes letters and digits. Next: [`super::token_client`].

use serde::Deserialize;

use crate::outbox::Reason;

/// An error of OAuth 2.0 (RFC 6749, 5.2), with the NHS platform's `message_id`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    error: Option<String>,
    error_description: Option<String>,
    message_id: Option<String>,
}

/// The reason of a status that is not 200, and a line in the log for who must mend it.
pub(super) fn of(server: &str, status: u16, body: &[u8], sent: &[&str]) -> Reason {
    let said: Said = serde_json::from_slice(body).unwrap_or_default();
    // 400 and 401 are OAuth's own answers to credentials, 403 those of gateways; anything else is a server in trouble
    // or not the server that was meant, and may be mended without us.
    let reason = if matches!(status, 400 | 401 | 403) { Reason::Unauthorised } else { Reason::Unavailable };
    tracing::warn!(
        server,
        status,
        error = words(said.error.as_deref(), sent),
        description = words(said.error_description.as_deref(), sent),
        message_id = said.message_id.as_deref().filter(|id| is_message_id(id) && !sent.contains(id)),
        "the authorisation server gave no token"
    );
    reason
}

/// The first words of a text, each without what could be a key, a token or an identifier.
fn words(text: Option<&str>, sent: &[&str]) -> Option<String> {
    let text = text?;
    if sent.iter().any(|value| value.len() > 3 && text.contains(value)) {
        return Some("(it repeats what we sent)".to_owned());
    }
    let shown: Vec<&str> =
        text.split_whitespace().take(30).map(|word| if is_word(word) { word } else { "…" }).collect();
    Some(shown.join(" "))
}

fn is_word(word: &str) -> bool {
    let (mut letters, mut digits) = (false, false);
    for c in word.chars() {
        letters |= c.is_ascii_alphabetic();
        digits |= c.is_ascii_digit();
        if !c.is_ascii_graphic() {
            return false;
        }
    }
    let longest = if letters { 24 } else { 4 };
    word.len() <= longest && !(letters && digits)
}

/// The form of the NHS platform's: `rrt-…` and UUIDs.
fn is_message_id(id: &str) -> bool {
    (8..=80).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && id.contains('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_credentials_that_were_refused_are_unauthorised() {
        for (status, reason) in [
            (400, Reason::Unauthorised),
            (401, Reason::Unauthorised),
            (403, Reason::Unauthorised),
            (302, Reason::Unavailable),
            (404, Reason::Unavailable),
            (429, Reason::Unavailable),
            (500, Reason::Unavailable),
            (503, Reason::Unavailable),
        ] {
            assert_eq!(of("a server", status, b"{}", &[]), reason, "{status}");
            assert_eq!(of("a server", status, b"<html>", &[]), reason, "{status}");
        }
    }

    #[test]
    fn the_servers_words_are_shown_without_what_could_be_a_secret() {
        for (text, shown) in [
            ("Missing 'kid' header in client_assertion JWT", "Missing 'kid' header in client_assertion JWT"),
            ("more than 5 minutes in future", "more than 5 minutes in future"),
            ("kid 8f14e45fceea167a unknown", "kid … unknown"),
            ("bad eyJhbGciOiJSUzUxMiJ9.e30.c2ln", "bad …"),
            ("patient 9990000026", "patient …"),
            ("line\nbreak \u{1b}[31mred", "line break …"),
            ("you sent hunter!", "(it repeats what we sent)"),
        ] {
            assert_eq!(words(Some(text), &["hunter!"]).as_deref(), Some(shown), "{text}");
        }
        assert!(words(Some(&"word ".repeat(500)), &[]).unwrap().len() < 200);
    }

    #[test]
    fn a_message_id_is_shown_when_it_looks_like_one() {
        assert!(is_message_id("rrt-2847360924537512438-a-geu2-29544-15623873-1"));
        assert!(is_message_id("3e8f3b2a-7a32-4c26-a0a8-3f6a9d5c1f10"));
        assert!(!is_message_id("no spaces-please"));
        assert!(!is_message_id("short-1"));
    }
}
