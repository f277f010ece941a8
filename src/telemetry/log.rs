//! Where log lines go: standard error, one JSON object or one plain line each.
//!
//! Next: [`super::metrics`].

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Plain lines at a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// JSON, an object a line.
    Json,
    /// Plain lines.
    Plain,
}

/// Starts logging. `level` is one of `error`, `warn`, `info`, `debug`, `trace`; it counts for sp-fhir only. Other
/// crates say warnings at most, because a library may log what it handles. A second call changes nothing.
pub fn start(format: Format, level: &str) {
    let own = level.parse::<LevelFilter>().unwrap_or(LevelFilter::INFO);
    let filter = EnvFilter::new(format!("warn,sp_fhir={own},hyper=off,reqwest=off,h2=off,rustls=off"));
    let plain = match format {
        Format::Auto => std::io::stderr().is_terminal(),
        Format::Plain => true,
        Format::Json => false,
    };
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // Escapes control characters either way.
    let _ = if plain {
        builder.with_ansi(false).try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
}
