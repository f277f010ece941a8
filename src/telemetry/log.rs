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

/// Changes how much is logged while the program runs.
pub struct Dial(Box<dyn Fn(EnvFilter) + Send + Sync>);

impl Dial {
    /// Sets the level, as [`start`] does.
    pub fn turn(&self, level: &str) {
        (self.0)(filter(level));
    }
}

fn filter(level: &str) -> EnvFilter {
    let own = level.parse::<LevelFilter>().unwrap_or(LevelFilter::INFO);
    EnvFilter::new(format!("warn,sp_fhir={own},hyper=off,reqwest=off,h2=off,rustls=off"))
}

/// Starts logging. `level` is one of `error`, `warn`, `info`, `debug`, `trace`; it counts for sp-fhir only. Other
/// crates say warnings at most, because a library may log what it handles. A second call changes nothing.
pub fn start(format: Format, level: &str) -> Dial {
    let plain = match format {
        Format::Auto => std::io::stderr().is_terminal(),
        Format::Plain => true,
        Format::Json => false,
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(level))
        .with_writer(std::io::stderr)
        .with_target(false);
    // Escapes control characters either way.
    if plain {
        let builder = builder.with_ansi(false).with_filter_reloading();
        let handle = builder.reload_handle();
        let _ = builder.try_init();
        Dial(Box::new(move |filter| drop(handle.reload(filter))))
    } else {
        let builder = builder.json().flatten_event(true).with_filter_reloading();
        let handle = builder.reload_handle();
        let _ = builder.try_init();
        Dial(Box::new(move |filter| drop(handle.reload(filter))))
    }
}
