//! What a watch says in the log: each thing once, and once when it is so no more; and never a file's name, because schemes put
//! persons' names into them.
//!
//! Next: [`super::board`], which shows the same for as long as it is so.

use std::io;
use std::path::PathBuf;

use super::place::{NeverRead, never_read};
use super::waits::Word;
use super::{Watch, board};

impl Watch {
    /// Says it once when it cannot be used, and once when it can again.
    pub(super) fn say_whether_it_can_be_used(&mut self, failed: Option<&(PathBuf, io::Error)>) {
        let folder = self.folder.path.display();
        let unusable = failed.map(|(place, error)| board::unusable(place, error));
        match (&self.unusable, &unusable) {
            (before, Some(why)) if before.as_ref() != Some(why) => {
                tracing::error!(%folder, why, "the watched folder cannot be used");
            }
            (Some(_), None) => tracing::info!(%folder, "the watched folder can be used again"),
            _ => {}
        }
        self.unusable = unusable;
        if self.unusable.is_none() {
            self.say_what_is_never_read();
        }
    }

    /// Says it once, again when more files wait, and once when none does.
    pub(super) fn say_what_waits(&mut self) {
        let folder = self.folder.path.display();
        for word in self.waits.news() {
            match word {
                Word::Waits { said, remedy, files } => tracing::warn!(
                    %folder, why = said, remedy, files,
                    "files wait, and are tried again now and then: `sp-fhir status` names them"
                ),
                Word::GoOn { said } => tracing::info!(%folder, why = said, "no file waits for this any more"),
            }
        }
        self.board.shows(self.unusable.clone(), &self.waits);
    }

    /// Says it once, and again when there is more of it.
    fn say_what_is_never_read(&mut self) {
        let Ok(found) = never_read(&self.folder) else { return };
        let NeverRead { folders, links } = found;
        if found.is_more(self.never) {
            tracing::warn!(
                folder = %self.folder.path.display(), folders, links,
                "folders and links inside the watched folder are passed over: only files directly in it are read"
            );
        }
        self.never = found;
    }
}
