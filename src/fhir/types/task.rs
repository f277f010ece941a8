//! Task: the work on a referral, and how far it got.

use super::{CodeableConcept, Extension, Identifier, Meta, Period, Reference, Text, Value};

structs! {
    /// The work on a referral, and how far it got.
    Task("Task") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Vec<Identifier> = "identifier",
        based_on: Vec<Reference> = "basedOn",
        part_of: Vec<Reference> = "partOf",
        /// 1..1; draft | requested | received | accepted | rejected | ready | cancelled | in-progress | on-hold | failed | completed | entered-in-error.
        status: Text = "status",
        status_reason: Option<CodeableConcept> = "statusReason",
        business_status: Option<CodeableConcept> = "businessStatus",
        /// 1..1; unknown | proposal | plan | order | original-order | reflex-order | filler-order | instance-order | option.
        intent: Text = "intent",
        code: Option<CodeableConcept> = "code",
        focus: Option<Reference> = "focus",
        for_: Option<Reference> = "for",
        execution_period: Option<Period> = "executionPeriod",
        authored_on: Option<Text> = "authoredOn",
        last_modified: Option<Text> = "lastModified",
        requester: Option<Reference> = "requester",
        owner: Option<Reference> = "owner",
        output: Vec<TaskParameter> = "output",
    }

    /// An output of the work.
    TaskParameter {
        /// 1..1.
        type_: CodeableConcept = "type",
        /// 1..1.
        value: Option<Value> = "value[x]",
    }
}
