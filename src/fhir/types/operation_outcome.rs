//! OperationOutcome: what went wrong, or well.

use super::{CodeableConcept, Extension, Meta, Text};

structs! {
    /// What went wrong, or well.
    OperationOutcome("OperationOutcome") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        issue: Vec<OperationOutcomeIssue> = "issue",
    }

    /// One thing worth saying.
    OperationOutcomeIssue {
        /// 1..1; fatal | error | warning | information.
        severity: Text = "severity",
        /// 1..1; an issue-type code.
        code: Text = "code",
        details: Option<CodeableConcept> = "details",
        diagnostics: Option<Text> = "diagnostics",
        location: Vec<Text> = "location",
        expression: Vec<Text> = "expression",
    }
}
