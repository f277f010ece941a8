//! [`Draft`]: a transaction Bundle of ours, read into entries. Pure.
//!
//! It reads both what the planner made (with open places) and what was filled and stored. What it is not: a reader of
//! others' Bundles. Invariant: every entry has a `urn:uuid` and a request of one of the three forms. Next:
//! [`super::fill`].

use crate::tree::{Limits, Node, json};

use super::base::is_id;

/// The entries of a Bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// In their order.
    pub entries: Vec<DraftEntry>,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftEntry {
    /// The UUID of its `fullUrl`; of a Task of the clinical system's, which has none, its id there.
    pub uuid: String,
    /// Its type.
    pub resource_type: String,
    /// How it is written.
    pub write: Write,
    /// The resource.
    pub resource: Node,
}

/// How an entry is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// `PUT Type?identifier=system|value`.
    ByIdentifier {
        /// The identifier's system.
        system: String,
        /// Its value, decoded.
        value: String,
    },
    /// `POST Type` with `ifNoneExist`.
    IfNoneExist {
        /// The query as it stands.
        query: String,
    },
    /// `PUT Type/id`.
    ById {
        /// The id.
        id: String,
        /// The `ifMatch`, as it stands.
        if_match: Option<String>,
    },
}

impl Draft {
    /// Reads a Bundle. None for anything that this program does not write.
    #[must_use]
    pub fn read(bundle: &str) -> Option<Self> {
        let bundle = json::parse(bundle.as_bytes(), &Limits::default()).ok()?;
        if bundle.get("type")?.as_str()? != "transaction" {
            return None;
        }
        let entries = bundle.get("entry")?.as_array()?;
        Some(Self { entries: entries.iter().map(entry).collect::<Option<_>>()? })
    }

    /// The Bundle as bytes.
    #[must_use]
    pub fn write(self) -> String {
        let entries = self.entries.into_iter().map(DraftEntry::into_node).collect();
        let bundle = object([
            ("resourceType", text("Bundle")),
            ("type", text("transaction")),
            ("entry", Node::Array(entries)),
        ]);
        let mut bytes = Vec::with_capacity(8 << 10);
        json::write(&bundle, &mut bytes);
        // Strings in, strings out: it is UTF-8.
        String::from_utf8(bytes).unwrap_or_default()
    }
}

impl DraftEntry {
    /// Whether this resource is ours alone; others' are only created when absent.
    #[must_use]
    pub const fn is_ours(&self) -> bool {
        !matches!(self.write, Write::IfNoneExist { .. })
    }

    /// Whether it is a Task of the clinical system's that we update.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        self.resource_type == "Task" && matches!(&self.write, Write::ById { id, .. } if *id == self.uuid)
    }

    fn into_node(self) -> Node {
        let is_answer = self.is_answer();
        let Self { uuid, resource_type, write, resource } = self;
        let mut request = Vec::with_capacity(3);
        let mut add = |name: &str, value: String| request.push((name.to_owned(), Node::String(value)));
        match write {
            Write::ByIdentifier { system, value } => {
                add("method", "PUT".into());
                add("url", format!("{resource_type}?identifier={system}|{}", escape(&value)));
            }
            Write::IfNoneExist { query } => {
                add("method", "POST".into());
                add("url", resource_type);
                add("ifNoneExist", query);
            }
            Write::ById { id, if_match } => {
                add("method", "PUT".into());
                add("url", format!("{resource_type}/{id}"));
                if let Some(version) = if_match {
                    add("ifMatch", version);
                }
            }
        }
        let mut entry = object([("resource", resource), ("request", Node::Object(request))]);
        if let Node::Object(members) = &mut entry
            && !is_answer
        {
            members.insert(0, ("fullUrl".to_owned(), Node::String(format!("urn:uuid:{uuid}"))));
        }
        entry
    }
}

fn entry(node: &Node) -> Option<DraftEntry> {
    let resource = node.get("resource")?.clone();
    let resource_type = resource.get("resourceType")?.as_str()?.to_owned();
    let url = node.path("request.url")?.as_str()?;
    let below = url.strip_prefix(resource_type.as_str())?;
    let member = |name: &str| Some(node.get("request")?.get(name)?.as_str()?.to_owned());
    let write = match (node.path("request.method")?.as_str()?, below) {
        ("PUT", query) if query.starts_with('?') => {
            let (system, value) = identifier(query.strip_prefix('?')?)?;
            Write::ByIdentifier { system, value }
        }
        ("PUT", path) => {
            let id = path.strip_prefix('/').filter(|id| is_id(id))?.to_owned();
            Write::ById { id, if_match: member("ifMatch") }
        }
        ("POST", "") => Write::IfNoneExist { query: member("ifNoneExist")? },
        _ => return None,
    };
    let uuid = match (node.get("fullUrl"), &write) {
        (Some(url), _) => url.as_str()?.strip_prefix("urn:uuid:")?.to_owned(),
        (None, Write::ById { id, .. }) if resource_type == "Task" => id.clone(),
        (None, _) => return None,
    };
    Some(DraftEntry { uuid, resource_type, write, resource })
}

/// System and value of `identifier=system|value`, decoded.
#[must_use]
pub fn identifier(query: &str) -> Option<(String, String)> {
    let (system, value) = query.strip_prefix("identifier=")?.split_once('|')?;
    Some((unescape(system)?, unescape(value)?))
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn escape(value: &str) -> String {
    use std::fmt::Write as _;
    value.bytes().fold(String::with_capacity(value.len()), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

fn text(word: &str) -> Node {
    Node::String(word.to_owned())
}

fn object<const N: usize>(members: [(&str, Node); N]) -> Node {
    Node::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUNDLE: &str = concat!(
        r#"{"resourceType":"Bundle","type":"transaction","entry":["#,
        r#"{"fullUrl":"urn:uuid:a","resource":{"resourceType":"Organization"},"request":{"method":"POST","url":"Organization","ifNoneExist":"identifier=s|A%2FB"}},"#,
        r#"{"fullUrl":"urn:uuid:b","resource":{"resourceType":"Task","note":[{"text":"1.50"}]},"request":{"method":"PUT","url":"Task?identifier=https://s.example/task|b"}},"#,
        r#"{"fullUrl":"urn:uuid:d","resource":{"resourceType":"Task","id":"9"},"request":{"method":"PUT","url":"Task/9","ifMatch":"W/\"3\""}},"#,
        r#"{"fullUrl":"urn:uuid:c","resource":{"resourceType":"Provenance"},"request":{"method":"PUT","url":"Provenance/c"}},"#,
        r#"{"resource":{"resourceType":"Task","id":"8"},"request":{"method":"PUT","url":"Task/8","ifMatch":"W/\"1\""}}]}"#,
    );

    #[test]
    fn what_is_read_is_written_the_same() {
        let draft = Draft::read(BUNDLE).unwrap();
        let ours: Vec<bool> = draft.entries.iter().map(DraftEntry::is_ours).collect();
        assert_eq!(ours, [false, true, true, true, true]);
        let answers: Vec<&str> =
            draft.entries.iter().filter(|entry| entry.is_answer()).map(|entry| entry.uuid.as_str()).collect();
        assert_eq!(answers, ["8"]);
        assert_eq!(draft.write(), BUNDLE);
    }

    #[test]
    fn what_this_program_does_not_write_is_not_read() {
        for bad in [
            r#"{"type":"batch","entry":[]}"#,
            r#"{"type":"transaction"}"#,
            r#"{"type":"transaction","entry":[{"fullUrl":"x","resource":{"resourceType":"Task"},"request":{"method":"PUT","url":"Task/1"}}]}"#,
            r#"{"type":"transaction","entry":[{"fullUrl":"urn:uuid:x","resource":{"resourceType":"Task"},"request":{"method":"POST","url":"Task"}}]}"#,
            r#"{"type":"transaction","entry":[{"fullUrl":"urn:uuid:x","resource":{"resourceType":"Task"},"request":{"method":"DELETE","url":"Task/1"}}]}"#,
            r#"{"type":"transaction","entry":[{"fullUrl":"urn:uuid:x","resource":{"resourceType":"Task"},"request":{"method":"PUT","url":"TaskX/1"}}]}"#,
            r#"{"type":"transaction","entry":[{"resource":{"resourceType":"ServiceRequest"},"request":{"method":"PUT","url":"ServiceRequest/1"}}]}"#,
            r#"{"type":"transaction","entry":[{"resource":{"resourceType":"Task"},"request":{"method":"PUT","url":"Task?identifier=s|1"}}]}"#,
            r#"{"type":"transaction","entry":[{"fullUrl":"urn:uuid:x","resource":{"resourceType":"Task"},"request":{"method":"PUT","url":"Task/../x"}}]}"#,
            "",
        ] {
            assert_eq!(Draft::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_identifier_is_decoded() {
        assert_eq!(identifier("identifier=s|A%2FB"), Some(("s".into(), "A/B".into())));
        assert_eq!(identifier("_tag=s|x"), None);
        assert_eq!(identifier("identifier=s|%G1"), None);
        assert_eq!(identifier("identifier=s|%e"), None);
    }
}
