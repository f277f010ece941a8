//! `sp-fhir codes`: what the loaded codeset knows.

use std::path::PathBuf;

use clap::Args;

use crate::codeset::{Concept, SctId};
use crate::convert::Exit;

use super::{Outcome, edge};

/// Look codes and terms up in the loaded codeset.
///
/// Prints tab-separated lines: code, yes or no (may it be sent), groups, term, where it is known from. A word finds
/// every concept whose term holds it; a number finds that code.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  sp-fhir codes lonely\n  sp-fhir codes 871731000000106\n  sp-fhir codes --group need --all"
)]
pub(super) struct Arguments {
    /// A code, or part of a term
    #[arg(value_name = "TEXT", required_unless_present = "all")]
    text: Option<String>,
    /// Only concepts of this group: lifecycle, need, service, outcome, source, role, method
    #[arg(long)]
    group: Option<String>,
    /// Every concept
    #[arg(long)]
    all: bool,
    /// Use the codeset of this folder instead of the one that ships
    #[arg(long, value_name = "DIR")]
    codeset: Option<PathBuf>,
}

/// Runs the subcommand.
pub(super) fn run(arguments: &Arguments) -> Outcome {
    let codeset = edge::codeset(arguments.codeset.as_deref())?;
    let wanted = arguments.text.as_deref().unwrap_or_default().to_lowercase();
    let id = SctId::parse(&wanted).ok();
    let mut found: Vec<&Concept> = codeset
        .iter()
        .filter(|concept| arguments.group.as_deref().is_none_or(|group| concept.in_group(group)))
        .filter(|concept| {
            arguments.all
                || Some(concept.id) == id
                || [concept.term(), concept.listed_as()]
                    .into_iter()
                    .flatten()
                    .any(|term| term.to_lowercase().contains(&wanted))
        })
        .collect();
    found.sort_by_key(|concept| (concept.listed_as().unwrap_or_default().to_lowercase(), concept.id));
    let lines: String = found.iter().map(|concept| line(concept)).collect();
    edge::print(&lines)?;
    if found.is_empty() {
        edge::say(&format!("{} has no such code, and no term with these words", codeset.name_and_version()));
        return Ok(Exit::SomeRefused);
    }
    Ok(Exit::Done)
}

fn line(concept: &Concept) -> String {
    let groups: Vec<&str> = concept.groups().collect();
    format!(
        "{}\t{}\t{}\t{}\t{}\n",
        concept.code_text(),
        if concept.problem(None).is_none() { "yes" } else { "no" },
        groups.join(","),
        concept.listed_as().unwrap_or_default(),
        concept.source()
    )
}
