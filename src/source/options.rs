//! What a caller may say about the files it gives: nothing of it is needed, all of it overrides detection.
//!
//! What it is not: the profile. A profile maps columns to fields; these options only say where the columns
//! are. Invariant: [`Limits`] bounds memory whatever the file says. Next: [`super::reader`].

/// What a file holds, found from its content first and its name second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Comma, semicolon, tab or bar separated text.
    Csv,
    /// A workbook of Excel 2007 or later.
    Xlsx,
    /// One JSON array of records, at the top or inside an object.
    JsonArray,
    /// JSON values one after another, one a line or not.
    Ndjson,
    /// An XML document in which one element repeats.
    Xml,
    /// FHIR R4 resources in JSON: one, or one a line, or an array of them.
    FhirJson,
    /// One FHIR R4 resource in XML.
    FhirXml,
}

impl Format {
    /// Whether a record is a row of cells (else it is a tree).
    #[must_use]
    pub const fn is_table(self) -> bool {
        matches!(self, Self::Csv | Self::Xlsx)
    }

    /// The name that reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::JsonArray => "json",
            Self::Ndjson => "ndjson",
            Self::Xml => "xml",
            Self::FhirJson => "fhir-json",
            Self::FhirXml => "fhir-xml",
        }
    }
}

/// The encodings that can be stated instead of detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// UTF-8, with or without byte order mark.
    Utf8,
    /// UTF-16, least significant byte first.
    Utf16Le,
    /// UTF-16, most significant byte first.
    Utf16Be,
    /// The encoding of older Windows programs in western Europe.
    Windows1252,
}

impl Encoding {
    /// Reads a name such as `utf-8`, `UTF-16LE`, `windows-1252`, `cp1252`, `latin1`.
    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        let found = encoding_rs::Encoding::for_label(label.as_bytes())?;
        [Self::Utf8, Self::Utf16Le, Self::Utf16Be, Self::Windows1252]
            .into_iter()
            .find(|e| e.decoder() == found)
    }

    pub(crate) fn decoder(self) -> &'static encoding_rs::Encoding {
        match self {
            Self::Utf8 => encoding_rs::UTF_8,
            Self::Utf16Le => encoding_rs::UTF_16LE,
            Self::Utf16Be => encoding_rs::UTF_16BE,
            Self::Windows1252 => encoding_rs::WINDOWS_1252,
        }
    }
}

/// Bounds on what one file may cost. The defaults suit exports; each can be raised on purpose.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one record's text.
    pub max_record_bytes: usize,
    /// Bytes of a record that is a whole document (FHIR, or an array inside an object).
    pub max_document_bytes: usize,
    /// Bytes of one file after decompression.
    pub max_decompressed: u64,
    /// Bytes of one part of a workbook after decompression.
    pub max_workbook_part: u64,
    /// Columns of a table.
    pub max_columns: usize,
    /// Rows whose quotes do not close, before the file is given up: more than these means that the delimiter or
    /// the quoting is not what it seems.
    pub max_broken_rows: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_record_bytes: 1 << 20,
            max_document_bytes: 64 << 20,
            max_decompressed: 8 << 30,
            max_workbook_part: 1 << 30,
            max_columns: 4096,
            max_broken_rows: 1000,
        }
    }
}

/// What the caller states about its files.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The delimiter of a text table; `None` detects it among `,` `;` tab `|`.
    pub delimiter: Option<u8>,
    /// The encoding; `None` detects it.
    pub encoding: Option<Encoding>,
    /// The sheet of a workbook; `None` is the first visible sheet with a heading.
    pub sheet: Option<String>,
    /// The row that holds the headings, the lowest one where they span several; `None` detects it.
    pub header_row: Option<u64>,
    /// How many rows of headings stand above one another and are joined with ` / `; 0 detects it in workbooks
    /// and means 1 elsewhere.
    pub heading_rows: usize,
    /// Where the records are: the dotted path of a JSON array inside an object (`data.cases`), or the local name
    /// of the XML element.
    pub records: Option<String>,
    /// What one file may cost.
    pub limits: Limits,
}
