//! The list of parts of a zip archive, and whether they are as large as they say.
//!
//! What it is: the central directory (APPNOTE 6.3, §4.3.12 and §4.3.16), read so that a workbook can be named for
//! what it is and measured before a library loads it. What it is not: an unpacker. Invariant: after
//! [`check`], no part that is loaded whole can grow beyond its limit. Next: [`super::xlsx`].

use std::io::{Read, Seek, SeekFrom};

use flate2::read::DeflateDecoder;

use super::error::{SourceError, SourceErrorKind};
use super::options::Limits;

/// A directory that is larger than this belongs to no workbook.
const MAX_DIRECTORY: u64 = 16 << 20;

/// One part.
pub(crate) struct Part {
    name: String,
    method: u16,
    packed: u64,
    size: u64,
    offset: u64,
}

fn damaged() -> SourceError {
    SourceError::new(
        SourceErrorKind::Malformed,
        "the workbook is damaged or not whole",
        "copy or download the file again, or open and save it",
    )
}

/// Reads the list of parts.
pub(crate) fn parts(file: &mut (impl Read + Seek)) -> Result<Vec<Part>, SourceError> {
    let length = file.seek(SeekFrom::End(0)).map_err(SourceError::io)?;
    // The end record is 22 bytes and a comment of at most 65,535.
    let tail_from = length.saturating_sub(22 + 65_535);
    let tail = read_at(file, tail_from, length - tail_from)?;
    let end = tail.windows(4).rposition(|w| w == b"PK\x05\x06").ok_or_else(damaged)?;
    let field = |from, width| number(&tail, end + from, width).ok_or_else(damaged);
    let (size, from) = (field(12, 4)?, field(16, 4)?);
    if size > MAX_DIRECTORY || from > length {
        return Err(damaged());
    }
    let directory = read_at(file, from, size)?;
    let (mut parts, mut at) = (Vec::new(), 0_usize);
    while directory.get(at..at + 4) == Some(b"PK\x01\x02") {
        let field = |from, width| number(&directory, at + from, width).ok_or_else(damaged);
        let width = |from| field(from, 2).map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        let (name, extra, comment) = (width(28)?, width(30)?, width(32)?);
        let bytes = directory.get(at + 46..at + 46 + name).ok_or_else(damaged)?;
        parts.push(Part {
            name: String::from_utf8_lossy(bytes).replace('\\', "/").trim_start_matches('/').to_owned(),
            method: u16::try_from(field(10, 2)?).unwrap_or_default(),
            packed: field(20, 4)?,
            size: field(24, 4)?,
            offset: field(42, 4)?,
        });
        at += 46 + name + extra + comment;
    }
    Ok(parts)
}

/// Says what the archive is when it is no workbook that can be read here.
pub(crate) fn refuse_others(parts: &[Part]) -> Result<(), SourceError> {
    let has = |prefix: &str| parts.iter().any(|p| p.name.to_ascii_lowercase().starts_with(prefix));
    let (what, remedy) = if has("xl/workbook.bin") {
        ("this is a binary Excel workbook (.xlsb)", "save it as .xlsx")
    } else if has("xl/") {
        return Ok(());
    } else if has("word/") {
        ("this is a Word document", "export the data as CSV or XLSX instead")
    } else if has("ppt/") {
        ("this is a presentation", "export the data as CSV or XLSX instead")
    } else if has("content.xml") {
        ("this is an OpenDocument file (.ods)", "save it as .xlsx or CSV")
    } else {
        ("this is a zip archive", "unpack it first")
    };
    Err(SourceError::new(SourceErrorKind::Unsupported, what, remedy))
}

/// Unpacks every XML part once, into nothing, to see that none is larger than it may be.
pub(crate) fn check(
    file: &mut (impl Read + Seek),
    parts: &[Part],
    limits: &Limits,
) -> Result<(), SourceError> {
    let mut total = 0_u64;
    for part in parts {
        let name = part.name.to_ascii_lowercase();
        if !["xml", "rels", "vml"].iter().any(|ending| name.rsplit('.').next() == Some(ending)) {
            continue;
        }
        // Sheets are read as a stream; everything else is held in memory.
        let streamed = name.starts_with("xl/worksheets/");
        let limit = if streamed { limits.max_workbook_part } else { limits.max_workbook_part / 4 };
        let too_large = || {
            let title = format!("a part of the workbook is larger than {limit} bytes");
            SourceError::new(
                SourceErrorKind::TooLarge,
                title,
                "delete empty formatted rows, split it, or save it as CSV",
            )
        };
        if part.size > limit {
            return Err(too_large());
        }
        let header = read_at(file, part.offset, 30)?;
        if header.get(..4) != Some(b"PK\x03\x04") {
            return Err(damaged());
        }
        let skip = number(&header, 26, 2).unwrap_or_default() + number(&header, 28, 2).unwrap_or_default();
        file.seek(SeekFrom::Start(part.offset + 30 + skip)).map_err(SourceError::io)?;
        let packed = (&mut *file).take(part.packed);
        let real = match part.method {
            0 => part.packed,
            8 => {
                let mut counted = DeflateDecoder::new(packed).take(limit.saturating_add(1));
                std::io::copy(&mut counted, &mut std::io::sink()).map_err(|_| damaged())?
            }
            _ => return Err(damaged()),
        };
        total = total.saturating_add(real);
        if real > limit || total > limits.max_decompressed {
            return Err(too_large());
        }
        if real != part.size {
            return Err(damaged());
        }
    }
    Ok(())
}

fn read_at(file: &mut (impl Read + Seek), from: u64, length: u64) -> Result<Vec<u8>, SourceError> {
    file.seek(SeekFrom::Start(from)).map_err(SourceError::io)?;
    let mut bytes = Vec::new();
    (&mut *file).take(length).read_to_end(&mut bytes).map_err(SourceError::io)?;
    Ok(bytes)
}

/// A little-endian number of `width` bytes.
fn number(bytes: &[u8], from: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(from..from.checked_add(width)?)?;
    Some(bytes.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b)))
}
