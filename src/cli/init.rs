//! `sp-fhir init`: a commented configuration, and the folders it names. Next: [`super::check`].

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;

use crate::config::{Config, DEFAULT, Places, Problem, Problems};
use crate::convert::{ConvertError, Exit};
use crate::intake::folder::make_private;
use crate::store::StoreError;

use super::edge;
use super::failure::Failure;

/// Write a commented configuration and make the folders it names.
///
/// Every key is in it, with its default. The folders are made with mode 0700; a file that is there is not replaced.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sp-fhir init                                  ./sp-fhir.toml, data in the user's state folder
  sp-fhir init /etc/sp-fhir/sp-fhir.toml --data /var/lib/sp-fhir

Exit codes: 0 done; 5 a folder that is there can be read by others; 6 the file is there already, or cannot be written.")]
pub(super) struct Arguments {
    /// The file to write
    #[arg(default_value = crate::config::places::FILE_NAME, value_name = "FILE")]
    file: PathBuf,
    /// Where sp-fhir keeps what it writes; see data_folder in the file
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Runs the subcommand.
pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let places = Places::here();
    let text = match &arguments.data {
        None => DEFAULT.to_owned(),
        Some(folder) => with_data_folder(&places.working.join(folder).to_string_lossy()),
    };
    let config = Config::parse(&text, Some(&arguments.file), &places)?;
    let failed = |error| Failure::from(ConvertError::write(&arguments.file, error));
    if let Some(folder) = arguments.file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        make_private(folder).map_err(|error| ConvertError::write(folder, error))?;
    }
    // Never over a file that is there: it may be the only copy of somebody's work.
    let opened = fs::OpenOptions::new().write(true).create_new(true).open(&arguments.file);
    let mut file = opened.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            let shown = arguments.file.display().to_string();
            let problem = "is there already and is left as it is; name another file, or `sp-fhir check` it";
            Failure::from(StoreError::Place { path: shown, problem: problem.to_owned() })
        }
        _ => failed(error),
    })?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    edge::say(&format!("wrote {}", arguments.file.display()));
    let mut problems = Vec::new();
    for folder in config.folders_to_make() {
        make_private(&folder).map_err(|error| ConvertError::write(&folder, error))?;
        edge::say(&format!("folder {}", folder.display()));
        problems.extend(open_to_others(&folder));
    }
    if !problems.is_empty() {
        return Err(Problems(problems).into());
    }
    edge::say(&format!(
        "next: read it, then `sp-fhir check --config {0}` and `sp-fhir daemon --config {0}`",
        arguments.file.display()
    ));
    Ok(Exit::Done)
}

fn with_data_folder(folder: &str) -> String {
    let line = format!("data_folder = {}", toml::Value::from(folder));
    let example = |line: &&str| line.starts_with("#data_folder = ");
    match DEFAULT.lines().find(example) {
        Some(example) => DEFAULT.replacen(example, &line, 1),
        None => format!("{line}\n{DEFAULT}"),
    }
}

/// A folder of patients' data that others can look into.
pub(super) fn open_to_others(folder: &std::path::Path) -> Option<Problem> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let mode = fs::metadata(folder).ok()?.mode() & 0o7777;
        // A group may be let in on purpose: the one that delivers the exports.
        if mode & 0o007 != 0 {
            let what = format!("everybody on this machine can look into it (mode {mode:04o})");
            return Some(Problem::new(folder.display().to_string(), what, "chmod 700 it"));
        }
    }
    let _ = folder;
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_folder_given_is_in_the_file() {
        let text = with_data_folder("/srv/a \"b\"");
        let config = Config::parse(&text, None, &Places::default()).unwrap();
        assert_eq!(config.data_folder, std::path::Path::new("/srv/a \"b\""));
    }
}
