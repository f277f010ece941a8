//! Whom a record that cannot be taken apart is about, and whether it may forbid sharing.
//!
//! What it is: [`super::about`] for a [`Torn`] text. What it is not: sure of anything; what it finds holds the person until
//! somebody has mended the record. Invariant: a word that forbids sharing is found wherever it stands. Next: [`super::torn`].

use crate::event::kinds::Share;
use crate::event::person::Person;

use super::about::{About, Said, asks};
use super::compile::{Fill, From, Profile};
use super::torn::Torn;

/// Reads it from a record that is none: whose numbers stand there, and whether any word could be the one that forbids
/// sharing. Then what the record says of consent cannot be read.
pub(crate) fn about_torn(profile: &Profile, torn: &Torn) -> About {
    let mut numbers = torn.numbers(profile.nhs_number).into_iter();
    let nhs_number = numbers.next();
    let mut asked = profile.fields.iter().filter(|fill| asks(fill));
    let forbids = asked.any(|fill| {
        // Where every word but some forbids, which of these words is the cell's cannot be said.
        let unlisted = fill.otherwise.as_deref() == Some(Share::None.as_str());
        (unlisted && nhs_number.is_some()) || forbids(fill, torn)
    });
    About {
        source: profile.source.clone(),
        person: Person { nhs_number, ..Person::default() },
        more_numbers: numbers.collect(),
        consent: if forbids { Said::Unreadable } else { Said::Nothing },
        ..About::default()
    }
}

/// Whether a word by which a field forbids sharing stands in a record that is none.
fn forbids(fill: &Fill, torn: &Torn) -> bool {
    let holds = |word: &str| match &fill.from {
        // Their cells need not stand beside each other.
        From::Columns(_, join) if !join.is_empty() => {
            let mut parts = word.split(join).filter(|part| !part.trim().is_empty()).peekable();
            parts.peek().is_some() && parts.all(|part| torn.holds(part))
        }
        _ => torn.holds(word),
    };
    let Some(values) = &fill.values else { return holds(Share::None.as_str()) };
    values
        .iter()
        .any(|(key, entry)| entry.word.as_deref().unwrap_or(key) == Share::None.as_str() && holds(key))
}
