//! Canonical events, looked at without being read: which referral, which person, what of consent.
//!
//! What [`crate::profile::about`] is for exports. Next: [`super::interpret`].

use crate::event::blank::as_seen;
use crate::event::build::NhsNumberRule;
use crate::event::kinds::{EventType, Share};
use crate::event::person::Person;
use crate::event::{NhsNumber, When};
use crate::profile::about::{About, Said};
use crate::profile::torn::{Torn, without_escapes};
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
        more_numbers: Vec::new(),
        consent: Said::new(share, !said || (share.is_some() && dated)),
        changes_consent: event_type.is_none_or(|event| event == EventType::ConsentChanged),
    }
}

/// The same of an event that cannot be read as JSON, as far as it can be made out: each field where its name comes
/// first, consent and numbers wherever they stand.
pub(crate) fn torn(raw: &str) -> (Option<Vec<u8>>, About) {
    let (torn, plain) = (Torn::tree(raw), without_escapes(raw));
    let all = |name: &str| all_after(raw, name).chain(all_after(&plain, name)).collect::<Vec<_>>();
    let first = |name: &str| all(name).into_iter().next();
    let source = first("source").map(|source| source.trim_end_matches('/').to_owned());
    let key = first("referral_id")
        .map(|referral| format!("{}\u{1f}{referral}", source.as_deref().unwrap_or_default()).into_bytes());
    let said = ["\"consent\"", "\"share\""].iter().any(|name| raw.contains(name) || plain.contains(name));
    // Said several times, what allows least counts; what says nothing that can be read may forbid.
    let shares: Option<Vec<Share>> = all("share").iter().map(|share| Share::parse(share)).collect();
    let shares = shares.filter(|_| !torn.holds(Share::None.as_str())).unwrap_or_default();
    let share = shares.iter().find(|share| **share != Share::Full).or(shares.first()).copied();
    let types = all("type");
    let changes = |event: &String| EventType::parse(event).is_none_or(|it| it == EventType::ConsentChanged);
    let mut numbers = torn.numbers(NhsNumberRule::Reject).into_iter();
    let about = About {
        event_id: first("event_id"),
        source,
        person: Person {
            nhs_number: numbers.next(),
            local_id: first("local_id").map(|local| local.trim().to_owned()),
            ..Person::default()
        },
        more_numbers: numbers.collect(),
        consent: Said::new(share, !said || share.is_some()),
        changes_consent: types.is_empty() || types.iter().any(changes),
    };
    (key, about)
}

/// The strings after a name, with what is escaped in them undone.
fn all_after<'t>(raw: &'t str, name: &str) -> impl Iterator<Item = String> + use<'t> {
    let name = format!("\"{name}\"");
    let places: Vec<usize> = raw.match_indices(&name).map(|(at, _)| at + name.len()).collect();
    places.into_iter().filter_map(|at| {
        let rest = raw.get(at..)?.trim_start().strip_prefix(':')?;
        let (value, _) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
        Some(without_escapes(value).into_owned())
    })
}

fn text<'n>(node: &'n Node, path: &str) -> Option<&'n str> {
    node.path(path).and_then(Node::as_str)
}
