//! Whether an address is within an endpoint's origin: the one question before a token or a person's data is sent.
//!
//! What this is not: it opens no connection and follows nothing. Invariant: an address that two parsers could read in two
//! ways is nobody's origin. So user names, backslashes, spaces, control characters, escaped or non-ASCII hosts and
//! unusual ways of writing a number are refused, though a browser would take them. Next: [`super::auth`].

use reqwest::Url;

/// Whether `url` has the scheme, host and port of `base`; both must be absolute `http` or `https` addresses.
///
/// Upper and lower case in the scheme and the host do not matter, nor does a port that is the scheme's own. A dot at
/// the end of the host does: for a certificate and for a server it is another name.
#[must_use]
pub fn same_origin(base: &str, url: &str) -> bool {
    match (origin(base), origin(url)) {
        (Some(ours), Some(theirs)) => ours == theirs,
        _ => false,
    }
}

/// The absolute address of a link that a server gave (a `next` link, a `Location`), if it stays within the origin of
/// `base`. A relative link is read against `base` as RFC 3986 says, so `base` should end with `/` if it is a folder.
#[must_use]
pub fn resolve(base: &str, link: &str) -> Option<Url> {
    let ours = origin(base)?;
    if !is_plain(link) {
        return None;
    }
    let url =
        if is_relative(link) { Url::parse(base).ok()?.join(link).ok()? } else { Url::parse(link).ok()? };
    let text = if is_relative(link) { url.as_str() } else { link };
    (origin(text)? == ours).then_some(url)
}

/// Whether an address is on this machine by its own words: a loopback number or `localhost`.
#[must_use]
pub fn is_loopback(url: &str) -> bool {
    let Some((_, host, _)) = origin(url) else { return false };
    let number = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || number.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

/// Scheme, host and port, of an address that can be read in one way only.
fn origin(text: &str) -> Option<(String, String, u16)> {
    if !is_plain(text) {
        return None;
    }
    let (_, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?.to_ascii_lowercase();
    let url = Url::parse(text).ok()?;
    if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let host = url.host_str()?;
    // The text must say the host as the parser understands it. This leaves no room for `user@`, `%2e`, `0x7f.1` and
    // letters that only look like ASCII.
    let port = authority.strip_prefix(host)?;
    let digits = port.strip_prefix(':').unwrap_or("0");
    if !(port.is_empty() || port.starts_with(':'))
        || digits.is_empty()
        || !digits.bytes().all(|b| b.is_ascii_digit())
    {
        return None;
    }
    Some((url.scheme().to_owned(), host.to_owned(), url.port_or_known_default()?))
}

/// No character that parsers drop, trim or turn into another.
fn is_plain(text: &str) -> bool {
    text.chars().all(|c| !c.is_control() && !c.is_whitespace() && c != '\\')
}

/// Neither a scheme nor, with `//`, a host of its own.
fn is_relative(link: &str) -> bool {
    let before_path = link.split(['/', '?', '#']).next().unwrap_or_default();
    !link.starts_with("//") && !before_path.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://fhir.example.org/r4/";

    /// Address, and whether it is within `BASE`.
    const TABLE: &[(&str, bool)] = &[
        // The same origin.
        ("https://fhir.example.org", true),
        ("https://fhir.example.org/", true),
        ("https://fhir.example.org/r4/Task?_page=2", true),
        ("https://fhir.example.org/other/place", true),
        ("https://fhir.example.org?next=1", true),
        ("https://fhir.example.org#top", true),
        ("https://fhir.example.org:443/r4/", true),
        ("https://fhir.example.org:0443/r4/", true),
        ("HTTPS://FHIR.EXAMPLE.ORG/r4/", true),
        ("hTTps://Fhir.Example.Org:443/r4/", true),
        ("https://fhir.example.org/r4/@evil.example/", true),
        ("https://fhir.example.org/?u=https://evil.example/", true),
        ("https://fhir.example.org/r4//evil.example/", true),
        ("https://fhir.example.org/r4/%2e%2e/x", true),
        // Another scheme.
        ("http://fhir.example.org/r4/", false),
        ("http://fhir.example.org:443/r4/", false),
        ("ftp://fhir.example.org/r4/", false),
        ("ws://fhir.example.org/r4/", false),
        ("wss://fhir.example.org/r4/", false),
        ("file://fhir.example.org/r4/", false),
        ("javascript://fhir.example.org/%0aalert(1)", false),
        ("data:text/plain,https://fhir.example.org/", false),
        ("blob:https://fhir.example.org/r4", false),
        ("view-source:https://fhir.example.org/r4", false),
        ("httpss://fhir.example.org/r4/", false),
        // Another port.
        ("https://fhir.example.org:80/r4/", false),
        ("https://fhir.example.org:8443/r4/", false),
        ("https://fhir.example.org:4430/r4/", false),
        ("https://fhir.example.org:65979/r4/", false),
        ("https://fhir.example.org:0/r4/", false),
        ("https://fhir.example.org:/r4/", false),
        ("https://fhir.example.org:443:80/r4/", false),
        ("https://fhir.example.org:+443/r4/", false),
        // User information.
        ("https://fhir.example.org@evil.example/r4/", false),
        ("https://fhir.example.org:443@evil.example/r4/", false),
        ("https://evil.example@fhir.example.org/r4/", false),
        ("https://user:secret@fhir.example.org/r4/", false),
        ("https://@fhir.example.org/r4/", false),
        ("https://:@fhir.example.org/r4/", false),
        ("https://fhir.example.org%40evil.example/r4/", false),
        ("https://fhir.example.org%2f@evil.example/r4/", false),
        // A host that contains, starts or ends with ours.
        ("https://fhir.example.org.evil.example/r4/", false),
        ("https://evilfhir.example.org/r4/", false),
        ("https://evil.fhir.example.org/r4/", false),
        ("https://example.org/r4/", false),
        ("https://fhir.example.organic/r4/", false),
        ("https://fhir.example.or/r4/", false),
        ("https://fhir-example.org/r4/", false),
        ("https://fhirxexample.org/r4/", false),
        ("https://evil.example/fhir.example.org/r4/", false),
        ("https://evil.example/?https://fhir.example.org/", false),
        ("https://evil.example#fhir.example.org", false),
        ("https://fhir.example.org-evil.example/", false),
        // The same host in another writing.
        ("https://fhir.example.org./r4/", false),
        ("https://fhir.example.org../r4/", false),
        ("https://fhir.example.org.:443/r4/", false),
        ("https://fhir%2eexample.org/r4/", false),
        ("https://%66hir.example.org/r4/", false),
        ("https://fhir。example.org/r4/", false),
        ("https://ｆhir.example.org/r4/", false),
        ("https://fhіr.example.org/r4/", false), // Cyrillic і
        ("https://fhir.example.org\u{200b}/r4/", false),
        ("https://fhir.exam\u{ad}ple.org/r4/", false),
        ("https://xn--fhr-rza.example.org/r4/", false),
        // Characters that one parser drops and another keeps.
        (" https://fhir.example.org/r4/", false),
        ("https://fhir.example.org/r4/ ", false),
        ("https://fhir.example.org /r4/", false),
        ("https://fhir.exa\tmple.org/r4/", false),
        ("https://fhir.example.org\n.evil.example/r4/", false),
        ("https://fhir.example.org/r4/\r\nHost: evil.example", false),
        ("https://fhir.example.org\0.evil.example/", false),
        ("https://fhir.example.org\u{a0}/r4/", false),
        ("https://fhir.example.org\\@evil.example/", false),
        ("https://evil.example\\@fhir.example.org/", false),
        ("https:\\\\fhir.example.org/r4/", false),
        ("https:/fhir.example.org/r4/", false),
        ("https:fhir.example.org/r4/", false),
        ("https:///fhir.example.org/r4/", false),
        ("https:////fhir.example.org/r4/", false),
        // No address at all.
        ("", false),
        ("https://", false),
        ("https:///", false),
        ("https://:443/", false),
        ("fhir.example.org", false),
        ("fhir.example.org:443", false),
        ("//fhir.example.org/r4/", false),
        ("/r4/Task", false),
        ("?page=2", false),
        ("https://[fhir.example.org]/r4/", false),
        ("urn:uuid:9b2c7b0e-0000-4000-8000-000000000000", false),
    ];

    #[test]
    fn only_the_same_scheme_host_and_port_are_the_same_origin() {
        assert!(TABLE.len() >= 60);
        for (url, expected) in TABLE {
            assert_eq!(same_origin(BASE, url), *expected, "{url:?}");
            assert_eq!(same_origin(url, BASE), *expected, "the other way round: {url:?}");
        }
    }

    #[test]
    fn numbers_are_compared_as_they_are_usually_written() {
        for (base, url, expected) in [
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/x", true),
            ("http://127.0.0.1:8080/", "http://127.1:8080/x", false),
            ("http://127.0.0.1:8080/", "http://0x7f.0.0.1:8080/x", false),
            ("http://127.0.0.1:8080/", "http://2130706433:8080/x", false),
            ("http://127.0.0.1:8080/", "http://127.0.0.1.:8080/x", false),
            ("http://127.0.0.1:8080/", "http://localhost:8080/x", false),
            ("http://127.0.0.1:8080/", "http://127.0.0.1/x", false),
            ("http://127.0.0.1:80/", "http://127.0.0.1/x", true),
            ("http://[::1]:8080/", "http://[::1]:8080/x", true),
            ("http://[::1]:8080/", "http://[0:0:0:0:0:0:0:1]:8080/x", false),
            ("http://[::1]:8080/", "http://[::ffff:127.0.0.1]:8080/x", false),
        ] {
            assert_eq!(same_origin(base, url), expected, "{base} {url}");
        }
    }

    #[test]
    fn a_link_is_followed_only_within_the_origin() {
        for (link, expected) in [
            ("Task?_page=2", Some("https://fhir.example.org/r4/Task?_page=2")),
            ("?_page=2", Some("https://fhir.example.org/r4/?_page=2")),
            ("/r4?_getpages=1", Some("https://fhir.example.org/r4?_getpages=1")),
            (
                "Task?_lastUpdated=gt2026-01-01T00:00:00Z",
                Some("https://fhir.example.org/r4/Task?_lastUpdated=gt2026-01-01T00:00:00Z"),
            ),
            ("https://fhir.example.org:443/r4?p=2", Some("https://fhir.example.org/r4?p=2")),
            ("//evil.example/r4", None),
            ("//fhir.example.org/r4", None),
            ("http://fhir.example.org/r4?p=2", None),
            ("https://fhir.example.org.evil.example/r4", None),
            ("https://fhir.example.org@evil.example/r4", None),
            ("/\\evil.example/r4", None),
            ("\t//evil.example/", None),
            ("https:evil.example", None),
            ("javascript:alert(1)", None),
        ] {
            assert_eq!(resolve(BASE, link).as_ref().map(Url::as_str), expected, "{link:?}");
        }
    }

    #[test]
    fn loopback_is_said_by_number_or_by_localhost() {
        for (url, expected) in [
            ("http://127.0.0.1/", true),
            ("http://127.8.9.10:99/", true),
            ("http://[::1]:8080/fhir", true),
            ("http://LOCALHOST:8080/", true),
            ("http://localhost.evil.example/", false),
            ("http://127.0.0.1.evil.example/", false),
            ("http://127.0.0.1@evil.example/", false),
            ("http://0.0.0.0/", false),
            ("http://10.0.0.1/", false),
            ("http://[::ffff:127.0.0.1]/", false),
            ("https://fhir.example.org/", false),
            ("localhost", false),
        ] {
            assert_eq!(is_loopback(url), expected, "{url}");
        }
    }
}
