//! [`ValueEntry`]: what a word in a column stands for, as a profile writes it: a word, true or false, or a table.

use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// What a value stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueEntry {
    /// For fields that take a word: the word. `""` means no value.
    pub word: Option<String>,
    /// Code.
    pub code: Option<String>,
    /// The code's system; SNOMED CT when absent.
    pub system: Option<String>,
    /// Words to send instead of the value.
    pub text: Option<String>,
    /// For event types: the type.
    pub event: Option<String>,
    /// Whether it must not leave on its own.
    pub sensitive: bool,
}

struct ValueEntryVisitor;

impl<'de> Visitor<'de> for ValueEntryVisitor {
    type Value = ValueEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word, true or false, or a table with code, system, text, event or sensitive")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<ValueEntry, E> {
        Ok(ValueEntry { word: Some(word.to_owned()), ..ValueEntry::default() })
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<ValueEntry, E> {
        self.visit_str(if value { "true" } else { "false" })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ValueEntry, A::Error> {
        let mut entry = ValueEntry::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "code" => entry.code = Some(map.next_value()?),
                "system" => entry.system = Some(map.next_value()?),
                "text" => entry.text = Some(map.next_value()?),
                "event" => entry.event = Some(map.next_value()?),
                "sensitive" => entry.sensitive = map.next_value()?,
                other => {
                    return Err(de::Error::unknown_field(
                        other,
                        &["code", "system", "text", "event", "sensitive"],
                    ));
                }
            }
        }
        Ok(entry)
    }
}

impl<'de> Deserialize<'de> for ValueEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueEntryVisitor)
    }
}
