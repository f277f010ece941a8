//! Reads the first records of a file for [`crate::profile::sample`]: for drafting and checking profiles. Next:
//! [`crate::profile::draft`].

use crate::profile::sample::Sample;
use crate::source::{Parsed, Reader, Scratch};

use super::error::ConvertError;

/// The first records of a file, column by column.
///
/// # Errors
/// The file cannot be read.
pub fn sample(mut reader: Reader, most: usize) -> Result<Sample, ConvertError> {
    let layout = std::sync::Arc::clone(reader.layout());
    let is_table = layout.format().is_table();
    let mut sample = if is_table { Sample::table(layout.header()) } else { Sample::trees() };
    let mut scratch = Scratch::default();
    for batch in reader.by_ref() {
        for record in batch?.records() {
            if sample.records >= most {
                return Ok(sample);
            }
            // A record that cannot be parsed says nothing about the columns; converting will report it.
            match layout.parse(record.text, &mut scratch) {
                Ok(Parsed::Row(row)) => sample.add_row(row.iter()),
                Ok(Parsed::Tree(node)) => sample.add_tree(&node),
                Ok(_) | Err(_) => {}
            }
        }
    }
    Ok(sample)
}
