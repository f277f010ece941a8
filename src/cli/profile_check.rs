//! `sp-fhir profile check`: a profile in itself, and against an export.
//!
//! What it is not: a conversion; nothing is written. Invariant: headings are shown, values never. Next:
//! [`crate::profile::check`].

use std::path::Path;
use std::sync::Arc;

use crate::convert::error::Issues;
use crate::convert::meaning;
use crate::convert::sample::sample;
use crate::convert::{ConvertError, Exit};
use crate::event::{Issue, IssueCode, Position};
use crate::source::{Input, Options, Reader, suggest};

use super::profile::SAMPLE;
use super::{Outcome, edge};

/// Runs the command.
pub(super) fn run(path: &Path, file: Option<&Path>) -> Outcome {
    let profile = edge::profile(path)?;
    let reviewed = if profile.draft { "; nobody has reviewed it yet (draft = true)" } else { "" };
    let Some(file) = file else {
        edge::say(&format!("{}: the profile is sound in itself{reviewed}", path.display()));
        return Ok(Exit::Done);
    };
    let input = Input::path(file);
    let options = meaning::options(Some(&profile.file))?;
    let reader = Reader::open(&input, &options)?;
    let mut issues = crate::profile::check::check_sample(&profile, &sample(reader, SAMPLE)?);
    for issue in &mut issues {
        issue.at.file.get_or_insert_with(|| Arc::clone(&input.name));
    }
    issues.extend(heading_elsewhere(&input, &options));
    let (errors, rest): (Vec<Issue>, Vec<Issue>) = issues.into_iter().partition(Issue::is_error);
    for issue in &rest {
        edge::print(&format!("{issue}\n"))?;
    }
    if !errors.is_empty() {
        return Err(ConvertError::Profile(Issues(errors)));
    }
    edge::say(&format!("{}: every column the profile names is there{reviewed}", path.display()));
    Ok(Exit::Done)
}

/// Says where the headings seem to be, when they are not in the row in which they were looked for and the profile does
/// not state one. A file that cannot be looked at says nothing here; reading it does.
pub(super) fn heading_elsewhere(input: &Input, options: &Options) -> Option<Issue> {
    if options.header_row.is_some() || options.heading_rows > 0 {
        return None;
    }
    let heading = suggest::heading(input, options).ok()??;
    let rows = if heading.rows > 1 { format!(", heading_rows = {}", heading.rows) } else { String::new() };
    let at = Position { file: Some(Arc::clone(&input.name)), row: Some(heading.row), ..Position::default() };
    Some(Issue::new(IssueCode::HeadingElsewhere, at, format!("header_row = {}{rows}", heading.row)))
}
