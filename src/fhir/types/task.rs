//! Task: the work on a referral, and how far it got.

use super::{Annotation, CodeableConcept, Extension, Identifier, Meta, Period, Reference, Text, Value};

structs! {
    /// The work on a referral, and how far it got.
    Task("Task") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Vec<Identifier> = "identifier",
        based_on: Vec<Reference> = "basedOn",
        group_identifier: Option<Identifier> = "groupIdentifier",
        part_of: Vec<Reference> = "partOf",
        /// 1..1; draft | requested | received | accepted | rejected | ready | cancelled | in-progress | on-hold | failed | completed | entered-in-error.
        status: Text = "status",
        status_reason: Option<CodeableConcept> = "statusReason",
        business_status: Option<CodeableConcept> = "businessStatus",
        /// 1..1; unknown | proposal | plan | order | original-order | reflex-order | filler-order | instance-order | option.
        intent: Text = "intent",
        priority: Option<Text> = "priority",
        code: Option<CodeableConcept> = "code",
        description: Option<Text> = "description",
        focus: Option<Reference> = "focus",
        for_: Option<Reference> = "for",
        encounter: Option<Reference> = "encounter",
        execution_period: Option<Period> = "executionPeriod",
        authored_on: Option<Text> = "authoredOn",
        last_modified: Option<Text> = "lastModified",
        requester: Option<Reference> = "requester",
        performer_type: Vec<CodeableConcept> = "performerType",
        owner: Option<Reference> = "owner",
        location: Option<Reference> = "location",
        reason_code: Option<CodeableConcept> = "reasonCode",
        reason_reference: Option<Reference> = "reasonReference",
        note: Vec<Annotation> = "note",
        relevant_history: Vec<Reference> = "relevantHistory",
        input: Vec<TaskParameter> = "input",
        output: Vec<TaskParameter> = "output",
    }

    /// An input or output of the work.
    TaskParameter {
        /// 1..1.
        type_: CodeableConcept = "type",
        /// 1..1.
        value: Option<Value> = "value[x]",
    }
}
