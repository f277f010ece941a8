//! What the values of a column look like: NHS numbers, practice codes, dates and their order, a short list of words.
//!
//! What it is: guesses for a draft, each from most of the values and never from one. What it is not: a check;
//! [`crate::event::build`] reads every value strictly. Next: [`super::synonyms`], for what headings say.

use crate::event::nhs_number::passes_modulus_11;
use crate::event::ods_code::OdsCode;
use crate::event::postcode::Postcode;

use super::values::fold;

/// A value is told from noise when this share of a column looks like it, in percent.
const MOST: usize = 60;
/// More different words than this are no list.
const LONGEST_LIST: usize = 40;

/// What a column of dates looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dates {
    /// The format a profile must state; nothing for ISO dates.
    pub format: Option<String>,
    /// What stands between several dates in one cell.
    pub split: Option<&'static str>,
}

fn share(values: &[String], fits: impl Fn(&str) -> bool) -> bool {
    let fitting = values.iter().filter(|value| fits(value)).count();
    !values.is_empty() && fitting * 100 >= values.len() * MOST
}

/// Whether most values pass the check of NHS numbers.
#[must_use]
pub fn are_nhs_numbers(values: &[String]) -> bool {
    share(values, |value| passes_modulus_11(&value.replace([' ', '-'], "")))
}

/// Whether most values have the shape of a GP practice's ODS code.
#[must_use]
pub fn are_practices(values: &[String]) -> bool {
    share(values, OdsCode::looks_like_practice)
}

/// Whether most values are postcodes.
#[must_use]
pub fn are_postcodes(values: &[String]) -> bool {
    share(values, |value| Postcode::parse(value).is_ok()) && !are_practices(values)
}

/// Whether most values are whole numbers.
#[must_use]
pub fn are_integers(values: &[String]) -> bool {
    share(values, |value| value.len() < 6 && value.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether every value says yes or no.
#[must_use]
pub fn are_yes_no(values: &[String]) -> bool {
    const WORDS: &[&str] = &["y", "n", "yes", "no", "true", "false", "1", "0", "x"];
    !values.is_empty() && values.iter().all(|value| WORDS.contains(&fold(value).as_str()))
}

/// The different values of a column when they look like words from a list, in the order in which they were met.
#[must_use]
pub fn list(values: &[String]) -> Option<Vec<&str>> {
    let mut folded = Vec::new();
    let mut words = Vec::new();
    for value in values {
        let key = fold(value);
        if !folded.contains(&key) {
            folded.push(key);
            words.push(value.as_str());
        }
    }
    // Sentences are free text, however few.
    let lengths: usize = words.iter().map(|word| word.split_whitespace().count()).sum();
    let is_list = !words.is_empty() && words.len() <= LONGEST_LIST && lengths <= words.len() * 4;
    is_list.then_some(words)
}

/// What stands between several words in one cell, where cells have several.
#[must_use]
pub fn split(values: &[String]) -> Option<&'static str> {
    const SEVERAL: usize = 10;
    [";", "|", "\n"].into_iter().find(|split| {
        let several = values.iter().filter(|value| parts(value, split).nth(1).is_some()).count();
        several * 100 >= values.len() * SEVERAL && several > 0
    })
}

/// The words of a cell that has several.
pub fn parts<'a>(cell: &'a str, split: &'a str) -> impl Iterator<Item = String> + 'a {
    cell.split(split).map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned)
}

/// Whether most values are the names of people, with their titles.
#[must_use]
pub fn are_titled(values: &[String]) -> bool {
    const TITLES: &[&str] = &["dr", "doctor", "mr", "mrs", "ms", "miss", "prof", "sister", "rev"];
    share(values, |value| {
        let value = fold(value);
        let first = value.split([' ', '.']).next().unwrap_or_default();
        TITLES.contains(&first)
            && !["surgery", "practice", "centre"].iter().any(|place| value.contains(place))
    })
}

/// One date, taken apart.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Shape {
    separator: char,
    month_is_named: bool,
    year_is_first: bool,
    /// Parts of the time: 0, 2 or 3.
    clock: usize,
}

/// The shape of a date that is not ISO, with its first two numbers; `None` for ISO dates is [`is_iso`]'s.
fn shape(value: &str) -> Option<(Shape, u32, u32)> {
    let value = value.trim();
    let (date, clock) = match value.rsplit_once([' ', 'T']) {
        Some((date, clock)) if clock.contains(':') => (date, clock.split(':').count()),
        _ => (value, 0),
    };
    if !matches!(clock, 0 | 2 | 3) {
        return None;
    }
    let separator = date.chars().find(|c| !c.is_alphanumeric())?;
    let mut parts = date.split(separator);
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next()?);
    let digits =
        |part: &str, most| !part.is_empty() && part.len() <= most && part.bytes().all(|b| b.is_ascii_digit());
    let month_is_named = second.len() >= 3 && second.bytes().all(|b| b.is_ascii_alphabetic());
    let year_is_first = first.len() == 4;
    let fits = digits(first, 4) && (month_is_named || digits(second, 2)) && digits(third, 4);
    if !fits || parts.next().is_some() || !"/-. ".contains(separator) {
        return None;
    }
    let shape = Shape { separator, month_is_named, year_is_first, clock };
    Some((shape, first.parse().ok()?, second.parse().unwrap_or(0)))
}

fn is_iso(value: &str) -> bool {
    shape(value).is_some_and(|(shape, ..)| shape.year_is_first && shape.separator == '-')
        || (value.len() >= 16 && value.get(..10).is_some_and(is_iso) && value.get(10..11) == Some("T"))
}

/// What a column of dates looks like; `None` when most values are no dates. The format is `?` where no day
/// tells it from a month.
#[must_use]
pub fn dates(values: &[String]) -> Option<Dates> {
    if share(values, is_iso) {
        return Some(Dates { format: None, split: None });
    }
    if let Some(format) = one_a_cell(values.iter().map(String::as_str)) {
        return Some(Dates { format: Some(format), split: None });
    }
    for split in [";", ",", "|", "\n"] {
        let parts: Vec<&str> = values
            .iter()
            .flat_map(|value| value.split(split))
            .map(str::trim)
            .filter(|p| !p.is_empty())
            .collect();
        if parts.iter().all(|part| is_iso(part)) && !parts.is_empty() {
            return Some(Dates { format: None, split: Some(split) });
        }
        if let Some(format) = one_a_cell(parts.iter().copied()) {
            return Some(Dates { format: Some(format), split: Some(split) });
        }
    }
    None
}

fn one_a_cell<'a>(values: impl Iterator<Item = &'a str> + Clone) -> Option<String> {
    let all = values.clone().count();
    let shapes: Vec<(Shape, u32, u32)> = values.filter_map(shape).collect();
    let count = |wanted: Shape| shapes.iter().filter(|(shape, ..)| *shape == wanted).count();
    let (usual, ..) = *shapes.iter().max_by_key(|(shape, ..)| count(*shape))?;
    if count(usual) * 100 < all * MOST {
        return None;
    }
    let of_usual = || shapes.iter().filter(|(shape, ..)| *shape == usual);
    let first = of_usual().filter(|(_, first, _)| *first > 12).count();
    let second = of_usual().filter(|(_, _, second)| *second > 12).count();
    let s = usual.separator;
    let day = match () {
        () if usual.month_is_named => format!("d{s}mmm{s}yyyy"),
        () if usual.year_is_first => format!("yyyy{s}mm{s}dd"),
        // A few dates are wrong in any export; the others decide.
        () if first > 0 && first >= second * 4 => format!("dd{s}mm{s}yyyy"),
        () if second > 0 && second >= first * 4 => format!("mm{s}dd{s}yyyy"),
        () => return Some("?".to_owned()),
    };
    Some(match usual.clock {
        0 => day,
        2 => format!("{day} HH:MM"),
        _ => format!("{day} HH:MM:SS"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Vec<String> {
        values.iter().map(|v| (*v).to_owned()).collect()
    }

    fn format(values: &[&str]) -> Option<String> {
        dates(&of(values)).and_then(|dates| dates.format)
    }

    #[test]
    fn the_order_of_slash_dates_is_told_by_the_days() {
        assert_eq!(format(&["04/03/2026", "17/03/2026"]).as_deref(), Some("dd/mm/yyyy"));
        assert_eq!(format(&["04/03/2026", "03/17/2026"]).as_deref(), Some("mm/dd/yyyy"));
        assert_eq!(format(&["04/03/2026", "05/03/2026"]).as_deref(), Some("?"));
        // One bad date does not outvote four good ones; evenly matched, a person must decide.
        assert_eq!(
            format(&["14/03/2026", "15/03/2026", "16/03/2026", "17/03/2026", "03/17/2026"]).as_deref(),
            Some("dd/mm/yyyy")
        );
        assert_eq!(format(&["14/03/2026", "03/17/2026"]).as_deref(), Some("?"));
        assert_eq!(format(&["4 Mar 2026", "17 March 2026"]).as_deref(), Some("d mmm yyyy"));
        assert_eq!(
            format(&["14/03/2026 09:30:00", "15/03/2026 10:00:00"]).as_deref(),
            Some("dd/mm/yyyy HH:MM:SS")
        );
        assert_eq!(
            dates(&of(&["2026-03-04", "2026-03-05T10:00:00"])),
            Some(Dates { format: None, split: None })
        );
        assert_eq!(dates(&of(&["14/03/2026; 15/03/2026; 16/03/2026"])).unwrap().split, Some(";"));
        assert_eq!(dates(&of(&["Housing", "01632 960111", "999 000 1234"])), None);
    }

    #[test]
    fn values_are_told_by_most_of_them() {
        assert!(are_nhs_numbers(&of(&["999 000 4218", "9990004218", "x"])));
        assert!(!are_nhs_numbers(&of(&["9990004219", "9990004218"])));
        assert!(are_practices(&of(&["Z99911", "Z99912"])) && !are_postcodes(&of(&["Z99911"])));
        assert!(are_postcodes(&of(&["ZZ99 3VZ"])));
        assert!(are_yes_no(&of(&["Y", "no"])) && !are_yes_no(&of(&["Yes - everything"])));
    }

    #[test]
    fn cells_with_several_words_are_told_from_cells_with_one() {
        assert_eq!(split(&of(&["Debt; Housing", "Debt"])), Some(";"));
        assert_eq!(split(&of(&["Debt, mostly", "Loneliness / isolation"])), None);
        assert_eq!(parts("Debt;  ; Housing ", ";").collect::<Vec<_>>(), ["Debt", "Housing"]);
    }

    #[test]
    fn people_are_told_from_places() {
        assert!(are_titled(&of(&["Dr. E Prydderch", "Dr Pask"])));
        assert!(!are_titled(&of(&["Dr Pask's Surgery", "Elm Surgery"])));
    }

    #[test]
    fn sentences_are_no_list() {
        assert_eq!(list(&of(&["Debt", "debt ", "Housing"])), Some(vec!["Debt", "Housing"]));
        assert_eq!(
            list(&of(&["Lonely since her husband died last year", "Wants to get out more often"])),
            None
        );
    }
}
