//! What the headings of exports mean. The words are data: `headings.tsv`, one line a meaning.
//!
//! What it is: headings compared word by word, whatever their case and punctuation; `camelCase` is taken apart. What it is
//! not: a decision; `placing` also looks at the values. Invariant: the longest synonym that stands in a heading
//! decides, so "Referrer Name" is not a person's name. Next: `placing`.

use std::sync::LazyLock;

use crate::event::field::Field;
use crate::event::kinds::EventType;

/// What a column may be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A field of the referral.
    Field(Field),
    /// A person's whole name.
    FullName,
    /// The date of an event.
    Date(EventType),
    /// The date of the end, whatever kind of end it was.
    EndDate,
    /// The reason of the end, which says what kind of end it was.
    EndReason,
    /// What happened: the type of an event in a log or a list.
    What,
    /// When it happened.
    At,
    /// A reason for referral.
    Need,
    /// A code for one.
    NeedCode,
    /// How a contact took place.
    Mode,
    /// A status column.
    Status,
    /// A count of appointments not attended.
    Missed,
    /// A score.
    Score,
    /// Notes.
    Note,
    /// The message back to the GP.
    Message,
    /// A goal.
    Goal,
    /// What someone was referred on or signposted for.
    For,
    /// The name of another service.
    OtherService,
    /// Known to go nowhere.
    Nothing,
}

/// The synonyms, a line a meaning; its first lines say how it is written.
const TABLE: &str = include_str!("headings.tsv");

/// The words for the roles that are neither a field nor the date of an event of one type.
const ROLES: &[(&str, Role)] = &[
    ("person.name", Role::FullName),
    ("end-date", Role::EndDate),
    ("end-reason", Role::EndReason),
    ("what", Role::What),
    ("at", Role::At),
    ("need", Role::Need),
    ("need-code", Role::NeedCode),
    ("contact-mode", Role::Mode),
    ("status", Role::Status),
    ("missed", Role::Missed),
    ("score", Role::Score),
    ("note", Role::Note),
    ("message", Role::Message),
    ("goal", Role::Goal),
    ("for", Role::For),
    ("other-service", Role::OtherService),
    ("nothing", Role::Nothing),
];

/// One synonym.
struct Synonym {
    words: Vec<&'static str>,
    role: Role,
    /// Whether it must be the whole heading.
    whole: bool,
}

/// Every synonym, in the order of the table.
static SYNONYMS: LazyLock<Vec<Synonym>> = LazyLock::new(|| TABLE.lines().flat_map(line).collect());

/// The synonyms of one line; none of a comment. A test holds that every other line has some.
fn line(line: &'static str) -> Vec<Synonym> {
    let Some((name, synonyms)) = line.split_once('\t').filter(|_| !line.starts_with('#')) else {
        return Vec::new();
    };
    let known = ROLES.iter().find(|(known, _)| *known == name).map(|(_, role)| *role);
    let role = known.or_else(|| match name.strip_prefix("date:") {
        Some(event_type) => EventType::parse(event_type).map(Role::Date),
        None => Field::parse(name).or_else(|| Field::parse(&format!("{name}[]"))).map(Role::Field),
    });
    let Some(role) = role else { return Vec::new() };
    let of = |synonym: &'static str| {
        let text = synonym.strip_prefix('=').unwrap_or(synonym);
        Synonym { words: text.split(' ').collect(), role, whole: text.len() < synonym.len() }
    };
    synonyms.split('|').map(of).collect()
}

/// The words of a heading: lower case, punctuation gone, `camelCase` and `NHSNumber` taken apart.
#[must_use]
pub fn words(heading: &str) -> Vec<String> {
    let chars: Vec<char> = heading.chars().collect();
    let mut words: Vec<String> = Vec::new();
    let mut current = String::new();
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| chars.get(at));
        let after = |n: usize| chars.get(at + n).copied().filter(|c| c.is_lowercase());
        // In "NHSNumber" the last capital begins a word; in "DNAs" it does not.
        let plural = after(1) == Some('s') && after(2).is_none();
        let begins = c.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase() || (before.is_uppercase() && after(1).is_some() && !plural)
            });
        if !c.is_alphanumeric() || begins {
            words.push(std::mem::take(&mut current));
        }
        if c.is_alphanumeric() {
            current.extend(c.to_lowercase());
        }
    }
    words.push(current);
    words.retain(|word| !word.is_empty());
    words
}

/// The roles that a heading may have, the likeliest first, each with how sure it is.
#[must_use]
pub fn roles(heading: &str) -> Vec<(Role, usize)> {
    let mut found: Vec<(Role, usize)> = Vec::new();
    for (less, heading) in forms(heading) {
        for synonym in SYNONYMS.iter() {
            let Some(sure) = sure(&heading, synonym).map(|sure| sure - less) else { continue };
            add(&mut found, synonym.role, sure);
        }
    }
    // The last step of a path, or the lower of two merged headings, is a heading of its own, with less to go by.
    let last = heading.rsplit(['.', '/']).next().map(words).unwrap_or_default();
    if last.len() < words(heading).len() {
        let whole = |synonym: &&Synonym| synonym.whole && synonym.role != Role::Field(Field::ReferralId);
        for synonym in SYNONYMS.iter().filter(whole).filter(|synonym| last == synonym.words) {
            add(&mut found, synonym.role, synonym.words.len() * 20 + 29);
        }
    }
    found.sort_by_key(|(_, sure)| std::cmp::Reverse(*sure));
    found
}

fn add(found: &mut Vec<(Role, usize)>, role: Role, sure: usize) {
    match found.iter_mut().find(|(known, _)| *known == role) {
        Some((_, known)) => *known = sure.max(*known),
        None => found.push((role, sure)),
    }
}

/// The words of a heading as they stand; as one word where it is one; without what is in brackets; and without a number at the end. Each with how
/// much less sure it makes.
fn forms(heading: &str) -> Vec<(usize, Vec<String>)> {
    let mut forms = vec![(0, words(heading))];
    // "DoB" is one word, whatever its capitals.
    if heading.chars().all(char::is_alphanumeric) {
        forms.push((1, vec![heading.to_lowercase()]));
    }
    if let Some((before, rest)) = heading.split_once('(') {
        let after = rest.split_once(')').map_or("", |(_, after)| after);
        forms.push((1, words(&format!("{before} {after}"))));
    }
    for (less, mut form) in forms.clone() {
        let Some(last) = form.pop() else { continue };
        let name = last.trim_end_matches(|c: char| c.is_ascii_digit());
        if name.len() < last.len() {
            form.extend((!name.is_empty()).then(|| name.to_owned()));
            forms.push((less + 2, form));
        }
    }
    forms.retain(|(_, words)| !words.is_empty());
    forms
}

/// How sure a synonym makes: whole headings before parts, more words before fewer, the end before the beginning.
fn sure(heading: &[String], synonym: &Synonym) -> Option<usize> {
    let length = synonym.words.len();
    let at = heading
        .windows(length)
        .rposition(|part| part.iter().map(String::as_str).eq(synonym.words.iter().copied()))?;
    let is_whole = heading.len() == length;
    if synonym.whole && !is_whole {
        return None;
    }
    let at_end = usize::from(at + length == heading.len());
    Some(usize::from(is_whole) * 1000 + length * 20 + at_end * 30)
}

#[cfg(test)]
mod tests;
