//! `sp-fhir pull`: the clinical system's requests and what became of ours, as events in a folder or for a webhook.
//!
//! Next: [`super::status`].

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::config::Config;
use crate::convert::Exit;
use crate::daemon::pulls::{self, Came};
use crate::daemon::{DaemonError, Parts};
use crate::pull::run::Pulled;
use crate::telemetry::log::{self, Format};

use super::failure::Failure;
use super::{daemon, edge};

/// Bring the clinical system's requests, and what it did with ours, as events.
///
/// Asks every endpoint that has `pull` in the configuration. The daemon does the same by itself; this command is for a
/// machine without one, for a first look, and for tests. Events go to the folder that the endpoint's `pull` names; those for a
/// webhook are queued, and the daemon posts them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sp-fhir pull --once                   one poll of each endpoint, and what it brought
  sp-fhir pull --once --format json
  sp-fhir pull                          goes on, as often as configured, until told to stop

Exit codes: 0 done; 1 something could not be read as an event, or was changed where only we may, there is more than one poll \
reads, or something is not clear for more than a day; 5 the configuration \
is wrong; 6 an endpoint, the store or a folder cannot be used, or another process pulls.")]
pub(super) struct Arguments {
    /// Configuration; without it ./sp-fhir.toml, ~/.config/sp-fhir, /etc/sp-fhir, else the defaults
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Poll once and say what came
    #[arg(long)]
    once: bool,
    /// text or json (with --once)
    #[arg(long, default_value = "text", value_parser = ["text", "json"], requires = "once")]
    format: String,
}

/// Runs the subcommand.
pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let config = Config::load(arguments.config.as_deref(), &edge::places())?;
    if !arguments.once {
        let _level = log::start(Format::Plain, daemon::level(config.log.level));
    }
    let parts = Parts::of(config)?;
    let io = |place: &str, source| DaemonError::Io { place: place.to_owned(), source };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| io("runtime", source))?;
    runtime.block_on(async {
        if !arguments.once {
            let told = edge::told_to_stop().map_err(|source| io("signals", source))?;
            pulls::until(&parts, told).await?;
            return Ok(Exit::Done);
        }
        let came = pulls::once(&parts).await?;
        edge::print(&if arguments.format == "json" { as_json(&came) } else { as_text(&came) })?;
        Ok(exit(&came))
    })
}

fn exit(came: &[Came]) -> Exit {
    let needs_person = |(_, came): &Came| {
        came.as_ref().is_ok_and(|pulled| {
            pulled.refused + pulled.divergent > 0
                || pulled.more
                || pulled.unclear.iter().any(|one| one.is_overdue)
        })
    };
    match came {
        came if came.iter().any(|(_, came)| came.is_err()) => Exit::Io,
        came if came.iter().any(needs_person) => Exit::SomeRefused,
        _ => Exit::Done,
    }
}

fn as_text(came: &[Came]) -> String {
    let mut out = String::new();
    for (endpoint, came) in came {
        let _ = match came {
            Err(error) => writeln!(out, "{endpoint}: {error}"),
            Ok(Pulled { new, events, refused, divergent, unclear, more, .. }) => writeln!(
                out,
                "{endpoint}: {new} new versions, {events} events, {refused} refused, {divergent} divergent, \
                 {} not clear yet{}",
                unclear.len(),
                if *more { "; there is more than one poll reads: run it again" } else { "" }
            ),
        };
        for one in came.iter().flat_map(|pulled| pulled.unclear.iter().take(SHOWN)) {
            let _ = writeln!(out, "  {}: {}; since {}", one.resource(), one.why, one.since);
        }
    }
    out
}

/// So many of what is not clear are named; as JSON, all.
const SHOWN: usize = 20;

fn as_json(came: &[Came]) -> String {
    let of = came.iter().map(|(endpoint, came)| match came {
        Err(error) => json!({"endpoint": endpoint, "error": error.to_string()}),
        Ok(Pulled { pages, new, events, refused, divergent, unclear, more }) => json!({
            "endpoint": endpoint, "pages": pages, "new": new, "events": events, "refused": refused,
            "divergent": divergent, "unclear": unclear.len(), "more": more,
            "not_clear": unclear.iter().map(|one| json!({"resource": one.resource(), "why": one.why,
                "since": one.since.to_string(), "overdue": one.is_overdue})).collect::<Vec<_>>(),
        }),
    });
    format!("{:#}\n", serde_json::Value::Array(of.collect()))
}
