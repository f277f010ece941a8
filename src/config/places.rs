//! [`Places`]: where the configuration is looked for and where data goes when nothing is said. Next: [`super::raw`].

use std::path::{Path, PathBuf};

/// The file's name, wherever it is.
pub const FILE_NAME: &str = "sp-fhir.toml";

/// What the surroundings say about places. Read once, at the edge; tests bring their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// `STATE_DIRECTORY`, which systemd sets for a unit with `StateDirectory=`.
    pub state_directory: Option<PathBuf>,
    /// `XDG_STATE_HOME`.
    pub state_home: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub config_home: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// The working folder.
    pub working: PathBuf,
}

impl Places {
    /// The surroundings of this process.
    #[must_use]
    pub fn here() -> Self {
        let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        Self {
            state_directory: folder("STATE_DIRECTORY"),
            state_home: folder("XDG_STATE_HOME"),
            config_home: folder("XDG_CONFIG_HOME"),
            home: folder("HOME"),
            working: std::env::current_dir().unwrap_or_default(),
        }
    }

    /// The data folder when none is configured: `$STATE_DIRECTORY`, else `sp-fhir` in `$XDG_STATE_HOME` or
    /// `~/.local/state`, else `/var/lib/sp-fhir`.
    #[must_use]
    pub fn data_folder(&self) -> PathBuf {
        let home = || self.home.as_ref().map(|home| home.join(".local/state"));
        match (&self.state_directory, self.state_home.clone().or_else(home)) {
            (Some(folder), _) => folder.clone(),
            (None, Some(state)) => state.join("sp-fhir"),
            (None, None) => PathBuf::from("/var/lib/sp-fhir"),
        }
    }

    /// Where a configuration is looked for when none is named, in this order.
    #[must_use]
    pub fn config_files(&self) -> Vec<PathBuf> {
        let home = || self.home.as_ref().map(|home| home.join(".config"));
        let own = self.config_home.clone().or_else(home).map(|folder| folder.join("sp-fhir"));
        let folders = [Some(self.working.clone()), own, Some(PathBuf::from("/etc/sp-fhir"))];
        folders.into_iter().flatten().map(|folder| folder.join(FILE_NAME)).collect()
    }

    /// A path as written, below a folder unless it is absolute.
    #[must_use]
    pub fn below(&self, folder: &Path, written: &str) -> PathBuf {
        self.working.join(folder).join(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_folder_is_the_services_then_the_users_then_the_machines() {
        let mut places = Places::default();
        assert_eq!(places.data_folder(), Path::new("/var/lib/sp-fhir"));
        places.home = Some("/home/nia".into());
        assert_eq!(places.data_folder(), Path::new("/home/nia/.local/state/sp-fhir"));
        places.state_home = Some("/state".into());
        assert_eq!(places.data_folder(), Path::new("/state/sp-fhir"));
        places.state_directory = Some("/var/lib/private/sp-fhir".into());
        assert_eq!(places.data_folder(), Path::new("/var/lib/private/sp-fhir"));
    }
}
