//! The profile that a folder's configuration chooses, looked at before any file is. Next: [`super::place`].

use std::fs;
use std::sync::Arc;

use crate::config::{Folder, Problem};
use crate::profile::Profile;

/// The profile of a folder, ready for the daemon.
///
/// # Errors
/// It cannot be read, is wrong, or was drafted and not reviewed.
pub fn profile(folder: &Folder) -> Result<Option<Arc<Profile>>, Problem> {
    let Some(path) = &folder.profile else { return Ok(None) };
    let key = "intake.folder.profile";
    let text = fs::read_to_string(path).map_err(|error| {
        let what = format!("{}: cannot be read ({})", path.display(), error.kind());
        Problem::new(key, what, "check the path and its permissions")
    })?;
    let profile = Profile::parse(&text, &path.display().to_string()).map_err(|issues| {
        let what = format!("{}: the profile is wrong", path.display());
        let remedy = format!("mend it:\n{}", crate::convert::error::Issues(issues));
        Problem::new(key, what, remedy)
    })?;
    if profile.draft {
        return Err(Problem::new(
            key,
            format!("{}: the profile was drafted and not reviewed", path.display()),
            "let a person who knows the scheme review it, and remove draft = true",
        ));
    }
    let names_its_source = profile.source.is_some() || profile.fills_source() || folder.source.is_some();
    if !names_its_source {
        return Err(Problem::new(
            "intake.folder.source",
            "neither the folder nor its profile names the sending system",
            "add source = \"https://your-scheme.example/cases\"",
        ));
    }
    Ok(Some(Arc::new(profile)))
}
