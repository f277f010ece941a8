//! Canonical events, looked at without being read: which referral, which person, what of consent.
//!
//! What [`crate::profile::about`] is for exports. Next: [`super::interpret`].

use crate::event::blank::as_seen;
use crate::event::kinds::{EventType, Share};
use crate::event::person::Person;
use crate::event::{NhsNumber, When};
use crate::profile::about::{About, Said};
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

fn text<'n>(node: &'n Node, path: &str) -> Option<&'n str> {
    node.path(path).and_then(Node::as_str)
}
