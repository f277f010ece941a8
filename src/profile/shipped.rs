//! The profiles that ship with the program: those of `fixtures/`, which are also what people copy.
//!
//! A shipped profile is chosen without being asked for only when the whole heading is its own: every heading of the
//! file is one that it names or ignores, and the other way round. Trees have no heading, so theirs are only used by
//! name. Invariant: a profile chosen so has no `source`: the fixtures' sources are invented, and who sends
//! cannot be told from headings. Next: [`super::draft`], for files that no profile fits.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::compile::Profile;
use super::values::fold;
use crate::event::Issue;

/// A shipped profile: its name and its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// The name by which it is asked for, and its folder in `fixtures/`.
    pub name: &'static str,
    /// The TOML.
    pub text: &'static str,
}

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        /// Every shipped profile.
        pub const SHIPPED: &[Shipped] = &[
            $(Shipped { name: $name, text: include_str!(concat!("../../fixtures/", $name, "/profile.toml")) }),*
        ];
    };
}

shipped!(
    "referral-platform",
    "event-log",
    "link-worker-sheet",
    "case-system",
    "json-feed",
    "worked-example",
    "one-row-per-need",
    "damaged-codes",
);

impl Shipped {
    /// The profile, compiled and without a source, which the deployer must give.
    ///
    /// # Errors
    /// None in a release that passed its tests.
    pub fn profile(&self) -> Result<Profile, Vec<Issue>> {
        let mut profile = Profile::parse(self.text, self.name)?;
        profile.source = None;
        Ok(profile)
    }
}

/// The shipped profile of that name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Shipped> {
    SHIPPED.iter().find(|shipped| shipped.name == name)
}

/// The shipped profile whose columns are exactly this heading, case and spacing aside.
#[must_use]
pub fn matching(header: &[Arc<str>]) -> Option<&'static Shipped> {
    if header.is_empty() {
        return None;
    }
    let of_file: BTreeSet<String> = header.iter().map(|name| fold(name)).collect();
    SHIPPED.iter().find(|shipped| {
        shipped.profile().is_ok_and(|profile| {
            let own =
                profile.columns.iter().map(AsRef::as_ref).chain(profile.ignore.iter().map(String::as_str));
            own.map(fold).collect::<BTreeSet<_>>() == of_file
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_profile_compiles_and_names_no_source() {
        for shipped in SHIPPED {
            let profile = shipped.profile().unwrap_or_else(|issues| panic!("{}: {issues:?}", shipped.name));
            assert_eq!(profile.name, shipped.name);
            assert!(profile.source.is_none() && !profile.draft);
            assert!(shipped.text.contains(".example"), "{}: a source outside .example", shipped.name);
        }
    }

    #[test]
    fn only_the_whole_heading_matches() {
        let profile = named("worked-example").unwrap().profile().unwrap();
        let mut header: Vec<Arc<str>> = profile.columns.clone();
        header.reverse();
        assert_eq!(matching(&header).map(|s| s.name), Some("worked-example"));
        header.push("Notes".into());
        assert_eq!(matching(&header), None);
        header.truncate(3);
        assert_eq!(matching(&header), None);
        assert_eq!(matching(&[]), None);
    }
}
