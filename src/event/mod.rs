//! Step 2: validate.
pub mod issue;
pub use issue::{Issue, IssueCode, Position, Severity};
