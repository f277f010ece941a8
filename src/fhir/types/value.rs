//! The choice elements (`value[x]` and its kin) as enums, so that two choices at once cannot be written.
//!
//! What it is: one enum per family of member names, shared by the elements that use it. What it is not: a promise
//! that R4 allows every variant everywhere (Observation has no `valueReference`): the element table checks that.
//! Invariant: each variant knows its member's full name. Next: [`super::datatypes`].

use super::{CodeableConcept, Coding, Decimal, Identifier, Period, Quantity, Reference, Text};

choice! {
    /// `value[x]` of Extension, Observation and its components, Task input and output, and questionnaire answers.
    Value {
        Boolean(bool) = "valueBoolean",
        Integer(i32) = "valueInteger",
        Decimal(Decimal) = "valueDecimal",
        String(Text) = "valueString",
        Code(Text) = "valueCode",
        Uri(Text) = "valueUri",
        Url(Text) = "valueUrl",
        Date(Text) = "valueDate",
        DateTime(Text) = "valueDateTime",
        Time(Text) = "valueTime",
        Instant(Text) = "valueInstant",
        CodeableConcept(CodeableConcept) = "valueCodeableConcept",
        Coding(Coding) = "valueCoding",
        Identifier(Box<Identifier>) = "valueIdentifier",
        Period(Period) = "valuePeriod",
        Quantity(Quantity) = "valueQuantity",
        Reference(Reference) = "valueReference",
    }
}

choice! {
    /// `effective[x]` of Observation.
    Effective {
        DateTime(Text) = "effectiveDateTime",
        Period(Period) = "effectivePeriod",
        Instant(Text) = "effectiveInstant",
    }
}

choice! {
    /// `occurrence[x]` of ServiceRequest.
    Occurrence {
        DateTime(Text) = "occurrenceDateTime",
        Period(Period) = "occurrencePeriod",
    }
}

choice! {
    /// `occurred[x]` of Provenance.
    Occurred {
        Period(Period) = "occurredPeriod",
        DateTime(Text) = "occurredDateTime",
    }
}

choice! {
    /// `performed[x]` of Procedure.
    Performed {
        DateTime(Text) = "performedDateTime",
        Period(Period) = "performedPeriod",
        String(Text) = "performedString",
    }
}

choice! {
    /// `onset[x]` of Condition.
    Onset {
        DateTime(Text) = "onsetDateTime",
        Period(Period) = "onsetPeriod",
        String(Text) = "onsetString",
    }
}

choice! {
    /// `abatement[x]` of Condition.
    Abatement {
        DateTime(Text) = "abatementDateTime",
        Period(Period) = "abatementPeriod",
        String(Text) = "abatementString",
    }
}

choice! {
    /// `deceased[x]` of Patient.
    Deceased {
        Boolean(bool) = "deceasedBoolean",
        DateTime(Text) = "deceasedDateTime",
    }
}

choice! {
    /// `start[x]` of Goal.
    Start {
        Date(Text) = "startDate",
        CodeableConcept(CodeableConcept) = "startCodeableConcept",
    }
}

choice! {
    /// `detail[x]` of Goal.target.
    Detail {
        Quantity(Quantity) = "detailQuantity",
        CodeableConcept(CodeableConcept) = "detailCodeableConcept",
        String(Text) = "detailString",
        Boolean(bool) = "detailBoolean",
        Integer(i32) = "detailInteger",
    }
}

choice! {
    /// `content[x]` of Communication.payload.
    Content {
        String(Text) = "contentString",
        Reference(Reference) = "contentReference",
    }
}

choice! {
    /// `event[x]` of MessageHeader.
    Event {
        Coding(Coding) = "eventCoding",
        Uri(Text) = "eventUri",
    }
}

choice! {
    /// `scheduled[x]` of CarePlan.activity.detail.
    Scheduled {
        Period(Period) = "scheduledPeriod",
        String(Text) = "scheduledString",
    }
}

choice! {
    /// `author[x]` of Annotation.
    Author {
        Reference(Reference) = "authorReference",
        String(Text) = "authorString",
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::String(Text::Fixed(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(Text::Owned(text))
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Integer(number)
    }
}
