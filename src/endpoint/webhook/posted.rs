//! [`Posted`]: a pulled event on its way to a webhook, by names that follow from it. Pure.
//!
//! What is posted is the event in its wire form and nothing else. Its idempotency key follows from the webhook's name and
//! those bytes: the same for every repeat, another one for a revision. Its lane, the referral at that webhook, is a name
//! of its own, so that a webhook that is down holds up no delivery of the same referral. Invariant: nothing here is
//! derived from an NHS number alone. Next: [`super::judge`].

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::endpoint::{Request, Target};
use crate::event::ReferralEvent;
use crate::event::hash::hex;
use crate::map::names::{NameKind, Names};
use crate::outbox::{Parcel, Subject};

/// What stands for a resource type where requests are compared.
const EVENT: &str = "Event";

/// A pulled event on its way to a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The referral at this webhook: its entries leave one after the other.
    pub lane: Uuid,
    /// The idempotency key.
    pub key: Uuid,
    /// What is posted.
    pub parcel: Parcel,
}

impl Posted {
    /// An event for the webhook of a name; nothing where it has no wire form, which no event that was read lacks.
    #[must_use]
    pub fn of(event: &ReferralEvent, webhook: &str) -> Option<Self> {
        let body = serde_json::to_string(event).ok()?;
        let lane = names(webhook).uuid(NameKind::Referral, &[&event.source, &event.referral_id]);
        let (key, _) = key(webhook, &body);
        Some(Self {
            lane,
            key,
            parcel: Parcel {
                subject: Subject::default(),
                bundle: body,
                fulfils: None,
                let_stand: Vec::new(),
            },
        })
    }
}

/// The members that every event has and no Bundle.
#[derive(Deserialize)]
struct Members {
    #[serde(rename = "event_id")]
    _event_id: String,
    #[serde(rename = "referral_id")]
    _referral_id: String,
}

/// The request for a parcel; nothing where it holds no event, because the endpoint was of another kind when it was made.
#[must_use]
pub fn request(parcel: &Parcel, webhook: &str) -> Option<Request> {
    serde_json::from_str::<Members>(&parcel.bundle).ok()?;
    let (key, content) = key(webhook, &parcel.bundle);
    let target =
        Target { resource_type: EVENT.to_owned(), uuid: key.to_string(), system: None, content, ours: true };
    Some(Request {
        method: "POST".to_owned(),
        path: String::new(),
        if_match: None,
        body: parcel.bundle.clone(),
        targets: vec![target],
    })
}

/// The idempotency key of a request that [`request`] made.
#[must_use]
pub fn key_of(request: &Request) -> Option<&str> {
    match request.targets.as_slice() {
        [target] if target.resource_type == EVENT => Some(&target.uuid),
        _ => None,
    }
}

fn names(webhook: &str) -> Names {
    Names::new(&format!("urn:sp-fhir:webhook:{webhook}"))
}

/// The key, and the digest that it follows from.
fn key(webhook: &str, body: &str) -> (Uuid, String) {
    let content = hex(&Sha256::digest(body));
    (names(webhook).uuid(NameKind::Event, &[&content]), content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::build::NhsNumberRule;
    use crate::event::finish::Identities;
    use crate::event::read;
    use crate::tree::{Limits, json};

    fn event(day: &str) -> ReferralEvent {
        let text = format!(
            r#"{{"source":"https://gp.example/requests","event_id":"GP-1/accepted","referral_id":"GP-1",
            "type":"accepted","occurred_at":"{day}","record":{{"person":{{"nhs_number":"9990004218"}},
            "referrer":{{"kind":"gp","organisation_ods":"Z99901"}},"service":{{"kind":"link-worker"}}}}}}"#
        );
        let node = json::parse(text.as_bytes(), &Limits::default()).unwrap();
        read::read(&node, &Identities::default(), NhsNumberRule::Reject).0.unwrap()
    }

    #[test]
    fn a_repeat_has_the_same_names_and_a_revision_another_key() {
        let told = event("2026-04-01");
        let posted = Posted::of(&told, "hook").unwrap();
        assert_eq!(Posted::of(&told, "hook").unwrap(), posted);
        let revised = Posted::of(&event("2026-04-02"), "hook").unwrap();
        assert!(revised.lane == posted.lane && revised.key != posted.key);
        let elsewhere = Posted::of(&told, "other").unwrap();
        assert!(elsewhere.lane != posted.lane && elsewhere.key != posted.key);
        let request = request(&posted.parcel, "hook").unwrap();
        assert_eq!(key_of(&request), Some(posted.key.to_string().as_str()));
        assert_eq!(request.body, serde_json::to_string(&told).unwrap());
    }

    #[test]
    fn a_bundle_is_not_posted() {
        let bundle = r#"{"resourceType":"Bundle","type":"transaction","entry":[]}"#.to_owned();
        let parcel = Parcel { subject: Subject::default(), bundle, fulfils: None, let_stand: Vec::new() };
        assert_eq!(request(&parcel, "hook"), None);
    }
}
