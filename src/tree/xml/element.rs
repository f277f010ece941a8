//! [`Element`]: one XML element with everything in it.
//!
//! What it is: names with their namespaces, attributes, children and text with exact white space. What it is not: a
//! record of comments, processing instructions or quoting style. Invariant: two texts never stand side by side.
//! Next: `reader.rs`.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// One element.
#[derive(Clone, PartialEq, Eq)]
pub struct Element {
    /// The name as written, with its prefix (`f:Patient`).
    pub name: String,
    /// The namespace's URI, if any.
    pub namespace: Option<Arc<str>>,
    /// Attributes in their order, without namespace declarations.
    pub attributes: Vec<Attribute>,
    /// Elements and text in their order.
    pub children: Vec<Child>,
    /// The bytes of the source from `<` to `>` of the end tag.
    pub span: Range<usize>,
}

/// One attribute.
#[derive(Clone, PartialEq, Eq)]
pub struct Attribute {
    /// The name as written, with its prefix.
    pub name: String,
    /// The namespace's URI; attributes without a prefix have none.
    pub namespace: Option<Arc<str>>,
    /// The value, references resolved.
    pub value: String,
}

/// What stands inside an element.
#[derive(Clone, PartialEq, Eq)]
pub enum Child {
    /// An element.
    Element(Element),
    /// Text, references resolved, CDATA unwrapped.
    Text(String),
}

/// The part of a name after its prefix.
fn local(name: &str) -> &str {
    name.split_once(':').map_or(name, |(_, local)| local)
}

impl Attribute {
    /// The name without its prefix.
    #[must_use]
    pub fn local(&self) -> &str {
        local(&self.name)
    }
}

impl Element {
    /// The name without its prefix.
    #[must_use]
    pub fn local(&self) -> &str {
        local(&self.name)
    }

    /// The value of an attribute that has no namespace.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|a| a.name == name).map(|a| a.value.as_str())
    }

    /// The child elements.
    pub fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|child| match child {
            Child::Element(element) => Some(element),
            Child::Text(_) => None,
        })
    }

    /// The child elements of one local name, whatever their namespace.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.elements().filter(move |element| element.local() == name)
    }

    /// All text directly inside, joined. Texts of child elements are not part of it.
    #[must_use]
    pub fn text(&self) -> String {
        self.children
            .iter()
            .filter_map(|child| match child {
                Child::Text(text) => Some(text.as_str()),
                Child::Element(_) => None,
            })
            .collect()
    }

    /// Text by a path of local names: `client/name[1]/family`, `case/@id`; indexes count from 0.
    #[must_use]
    pub fn path(&self, path: &str) -> Option<String> {
        let mut element = self;
        for step in path.split('/').filter(|step| !step.is_empty()) {
            if let Some(name) = step.strip_prefix('@') {
                return element.attribute(name).map(str::to_owned);
            }
            let (name, index) = match step.strip_suffix(']').and_then(|step| step.split_once('[')) {
                Some((name, index)) => (name, index.parse().ok()?),
                None => (step, 0),
            };
            element = element.named(name).nth(index)?;
        }
        Some(element.text())
    }
}

impl fmt::Debug for Element {
    /// The name only: the content may be a person's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", crate::tree::safe_name(&self.name))
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", crate::tree::safe_name(&self.name))
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Element(element) => element.fmt(f),
            Self::Text(_) => f.write_str("text"),
        }
    }
}
