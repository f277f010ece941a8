//! Canonical events, looked at without being read: which referral, which person, what of consent.
//!
//! What [`crate::profile::about`] is for exports. Next: [`super::interpret`].

use crate::event::blank::as_seen;
use crate::event::kinds::{EventType, Share};
use crate::event::person::Person;
use crate::event::{NhsNumber, When};
use crate::profile::about::{About, Said, pieces_of_tree};
use crate::tree::Node;

/// The referral an event belongs to, as bytes that group and sort.
pub(super) fn key(node: &Node) -> Option<Vec<u8>> {
    let source = text(node, "source").unwrap_or_default();
    let referral = as_seen(text(node, "referral_id")?);
    Some(format!("{}\u{1f}{referral}", source.trim_end_matches('/')).into_bytes())
}

/// Whom an event is about, and what it says of consent.
pub(crate) fn about(node: &Node) -> About {
    let when = |path| text(node, path).and_then(|text| When::parse_iso(text, When::london()).ok());
    let said = node.path("record.consent").is_some();
    let share = text(node, "record.consent.share").and_then(Share::parse);
    let dated = node.path("record.consent.date").is_none() || when("record.consent.date").is_some();
    let event_type = text(node, "type").and_then(EventType::parse);
    About {
        event_id: text(node, "event_id").map(str::to_owned),
        source: text(node, "source").map(|source| source.trim_end_matches('/').to_owned()),
        person: Person {
            nhs_number: text(node, "record.person.nhs_number").and_then(|n| NhsNumber::parse(n).ok()),
            local_id: text(node, "record.person.local_id").map(|local| local.trim().to_owned()),
            birth_date: when("record.person.birth_date").map(|(when, _)| when),
            family: text(node, "record.person.family").map(str::to_owned),
            former_family: node
                .path("record.person.former_family")
                .and_then(Node::as_array)
                .into_iter()
                .flatten()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect(),
            ..Person::default()
        },
        consent: Said::new(share, !said || (share.is_some() && dated)),
        changes_consent: event_type.is_none_or(|event| event == EventType::ConsentChanged),
    }
}

/// The same of an event that cannot be read as JSON, as far as it can be made out: each field where its name comes
/// first.
pub(crate) fn torn(raw: &str) -> (Option<Vec<u8>>, About) {
    let source = after(raw, "source").map(|source| source.trim_end_matches('/').to_owned());
    let key = after(raw, "referral_id")
        .map(|referral| format!("{}\u{1f}{referral}", source.as_deref().unwrap_or_default()).into_bytes());
    let says = |share: Share| pieces_of_tree(raw).any(|piece| piece.trim() == share.as_str());
    let said = raw.contains("\"consent\"") || raw.contains("\"share\"");
    let share = after(raw, "share")
        .and_then(Share::parse)
        .filter(|share| !says(Share::None) && *share != Share::None);
    let event_type = after(raw, "type").and_then(EventType::parse);
    let number = |text: &str| NhsNumber::parse(text).ok();
    let about = About {
        event_id: after(raw, "event_id").map(str::to_owned),
        source,
        person: Person {
            nhs_number: after(raw, "nhs_number")
                .and_then(number)
                .or_else(|| pieces_of_tree(raw).find_map(|piece| number(piece.trim()))),
            local_id: after(raw, "local_id").map(|local| local.trim().to_owned()),
            ..Person::default()
        },
        consent: Said::new(share, !said || share.is_some()),
        changes_consent: event_type.is_none_or(|event| event == EventType::ConsentChanged),
    };
    (key, about)
}

/// The string after a name.
fn after<'t>(raw: &'t str, name: &str) -> Option<&'t str> {
    let name = format!("\"{name}\"");
    raw.match_indices(&name).find_map(|(at, _)| {
        let rest = raw.get(at + name.len()..)?.trim_start().strip_prefix(':')?;
        let (value, _) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
        Some(value)
    })
}

fn text<'n>(node: &'n Node, path: &str) -> Option<&'n str> {
    node.path(path).and_then(Node::as_str)
}
