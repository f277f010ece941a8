//! [`Keep`]: who takes submissions and puts them on the disk. Next: [`super::submit`].

use jiff::Timestamp;

use crate::endpoint::Work;
use crate::intake::folder::FileEnd;
use crate::plan::{Doubt, Submission};
use crate::store::{Acceptance, StoreError};

/// Takes submissions: the store's keeper, or what a test puts in its place.
pub trait Keep: Send + Sync {
    /// Plans and stores submissions. When this is ready they are on the disk, each with an answer for every event, in
    /// their order. On an error some of them may be stored: sending all of them again is safe.
    fn accept(&self, came: Vec<Submission>) -> Work<'_, Result<Vec<Acceptance>, StoreError>>;

    /// Notes what refused records say of persons' consent. When this is ready, what had not left of their referrals is
    /// held, and what comes of them will be.
    fn heed(&self, doubts: Vec<Doubt>) -> Work<'_, Result<(), StoreError>>;

    /// So many records came that could not be used and were refused without asking the store. For counting.
    fn refused(&self, count: u64) {
        let _ = count;
    }

    /// A request was answered with this status, an error. For counting.
    fn turned_away(&self, status: u16) {
        let _ = status;
    }

    /// A file was read to its end, or set aside. For counting.
    fn file(&self, end: FileEnd) {
        let _ = end;
    }

    /// Notes that something from outside was seen, and says whether it is new; remembered at least until `until`.
    fn see(&self, kind: &'static str, key: String, until: Timestamp) -> Work<'_, Result<bool, StoreError>>;
}
