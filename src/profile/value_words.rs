//! What the words in the columns of exports usually stand for: proposals for the value maps of a draft.
//!
//! What it is: tables of phrases. What it is not: a guess where being wrong does harm; how much a person shares and whose
//! "declined" it was are left to the person who reviews the draft. Invariant: a word that no table has is proposed as
//! `"?"`, which no profile is used with. Next: [`super::undecided`].

use crate::codeset::Codeset;
use crate::codeset::TermMatch;
use crate::codeset::resolve::CodeSystemKind;
use crate::event::kinds::EventType;

use super::synonyms::words;

/// Phrases and the word they stand for; the first that stands in a value decides.
type Table = &'static [(&'static str, &'static str)];

const GENDER: Table = &[
    ("female", "female"),
    ("f", "female"),
    ("woman", "female"),
    ("male", "male"),
    ("m", "male"),
    ("man", "male"),
    ("other", "other"),
    ("non binary", "other"),
    ("indeterminate", "other"),
    ("x", "other"),
    ("not specified", "unknown"),
    ("not known", "unknown"),
    ("unknown", "unknown"),
    ("u", "unknown"),
];

const REFERRER: Table = &[
    ("self", "self"),
    ("patient", "self"),
    ("practice nurse", "nurse"),
    ("nurse", "nurse"),
    ("anp", "nurse"),
    ("pharmacist", "pharmacist"),
    ("gp", "gp"),
    ("general practitioner", "gp"),
    ("doctor", "gp"),
    ("social worker", "other-professional"),
    ("physiotherapist", "other-professional"),
    ("consultant", "other-professional"),
    ("midwife", "other-professional"),
    ("health visitor", "other-professional"),
    ("social services", "other-agency"),
    ("housing", "other-agency"),
    ("council", "other-agency"),
    ("police", "other-agency"),
    ("charity", "other-agency"),
    ("jobcentre", "other-agency"),
    ("job centre", "other-agency"),
    ("agency", "other-agency"),
    ("association", "other-agency"),
];

const MODE: Table = &[
    ("video", "video"),
    ("telephone", "telephone"),
    ("phone", "telephone"),
    ("call", "telephone"),
    ("home", "home"),
    ("group", "group"),
    ("face to face", "in-person"),
    ("f2f", "in-person"),
    ("in person", "in-person"),
    ("surgery", "in-person"),
    ("clinic", "in-person"),
    ("email", "written"),
    ("e mail", "written"),
    ("text", "written"),
    ("sms", "written"),
    ("letter", "written"),
];

const SERVICE: Table = &[
    ("link worker", "link-worker"),
    ("health coach", "health-coach"),
    ("wellbeing coach", "health-coach"),
    ("care co ordinator", "care-coordinator"),
    ("care coordinator", "care-coordinator"),
    ("community", "community-service"),
];

/// The more particular first. "Declined" and "closed" alone are not here on purpose.
const EVENTS: &[(&str, EventType)] = &[
    ("entered in error", EventType::EnteredInError),
    ("corrected", EventType::Corrected),
    ("consent changed", EventType::ConsentChanged),
    ("not reached", EventType::ContactFailed),
    ("no answer", EventType::ContactFailed),
    ("failed", EventType::ContactFailed),
    ("voicemail", EventType::ContactFailed),
    ("no contact", EventType::ClosedWithoutCompletion),
    ("lost contact", EventType::ClosedWithoutCompletion),
    ("moved", EventType::ClosedWithoutCompletion),
    ("died", EventType::ClosedWithoutCompletion),
    ("deceased", EventType::ClosedWithoutCompletion),
    ("dna", EventType::DidNotAttend),
    ("missed", EventType::DidNotAttend),
    ("did not attend", EventType::DidNotAttend),
    ("not suitable", EventType::Rejected),
    ("cannot take", EventType::Rejected),
    ("rejected", EventType::Rejected),
    ("on hold", EventType::OnHold),
    ("resumed", EventType::Resumed),
    ("reopened", EventType::Reopened),
    ("offered", EventType::Offered),
    ("signposted", EventType::Signposted),
    ("signpost", EventType::Signposted),
    ("onward", EventType::ReferredOn),
    ("referred on", EventType::ReferredOn),
    ("goals met", EventType::Completed),
    ("needs met", EventType::Completed),
    ("partly met", EventType::Completed),
    ("completed", EventType::Completed),
    ("cancelled", EventType::Cancelled),
    ("goal", EventType::PlanAgreed),
    ("plan", EventType::PlanAgreed),
    ("assessment", EventType::Assessed),
    ("assessed", EventType::Assessed),
    ("accepted", EventType::Accepted),
    ("reached", EventType::Contacted),
    ("spoken to", EventType::Contacted),
    ("contacted", EventType::Contacted),
    ("contact", EventType::Contacted),
    ("attended", EventType::Attended),
    ("seen", EventType::Attended),
    ("appointment", EventType::Attended),
    ("session", EventType::Attended),
    ("in progress", EventType::Accepted),
    ("waiting", EventType::Referred),
    ("referral received", EventType::Referred),
    ("received", EventType::Referred),
    ("referred", EventType::Referred),
    ("new", EventType::Referred),
];

/// A line of a value map: what stands after the `=`, and a comment.
pub(super) type Proposal = (String, String);

/// The types that end a referral.
const ENDS: &str =
    "completed, closed_without_completion, rejected, cancelled or declined; or none, for no event";

/// What a person must say.
fn undecided() -> Proposal {
    ("\"?\"".to_owned(), String::new())
}

fn stands_in(value: &[String], phrase: &str) -> bool {
    let phrase: Vec<&str> = phrase.split(' ').collect();
    value.windows(phrase.len()).any(|part| part.iter().map(String::as_str).eq(phrase.iter().copied()))
}

fn by_table(table: Table, value: &str) -> Proposal {
    let value = words(value);
    match table.iter().find(|(phrase, _)| stands_in(&value, phrase)) {
        Some((_, word)) => (format!("{word:?}"), String::new()),
        None => undecided(),
    }
}

/// A gender.
pub(super) fn gender(value: &str) -> Proposal {
    by_table(GENDER, value)
}

/// A kind of referrer.
pub(super) fn referrer(value: &str) -> Proposal {
    by_table(REFERRER, value)
}

/// A mode of contact.
pub(super) fn mode(value: &str) -> Proposal {
    by_table(MODE, value)
}

/// A kind of service.
pub(super) fn service(value: &str) -> Proposal {
    by_table(SERVICE, value)
}

/// How much the person shares: only a plain no is understood.
pub(super) fn consent(value: &str) -> Proposal {
    let no = matches!(
        words(value).first().map(String::as_str),
        Some("no" | "n" | "none" | "false" | "refused" | "withdrawn")
    );
    if no { ("\"none\"".to_owned(), String::new()) } else { undecided() }
}

/// Yes or no.
pub(super) fn yes_no(value: &str) -> Proposal {
    let yes = matches!(words(value).first().map(String::as_str), Some("y" | "yes" | "true" | "1" | "x"));
    (yes.to_string(), String::new())
}

/// What happened.
pub(super) fn event(value: &str) -> Proposal {
    match event_type(value) {
        Some(event_type) => (format!("{{ event = \"{}\" }}", event_type.as_str()), String::new()),
        None => ("{ event = \"?\" }".to_owned(), String::new()),
    }
}

/// How a referral ended: only an end will do.
pub(super) fn end(value: &str) -> Proposal {
    use EventType as E;
    match event_type(value) {
        Some(E::DidNotAttend | E::ContactFailed) => {
            ("{ event = \"closed_without_completion\" }".to_owned(), String::new())
        }
        Some(E::Completed | E::ClosedWithoutCompletion | E::Rejected | E::Cancelled) => event(value),
        // Whose no it was is asked in other words.
        None if words(value).iter().any(|word| word.starts_with("declin") || word.starts_with("refus")) => {
            event(value)
        }
        _ => ("{ event = \"?\" }".to_owned(), format!("decide: {ENDS}")),
    }
}

/// The event type that words name.
pub(super) fn event_type(value: &str) -> Option<EventType> {
    let value = words(value);
    EVENTS.iter().find(|(phrase, _)| stands_in(&value, phrase)).map(|(_, event_type)| *event_type)
}

/// A coded term: what the codeset makes of it.
pub(super) fn term(codeset: &Codeset, group: &str, value: &str) -> Proposal {
    let mut comment = match codeset.by_term(group, value) {
        TermMatch::Coded(concept) => {
            let name = concept.term().or_else(|| concept.listed_as()).unwrap_or_default();
            format!("{} {name}", concept.code_text())
        }
        TermMatch::Ambiguous => "several codes have these words".to_owned(),
        TermMatch::Unmapped => match codeset.unmapped_because(group, value) {
            Some(because) => format!("no code: {because}"),
            None => "no code known; give one with code = \"…\" or leave the words".to_owned(),
        },
    };
    if codeset.discloses(group, value).is_some() {
        comment.push_str("; sensitive: withheld until a person releases it");
    }
    ("{}".to_owned(), comment)
}

/// The code system that most values of a column are of, as a profile writes it.
pub(super) fn system(heading: &str, values: &[String]) -> &'static str {
    let digits = values.iter().filter(|value| value.bytes().filter(u8::is_ascii_digit).count() >= 5).count();
    let named = |word: &str| words(heading).iter().any(|part| part == word);
    let kind = if named("ctv3") {
        CodeSystemKind::Ctv3
    } else if named("read") || (!values.is_empty() && digits * 2 < values.len()) {
        CodeSystemKind::ReadV2
    } else {
        CodeSystemKind::Snomed
    };
    match kind {
        CodeSystemKind::Snomed => "snomed",
        CodeSystemKind::ReadV2 => "read-v2",
        CodeSystemKind::Ctv3 => "ctv3",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_do_harm_is_left_to_a_person() {
        assert_eq!(consent("Yes - everything").0, "\"?\"");
        assert_eq!(consent("No").0, "\"none\"");
        assert_eq!(event("Declined").0, "{ event = \"?\" }");
        assert_eq!(end("Declined").0, "{ event = \"?\" }");
        assert_eq!(end("Seen twice"), ("{ event = \"?\" }".to_owned(), format!("decide: {ENDS}")));
        assert_eq!(service("Anything").0, "\"?\"");
        assert_eq!(referrer("Somebody").0, "\"?\"");
    }

    #[test]
    fn usual_words_are_understood() {
        assert_eq!(gender("F").0, "\"female\"");
        assert_eq!(referrer("Practice Nurse").0, "\"nurse\"");
        assert_eq!(mode("Face to face").0, "\"in-person\"");
        assert_eq!(event_type("not reached"), Some(EventType::ContactFailed));
        assert_eq!(event_type("Closed - completed"), Some(EventType::Completed));
        let codeset = Codeset::embedded().unwrap();
        assert!(term(&codeset, "need", "Debt").1.starts_with("160932005"));
        assert!(term(&codeset, "need", "Domestic abuse").1.contains("sensitive"));
        assert_eq!(system("Code", &["1B1K.".to_owned()]), "read-v2");
        assert_eq!(system("Code", &["8.24401E+14".to_owned()]), "snomed");
    }
}
