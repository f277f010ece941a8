//! [`Problem`]: one thing wrong in the configuration, with its key and what to do. Next: [`super::raw`].

use std::fmt;

/// One thing wrong in the configuration. Never carries a secret: values are named by their key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key's path, such as `endpoint[2].auth.token_file`; `line 7` where the text is no TOML.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
    /// File and line, such as `/etc/sp-fhir/sp-fhir.toml:12`, where they are known.
    pub place: Option<String>,
}

impl Problem {
    /// A problem of a key.
    #[must_use]
    pub fn new(key: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { key: key.into(), what: what.into(), remedy: remedy.into(), place: None }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            // Where the text is no TOML the key is its line.
            Some(place) if self.key.starts_with("line ") => write!(f, "{place}: ")?,
            Some(place) => write!(f, "{place}: {}: ", self.key)?,
            None => write!(f, "{}: ", self.key)?,
        }
        write!(f, "{}; {}", self.what, self.remedy)
    }
}

/// Everything wrong in a configuration, in the order of its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if n > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
