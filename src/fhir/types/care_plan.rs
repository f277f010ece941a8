//! CarePlan: what was agreed with the person.

use super::{Annotation, CodeableConcept, Extension, Identifier, Meta, Period, Reference, Scheduled, Text};

structs! {
    /// What was agreed with the person.
    CarePlan("CarePlan") {
        id: Option<Text> = "id",
        meta: Option<Meta> = "meta",
        extension: Vec<Extension> = "extension",
        identifier: Vec<Identifier> = "identifier",
        based_on: Vec<Reference> = "basedOn",
        replaces: Vec<Reference> = "replaces",
        part_of: Vec<Reference> = "partOf",
        /// 1..1; draft | active | on-hold | revoked | completed | entered-in-error | unknown.
        status: Text = "status",
        /// 1..1; proposal | plan | order | option.
        intent: Text = "intent",
        category: Vec<CodeableConcept> = "category",
        title: Option<Text> = "title",
        description: Option<Text> = "description",
        /// 1..1.
        subject: Reference = "subject",
        encounter: Option<Reference> = "encounter",
        period: Option<Period> = "period",
        created: Option<Text> = "created",
        author: Option<Reference> = "author",
        contributor: Vec<Reference> = "contributor",
        care_team: Vec<Reference> = "careTeam",
        addresses: Vec<Reference> = "addresses",
        supporting_info: Vec<Reference> = "supportingInfo",
        goal: Vec<Reference> = "goal",
        activity: Vec<CarePlanActivity> = "activity",
        note: Vec<Annotation> = "note",
    }

    /// One activity of the plan.
    CarePlanActivity {
        outcome_codeable_concept: Vec<CodeableConcept> = "outcomeCodeableConcept",
        outcome_reference: Vec<Reference> = "outcomeReference",
        progress: Vec<Annotation> = "progress",
        reference: Option<Reference> = "reference",
        detail: Option<CarePlanActivityDetail> = "detail",
    }

    /// An activity described in place.
    CarePlanActivityDetail {
        kind: Option<Text> = "kind",
        code: Option<CodeableConcept> = "code",
        reason_code: Vec<CodeableConcept> = "reasonCode",
        reason_reference: Vec<Reference> = "reasonReference",
        goal: Vec<Reference> = "goal",
        /// 1..1; not-started | scheduled | in-progress | on-hold | completed | cancelled | stopped | unknown | entered-in-error.
        status: Text = "status",
        status_reason: Option<CodeableConcept> = "statusReason",
        do_not_perform: Option<bool> = "doNotPerform",
        scheduled: Option<Scheduled> = "scheduled[x]",
        location: Option<Reference> = "location",
        performer: Vec<Reference> = "performer",
        description: Option<Text> = "description",
    }
}
