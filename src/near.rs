//! [`nearest`]: which known name a mistyped one is near to. Pure.

/// The known name that is nearest to a wanted one, if any is near.
pub(crate) fn nearest(wanted: &str, known: &[impl AsRef<str>]) -> Option<usize> {
    let limit = (wanted.chars().count() / 3).max(2);
    known
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let name = name.as_ref();
            let inside =
                wanted.len() > 3 && name.len() > 3 && (name.contains(wanted) || wanted.contains(name));
            (if inside { 1 } else { distance(wanted, name) }, at)
        })
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, at)| at)
}

/// How many letters must be added, taken away or changed (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (to, above) in b.iter().zip(row.iter().skip(1)) {
            let changed = diagonal + usize::from(from != *to);
            left = changed.min(left + 1).min(above + 1);
            next.push(left);
            diagonal = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!((distance("kitten", "sitting"), distance("", "ab"), distance("ab", "ab")), (3, 2, 0));
        assert_eq!(nearest("dob", &["nhs number", "surname"]), None);
        assert_eq!(nearest("pth", &["url", "path"]), Some(1));
    }
}
