//! When the work on a Task of theirs began and ended: what we know of it goes where they wrote nothing. Pure.
//!
//! Invariant: a start or an end that they wrote is never changed nor taken out; one that we wrote is ours to mend as long as
//! the Task stands as we left it. Next: [`super::merge`].

use crate::tree::Node;

use super::merge::set;

/// Which parts of an `executionPeriod` are ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OfPeriod {
    pub(super) start: bool,
    pub(super) end: bool,
}

impl OfPeriod {
    /// As it is kept beside the digests.
    pub(super) const fn marks(self) -> &'static str {
        match (self.start, self.end) {
            (false, false) => "",
            (true, false) => "s",
            (false, true) => "e",
            (true, true) => "se",
        }
    }

    pub(super) fn read(marks: &str) -> Self {
        Self { start: marks.contains('s'), end: marks.contains('e') }
    }
}

/// Their period with ours in it, and which parts of it are ours then.
pub(super) fn merged(
    theirs: Option<&Node>,
    ours: Option<&Node>,
    before: OfPeriod,
) -> (Option<Node>, OfPeriod) {
    let mut period = theirs.cloned().unwrap_or(Node::Object(Vec::new()));
    let mut put = |name: &str, was_ours: bool| {
        let (there, new) = (theirs.and_then(|it| it.get(name)), ours.and_then(|it| it.get(name)));
        // What stands beside a date may say why there is none.
        let beside = theirs.is_some_and(|it| it.get(&format!("_{name}")).is_some());
        let is_free = was_ours || there.is_none() && !beside;
        if is_free && (new.is_some() || was_ours) {
            set(&mut period, name, new);
        }
        is_free && new.is_some()
    };
    let is_ours = OfPeriod { start: put("start", before.start), end: put("end", before.end) };
    if !in_order(&period) {
        // Ours and theirs contradict each other: theirs stands.
        let mut rest = theirs.cloned().unwrap_or(Node::Object(Vec::new()));
        if before.start {
            set(&mut rest, "start", None);
        }
        if before.end {
            set(&mut rest, "end", None);
        }
        return (some(rest), OfPeriod::default());
    }
    (some(period), is_ours)
}

fn some(period: Node) -> Option<Node> {
    Some(period).filter(|period| period.as_object().is_some_and(|members| !members.is_empty()))
}

/// Whether a period does not end before it begins, as far as both say it.
fn in_order(period: &Node) -> bool {
    let day = |name| period.get(name).and_then(Node::as_str).map(|text| text.get(..10).unwrap_or(text));
    let (Some(start), Some(end)) = (day("start"), day("end")) else { return true };
    let both = start.len().min(end.len());
    start.get(..both) <= end.get(..both)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Limits, json};

    fn node(text: &str) -> Option<Node> {
        (!text.is_empty()).then(|| json::parse(text.as_bytes(), &Limits::default()).unwrap())
    }

    #[test]
    fn what_they_wrote_stands_and_what_we_wrote_is_ours_to_mend() {
        let (march, april) = (r#"{"start":"2026-03-04"}"#, r#"{"start":"2026-04-04"}"#);
        let whole = r#"{"start":"2026-03-04","end":"2026-03-09"}"#;
        for (theirs, ours, before, merges, marks) in [
            ("", "", "", "", ""),
            ("", march, "", march, "s"),
            (march, whole, "s", whole, "se"),
            (april, march, "", april, ""),
            (april, march, "s", march, "s"),
            (march, "", "s", "", ""),
            (march, "", "", march, ""),
            (whole, march, "se", march, "s"),
            (whole, march, "", whole, ""),
            // They say when it ended, and that is before we began.
            (r#"{"end":"2026-03-01"}"#, march, "", r#"{"end":"2026-03-01"}"#, ""),
            (r#"{"end":"2026-03"}"#, march, "", r#"{"end":"2026-03","start":"2026-03-04"}"#, "s"),
            (r#"{"_start":{"id":"x"}}"#, march, "", r#"{"_start":{"id":"x"}}"#, ""),
        ] {
            let (found, is_ours) = merged(node(theirs).as_ref(), node(ours).as_ref(), OfPeriod::read(before));
            assert!(found == node(merges), "{theirs} {ours} {before}");
            assert_eq!(is_ours.marks(), marks, "{theirs} {ours} {before}");
        }
    }
}
