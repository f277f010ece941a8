//! The FHIR R4 (4.0.1) structs we emit: one file per resource, the datatypes in [`datatypes`].
//!
//! What they are: plain data with public fields; a mandatory element is the type itself, an optional one an
//! `Option`, a repeating one a `Vec`. What they are not: complete (elements we never emit are absent; reading goes
//! through the lossless tree instead) or validated (the element table does that). Invariant: fields stand in R4
//! element order, which is the order they are written in. `Debug` prints the type's name only, because they hold
//! patient data. Next: [`datatypes`], then [`ServiceRequest`].

use std::sync::Arc;

/// Declares FHIR structs: the struct, its redacted `Debug`, its JSON writer and its serde `Serialize`, all from one
/// list of fields, so that they cannot drift apart. `$head` is the `resourceType` member for resources, else empty.
macro_rules! structs {
    ($($(#[$meta:meta])* $name:ident $(($head:literal))? {
        $($(#[$field_meta:meta])* $field:ident : $ty:ty = $json:literal,)*
    })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Default, PartialEq)]
        pub struct $name {
            $($(#[$field_meta])* #[doc = concat!("R4 element `", $json, "`.")] pub $field: $ty,)*
        }

        #[cfg(test)]
        impl $name {
            /// Names and Rust types of the fields, for the test that holds them against the element table.
            pub(crate) const FIELDS: &'static [(&'static str, &'static str)] = &[$(($json, stringify!($ty))),*];
        }

        impl std::fmt::Debug for $name {
            /// The name only: the fields may be a person's.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }

        impl $crate::fhir::json::Json for $name {
            fn value(&self, out: &mut Vec<u8>) {
                out.push(b'{');
                $(out.extend_from_slice(concat!("\"resourceType\":\"", $head, "\",").as_bytes());)?
                $($crate::fhir::json::Json::member(&self.$field, concat!("\"", $json, "\":"), out);)*
                $crate::fhir::json::close(out);
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(None)?;
                $(serde::ser::SerializeMap::serialize_entry(&mut map, "resourceType", $head)?;)?
                $($crate::fhir::json::Json::entry(&self.$field, $json, &mut map)?;)*
                serde::ser::SerializeMap::end(map)
            }
        }
    )*};
}

/// Declares a choice element (`value[x]`): an enum whose variant brings the member's name with it.
macro_rules! choice {
    ($(#[$meta:meta])* $name:ident { $($variant:ident ( $ty:ty ) = $json:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq)]
        pub enum $name {
            $(#[doc = concat!("R4 element `", $json, "`.")] $variant($ty),)*
        }

        #[cfg(test)]
        impl $name {
            /// Member names, for the same test.
            pub(crate) const CHOICES: &'static [&'static str] = &[$($json),*];
        }

        impl std::fmt::Debug for $name {
            /// The name only: the content may be a person's.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self { $(Self::$variant(_) => concat!(stringify!($name), "::", stringify!($variant)),)* })
            }
        }

        impl $crate::fhir::json::Json for $name {
            fn value(&self, out: &mut Vec<u8>) {
                match self { $(Self::$variant(value) => $crate::fhir::json::Json::value(value, out),)* }
            }

            #[inline]
            fn member(&self, _: &'static str, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant(value) =>
                        $crate::fhir::json::Json::member(value, concat!("\"", $json, "\":"), out),)*
                }
            }

            fn entry<M: serde::ser::SerializeMap>(&self, _: &'static str, map: &mut M) -> Result<(), M::Error> {
                match self { $(Self::$variant(value) => $crate::fhir::json::Json::entry(value, $json, map),)* }
            }
        }

        impl serde::Serialize for $name {
            /// The bare value, without its name.
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(Self::$variant(value) => serde::Serialize::serialize(value, serializer),)* }
            }
        }
    };
}

/// Declares [`Resource`]: one shared variant per type, so that a Bundle entry stays small and an organisation that
/// stands in every Bundle of a referral is made once.
macro_rules! resources {
    ($($module:ident :: $name:ident,)*) => {
        $(mod $module; pub use $module::*;)*

        /// Any resource we emit.
        #[derive(Clone, PartialEq)]
        pub enum Resource {
            $(#[doc = concat!("A ", stringify!($name), ".")] $name(Arc<$name>),)*
        }

        #[cfg(test)]
        /// Each resource type with its fields.
        pub(crate) const RESOURCES: &[(&str, &[(&str, &str)])] = &[$((stringify!($name), $name::FIELDS)),*];

        impl Resource {
            /// The value of `resourceType`.
            #[must_use]
            pub const fn type_name(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name),)* }
            }

            /// Whether both are one and the same allocation, and so certainly equal.
            #[must_use]
            pub fn is_same(&self, other: &Self) -> bool {
                match (self, other) {
                    $((Self::$name(one), Self::$name(other)) => Arc::ptr_eq(one, other),)*
                    _ => false,
                }
            }

            /// Where its allocation is: no other has the same place while it lives.
            #[must_use]
            pub fn address(&self) -> usize {
                match self { $(Self::$name(resource) => Arc::as_ptr(resource).addr(),)* }
            }

            /// Whether it stands elsewhere too, in other Bundles for one.
            #[must_use]
            pub fn is_shared(&self) -> bool {
                match self { $(Self::$name(resource) => Arc::strong_count(resource) > 1,)* }
            }

            /// The logical id, where it has one.
            #[must_use]
            pub fn id(&self) -> Option<&str> {
                match self { $(Self::$name(resource) => resource.id.as_deref(),)* }
            }

            /// Sets or clears the logical id.
            pub fn set_id(&mut self, id: Option<Text>) {
                match self { $(Self::$name(resource) => Arc::make_mut(resource).id = id,)* }
            }

            /// The type's metadata, made if absent.
            pub fn meta_mut(&mut self) -> &mut Meta {
                match self { $(Self::$name(resource) => Arc::make_mut(resource).meta.get_or_insert_default(),)* }
            }
        }

        impl std::fmt::Debug for Resource {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.type_name())
            }
        }

        impl $crate::fhir::json::Json for Resource {
            fn value(&self, out: &mut Vec<u8>) {
                match self { $(Self::$name(resource) => $crate::fhir::json::Json::value(&**resource, out),)* }
            }
        }

        impl serde::Serialize for Resource {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(Self::$name(resource) => serde::Serialize::serialize(resource, serializer),)* }
            }
        }

        $(impl From<$name> for Resource {
            fn from(resource: $name) -> Self {
                Self::$name(Arc::new(resource))
            }
        })*
    };
}

pub mod datatypes;
mod decimal;
mod text;
mod value;

pub use datatypes::*;
pub use decimal::Decimal;
pub use text::Text;
pub use value::*;

resources! {
    bundle::Bundle,
    care_plan::CarePlan,
    communication::Communication,
    condition::Condition,
    consent::Consent,
    encounter::Encounter,
    flag::Flag,
    goal::Goal,
    healthcare_service::HealthcareService,
    location::Location,
    message_header::MessageHeader,
    observation::Observation,
    operation_outcome::OperationOutcome,
    organization::Organization,
    patient::Patient,
    practitioner::Practitioner,
    practitioner_role::PractitionerRole,
    procedure::Procedure,
    provenance::Provenance,
    questionnaire_response::QuestionnaireResponse,
    related_person::RelatedPerson,
    service_request::ServiceRequest,
    task::Task,
}
