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
use crate::profile::check::{check, check_sample};
use crate::profile::{Profile, draft};
use crate::source::{Input, Options, Reader, suggest};

use super::profile::SAMPLE;
use super::profile_new::no_headings;
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
    let sample = sample(Reader::open(&input, &options)?, SAMPLE)?;
    let mut issues = check_sample(&profile, &sample);
    if draft::is_headless(&sample) && issues.iter().any(Issue::is_error) {
        return Err(no_headings(&input));
    }
    for issue in &mut issues {
        issue.at.file.get_or_insert_with(|| Arc::clone(&input.name));
    }
    issues.extend(heading_elsewhere(&profile, &input, &options));
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

/// Says where the headings seem to be, when they are not in the row or the sheet in which they were looked for and the
/// profile does not state one. A file that cannot be looked at says nothing here; reading it does.
pub(super) fn heading_elsewhere(profile: &Profile, input: &Input, options: &Options) -> Option<Issue> {
    if let Some(found) = on_another_sheet(profile, input, options) {
        let at = Position { file: Some(Arc::clone(&input.name)), ..Position::default() };
        return Some(Issue::new(IssueCode::HeadingElsewhere, at, found));
    }
    if options.header_row.is_some() || options.heading_rows > 0 {
        return None;
    }
    let heading = suggest::heading(input, options).ok()??;
    let rows = if heading.rows > 1 { format!(", heading_rows = {}", heading.rows) } else { String::new() };
    let at = Position { file: Some(Arc::clone(&input.name)), row: Some(heading.row), ..Position::default() };
    Some(Issue::new(IssueCode::HeadingElsewhere, at, format!("header_row = {}{rows}", heading.row)))
}

/// Where the sheet that was read lacks columns that another sheet of the workbook has: which was read, and which has them.
fn on_another_sheet(profile: &Profile, input: &Input, options: &Options) -> Option<String> {
    if options.sheet.is_some() {
        return None;
    }
    let lacking = |options: &Options| {
        let reader = Reader::open(input, options).ok()?;
        let issues = check(profile, reader.layout().header());
        let lacks = issues.iter().filter(|issue| issue.is_error()).count();
        Some((lacks, reader.notes().into_iter().next().unwrap_or_default()))
    };
    let sheets = suggest::sheets(input, options).ok().filter(|sheets| sheets.len() > 1)?;
    let (lacks, read) = lacking(options).filter(|(lacks, _)| *lacks > 0)?;
    let of_sheet = |name: String| {
        let (lacks, _) = lacking(&Options { sheet: Some(name.clone()), ..options.clone() })?;
        Some((lacks, name))
    };
    let (fewest, name) = sheets.into_iter().filter_map(of_sheet).min_by_key(|(lacks, _)| *lacks)?;
    (fewest < lacks).then(|| format!("{read}; sheet = {name:?}"))
}
