//! What `sp-fhir convert` makes, and how it is packed. Next: [`crate::convert::render`].

use super::arguments::{Arguments, FormArgument, FormatArgument, PackArgument};
use crate::convert::ConvertError;
use crate::convert::render::{Encoding, Pack, Rendering};
use crate::map::refs::Form;
use crate::profile::Profile;

/// The rendering that the options ask for.
pub(super) fn rendering(arguments: &Arguments, profile: Option<&Profile>) -> Result<Rendering, ConvertError> {
    let form = match arguments.form {
        FormArgument::Transaction => Form::Transaction,
        FormArgument::Message => Form::Message,
        FormArgument::Collection => Form::Collection,
        FormArgument::Bulk => Form::Bulk,
        FormArgument::Events => Form::Transaction,
    };
    let message = profile.and_then(|profile| profile.message.clone());
    if form == Form::Message && message.is_none() {
        return Err(ConvertError::Configuration(
            "--form message needs the profile's [message] table: event_system, event_code and endpoint"
                .to_owned(),
        ));
    }
    Ok(Rendering {
        form,
        pack: match arguments.pack {
            PackArgument::Ndjson => Pack::Ndjson,
            PackArgument::PerEvent => Pack::PerEvent,
            PackArgument::PerReferral => Pack::PerReferral,
            PackArgument::One => Pack::One,
        },
        encoding: match arguments.format {
            FormatArgument::Json => Encoding::Json,
            FormatArgument::Xml => Encoding::Xml,
        },
        message,
        events: matches!(arguments.form, FormArgument::Events),
    })
}
