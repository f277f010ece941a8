//! `sp-fhir daemon`: runs until told to stop. Next: [`super::status`].

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::config::{Config, LogFormat, LogLevel};
use crate::convert::Exit;
use crate::daemon::{DaemonError, Parts, Reloading, run};
use crate::telemetry::log::{self, Format};

use super::edge;
use super::failure::Failure;

/// Take events in, keep them, deliver them, and know where each is.
///
/// Runs in the foreground and logs to standard error. SIGTERM and SIGINT drain it; SIGHUP has it read its
/// configuration again. With no configuration: a store in the
/// data folder, a watched folder, HTTP intake on loopback, and a folder of Bundles as the endpoint.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sp-fhir daemon
  sp-fhir daemon --config /etc/sp-fhir/sp-fhir.toml
  curl --data-binary @event.json -H 'Content-Type: application/json' http://127.0.0.1:8087/events

Exit codes: 0 it was told to stop; 5 the configuration is wrong; 6 the store, a folder or an address cannot be used.")]
pub(super) struct Arguments {
    /// Configuration; without it ./sp-fhir.toml, ~/.config/sp-fhir, /etc/sp-fhir, else the defaults
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs the subcommand.
pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let config = Config::load(arguments.config.as_deref(), &edge::places())?;
    let format = match config.log.format {
        LogFormat::Json => Format::Json,
        LogFormat::Text => Format::Plain,
    };
    let dial = log::start(format, level(config.log.level));
    // The same file again; without one, wherever one may be found by then.
    let (file, places) = (config.file.clone(), edge::places());
    let load = move || Parts::of(Config::load(file.as_deref(), &places)?);
    let parts = Parts::of(config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| DaemonError::Io { place: "runtime".to_owned(), source })?;
    runtime.block_on(async {
        let signals = |source| DaemonError::Io { place: "signals".to_owned(), source };
        let told = edge::told_to_stop().map_err(signals)?;
        let reloading = Reloading {
            asked: edge::told_to_reload().map_err(signals)?,
            load: Arc::new(load),
            level: Box::new(move |now| dial.turn(level(now))),
        };
        run::start(parts).await?.until_told(told, Some(reloading)).await
    })?;
    Ok(Exit::Done)
}

pub(super) const fn level(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    }
}
