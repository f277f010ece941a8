//! The R4 datatypes our resources are made of.
//!
//! What they are: the parts of each datatype that we emit. What they are not: resources (those are one file each).
//! Invariant: every field is optional in R4 unless its type here is neither `Option` nor `Vec`. Next:
//! `value.rs`.

use std::sync::Arc;

use super::{Author, Decimal, Text, Value};

structs! {
    /// Metadata about a resource.
    Meta {
        version_id: Option<Text> = "versionId",
        last_updated: Option<Text> = "lastUpdated",
        source: Option<Text> = "source",
        profile: Vec<Text> = "profile",
        security: Vec<Coding> = "security",
        tag: Vec<Coding> = "tag",
    }

    /// An extension: a value, or further extensions, never both.
    Extension {
        extension: Vec<Extension> = "extension",
        /// 1..1, absolute, or a bare name inside another extension.
        url: Text = "url",
        value: Option<Value> = "value[x]",
    }

    /// A business identifier.
    Identifier {
        extension: Vec<Extension> = "extension",
        /// usual | official | temp | secondary | old.
        use_: Option<Text> = "use",
        /// The namespace, a URI.
        system: Option<Text> = "system",
        value: Option<Text> = "value",
    }

    /// A code from one code system.
    Coding {
        system: Option<Text> = "system",
        version: Option<Text> = "version",
        code: Option<Text> = "code",
        display: Option<Text> = "display",
        /// True only on what the source chose itself.
        user_selected: Option<bool> = "userSelected",
    }

    /// A concept: codings of one meaning, and the source's own words.
    CodeableConcept {
        coding: Vec<Coding> = "coding",
        text: Option<Text> = "text",
    }

    /// A reference to another resource: literal, conditional or logical.
    Reference {
        reference: Option<Text> = "reference",
        type_: Option<Text> = "type",
        /// Shared: every resource of a referral points at its person.
        identifier: Option<Arc<Identifier>> = "identifier",
        display: Option<Text> = "display",
    }

    /// A span of time; both ends inclusive.
    Period {
        start: Option<Text> = "start",
        end: Option<Text> = "end",
    }

    /// A person's name.
    HumanName {
        /// usual | official | temp | nickname | anonymous | old | maiden.
        use_: Option<Text> = "use",
        text: Option<Text> = "text",
        family: Option<Text> = "family",
        given: Vec<Text> = "given",
        prefix: Vec<Text> = "prefix",
        suffix: Vec<Text> = "suffix",
        period: Option<Period> = "period",
    }

    /// A postal address.
    Address {
        extension: Vec<Extension> = "extension",
        /// home | work | temp | old | billing.
        use_: Option<Text> = "use",
        /// postal | physical | both.
        type_: Option<Text> = "type",
        text: Option<Text> = "text",
        line: Vec<Text> = "line",
        city: Option<Text> = "city",
        district: Option<Text> = "district",
        state: Option<Text> = "state",
        postal_code: Option<Text> = "postalCode",
        country: Option<Text> = "country",
        period: Option<Period> = "period",
    }

    /// A telephone number, e-mail address or the like.
    ContactPoint {
        extension: Vec<Extension> = "extension",
        /// phone | fax | email | pager | url | sms | other.
        system: Option<Text> = "system",
        value: Option<Text> = "value",
        /// home | work | temp | old | mobile.
        use_: Option<Text> = "use",
        /// Order of preference, from 1.
        rank: Option<u32> = "rank",
        period: Option<Period> = "period",
    }

    /// A measured amount.
    Quantity {
        value: Option<Decimal> = "value",
        /// `<` | `<=` | `>=` | `>`.
        comparator: Option<Text> = "comparator",
        unit: Option<Text> = "unit",
        system: Option<Text> = "system",
        code: Option<Text> = "code",
    }

    /// A note with its author and time.
    Annotation {
        author: Option<Author> = "author[x]",
        time: Option<Text> = "time",
        /// 1..1.
        text: Text = "text",
    }
}

impl CodeableConcept {
    /// A concept that is only words.
    #[must_use]
    pub fn text(text: impl Into<Text>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// A concept of one coding.
    #[must_use]
    pub fn coding(coding: Coding) -> Self {
        Self { coding: vec![coding], ..Self::default() }
    }
}

impl Coding {
    /// A coding without display.
    #[must_use]
    pub fn new(system: impl Into<Text>, code: impl Into<Text>) -> Self {
        Self { system: Some(system.into()), code: Some(code.into()), ..Self::default() }
    }

    /// The same with a display.
    #[must_use]
    pub fn with_display(mut self, display: impl Into<Text>) -> Self {
        self.display = Some(display.into());
        self
    }
}

impl Identifier {
    /// An identifier of a system and a value.
    #[must_use]
    pub fn new(system: impl Into<Text>, value: impl Into<Text>) -> Self {
        Self { system: Some(system.into()), value: Some(value.into()), ..Self::default() }
    }
}

impl Reference {
    /// A literal or conditional reference.
    #[must_use]
    pub fn to(reference: impl Into<Text>) -> Self {
        Self { reference: Some(reference.into()), ..Self::default() }
    }

    /// A logical reference.
    #[must_use]
    pub fn logical(identifier: Identifier) -> Self {
        Self { identifier: Some(Arc::new(identifier)), ..Self::default() }
    }
}

impl Extension {
    /// An extension with a value.
    #[must_use]
    pub fn new(url: impl Into<Text>, value: impl Into<Value>) -> Self {
        Self { url: url.into(), value: Some(value.into()), ..Self::default() }
    }
}

impl Annotation {
    /// A note that is only words.
    #[must_use]
    pub fn text(text: impl Into<Text>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}
