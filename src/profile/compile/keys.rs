//! Keys that would do nothing where they stand: refused, so that nobody believes they do something.
//!
//! What it is not: unknown keys, which [`crate::profile::raw`] refuses. Invariant: a key that a profile may hold at a place
//! has an effect there. Next: [`super::rules`].

use super::Compiler;
use crate::event::field::{Field, Kind};
use crate::profile::raw::Spec;

impl Compiler {
    /// Refuses the keys of a field's table that have no meaning for the field.
    pub(super) fn no_idle_keys(&mut self, path: &str, field: Field, spec: &Spec) {
        let is_term = matches!(field.kind(), Kind::Term(_));
        let may_split = field.is_list() || field == Field::OccurredAt;
        let idle = [
            (spec.join.is_some() && spec.columns.is_empty(), "join goes with columns"),
            (spec.name_order.is_some(), "name_order is for \"person.name\""),
            (spec.otherwise.is_some() && spec.values.is_none(), "otherwise goes with values"),
            (
                spec.otherwise.is_some() && is_term,
                "otherwise is for fields that take a word; here what the map does not list is sent as free text",
            ),
            (
                spec.split.is_some() && !may_split,
                "split is for fields that may occur several times, and for the date of an event",
            ),
        ];
        for (_, what) in idle.into_iter().filter(|(is_idle, _)| *is_idle) {
            self.wrong(path, what);
        }
    }

    /// Refuses all keys of a table but some.
    pub(super) fn only(&mut self, path: &str, spec: &Spec, allowed: &[&str]) {
        let present = [
            ("column", spec.column.is_some()),
            ("columns", !spec.columns.is_empty()),
            ("join", spec.join.is_some()),
            ("constant", spec.constant.is_some()),
            ("date_format", spec.date_format.is_some()),
            ("values", spec.values.is_some()),
            ("otherwise", spec.otherwise.is_some()),
            ("split", spec.split.is_some()),
            ("name_order", spec.name_order.is_some()),
            ("system", spec.system.is_some()),
            ("words", spec.words.is_some()),
        ];
        for (key, is_present) in present {
            if is_present && !allowed.contains(&key) {
                self.wrong(path, format!("{key} does nothing here; only {} do", allowed.join(" and ")));
            }
        }
    }
}
