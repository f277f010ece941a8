//! What a refused record says of consent, as it is handed to the store. Pure. Next: [`super::submit`].

use crate::convert::consents::to_be_heeded;
use crate::event::finish::Identities;
use crate::plan::Doubt;
use crate::profile::about::About;

/// Of a record as far as it can be read; `referral_id` as the record writes it. Nothing where it restricts nothing.
#[must_use]
pub fn of_refused(about: &About, referral_id: Option<&str>, identities: &Identities) -> Option<Doubt> {
    to_be_heeded(about)?;
    let opaque = |id: &str| identities.opaque(id).ok();
    let source = about.source.as_deref().or(identities.source.as_deref());
    let referral_id = referral_id.and_then(opaque);
    let event_id = about.event_id.as_deref().and_then(opaque);
    let doubt = Doubt::new(source, referral_id.as_deref(), event_id.as_deref(), &about.person)?;
    Some(doubt.of_more(source, &about.more_numbers))
}
