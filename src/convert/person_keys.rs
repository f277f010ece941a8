//! What a person is known by, as short hashes: sixteen bytes instead of a number that could be read.
//!
//! A source knows a person by its own identifier and by the NHS number; what it states of consent counts under
//! both, and in that source. Whose an NHS number is does not depend on the source. Next: [`super::consents`] and
//! [`super::persons`], which use them.

use crate::event::NhsNumber;
use crate::event::person::Person;

use super::group::{Digest16, digest16};

/// What one source knows a person by.
#[derive(Clone, Copy, Debug, Default)]
pub struct InSource {
    /// By the NHS number.
    pub number: Option<Digest16>,
    /// By its own identifier.
    pub local: Option<Digest16>,
}

impl InSource {
    /// Of a person.
    #[must_use]
    pub fn new(source: &str, person: &Person) -> Self {
        let key = |kind: &str, id: &str| digest16(format!("{source}\u{1f}{kind}\u{1f}{id}").as_bytes());
        Self {
            number: person.nhs_number.map(|number| key("nhs", number.as_str())),
            local: person.local_id.as_deref().map(|local| key("local", local)),
        }
    }

    /// The keys there are.
    pub fn iter(&self) -> impl Iterator<Item = Digest16> {
        self.number.into_iter().chain(self.local)
    }
}

/// An NHS number, whichever source gave it.
#[must_use]
pub fn of_number(number: NhsNumber) -> Digest16 {
    digest16(number.as_str().as_bytes())
}
