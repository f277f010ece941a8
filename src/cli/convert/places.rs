//! Where `sp-fhir convert` writes: no output takes the place of an input, the profile or another output.
//!
//! Next: [`crate::convert::output`].

use std::path::{Path, PathBuf};

use super::arguments::Arguments;
use crate::convert::ConvertError;
use crate::convert::output::{Target, is_folder};
use crate::convert::rejects;
use crate::source::Input;

/// Where the Bundles go.
pub(super) fn target(arguments: &Arguments) -> Target {
    match &arguments.output {
        None => Target::Stdout,
        Some(path) if path.as_os_str() == "-" => Target::Stdout,
        Some(path) if is_folder(path) => Target::Folder { path: path.clone(), replace: arguments.replace },
        Some(path) => Target::File(path.clone()),
    }
}

/// No output may replace an input, the profile or another output, or have a name that says something else.
pub(super) fn refuse_overwriting(arguments: &Arguments) -> Result<(), ConvertError> {
    arguments.rejects.as_deref().map_or(Ok(()), rejects::check)?;
    let real = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
    let inputs =
        arguments.files.iter().chain(&arguments.profile).chain(&arguments.since).chain(&arguments.opaque_key);
    let mut taken: Vec<PathBuf> = inputs.map(real).collect();
    // A folder is read file by file: an earlier run's rejects in it are input of this run.
    for paths in [&arguments.files, &arguments.since] {
        let read = Input::find(paths).map(|found| found.inputs).unwrap_or_default();
        taken.extend(read.iter().map(|input| real(&PathBuf::from(&*input.name))));
    }
    let named =
        [("--output", &arguments.output), ("--rejects", &arguments.rejects), ("--report", &arguments.report)];
    for (option, path) in named {
        let Some(path) = path else { continue };
        if path.as_os_str() == "-" && option != "--output" {
            return Err(ConvertError::Usage(format!(
                "{option}: name a file; standard output is for the Bundles"
            )));
        }
        if option != "--output" && arguments.output.as_deref().is_some_and(|folder| stands_in(path, folder)) {
            return Err(ConvertError::Usage(format!(
                "{option}: {} would stand among the output; name a place outside that folder",
                path.display()
            )));
        }
        let path = real(path);
        let is_place = path.is_dir() || std::fs::metadata(&path).is_ok_and(|known| !known.is_file());
        if !is_place && taken.contains(&path) {
            return Err(ConvertError::Usage(format!(
                "{option}: {} is read or written already; name another file",
                path.display()
            )));
        }
        taken.push(path);
    }
    Ok(())
}

/// Whether a file would stand in the folder that takes the output.
fn stands_in(file: &Path, folder: &Path) -> bool {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let real = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path)).ok();
    is_folder(folder) && real(parent).is_some_and(|parent| Some(parent) == real(folder))
}
