//! In which line of a configuration a key stands, so that what is wrong can be found. Next: [`super::resolve`].

use toml::de::{DeTable, DeValue};

/// The line of a key such as `endpoint[2].auth.token_file`, from 1; of the nearest table above it where the key itself is
/// not there. None where nothing of it is, or the text is no TOML.
#[must_use]
pub fn find(text: &str, key: &str) -> Option<usize> {
    let document = DeTable::parse(text).ok()?;
    let mut table = Some(document.get_ref());
    let mut found = None;
    for step in key.split('.') {
        let (name, number) = match step.split_once('[') {
            Some((name, rest)) => (name, rest.trim_end_matches(']').parse::<usize>().ok()),
            None => (step, None),
        };
        let entry = table.and_then(|table| table.iter().find(|(known, _)| known.get_ref().as_ref() == name));
        let Some((known, value)) = entry else { break };
        found = Some(known.span().start);
        let value = match (value.get_ref(), number) {
            (DeValue::Array(items), Some(number)) => {
                let Some(item) = number.checked_sub(1).and_then(|place| items.get(place)) else { break };
                found = Some(item.span().start);
                item.get_ref()
            }
            (value, _) => value,
        };
        table = if let DeValue::Table(inside) = value { Some(inside) } else { None };
    }
    text.get(..found?).map(|before| before.matches('\n').count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_in_its_line_and_a_missing_one_in_its_table() {
        let text = "data_folder = \"d\"\n\n[intake.http]\nlisten = \"\"\n\n[[endpoint]]\nname = \"a\"\n\n[[endpoint]]\nname = \"b\"\n\
                    auth = { kind = \"none\" }\nrate = -1.0\n";
        for (key, line) in [
            ("data_folder", Some(1)),
            ("intake.http.listen", Some(4)),
            ("intake.http.auth", Some(3)),
            ("endpoint[1].name", Some(7)),
            ("endpoint[2]", Some(9)),
            ("endpoint[2].rate", Some(12)),
            ("endpoint[2].auth.token_file", Some(11)),
            ("endpoint[2].url", Some(9)),
            ("log.level", None),
        ] {
            assert_eq!(find(text, key), line, "{key}");
        }
        assert_eq!(find("no toml [", "log"), None);
    }
}
