//! [`Text`]: a stream of bytes decoded to UTF-8, a piece at a time.
//!
//! What it is: UTF-8 with or without byte order mark, UTF-16 with one, Windows-1252 where UTF-8 fails, and
//! whatever encoding the caller or an XML declaration states. What it is not: silent. A file that turns out to
//! be Windows-1252 leaves a note; a single bad byte in a UTF-8 file refuses its record (`bad-encoding`).
//! Invariant: what has been given out never changes, because everything before the switch was ASCII.
//! Next: [`super::csv`], which cuts the text into records.

use std::collections::VecDeque;
use std::io::Read;

use encoding_rs::{Decoder, DecoderResult, WINDOWS_1252};

use super::error::{SourceError, SourceErrorKind};

/// Bytes asked for at a time; with the records that straddle the end, the size of a batch.
pub(crate) const PIECE: usize = 256 << 10;
/// More bad bytes than these and the file is not text.
const MAX_BAD: usize = 10_000;

enum Mode {
    Utf8 { beyond_ascii: bool },
    Other(Decoder),
}

/// Decoded text from a reader.
pub(crate) struct Text {
    reader: Box<dyn Read + Send>,
    raw: Vec<u8>,
    carried: usize,
    mode: Mode,
    ended: bool,
    /// Bytes of text given out so far.
    given: u64,
    bad: VecDeque<u64>,
    bad_count: usize,
    notes: Vec<String>,
}

impl Text {
    /// Text in the encoding stated; `None` is UTF-8 that may turn out to be Windows-1252.
    pub(crate) fn new(
        reader: Box<dyn Read + Send>,
        encoding: Option<&'static encoding_rs::Encoding>,
    ) -> Self {
        let mode = match encoding {
            None => Mode::Utf8 { beyond_ascii: false },
            Some(e) if e == encoding_rs::UTF_8 => Mode::Utf8 { beyond_ascii: true },
            Some(e) => Mode::Other(e.new_decoder_without_bom_handling()),
        };
        Self {
            reader,
            raw: vec![0; PIECE],
            carried: 0,
            mode,
            ended: false,
            given: 0,
            bad: VecDeque::new(),
            bad_count: 0,
            notes: Vec::new(),
        }
    }

    /// Appends the next piece to `out`; `false` when there is no more.
    pub(crate) fn fill(&mut self, out: &mut String) -> Result<bool, SourceError> {
        if self.ended {
            return Ok(false);
        }
        let mut length = self.carried;
        // A pipe gives a few KiB at a time; batches are better whole.
        while length < self.raw.len() {
            let n = match self.reader.read(self.raw.get_mut(length..).unwrap_or_default()) {
                Ok(n) => n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(SourceError::io(e)),
            };
            if n == 0 {
                self.ended = true;
                break;
            }
            length += n;
        }
        let raw = std::mem::take(&mut self.raw);
        let before = out.len();
        let rest = self.decode(raw.get(..length).unwrap_or_default(), out);
        self.raw = raw;
        self.raw.copy_within(length - rest..length, 0);
        self.carried = rest;
        self.given += (out.len() - before) as u64;
        if self.bad_count > MAX_BAD {
            return Err(SourceError::new(
                SourceErrorKind::Malformed,
                format!("more than {MAX_BAD} bytes that are not text in the file's encoding"),
                "save the file as UTF-8, or state its encoding",
            ));
        }
        Ok(!self.ended || out.len() > before)
    }

    /// Places of bad bytes before `end` (both counted over the whole text), which are forgotten by this call.
    pub(crate) fn bad_before(&mut self, start: u64, end: u64) -> Vec<usize> {
        let mut places = Vec::new();
        while let Some(&place) = self.bad.front().filter(|&&place| place < end) {
            self.bad.pop_front();
            places.push(usize::try_from(place.saturating_sub(start)).unwrap_or(usize::MAX));
        }
        places
    }

    /// What a person should know about how the text was read.
    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Decodes, and returns how many bytes at the end belong to a character that is not whole yet.
    fn decode(&mut self, mut raw: &[u8], out: &mut String) -> usize {
        let start = out.len();
        loop {
            let beyond_ascii = match &mut self.mode {
                Mode::Other(decoder) => {
                    let before = out.len();
                    let bad = decode_other(decoder, raw, out, self.ended);
                    let base = self.given + (before - start) as u64;
                    self.bad_count += bad.len();
                    self.bad.extend(bad.iter().map(|&b| base + (b - before) as u64));
                    return 0;
                }
                Mode::Utf8 { beyond_ascii } => beyond_ascii,
            };
            let error = match std::str::from_utf8(raw) {
                Ok(text) => {
                    *beyond_ascii = *beyond_ascii || !text.is_ascii();
                    out.push_str(text);
                    return 0;
                }
                Err(error) => error,
            };
            let (good, rest) = raw.split_at(error.valid_up_to());
            let good = std::str::from_utf8(good).unwrap_or_default();
            *beyond_ascii = *beyond_ascii || !good.is_ascii();
            out.push_str(good);
            let length = match error.error_len() {
                None if !self.ended => return rest.len(),
                None => rest.len(),
                Some(length) => length,
            };
            if !*beyond_ascii && looks_like_windows(rest) {
                self.notes.push("the file is not UTF-8; it was read as Windows-1252".to_owned());
                self.mode = Mode::Other(WINDOWS_1252.new_decoder_without_bom_handling());
                raw = rest;
                continue;
            }
            // The record is refused; in its text the byte stands as Windows-1252 would show it, so that a
            // person sees what was probably meant.
            let (bad, after) = rest.split_at(length);
            self.bad.push_back(self.given + (out.len() - start) as u64);
            self.bad_count += 1;
            out.push_str(&WINDOWS_1252.decode_without_bom_handling(bad).0);
            raw = after;
            if self.bad_count > MAX_BAD {
                return 0;
            }
        }
    }
}

fn decode_other(decoder: &mut Decoder, mut raw: &[u8], out: &mut String, last: bool) -> Vec<usize> {
    let mut bad = Vec::new();
    loop {
        let room =
            decoder.max_utf8_buffer_length_without_replacement(raw.len()).unwrap_or(raw.len() * 3 + 16);
        out.reserve(room);
        let (result, read) = decoder.decode_to_string_without_replacement(raw, out, last);
        raw = raw.get(read..).unwrap_or_default();
        match result {
            DecoderResult::InputEmpty => return bad,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => {
                bad.push(out.len());
                if bad.len() > MAX_BAD {
                    return bad;
                }
                out.push('\u{FFFD}');
            }
        }
    }
}

/// Whether bytes that are not UTF-8 look like a file in a one-byte encoding rather than a UTF-8 file with a
/// broken character: in the former hardly any sequence happens to be valid UTF-8.
fn looks_like_windows(rest: &[u8]) -> bool {
    let (mut whole, mut broken) = (0_usize, 0_usize);
    for chunk in rest.utf8_chunks() {
        whole += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    broken > whole
}
