//! [`Fresh`]: a version that was not seen before, with what else must be known to judge it. Pure.
//!
//! Notes are known one by one, so that each is told once, in whatever version it is first met. We write none, on our
//! Tasks or on theirs, so every note is somebody's. Next: [`super::judge`].

use sha2::{Digest, Sha256};

use crate::event::hash::hex;
use crate::tree::{Node, json};

use super::judge::Whose;
use super::page::{Found, list};

/// A version that was not seen before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fresh {
    /// The version.
    pub found: Found,
    /// Whose the resource is.
    pub whose: Whose,
    /// Of a Task: the notes that were not met before, by their places among its notes.
    pub notes: Vec<usize>,
    /// Of a Task: which request it is about.
    pub focus: Focus,
}

/// Which request a Task is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// As its reference says; or by an identifier that no request of the endpoint has, as far as it can be asked.
    #[default]
    AsStated,
    /// By an identifier that one request has: its type and id.
    At((String, String)),
    /// By an identifier that several requests have.
    Several,
    /// By an identifier that cannot be searched for now.
    Unread,
}

impl Fresh {
    /// A version of which nothing else is known.
    #[must_use]
    pub const fn of(found: Found, whose: Whose) -> Self {
        Self { found, whose, notes: Vec::new(), focus: Focus::AsStated }
    }

    /// The same, with nothing but the notes that were not met before, as one: an event has one note.
    #[must_use]
    pub fn told(&self) -> Found {
        let mut found = self.found.clone();
        let all = notes(&found);
        let text = |place: &usize| all.get(*place)?.get("text")?.as_str();
        let texts: Vec<&str> = self.notes.iter().filter_map(text).collect();
        let note = Node::Object(vec![("text".to_owned(), Node::String(texts.join("\n\n")))]);
        let note = (!texts.is_empty()).then(|| ("note".to_owned(), Node::Array(vec![note])));
        if let Node::Object(members) = &mut found.node
            && found.kind == "Task"
        {
            members.retain(|(name, _)| name != "note" && name != "_note");
            members.extend(note);
        }
        found
    }
}

/// By what each note of a Task is known again, in whatever version, in their order.
pub fn note_keys(found: &Found, endpoint: &str) -> Vec<String> {
    let key = |note: &Node| {
        let mut bytes = Vec::new();
        json::write(note, &mut bytes);
        format!("{endpoint}/{}/note/{}", found.place(), hex(&Sha256::digest(&bytes)))
    };
    notes(found).iter().map(key).collect()
}

fn notes(found: &Found) -> &[Node] {
    if found.kind == "Task" { list(&found.node, "note") } else { &[] }
}

/// System and value of the identifier by which alone a Task names its request.
#[must_use]
pub fn logical_focus(found: &Found) -> Option<(&str, &str)> {
    let focus = found.node.get("focus").filter(|focus| {
        let kind = focus.get("type").and_then(Node::as_str);
        found.kind == "Task" && focus.get("reference").is_none() && kind.is_none_or(|kind| kind == REQUEST)
    })?;
    let text = |path: &str| focus.path(path).and_then(Node::as_str).filter(|text| !text.is_empty());
    text("identifier.system").zip(text("identifier.value"))
}

/// The type of requests.
pub const REQUEST: &str = "ServiceRequest";
