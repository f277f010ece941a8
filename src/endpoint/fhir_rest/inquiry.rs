//! What `sp-fhir check` asks a FHIR server, and what its answers mean. Writes nothing.
//!
//! It asks what the daemon depends on: our certificates, a token, the CapabilityStatement, searching by identifier, the
//! clocks. What this is not: a conformance test. Invariant: nothing asked here is about a person: searches are for an
//! identifier that nobody has. Next: [`super::trial`], which writes, when told to.

use jiff::Timestamp;

use crate::endpoint::auth::{expiry, skew};
use crate::outbox::{Outcome, Reason};
use crate::tree::Node;

use super::capability;
use super::client::{Answer, Fault};
use super::fill::ProvenanceForm;
use super::question::{Finding, Question, Verdict};
use super::{FhirRest, classify, search};

/// The system of identifiers that are UUIDs.
pub(super) const UUIDS: &str = "urn:ietf:rfc:3986";

/// Asks everything that can be asked without writing. `nobodys` is a UUID that was never used.
pub async fn inquire(endpoint: &FhirRest, nobodys: uuid::Uuid) -> Vec<Finding> {
    let mut found = certificates(endpoint);
    let authenticated = authentication(endpoint).await;
    let may_ask = authenticated.verdict != Verdict::Wrong;
    found.push(authenticated);
    // Without credentials every other answer would only say so again.
    if may_ask {
        let (answers, is_there) = metadata(endpoint).await;
        found.extend(answers);
        if is_there {
            found.extend(server_certificate(endpoint).await);
            found.push(searching(endpoint, nobodys).await);
        }
    }
    found.push(clocks(endpoint));
    found
}

fn certificates(endpoint: &FhirRest) -> Vec<Finding> {
    let connector = endpoint.client().connector();
    if let Err(error) = connector.check() {
        return vec![Finding::new(Question::Certificate, Verdict::Wrong, error.to_string())];
    }
    let now = endpoint.now();
    let mut found: Vec<Finding> =
        connector.certificate_ends().map(|ends| end("our certificate", ends, now)).into_iter().collect();
    // A bundle may well hold old ones; what counts is that one is left.
    if let Some(last) = connector.authorities_end().into_iter().max() {
        found.push(end("the last of the authorities we trust", last, now));
    }
    found
}

async fn server_certificate(endpoint: &FhirRest) -> Option<Finding> {
    let ends = endpoint.client().server_certificate_ends().await?;
    Some(end("the server's certificate", ends, endpoint.now()))
}

fn end(whose: &str, ends: Timestamp, now: Timestamp) -> Finding {
    let day = ends.strftime("%Y-%m-%d");
    let (verdict, said) = match expiry::step(ends, now) {
        None => (Verdict::Good, format!("{whose} ends on {day}")),
        Some(0) => (Verdict::Wrong, format!("{whose} ended on {day}")),
        Some(days) => (Verdict::Warning, format!("{whose} ends on {day}, in {days} days or less")),
    };
    Finding::new(Question::Certificate, verdict, said)
}

async fn authentication(endpoint: &FhirRest) -> Finding {
    let (verdict, said) = match endpoint.client().authenticate().await {
        Ok(true) => (Verdict::Good, "credentials are there".to_owned()),
        Ok(false) => (Verdict::Good, "none is configured".to_owned()),
        Err(Reason::Unavailable) => (
            Verdict::Wrong,
            "no token: the authorisation server gave none; the lines above say why".to_owned(),
        ),
        Err(_) => (
            Verdict::Wrong,
            "our credentials were refused or cannot be used; the lines above say why".to_owned(),
        ),
    };
    Finding::new(Question::Authentication, verdict, said)
}

/// What it says of itself, and whether it answers at all.
async fn metadata(endpoint: &FhirRest) -> (Vec<Finding>, bool) {
    let finding = |verdict, said: String| Finding::new(Question::Metadata, verdict, said);
    let answer = match endpoint.client().get("metadata").await {
        Ok(answer) => answer,
        Err(fault) => {
            let said = match fault {
                Fault::NotSent(_) => "it cannot be reached: no connection, no such name, or TLS was refused",
                Fault::Lost => "it gives no whole answer in time",
            };
            return (vec![finding(Verdict::Wrong, said.to_owned())], false);
        }
    };
    match answer.status {
        200..=299 => {
            (stated(&answer).into_iter().map(|(verdict, said)| finding(verdict, said)).collect(), true)
        }
        401 => (vec![finding(Verdict::Wrong, "it does not accept our credentials (401)".to_owned())], false),
        // Many have none, or show it to nobody.
        400 | 403..=407 | 410..=428 | 501 => {
            let said =
                format!("it shows no CapabilityStatement ({}); what is needed is assumed", answer.status);
            (vec![finding(Verdict::Warning, said)], true)
        }
        status => (vec![finding(Verdict::Wrong, format!("it answers {status}"))], false),
    }
}

fn stated(answer: &Answer) -> Vec<(Verdict, String)> {
    let statement = answer.json();
    let both = statement.and_then(|statement| Some((capability::stated(&statement)?, statement)));
    let Some((capability, statement)) = both else {
        let said =
            "it answers something else than a CapabilityStatement; is the url the base of a FHIR server?";
        return vec![(Verdict::Warning, said.to_owned())];
    };
    let mut found = vec![match statement.get("fhirVersion").and_then(Node::as_str) {
        Some(version) if version == "4.0" || version.starts_with("4.0.") => {
            (Verdict::Good, format!("FHIR {}", plain(version)))
        }
        Some(version) => (Verdict::Wrong, format!("FHIR {}, and 4.0.x (R4) is needed", plain(version))),
        None => (Verdict::Warning, "it does not say its FHIR version".to_owned()),
    }];
    let mut say = |verdict, said: &str| found.push((verdict, said.to_owned()));
    match (capability.transaction, capability.conditional_update) {
        (false, false) => {
            say(
                Verdict::Wrong,
                "it takes neither transactions nor updates by identifier: nothing can be delivered safely",
            );
        }
        (false, true) => say(Verdict::Warning, "it takes no transactions: resources are sent one at a time"),
        (true, false) => {
            say(Verdict::Warning, "it says that it takes no updates by identifier; --probe-writes tries")
        }
        (true, true) => {}
    }
    if !capability.conditional_create {
        say(Verdict::Warning, "it says that it takes no conditional creates: organisations may be refused");
    }
    if !capability.versioned {
        say(Verdict::Warning, "it keeps no versions: that two write at once is not noticed");
    }
    if capability.provenance == ProvenanceForm::LeftOut {
        say(Verdict::Warning, "it takes no Provenance that may be repeated: none is sent");
    }
    found
}

/// A version is a few letters; anything else is not repeated at a terminal.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')).take(20).collect()
}

async fn searching(endpoint: &FhirRest, nobodys: uuid::Uuid) -> Finding {
    let value = nobodys.urn().to_string();
    for kind in ["Patient", "ServiceRequest", "Task"] {
        let wrong = |said: String| Finding::new(Question::Search, Verdict::Wrong, format!("{kind}: {said}"));
        match search::by_identifier(endpoint.client(), kind, UUIDS, &value, endpoint.now()).await {
            Ok(matches) if matches.found.is_empty() && !matches.more => {}
            Ok(_) => return wrong("it finds something under an identifier that nobody has".to_owned()),
            Err(outcome) => return wrong(refusal(&outcome)),
        }
    }
    Finding::new(Question::Search, Verdict::Good, "Patient, ServiceRequest and Task are found by identifier")
}

/// What an outcome that is no success says, in status and codes.
pub(super) fn refusal(outcome: &Outcome) -> String {
    let status = outcome.status().map(|status| format!(" ({status})")).unwrap_or_default();
    match outcome {
        Outcome::Rejected(refusal) if refusal.codes.is_empty() => format!("refused{status}"),
        Outcome::Rejected(refusal) => format!("refused{status}: {}", refusal.codes.join(", ")),
        Outcome::Deferred { reason, .. } | Outcome::Unknown { reason, .. } => {
            format!("{}{status}", reason.as_str())
        }
        Outcome::Accepted(_) | Outcome::Duplicate(_) => "done".to_owned(),
    }
}

/// What an answer that is no success says.
pub(super) fn refused(answer: &Answer, now: Timestamp) -> String {
    refusal(&classify::refused(answer, now))
}

fn clocks(endpoint: &FhirRest) -> Finding {
    let (verdict, said) = match endpoint.client().skew().seconds() {
        None => (Verdict::Warning, "nothing that was answered says what time it is".to_owned()),
        Some(seconds) => {
            let verdict = if skew::is_large(seconds) { Verdict::Wrong } else { Verdict::Good };
            let which = if seconds > 0 { "behind" } else { "ahead" };
            let said = match seconds {
                0 => "the clocks agree".to_owned(),
                _ => format!("this machine's clock is {} s {which}", seconds.unsigned_abs()),
            };
            (verdict, said)
        }
    };
    Finding::new(Question::ClockSkew, verdict, said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<(Verdict, String)> {
        stated(&Answer { status: 200, body: text.as_bytes().to_vec(), ..Answer::default() })
    }

    #[test]
    fn only_r4_that_writes_safely_is_good() {
        let good = r#"{"resourceType":"CapabilityStatement","fhirVersion":"4.0.1"}"#;
        assert_eq!(of(good), [(Verdict::Good, "FHIR 4.0.1".to_owned())]);
        for (version, verdict) in [
            ("4.0.0", Verdict::Good),
            ("4.0", Verdict::Good),
            ("4.3.0", Verdict::Wrong),
            ("3.0.2", Verdict::Wrong),
            ("4.01", Verdict::Wrong),
        ] {
            assert_eq!(of(&good.replace("4.0.1", version))[0].0, verdict, "{version}");
        }
        let neither = r#"{"resourceType":"CapabilityStatement","rest":[{"mode":"server","interaction":[{"code":"batch"}],
            "resource":[{"type":"Task","conditionalUpdate":false}]}]}"#;
        let found = of(neither);
        assert_eq!((found[0].0, found[1].0), (Verdict::Warning, Verdict::Wrong), "{found:?}");
        assert_eq!(of("<html>")[0].0, Verdict::Warning);
    }

    #[test]
    fn a_certificate_is_warned_of_thirty_days_before() {
        let at = |text: &str| text.parse().unwrap();
        let now = at("2026-11-21T12:00:00Z");
        let verdict = |ends| end("our certificate", at(ends), now).verdict;
        assert_eq!(verdict("2027-06-01T00:00:00Z"), Verdict::Good);
        assert_eq!(verdict("2026-12-20T00:00:00Z"), Verdict::Warning);
        assert_eq!(verdict("2026-11-21T11:00:00Z"), Verdict::Wrong);
    }
}
