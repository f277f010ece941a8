//! A JSON array that cannot be parsed as a whole: cut into its elements as a file of events is, so that each of them stands
//! for itself.
//!
//! Where it cannot be cut to its end it is no array, and nothing of it is taken; what it says of consent is searched for
//! all the same, element by element, also after the tear. Pure. Next: [`super::fhir`].

use crate::source::{JsonValue, elements, json_value};
use crate::tree::{Limits, Node, json};

/// What an array is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Array<'b> {
    /// These elements, of which some cannot be parsed.
    Elements(Vec<&'b [u8]>),
    /// More than are taken at once.
    TooMany,
    /// No array: the elements that could be made out, and what stands between them.
    Torn(Vec<&'b [u8]>),
}

/// Cuts an array.
pub(super) fn cut(bytes: &[u8], most: usize) -> Array<'_> {
    let (ranges, torn) = elements(bytes, most);
    if ranges.len() > most {
        return Array::TooMany;
    }
    let mut pieces: Vec<&[u8]> = ranges.iter().filter_map(|range| bytes.get(range.clone())).collect();
    let Some(torn) = torn else { return Array::Elements(pieces) };
    // What lacks a bracket or a quote may have taken in what stands behind it.
    let is_torn = |piece: &&[u8]| json::parse(piece, &Limits::default()).is_err();
    let sound = pieces.iter().position(is_torn).unwrap_or(pieces.len());
    let from = ranges.get(sound).map_or(torn, |range| range.start);
    pieces.truncate(sound);
    pieces.extend(salvage(bytes.get(from..).unwrap_or_default()));
    if pieces.len() > most { Array::TooMany } else { Array::Torn(pieces) }
}

/// The events that stand whole in the rest of an array, and what is between them.
fn salvage(rest: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let (mut from, mut at) = (0, 0);
    // A hostile rest has an end to be looked for at each of its braces.
    let mut patience = rest.len().saturating_mul(8);
    while let Some(found) = next_brace(rest, at).filter(|_| patience > 0) {
        at = found + 1;
        let before = rest.get(..found).unwrap_or_default().trim_ascii_end().last();
        if !matches!(before, None | Some(b',' | b'}')) {
            continue;
        }
        let end = match json_value(rest, found, true) {
            JsonValue::End(end) => end,
            JsonValue::More => rest.len(),
        };
        patience = patience.saturating_sub(end - found);
        let Some(piece) = rest.get(found..end).filter(|piece| is_event(piece)) else { continue };
        pieces.extend(rest.get(from..found).filter(|between| between.len() > 1));
        pieces.push(piece);
        (from, at) = (end, end);
    }
    pieces.extend(rest.get(from..).filter(|between| between.len() > 1));
    pieces
}

fn next_brace(rest: &[u8], at: usize) -> Option<usize> {
    rest.get(at..)?.iter().position(|byte| *byte == b'{').map(|found| at + found)
}

/// Whether it names itself and its referral, as every event does and nothing within one.
fn is_event(piece: &[u8]) -> bool {
    let names = |node: &Node, key| node.get(key).and_then(Node::as_str).is_some();
    json::parse(piece, &Limits::default())
        .is_ok_and(|node| names(&node, "event_id") && names(&node, "referral_id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pieces: &[&[u8]]) -> Vec<String> {
        pieces.iter().map(|piece| String::from_utf8_lossy(piece).into_owned()).collect()
    }

    fn event(n: u32) -> String {
        format!(
            r#"{{"event_id":"E{n}","referral_id":"R{n}","detail":{{"reasons":[{{"a":"}},{{"}},{{"b":1}}]}}}}"#
        )
    }

    #[test]
    fn an_array_is_cut_into_elements_whatever_is_in_them() {
        let (one, two) = (event(1), r#"{"a":tru,"a":"]"}"#);
        let body = format!(" [ {one} ,\n{two}, 3 ] \n");
        assert_eq!(cut(body.as_bytes(), 3), Array::Elements(vec![one.as_bytes(), two.as_bytes(), b"3"]));
        assert_eq!(cut(body.as_bytes(), 2), Array::TooMany);
        assert_eq!(cut(b"[]", 2), Array::Elements(Vec::new()));
    }

    #[test]
    fn whole_events_are_found_on_both_sides_of_a_tear() {
        let events: Vec<String> = (0..5).map(event).collect();
        let whole = format!("[{}]", events.join(","));
        for (from, to) in [
            // A bracket, a quote and a comma are missing.
            ("\"b\":1}]}},{\"event_id\":\"E2", "\"b\":1}]},{\"event_id\":\"E2"),
            ("\"event_id\":\"E1\"", "\"event_id\":\"E1"),
            ("}},{\"event_id\":\"E2", "}}{\"event_id\":\"E2"),
        ] {
            let torn = whole.replacen(from, to, 1);
            assert!(torn != whole, "{from}");
            let Array::Torn(pieces) = cut(torn.as_bytes(), 100) else { panic!("{from}") };
            let found = texts(&pieces);
            for event in [&events[0], &events[2], &events[3], &events[4]] {
                assert!(found.contains(event), "{from}: {event} in {found:?}");
            }
            assert!(found.iter().any(|piece| piece.contains("E1")), "{from}: {found:?}");
        }
        let Array::Torn(pieces) = cut(&whole.as_bytes()[..whole.len() - 8], 100) else { panic!() };
        assert_eq!(texts(&pieces)[..4], events[..4]);
        assert!(texts(&pieces)[4].starts_with("{\"event_id\":\"E4"));
    }

    #[test]
    fn a_hostile_rest_ends_the_search_soon() {
        let before = std::time::Instant::now();
        let body = format!("[{{\"a\":{}", ",{\"b\":".repeat(300_000));
        let Array::Torn(pieces) = cut(body.as_bytes(), 10) else { panic!() };
        assert_eq!(pieces.len(), 1);
        assert!(before.elapsed().as_secs() < 20, "{:?}", before.elapsed());
    }
}
