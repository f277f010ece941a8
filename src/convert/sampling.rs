//! The first records of a file as a [`Sample`], for checking and drafting profiles.

use crate::profile::sample::Sample;
use crate::source::{Input, Options, Parsed, Reader, Scratch, SourceError};

/// Reads up to `most` records. Records that cannot be parsed are passed over; converting reports them.
///
/// # Errors
/// The file cannot be read.
pub fn sample(input: &Input, options: &Options, most: usize) -> Result<Sample, SourceError> {
    let reader = Reader::open(input, options)?;
    let layout = reader.layout();
    let mut sample =
        if layout.format().is_table() { Sample::table(layout.header()) } else { Sample::trees() };
    let mut scratch = Scratch::default();
    for batch in reader {
        let batch = batch?;
        for record in batch.records() {
            if sample.records >= most {
                return Ok(sample);
            }
            match batch.layout.parse(record.text, &mut scratch) {
                Ok(Parsed::Row(row)) => sample.add_row(row.iter()),
                Ok(Parsed::Tree(node)) => sample.add_tree(&node),
                Ok(Parsed::FhirXml(_)) | Err(_) => {}
            }
        }
    }
    Ok(sample)
}
