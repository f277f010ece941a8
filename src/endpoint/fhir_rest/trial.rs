//! What `sp-fhir check --probe-writes` does: writes something that is about nobody, in the ways the daemon writes, and takes
//! it away again.
//!
//! A Task without a person, *entered in error*, under an identifier that nobody has. What this is not: it never runs by
//! itself. Invariant: everything that it finds under its identifier in the end is deleted, and what could not be is named.
//! Next: [`super::classify`].

use std::collections::BTreeSet;

use serde_json::json;

use super::client::{Answer, Fault, Single};
use super::inquiry::{UUIDS, refusal, refused};
use super::question::{Finding, Question, Verdict};
use super::{FhirRest, search};

/// Creates twice on condition, updates by identifier, counts, deletes. `nobodys` is a UUID that was never used.
pub async fn probe_writes(endpoint: &FhirRest, nobodys: uuid::Uuid) -> Vec<Finding> {
    let entry = uuid::Uuid::from_u128(nobodys.as_u128() ^ 1).urn().to_string();
    let trial = Trial { endpoint, value: nobodys.urn().to_string(), entry };
    let mut made = BTreeSet::new();
    let tried = trial.write(&mut made).await;
    let found = match trial.ids().await {
        Ok(ids) => {
            made.extend(ids.iter().cloned());
            Some(ids.len())
        }
        Err(_) => None,
    };
    let (verdict, said) = match (tried, found, made.len()) {
        (Err(said), ..) => (Verdict::Wrong, said),
        (Ok(()), _, 2..) => (
            Verdict::Wrong,
            "it made two of one: it does not heed If-None-Exist or updates by identifier".to_owned(),
        ),
        (Ok(()), Some(0) | None, _) => {
            let said =
                "what was written is not found by its identifier: a lost answer could not be asked about";
            (Verdict::Wrong, said.to_owned())
        }
        (Ok(()), ..) => (Verdict::Good, "created once, repeated and updated without a second one".to_owned()),
    };
    let mut findings = vec![Finding::new(Question::Writes, verdict, said)];
    findings.extend(trial.remove(&made).await);
    findings
}

struct Trial<'a> {
    endpoint: &'a FhirRest,
    /// The identifier's value.
    value: String,
    /// The `fullUrl` in a transaction. Another one, because some servers put a resource's place for its `fullUrl` wherever that
    /// stands in the Bundle.
    entry: String,
}

impl Trial<'_> {
    fn task(&self) -> serde_json::Value {
        json!({
            "resourceType": "Task",
            "identifier": [{"system": UUIDS, "value": self.value}],
            "status": "entered-in-error",
            "intent": "order",
            "description": "A probe of sp-fhir, about nobody. It may be deleted."
        })
    }

    /// The writes, one after another, up to the first that is refused. Where each went is added to `made`.
    async fn write(&self, made: &mut BTreeSet<String>) -> Result<(), String> {
        let client = self.endpoint.client();
        let query = format!("identifier={UUIDS}|{}", self.value);
        let body = self.task().to_string();
        for time in ["a conditional create", "the same conditional create again"] {
            let single = Single::IfNoneExist { query: &query };
            let answer = client.write_single("Task", single, body.clone().into_bytes()).await;
            self.took(time, answer, made)?;
        }
        let capability = self.endpoint.capability().await.map_err(|outcome| refusal(&outcome))?;
        if !capability.transaction {
            let single = Single::ByIdentifier { system: UUIDS, value: &self.value };
            let answer = client.write_single("Task", single, body.into_bytes()).await;
            return self.took("an update by identifier", answer, made);
        }
        let bundle = json!({
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [{
                "fullUrl": self.entry,
                "resource": self.task(),
                "request": {"method": "PUT", "url": format!("Task?{}", query.replace('|', "%7C"))}
            }]
        });
        let answer = client.write("POST", "", None, bundle.to_string()).await;
        let what = "a transaction with an update by identifier";
        let inside = answer.as_ref().ok().and_then(Answer::json).and_then(|answer| {
            let response = answer.path("entry[0].response")?;
            let status = response.get("status")?.as_str()?.split(' ').next()?.parse::<u16>().ok()?;
            let location = response.get("location").and_then(crate::tree::Node::as_str).map(str::to_owned);
            Some((status, location))
        });
        match (inside, answer) {
            (Some((200..=299, location)), Ok(answer)) if answer.is_success() => {
                let literal = location.and_then(|location| client.base().literal(&location));
                made.extend(literal.map(|literal| literal.id));
                Ok(())
            }
            (Some((status, _)), Ok(answer)) if answer.is_success() => {
                Err(format!("{what}: its entry was refused ({status})"))
            }
            (_, answer) => self.took(what, answer, made),
        }
    }

    fn took(
        &self,
        what: &str,
        answer: Result<Answer, Fault>,
        made: &mut BTreeSet<String>,
    ) -> Result<(), String> {
        let answer = answer.map_err(|_| format!("{what}: no answer"))?;
        if !answer.is_success() {
            return Err(format!("{what}: {}", refused(&answer, self.endpoint.now())));
        }
        let literal =
            answer.location.as_deref().and_then(|location| self.endpoint.client().base().literal(location));
        let returned = answer.json().and_then(|node| node.get("id")?.as_str().map(str::to_owned));
        made.extend(literal.map(|literal| literal.id).or(returned));
        Ok(())
    }

    /// The ids of all that is there under our identifier.
    async fn ids(&self) -> Result<Vec<String>, String> {
        let (client, now) = (self.endpoint.client(), self.endpoint.now());
        let found = search::by_identifier(client, "Task", UUIDS, &self.value, now).await;
        let found = found.map_err(|outcome| refusal(&outcome))?.found;
        Ok(found.iter().filter_map(|task| task.get("id")?.as_str().map(str::to_owned)).collect())
    }

    async fn remove(&self, made: &BTreeSet<String>) -> Option<Finding> {
        let client = self.endpoint.client();
        let mut left = Vec::new();
        for id in made {
            let gone = match client.remove("Task", id).await {
                Ok(answer) => answer.is_success() || matches!(answer.status, 404 | 410),
                Err(_) => false,
            };
            if !gone {
                left.push(format!("Task/{id}"));
            }
        }
        let said =
            format!("{} could not be deleted and is left there; ask its administrator", left.join(", "));
        (!left.is_empty()).then(|| Finding::new(Question::Writes, Verdict::Warning, said))
    }
}
