//! The indented JSON writer, for files that people read and compare.
//!
//! Two spaces a level, short lists of plain values on one line, a line break at the end. Next: [`super::write`].

use super::write::{string, write};
use crate::tree::Node;

/// A list of plain values up to this many bytes stays on one line.
const LINE: usize = 100;

/// The value as indented JSON.
#[must_use]
pub fn pretty(node: &Node) -> Vec<u8> {
    let mut out = Vec::new();
    indented(node, 0, &mut out);
    out.push(b'\n');
    out
}

fn indented(node: &Node, level: usize, out: &mut Vec<u8>) {
    let line = |out: &mut Vec<u8>, level: usize| {
        out.push(b'\n');
        out.extend(std::iter::repeat_n(b' ', level * 2));
    };
    match node {
        Node::Object(members) if !members.is_empty() => {
            out.push(b'{');
            for (index, (key, value)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                line(out, level + 1);
                string(key, out);
                out.extend_from_slice(b": ");
                indented(value, level + 1, out);
            }
            line(out, level);
            out.push(b'}');
        }
        Node::Array(items) if !items.is_empty() => {
            let mut flat = Vec::new();
            write(node, &mut flat);
            let plain = items.iter().all(|item| !matches!(item, Node::Object(_) | Node::Array(_)));
            if plain && flat.len() <= LINE {
                out.extend_from_slice(&flat);
                return;
            }
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                line(out, level + 1);
                indented(item, level + 1, out);
            }
            line(out, level);
            out.push(b']');
        }
        plain => write(plain, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Limits, json};

    #[test]
    fn it_reads_back_and_is_indented() {
        let text = r#"{"a":[1,2.50,"x"],"b":{"c":[{"d":[]},{}]},"e":null}"#;
        let node = json::parse(text.as_bytes(), &Limits::default()).unwrap();
        let pretty = pretty(&node);
        assert!(json::parse(&pretty, &Limits::default()).unwrap() == node);
        let shown = String::from_utf8(pretty).unwrap();
        assert!(
            shown.starts_with("{\n  \"a\": [1,2.50,\"x\"],\n  \"b\": {\n    \"c\": [\n      {\n"),
            "{shown}"
        );
        assert!(shown.ends_with("}\n"));
    }
}
