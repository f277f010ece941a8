//! Folders that must not be one: what is read, what is written, and where sp-fhir keeps its own.
//!
//! Compared as paths are written, without `.` and `..`; the disk is not asked. Invariant: nothing is written where it would be read
//! again, and no file of the store or of the data folder itself is ever taken for an export. Next:
//! [`crate::config::secret`].

use std::path::{Component, Path, PathBuf};

use crate::config::Config;
use crate::config::endpoint::Kind;

use super::Resolver;

impl Resolver {
    /// Finds folders that are named twice, and such as sp-fhir needs for itself.
    pub(super) fn folders_apart(&mut self, config: &Config) {
        let own = [plain(&config.data_folder), plain(&config.store)];
        let watched: Vec<PathBuf> = config.folders.iter().map(|folder| plain(&folder.path)).collect();
        let mut taken: Vec<PathBuf> = Vec::new();
        for (n, folder) in config.folders.iter().enumerate() {
            for (name, path) in [("path", &folder.path), ("done", &folder.done), ("refused", &folder.refused)]
            {
                let (key, path) = (format!("intake.folder[{}].{name}", n + 1), plain(path));
                // Two folders may share where their files end up, but nothing may end up where it is read again.
                let is_shared = taken.contains(&path) && (name == "path" || watched.contains(&path));
                self.free(key, &path, &own, is_shared);
                taken.push(path);
            }
        }
        for (n, endpoint) in config.endpoints.iter().enumerate() {
            let Kind::File { path } = &endpoint.kind else { continue };
            let path = plain(path);
            self.free(format!("endpoint[{}].path", n + 1), &path, &own, taken.contains(&path));
        }
        taken.extend(config.endpoints.iter().filter_map(|endpoint| match &endpoint.kind {
            Kind::File { path } => Some(plain(path)),
            Kind::Fhir(_) | Kind::Webhook(_) => None,
        }));
        // What was pulled from one system goes nowhere by itself: not into a watched folder, nor among Bundles.
        for (n, endpoint) in config.endpoints.iter().enumerate() {
            let Some(pull) = &endpoint.pull else { continue };
            let path = plain(&pull.folder);
            self.free(format!("endpoint[{}].pull.folder", n + 1), &path, &own, taken.contains(&path));
            taken.push(path);
        }
    }

    fn free(&mut self, key: String, path: &Path, own: &[PathBuf], is_taken: bool) {
        if own.iter().any(|own| own == path) {
            self.wrong(key, "sp-fhir keeps its own files in this folder", "name a folder of its own");
        } else if is_taken {
            self.wrong(key, "this folder is used already", "name a folder of its own");
        }
    }
}

/// A path without what leads nowhere.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}
