//! Step 1, read: bytes of an export in, raw records with their numbers out.
//!
//! What it is: [`Reader`] finds out what a file is (CSV, XLSX, JSON, XML, FHIR; gzip or Zstandard around it;
//! its encoding), cuts it into records on one thread, and gives them out in [`Batch`]es; a worker parses each
//! with the file's [`Layout`]. A record stays the text it was, so that it can be sorted, refused and written
//! back untouched. What it is not: it knows nothing of referrals; a profile maps cells to fields. Invariants:
//! memory is bounded by a batch and one record, whatever the file; nothing is left out in silence; a record that
//! is refused never takes another with it. Next: [`crate::event`], and inside here `reader`.
//!
//! ```
//! use sp_fhir::source::{Input, Options, Parsed, Reader, Scratch};
//!
//! let input = Input::bytes("export.csv", *b"Case,Need\n7,\"Debt, housing\"\n");
//! let mut scratch = Scratch::default();
//! for batch in Reader::open(&input, &Options::default())? {
//!     let batch = batch?;
//!     for record in batch.records() {
//!         assert_eq!((record.row, record.text), (2, "7,\"Debt, housing\""));
//!         if let Ok(Parsed::Row(row)) = batch.layout.parse(record.text, &mut scratch) {
//!             assert_eq!(row.get(1), Some("Debt, housing"));
//!         }
//!     }
//! }
//! # Ok::<(), sp_fhir::source::SourceError>(())
//! ```

mod batch;
mod bytes;
mod cells;
mod csv;
mod detect;
mod dialect;
mod error;
mod heading;
mod input;
mod json;
mod layout;
mod options;
mod reader;
mod rejects;
mod scan;
mod sheet_heading;
pub mod suggest;
mod tall;
mod text;
mod xlsx;
mod xml;
mod xml_node;
mod zip;

#[cfg(test)]
mod tests;

pub use batch::{BadRecord, Batch, RawRecord};
pub use error::{SourceError, SourceErrorKind};
pub use input::{Found, Input, spool};
#[cfg(feature = "daemon")]
pub(crate) use json::{Value as JsonValue, elements, value as json_value};
pub use layout::{Layout, Parsed, Row, Scratch};
pub use options::{Encoding, Format, Limits, Options};
pub use reader::Reader;
pub(crate) use rejects::ERROR_VALUE;
pub use xml_node::to_node as xml_to_node;
