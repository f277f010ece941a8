//! Issues as an OperationOutcome: how a FHIR client is told what was wrong.
//!
//! Nothing of a person is in it, because nothing of a person is in an [`Issue`]. Invariant: there is at least
//! one entry, as R4 demands; of no issues it says that all is well. Next: [`super::types`].

use super::types::{CodeableConcept, Coding, OperationOutcome, OperationOutcomeIssue, Text};
use crate::event::Issue;

/// The system of issue codes. The host is reserved and leads nowhere.
pub const SYSTEM: &str = "https://sp-fhir.example/issue";

/// The outcome of reading or mapping something.
#[must_use]
pub fn operation_outcome(issues: &[Issue]) -> OperationOutcome {
    let issue = if issues.is_empty() { vec![all_is_well()] } else { issues.iter().map(entry).collect() };
    OperationOutcome { issue, ..OperationOutcome::default() }
}

fn all_is_well() -> OperationOutcomeIssue {
    OperationOutcomeIssue {
        severity: "information".into(),
        code: "informational".into(),
        details: Some(CodeableConcept::text("no issues")),
        ..OperationOutcomeIssue::default()
    }
}

fn entry(issue: &Issue) -> OperationOutcomeIssue {
    let code = issue.code;
    let place = issue.at.to_string();
    let mut diagnostics = String::new();
    for part in [place.as_str(), &issue.found, code.remedy()] {
        if !part.is_empty() {
            diagnostics.push_str(if diagnostics.is_empty() { "" } else { "; " });
            diagnostics.push_str(part);
        }
    }
    let coding = Coding::new(SYSTEM, code.as_str()).with_display(code.title());
    OperationOutcomeIssue {
        severity: issue.severity.as_str().into(),
        code: code.fhir_type().into(),
        details: Some(CodeableConcept { text: Some(code.title().into()), ..CodeableConcept::coding(coding) }),
        diagnostics: Some(diagnostics.into()),
        expression: issue
            .at
            .path
            .as_deref()
            .filter(|path| is_path(path))
            .map(|p| Text::from(p.to_owned()))
            .into_iter()
            .collect(),
        ..OperationOutcomeIssue::default()
    }
}

/// Whether a path is one of names and indexes: not one that says a line and column, or an XML path.
fn is_path(path: &str) -> bool {
    path.starts_with(|c: char| c.is_ascii_alphabetic())
        && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"._[]".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{IssueCode, Position};
    use crate::fhir::types::Resource;
    use crate::fhir::{checked, json};

    #[test]
    fn every_code_makes_a_sound_outcome() {
        let issues: Vec<Issue> = IssueCode::ALL
            .iter()
            .map(|code| Issue::new(*code, Position::path("record.person.nhs_number"), "digits, 9 long"))
            .collect();
        let outcome = operation_outcome(&issues);
        assert_eq!(outcome.issue.len(), IssueCode::ALL.len());
        assert_eq!(outcome.issue[0].expression, ["record.person.nhs_number"]);
        checked(&Resource::from(outcome)).unwrap();
    }

    #[test]
    fn an_outcome_in_bytes() {
        let at = Position { path: Some("event at 3:14".into()), ..Position::row("a.json".into(), 3) };
        let outcome = operation_outcome(&[Issue::new(IssueCode::NotJson, at, "")]);
        let bytes = String::from_utf8(json::to_vec(&outcome)).unwrap();
        assert_eq!(
            bytes,
            "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":\"structure\",\
             \"details\":{\"coding\":[{\"system\":\"https://sp-fhir.example/issue\",\"code\":\"not-json\",\
             \"display\":\"this is not JSON\"}],\"text\":\"this is not JSON\"},\
             \"diagnostics\":\"a.json:3:event at 3:14; mend the text at the position given; nothing of this record was used\"}]}"
        );
        checked(&Resource::from(operation_outcome(&[]))).unwrap();
    }
}
