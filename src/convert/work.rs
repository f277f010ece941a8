//! A worker: takes units of rows, converts and renders them, hands back bytes and counts.
//!
//! Next: [`super::referral`], what is done with one referral.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender};

use crate::map::shelf::Shelf;
use crate::source::{BadRecord, Scratch};

use super::error::ConvertError;
use super::group::RowText;
use super::referral::{Done, Shop};
use super::render::{Pieces, Renderer, Rendering};

/// Some rows for a worker.
pub(super) struct Unit {
    pub(super) number: u64,
    pub(super) groups: Vec<Vec<RowText>>,
    /// Records that could not be split off, with the index of their file.
    pub(super) bad: Vec<(usize, BadRecord)>,
    /// Empty: a buffer that was used before.
    pub(super) pieces: Pieces,
}

/// What a worker made of a unit.
pub(super) struct Finished {
    pub(super) number: u64,
    pub(super) pieces: Pieces,
    pub(super) done: Done,
}

/// A worker: takes units until there are no more.
pub(super) fn work(
    shop: &Shop,
    rendering: &Rendering,
    units: &Mutex<Receiver<Unit>>,
    sender: &SyncSender<Result<Finished, ConvertError>>,
) {
    let mut scratch = Scratch::default();
    let mut shelf = Shelf::default();
    loop {
        let unit = match units.lock() {
            Ok(units) => units.recv(),
            Err(_) => return,
        };
        let Ok(unit) = unit else { return };
        let mut done = Done { shelf: std::mem::take(&mut shelf), ..Done::default() };
        let mut renderer = Renderer::new(rendering, &shop.settings);
        let mut pieces = unit.pieces;
        let mut rendered = Ok(());
        for group in &unit.groups {
            shop.convert(group, &mut scratch, &mut done);
            for (names, mapped) in done.mapped.drain(..) {
                rendered = rendered.and_then(|()| renderer.render(&names, mapped, &mut pieces));
            }
        }
        for (file, bad) in &unit.bad {
            shop.refuse(*file, bad, &mut done);
        }
        let events = done.events.drain(..).try_for_each(|event| {
            // Writing to a Vec cannot fail; our events always serialise.
            pieces.add(uuid::Uuid::nil(), "ReferralEvent", false, |out| {
                serde_json::to_writer(out, &event).map_err(|_| ConvertError::Worker)
            })
        });
        shelf = std::mem::take(&mut done.shelf);
        let finished = rendered.and(events).map(|()| Finished { number: unit.number, pieces, done });
        if sender.send(finished).is_err() {
            return;
        }
    }
}
