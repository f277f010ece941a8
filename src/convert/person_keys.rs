//! What a person is known by, in sixteen bytes that sort.
//!
//! A source knows a person by its own identifier and by the NHS number; what it states of consent counts under
//! both, and in that source. Whose an NHS number is does not depend on the source. Next: [`super::consents`] and
//! [`super::persons`], which use them.

use crate::event::NhsNumber;
use crate::event::person::Person;

use super::group::{Digest16, digest16};

/// A few bytes that tell sources apart.
pub type SourceTag = [u8; 6];

/// The tag of a source, by its URI.
#[must_use]
pub fn source_tag(source: &str) -> SourceTag {
    let mut tag = SourceTag::default();
    tag.iter_mut().zip(digest16(source.as_bytes())).for_each(|(to, from)| *to = from);
    tag
}

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
    pub fn new(source: SourceTag, person: &Person) -> Self {
        let local = |local: &str| digest16(&[source.as_slice(), local.as_bytes()].concat());
        Self {
            number: person.nhs_number.map(|number| beside(number, source)),
            local: person.local_id.as_deref().map(local),
        }
    }

    /// The keys there are.
    pub fn iter(&self) -> impl Iterator<Item = Digest16> + use<> {
        self.number.into_iter().chain(self.local)
    }
}

/// A referral of a source, where its rows are told of a refused one.
#[must_use]
pub fn of_referral(source: SourceTag, referral_id: &str) -> Digest16 {
    digest16(&[source.as_slice(), b"\x1freferral\x1f", referral_id.as_bytes()].concat())
}

/// An NHS number, whichever source gave it.
#[must_use]
pub fn of_number(number: NhsNumber) -> Digest16 {
    beside(number, SourceTag::default())
}

/// Ten digits and six bytes.
fn beside(number: NhsNumber, tag: SourceTag) -> Digest16 {
    let mut key = Digest16::default();
    key.iter_mut().zip(number.as_str().bytes().chain(tag)).for_each(|(to, from)| *to = from);
    key
}
