//! Encodings and compression.

use std::io::Write;

use super::*;
use crate::source::{Encoding, Limits, spool};

const TEXT: &str = "Name,Place\nNia Fôn,Tŷ Gwyn €5\n";

fn utf16(text: &str, little: bool) -> Vec<u8> {
    let unit = |u: u16| if little { u.to_le_bytes() } else { u.to_be_bytes() };
    std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(unit).collect()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

#[test]
fn every_encoding_gives_the_same_text() {
    let plain = read(TEXT);
    assert_eq!(plain.cells(), [vec!["Nia Fôn", "Tŷ Gwyn €5"]]);
    for bytes in [[b"\xef\xbb\xbf", TEXT.as_bytes()].concat(), utf16(TEXT, true), utf16(TEXT, false)] {
        let out = read(&bytes);
        assert_eq!((out.rows, out.header), (plain.rows.clone(), plain.header.clone()));
        assert!(out.notes.is_empty());
    }
}

#[test]
fn windows_1252_is_noted() {
    let out = read(b"Name,Place\nNia F\xf4n,\x805\n");
    assert_eq!(out.cells(), [vec!["Nia Fôn", "€5"]]);
    assert!(out.bad.is_empty());
    assert_eq!(out.notes, ["the file is not UTF-8; it was read as Windows-1252"]);
    // Also where the first such byte stands far behind the first piece.
    let mut late = "Name,Place\n".to_owned().into_bytes();
    for n in 0..60_000 {
        late.extend_from_slice(format!("{n},plain\n").as_bytes());
    }
    late.extend_from_slice(b"9,caf\xe9\n");
    let out = read(&late);
    assert_eq!((out.rows.len(), out.notes.len(), out.bad.len()), (60_001, 1, 0));
    assert_eq!(out.rows.last().unwrap().1, ["9", "café"]);
}

#[test]
fn one_bad_byte_in_utf8_refuses_its_row() {
    let out = read(b"Name,Place\nF\xc3\xb4n,a\nNia,\xe9\nT\xc5\xb7,c\n");
    assert_eq!(out.bad, [(3, IssueCode::BadEncoding)]);
    assert_eq!(out.row_numbers(), [2, 4]);
    assert!(out.notes.is_empty());
}

#[test]
fn an_encoding_can_be_stated() {
    let options = Options { encoding: Some(Encoding::Windows1252), ..Options::default() };
    assert_eq!(read_as("e.csv", "a\nô\n", &options).cells(), [["Ã´"]]);
    assert_eq!(Encoding::from_label("cp1252"), Some(Encoding::Windows1252));
    assert_eq!(Encoding::from_label("latin1"), Some(Encoding::Windows1252));
    assert_eq!(Encoding::from_label("utf8"), Some(Encoding::Utf8));
    assert_eq!(Encoding::from_label("klingon"), None);
}

#[test]
fn utf16_without_a_mark_is_refused() {
    let bytes: Vec<u8> = TEXT.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read(&bytes).error_kind(), Some(SourceErrorKind::Unsupported));
}

#[test]
fn compression_is_found_by_content() {
    let plain = read(TEXT);
    let zst = zstd::encode_all(TEXT.as_bytes(), 1).unwrap();
    let two_members = [gz(&TEXT.as_bytes()[..15]), gz(&TEXT.as_bytes()[15..])].concat();
    for bytes in [gz(TEXT.as_bytes()), zst.clone(), two_members] {
        assert_eq!(read_as("export.csv", &bytes, &Options::default()).rows, plain.rows);
    }
    assert_eq!(read(gz(&zst)).error_kind(), Some(SourceErrorKind::Unsupported));
}

#[test]
fn truncated_gzip_is_reported_after_what_was_whole() {
    let mut text = "a,b\n".to_owned();
    for n in 0..200_000_u32 {
        text.push_str(&format!("{n},{}\n", n.wrapping_mul(2_654_435_761)));
    }
    let whole = gz(text.as_bytes());
    let out = read(&whole[..whole.len() / 2]);
    assert_eq!(out.error_kind(), Some(SourceErrorKind::Malformed));
    assert!(out.rows.len() > 1000);
    assert_eq!(read(&whole[..20]).error_kind(), Some(SourceErrorKind::Malformed));
}

#[test]
fn bombs_stop_at_the_limit() {
    let limits = Limits { max_decompressed: 5 << 20, ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    let line = "1,xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n";
    let lines = format!("a,b\n{}", line.repeat(400_000));
    let zeros = vec![b'0'; 50 << 20];
    for bytes in [lines.as_bytes(), &zeros] {
        for packed in [gz(bytes), zstd::encode_all(bytes, 1).unwrap()] {
            let out = read_as("bomb.csv", &packed, &options);
            assert_eq!(out.error_kind(), Some(SourceErrorKind::TooLarge), "{:?}", out.error);
        }
    }
}

#[test]
fn a_spooled_stream_can_be_read_twice_and_has_no_name() {
    let folder = tempfile::tempdir().unwrap();
    let input = spool(TEXT.as_bytes(), folder.path(), 1000).unwrap();
    for _ in 0..2 {
        assert_eq!(read_input(&input, &Options::default()).rows.len(), 1);
    }
    assert!(input.is_repeatable() && &*input.name == "-");
    // It has no name: nobody finds it, now or after the process was killed.
    #[cfg(unix)]
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    drop(input);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!(spool(TEXT.as_bytes(), folder.path(), 5).unwrap_err().kind(), SourceErrorKind::TooLarge);
}

#[test]
fn folders_are_opened_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("b")).unwrap();
    for name in ["c.csv", "b/z.json.gz", "a.XLSX", ".hidden.csv", "~$a.xlsx", "notes.docx"] {
        std::fs::write(at(name), "x").unwrap();
    }
    let found = Input::find(&[folder.path().to_owned(), "-".into()]).unwrap();
    let names: Vec<&str> = found.inputs.iter().map(|i| i.name.rsplit('/').next().unwrap()).collect();
    assert_eq!(names, ["a.XLSX", "z.json.gz", "c.csv", "-"]);
    assert_eq!(found.passed_over, [at("notes.docx")]);
    assert_eq!(Input::find(&[at("none.csv")]).unwrap_err().kind(), SourceErrorKind::Io);
}
