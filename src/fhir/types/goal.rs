//! Goal: what the person wants to reach.

use super::{Annotation, CodeableConcept, Detail, Extension, Identifier, Meta, Reference, Start, Text};

structs! {
    /// What the person wants to reach.
    Goal("Goal") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Vec<Identifier> = "identifier",
        /// 1..1; proposed | planned | accepted | active | on-hold | completed | cancelled | entered-in-error | rejected.
        lifecycle_status: Text = "lifecycleStatus",
        achievement_status: Option<CodeableConcept> = "achievementStatus",
        category: Vec<CodeableConcept> = "category",
        priority: Option<CodeableConcept> = "priority",
        /// 1..1.
        description: CodeableConcept = "description",
        /// 1..1.
        subject: Reference = "subject",
        start: Option<Start> = "start[x]",
        target: Vec<GoalTarget> = "target",
        status_date: Option<Text> = "statusDate",
        status_reason: Option<Text> = "statusReason",
        expressed_by: Option<Reference> = "expressedBy",
        addresses: Vec<Reference> = "addresses",
        note: Vec<Annotation> = "note",
        outcome_code: Vec<CodeableConcept> = "outcomeCode",
        outcome_reference: Vec<Reference> = "outcomeReference",
    }

    /// How reaching the goal is seen.
    GoalTarget {
        measure: Option<CodeableConcept> = "measure",
        detail: Option<Detail> = "detail[x]",
        due_date: Option<Text> = "dueDate",
    }
}
