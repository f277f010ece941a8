//! What one file is read with: its profile, held against it, and the shop that gathers its rows. Next: [`super::read`].

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use crate::convert::error::Issues;
use crate::convert::group::FileScene;
use crate::convert::interpret::Interpreter;
use crate::convert::referral::Shop;
use crate::convert::{ConvertError, Report, sample};
use crate::event::Issue;
use crate::map::mapper::Settings;
use crate::map::refs::Form;
use crate::profile::check;
use crate::source::{Input, Layout, Options, Reader};

use super::Shared;
use super::read::NotRead;

/// Records of a tree that are looked at to see whether the profile's paths are there.
const TREES_CHECKED: usize = 500;

pub(super) fn no_profile() -> ConvertError {
    let text = "no profile was given, and the file is neither FHIR nor events nor an export that a shipped profile fits; \
                draft one with `sp-fhir profile new`, review it, and name it in [[intake.folder]], or with --profile to `send`";
    ConvertError::NoProfile(text.to_owned())
}

pub(super) fn check_profile(
    interpreter: &Interpreter,
    layout: &Layout,
    input: &Input,
    options: &Options,
    report: &mut Report,
) -> Result<(), NotRead> {
    let Some(profile) = interpreter.profile() else { return Ok(()) };
    let issues = if layout.format().is_table() {
        check::check(profile, layout.header())
    } else {
        check::check_sample(profile, &sample::sample(Reader::open(input, options)?, TREES_CHECKED)?)
    };
    let (errors, rest): (Vec<Issue>, Vec<Issue>) = issues.into_iter().partition(Issue::is_error);
    report.issues(&rest);
    if errors.is_empty() { Ok(()) } else { Err(ConvertError::Profile(Issues(errors)).into()) }
}

pub(super) fn shop(shared: &Shared, interpreter: Interpreter, scene: FileScene) -> Shop {
    let now = shared.clock.now();
    Shop {
        files: vec![scene],
        interpreter,
        codeset: Arc::clone(&shared.codeset),
        // Nothing is mapped here.
        settings: Settings {
            form: Form::Transaction,
            code_in_every_bundle: true,
            recorded_at: now,
            agent: String::new(),
            repair_codes: false,
            create_patient: false,
        },
        today: now.to_zoned(crate::event::When::london().clone()).date(),
        twice: HashSet::new(),
        require_prsb: false,
        as_events: false,
        remembers: true,
        known: OnceLock::new(),
    }
}
