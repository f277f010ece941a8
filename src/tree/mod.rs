//! Lossless trees of JSON and XML, with limits: what every reader of such input stands on.
//!
//! What it is: [`Node`] for JSON (numbers stay the text they were, objects keep their order) and [`xml::Element`] for
//! XML, each with a strict reader that refuses rather than guesses. What it is not: a schema check or a mapping.
//! Invariant: a tree exists only for input that was wholly well-formed and inside the [`Limits`]; readers never
//! panic and never recurse deeper than the limit. Next: [`Node`], then [`json`], then [`xml`].

pub mod json;
mod node;
mod place;
pub mod xml;

pub use node::Node;
pub(crate) use place::{line_column, safe_name};

/// What a reader accepts. The defaults are for one request or one record of at most a few megabytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Levels of nesting.
    pub depth: usize,
    /// Values (JSON) or elements and attributes (XML) in one document: bounds memory on inputs such as `[0,0,0,…`.
    pub nodes: usize,
    /// Whether U+0000 may stand in a JSON string (as an escape). XML never allows it.
    pub nul: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 64, nodes: 400_000, nul: false }
    }
}

/// Attributes of one XML element.
pub const MAX_ATTRIBUTES: usize = 64;

/// Namespace declarations on one XML element.
pub const MAX_NAMESPACES: usize = 16;
