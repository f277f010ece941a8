//! Reading the configuration again while the daemon runs: where it comes from, and what needs a restart.
//!
//! Next: [`super::run`].

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::config::{Config, Http, LogLevel, Problem, Problems};

use super::error::DaemonError;
use super::parts::Parts;

/// How a running daemon reads its configuration again.
pub struct Reloading {
    /// A word comes when it is to be done.
    pub asked: mpsc::Receiver<()>,
    /// Reads it. Blocking.
    pub load: Arc<dyn Fn() -> Result<Parts, DaemonError> + Send + Sync>,
    /// Told how much is to be logged from now on.
    pub level: Box<dyn Fn(LogLevel) + Send>,
}

impl Reloading {
    /// Reads it, where it holds up nobody.
    pub(super) async fn read(&self) -> Result<Parts, DaemonError> {
        let load = Arc::clone(&self.load);
        tokio::task::spawn_blocking(move || load()).await.unwrap_or(Err(DaemonError::Defect))
    }
}

/// What of a new configuration cannot take effect while the daemon runs.
///
/// # Errors
/// Each key that needs a restart.
pub(super) fn can_follow(old: &Config, new: &Config) -> Result<(), Problems> {
    let listen = |config: &Config| config.http.as_ref().map(|http: &Http| http.listen);
    let changed = [
        ("data_folder", old.data_folder != new.data_folder),
        ("store.path", old.store != new.store),
        ("intake.http.listen", listen(old) != listen(new)),
        ("log.format", old.log.format != new.log.format),
    ];
    let refuse = |key: &str| {
        let remedy = "restart the daemon for it, or write down the value in use";
        let mut problem = Problem::new(key, "this cannot change while the daemon runs", remedy);
        problem.place = new.place_of(key);
        problem
    };
    let problems: Vec<Problem> =
        changed.iter().filter(|(_, changed)| *changed).map(|(key, _)| refuse(key)).collect();
    if problems.is_empty() { Ok(()) } else { Err(Problems(problems)) }
}

/// Says why a configuration was refused: a line for each problem.
pub(super) fn say_refused(error: &DaemonError) {
    const SAID: &str = "the configuration was read again and refused; the one before stays in use";
    match error {
        DaemonError::Configuration(problems) => {
            for problem in &problems.0 {
                tracing::error!(%problem, "{SAID}");
            }
        }
        other => tracing::error!(problem = %other, "{SAID}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Places;

    #[test]
    fn what_needs_a_restart_is_named_and_all_else_may_change() {
        let of = |text: &str| Config::parse(text, None, &Places::default()).unwrap();
        let old = of("data_folder = \"/d\"");
        let refused = |text: &str| -> Vec<String> {
            let problems = can_follow(&old, &of(text)).err();
            problems.into_iter().flat_map(|problems| problems.0).map(|problem| problem.key).collect()
        };
        let none: [&str; 0] = [];
        assert_eq!(
            refused(
                "data_folder = \"/d\"\n[intake]\nfolder = []\n[intake.http]\nmax_events = 7\n[log]\nlevel = \"debug\"\n\
                 [[endpoint]]\nname = \"x\"\nkind = \"file\"\npath = \"x\""
            ),
            none
        );
        assert_eq!(refused("data_folder = \"/e\""), ["data_folder", "store.path"]);
        assert_eq!(refused("data_folder = \"/d\"\n[store]\npath = \"s\""), ["store.path"]);
        for listen in ["", "127.0.0.1:9"] {
            let text = format!("data_folder = \"/d\"\n[intake.http]\nlisten = \"{listen}\"");
            assert_eq!(refused(&text), ["intake.http.listen"]);
        }
        assert_eq!(refused("data_folder = \"/d\"\n[log]\nformat = \"text\""), ["log.format"]);
    }
}
