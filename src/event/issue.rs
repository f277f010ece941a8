//! An [`Issue`]: one thing wrong, or worth knowing, about one place in the input.
//!
//! What it is: data. It carries a stable code, a severity, where it was found, what *kind* of value was
//! there, and what to do about it. What it is not: it never carries the value itself, because issues are
//! logged, printed and mailed, and a value may be a person's. Invariant: what it prints says
//! where, what is wrong, what kind of value was found and what to do, in one line. Next: [`super::issue_code`].

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::blank::is_invisible;
pub use super::issue_code::IssueCode;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a line in the report; nothing is left out because of it.
    Information,
    /// The row went through, but a person should look.
    Warning,
    /// The row (or the file) was refused.
    Error,
}

impl Severity {
    /// The word FHIR uses for it in `OperationOutcome.issue.severity`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Information => "information",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Where an issue was found. Every part is optional: an event from HTTP has a path and no file.
///
/// `row` counts records from 1 as a person counts them, the header line of a table being row 1;
/// `column` is the heading; `path` is a JSON pointer-like path (`person.nhs_number`) or an XML path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// The file's name as the user gave it, or `-` for standard input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<Arc<str>>,
    /// Row or record number, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// The column's heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<Arc<str>>,
    /// A path inside the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Arc<str>>,
}

impl Position {
    /// A position that names only a path inside a record.
    #[must_use]
    pub fn path(path: impl Into<Arc<str>>) -> Self {
        Self { path: Some(path.into()), ..Self::default() }
    }

    /// A position that names a file and a row.
    #[must_use]
    pub fn row(file: Arc<str>, row: u64) -> Self {
        Self { file: Some(file), row: Some(row), ..Self::default() }
    }

    /// This position, with file and row filled in where they are absent.
    #[must_use]
    pub fn within(mut self, file: &Arc<str>, row: u64) -> Self {
        self.file.get_or_insert_with(|| Arc::clone(file));
        self.row.get_or_insert(row);
        self
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(file) = &self.file {
            write!(f, "{file}")?;
            separator = ":";
        }
        if let Some(row) = self.row {
            write!(f, "{separator}{row}")?;
            separator = ":";
        }
        if let Some(column) = &self.column {
            write!(f, "{separator}{column}")?;
            separator = ":";
        }
        if let Some(path) = &self.path {
            write!(f, "{separator}{path}")?;
        }
        Ok(())
    }
}

/// One thing wrong, or worth knowing, about one place in the input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Issue {
    /// The stable code.
    pub code: IssueCode,
    /// How bad it is; usually [`IssueCode::severity`].
    pub severity: Severity,
    /// Where.
    pub at: Position,
    /// What was found there, as a kind ("text of 9 digits"), never the value.
    pub found: Cow<'static, str>,
}

impl Issue {
    /// An issue with the code's own severity.
    #[must_use]
    pub fn new(code: IssueCode, at: Position, found: impl Into<Cow<'static, str>>) -> Self {
        Self { code, severity: code.severity(), at, found: found.into() }
    }

    /// The same issue, only a warning: for rules a configuration may soften.
    #[must_use]
    pub fn softened(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Whether the row must be refused because of it.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}[{}]: {}", self.at, self.severity.as_str(), self.code.as_str(), self.code.title())?;
        if !self.found.is_empty() {
            write!(f, " (found {})", self.found)?;
        }
        write!(f, "; {}", self.code.remedy())
    }
}

/// What kind of thing a value is, without saying the value: for [`Issue::found`].
#[must_use]
pub fn kind_of(value: &str) -> Cow<'static, str> {
    let length = value.chars().count();
    if length == 0 {
        return Cow::Borrowed("nothing");
    }
    let kind = if value.bytes().all(|b| b.is_ascii_digit()) {
        "digits"
    } else if value.bytes().all(|b| b.is_ascii_digit() || b" /-.:".contains(&b)) {
        "digits and separators"
    } else if value.bytes().all(|b| b.is_ascii_alphabetic()) {
        "letters"
    } else if value.bytes().all(|b| b.is_ascii_alphanumeric()) {
        "letters and digits"
    } else if value.is_ascii() {
        "text"
    } else if value.chars().any(is_invisible) {
        "text with an invisible character"
    } else {
        "text with non-ASCII characters"
    };
    Cow::Owned(format!("{kind}, {length} long"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_never_repeats_the_value() {
        assert_eq!(kind_of("9990004218"), "digits, 10 long");
        assert_eq!(kind_of("Fôn"), "text with non-ASCII characters, 3 long");
        assert_eq!(kind_of(""), "nothing");
    }

    #[test]
    fn an_issue_reads_as_one_line() {
        let at = Position { column: Some("NHS No".into()), ..Position::row("a.csv".into(), 7) };
        let issue = Issue::new(IssueCode::NhsNumberCheckDigit, at, kind_of("9990004219"));
        assert_eq!(
            issue.to_string(),
            "a.csv:7:NHS No: error[nhs-number-check-digit]: an NHS number whose check digit is wrong \
             (found digits, 10 long); look the number up again; a digit is probably mistyped"
        );
    }
}
