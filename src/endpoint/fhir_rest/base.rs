//! [`Base`]: the one place requests and credentials may go, and the reading of what a server says is its own.
//!
//! What a server names (a Location, a reference) counts only when its origin is the endpoint's, as
//! [`crate::endpoint::origin`] judges, and its path lies below the base path. Invariant: every URL made here lies below
//! the base. Next: [`super::client`].

use reqwest::Url;

use crate::endpoint::origin;

/// Why a base address cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBase {
    /// It is no URL.
    #[error("the base address is not a URL")]
    NotAUrl,
    /// It names a user, a query or a fragment.
    #[error("the base address holds a user name, a query or a fragment")]
    TooMuch,
    /// Not https, and not loopback.
    #[error("the base address must be https (http only for this machine itself)")]
    NotHttps,
}

/// The base of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// Its path ends in `/`.
    url: Url,
}

/// A resource of the endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Literal {
    /// Its type.
    pub resource_type: String,
    /// Its id.
    pub id: String,
    /// The version named, if one was.
    pub version: Option<String>,
}

impl Base {
    /// An endpoint by its FHIR base address.
    ///
    /// # Errors
    /// [`BadBase`]: not a URL that may be used.
    pub fn parse(text: &str) -> Result<Self, BadBase> {
        let mut url = Url::parse(text).map_err(|_| BadBase::NotAUrl)?;
        let has_user = !url.username().is_empty() || url.password().is_some();
        if has_user || url.query().is_some() || url.fragment().is_some() {
            return Err(BadBase::TooMuch);
        }
        match url.scheme() {
            "https" => {}
            "http" if origin::is_loopback(text) => {}
            "http" => return Err(BadBase::NotHttps),
            _ => return Err(BadBase::NotAUrl),
        }
        // It must be an address that can be read in one way only, or nothing will ever be its own.
        if !origin::same_origin(text, text) {
            return Err(BadBase::NotAUrl);
        }
        if !url.path().ends_with('/') {
            url.set_path(&format!("{}/", url.path()));
        }
        Ok(Self { url })
    }

    /// The address of a path below the base. None for a path that could lead anywhere else.
    #[must_use]
    pub fn below(&self, path: &str) -> Option<Url> {
        let plain =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'$' | b'/');
        let odd = |step: &str| step.is_empty() || step == "." || step == "..";
        if !path.bytes().all(plain) || (!path.is_empty() && path.split('/').any(odd)) {
            return None;
        }
        let mut url = self.url.clone();
        // The base itself is written without its last slash, as R4 writes it.
        let whole = format!("{}{path}", self.url.path());
        url.set_path(if path.is_empty() { whole.trim_end_matches('/') } else { &whole });
        Some(url)
    }

    /// The next page of a search, as the server names it; none where it leads anywhere but below the base.
    #[must_use]
    pub fn page(&self, link: &str) -> Option<Url> {
        let url = origin::resolve(self.url.as_str(), link)?;
        // A path with `%2e%2e` or the like is left to nobody's reading.
        let is_below = url.path() == self.url.path().trim_end_matches('/')
            || url.path().starts_with(self.url.path()) && !url.path().contains('%');
        (is_below && url.fragment().is_none()).then_some(url)
    }

    /// The host, for messages and metrics.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// What a reference or a Location names, if it is a resource of this endpoint: `Type/id`, the same with a
    /// version, or either as a whole address below the base.
    #[must_use]
    pub fn literal(&self, text: &str) -> Option<Literal> {
        let path = if text.contains(':') || text.starts_with('/') {
            self.own_path(&origin::resolve(self.url.as_str(), text)?)?
        } else {
            text.to_owned()
        };
        let steps: Vec<&str> = path.split('/').collect();
        let (resource_type, id, version) = match *steps.as_slice() {
            [resource_type, id] => (resource_type, id, None),
            [resource_type, id, "_history", version] => (resource_type, id, Some(version)),
            _ => return None,
        };
        let is_whole = is_type(resource_type) && is_id(id) && version.is_none_or(is_version);
        is_whole.then(|| Literal {
            resource_type: resource_type.to_owned(),
            id: id.to_owned(),
            version: version.map(str::to_owned),
        })
    }

    /// The path below the base, if the URL lies there.
    fn own_path(&self, url: &Url) -> Option<String> {
        let bare = url.query().is_none() && url.fragment().is_none();
        bare.then(|| url.path().strip_prefix(self.url.path()).map(str::to_owned))?
    }
}

/// The shape of a type's name.
#[must_use]
pub fn is_type(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|first: char| first.is_ascii_uppercase())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// FHIR's own rule for ids.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(plain) && !text.bytes().all(|byte| byte == b'.')
}

/// A version as it may stand in `If-Match`: an id, as R4 says, or what some servers use instead of one.
#[must_use]
pub fn is_version(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    (1..=128).contains(&text.len()) && text.bytes().all(plain)
}

/// The version of an ETag such as `W/"3"`.
#[must_use]
pub fn version_of(etag: &str) -> Option<String> {
    let quoted = etag.strip_prefix("W/").unwrap_or(etag);
    let bare = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(quoted);
    is_version(bare).then(|| bare.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_is_https_or_this_machine() {
        for good in
            ["https://gp.example/fhir", "http://127.0.0.1:8080", "http://localhost/r4/", "http://[::1]:1/"]
        {
            assert!(Base::parse(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("gp.example/fhir", BadBase::NotAUrl),
            ("http://gp.example/fhir", BadBase::NotHttps),
            ("http://127.0.0.1.example/", BadBase::NotHttps),
            ("ftp://127.0.0.1/", BadBase::NotAUrl),
            ("https://gp%2eexample/", BadBase::NotAUrl),
            ("https://me@gp.example/", BadBase::TooMuch),
            ("https://gp.example/?a=b", BadBase::TooMuch),
            ("https://gp.example/#a", BadBase::TooMuch),
        ] {
            assert_eq!(Base::parse(bad), Err(why), "{bad}");
        }
    }

    #[test]
    fn a_path_stays_below_the_base() {
        let base = Base::parse("https://gp.example/fhir").unwrap();
        let at = |path: &str| base.below(path).map(|url| url.to_string());
        assert_eq!(at("").as_deref(), Some("https://gp.example/fhir"));
        assert_eq!(at("Task/1").as_deref(), Some("https://gp.example/fhir/Task/1"));
        for bad in ["/Task", "../x", "Task/../..", "a//b", "http://x", "Task?a", "a%2e%2e", "a\\b", "//x"] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_what_lies_below_the_base_is_the_endpoints() {
        let base = Base::parse("https://gp.example/fhir").unwrap();
        let own = |text: &str| {
            base.literal(text)
                .map(|found| format!("{} {} {:?}", found.resource_type, found.id, found.version))
        };
        let task = Some("Task 1 None");
        for same in [
            "Task/1",
            "https://gp.example/fhir/Task/1",
            "https://GP.example:443/fhir/Task/1",
            "/fhir/Task/1",
            "https://gp.example/fhir/x/../Task/1",
        ] {
            assert_eq!(own(same).as_deref(), task, "{same}");
        }
        assert_eq!(own("Task/1/_history/7").as_deref(), Some("Task 1 Some(\"7\")"));
        for other in [
            "http://gp.example/fhir/Task/1",
            "https://gp.example:8443/fhir/Task/1",
            "https://gp.example.attacker.example/fhir/Task/1",
            "https://gp.example@attacker.example/fhir/Task/1",
            "https://attacker.example/fhir/Task/1",
            "https://gp.example/fhirx/Task/1",
            "https://gp.example/Task/1",
            "https://gp.example/fhir/../Task/1",
            "https://gp.example/fhir/%2e%2e/Task/1",
            "https://me@gp.example/fhir/Task/1",
            "https://gp.example/fhir/Task/1?x=1",
            "//attacker.example/fhir/Task/1",
            "urn:uuid:00000000-0000-0000-0000-000000000000",
            "Task",
            "Task/1/2",
            "task/1",
            "Task/..",
            "Patient?identifier=a|b",
            "#contained",
            "",
        ] {
            assert_eq!(own(other), None, "{other}");
        }
    }

    #[test]
    fn a_next_page_is_below_the_base_or_nowhere() {
        let base = Base::parse("https://gp.example/fhir").unwrap();
        let page = |link: &str| base.page(link).map(|url| url.to_string());
        for (good, at) in [
            ("https://gp.example/fhir?_getpages=1", "https://gp.example/fhir?_getpages=1"),
            ("https://GP.example:443/fhir/Task?_cursor=a", "https://gp.example/fhir/Task?_cursor=a"),
            ("Task?_cursor=a%2Fb", "https://gp.example/fhir/Task?_cursor=a%2Fb"),
            ("/fhir/Task?x", "https://gp.example/fhir/Task?x"),
        ] {
            assert_eq!(page(good).as_deref(), Some(at), "{good}");
        }
        for bad in [
            "http://gp.example/fhir?_getpages=1",
            "https://gp.example.attacker.example/fhir?a",
            "https://gp.example@attacker.example/fhir?a",
            "//attacker.example/fhir?a",
            "https://gp.example/other-tenant/Task?a",
            "https://gp.example/fhirx?a",
            "https://gp.example/fhir/../other/Task?a",
            "https://gp.example/fhir/%2e%2e/other?a",
            "https://gp.example/fhir/%2F..%2Fother?a",
            "https://gp.example/fhir?a#b",
            "urn:x",
        ] {
            assert_eq!(page(bad), None, "{bad}");
        }
    }

    #[test]
    fn versions_come_out_of_their_quotes() {
        assert_eq!(version_of("W/\"3\"").as_deref(), Some("3"));
        assert_eq!(version_of("\"a-b\"").as_deref(), Some("a-b"));
        assert_eq!(version_of("3").as_deref(), Some("3"));
        assert_eq!(version_of("W/\"\""), None);
        assert_eq!(version_of("W/\"a\"b\""), None);
    }
}
