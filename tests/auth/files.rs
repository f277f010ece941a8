//! Files that are read again when they change.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sp_fhir::endpoint::auth::watched::{Privacy, Watched};

use crate::world::secret_file;

#[test]
fn a_file_is_read_once_for_each_change() {
    let folder = tempfile::tempdir().unwrap();
    let file = secret_file(folder.path(), "n", "1");
    let reads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&reads);
    let watched = Watched::open(vec![(file.clone(), Privacy::Secret)], move |contents| {
        counted.fetch_add(1, Ordering::Relaxed);
        std::str::from_utf8(contents[0]).unwrap().parse::<u32>().map_err(|_| "is not a number".to_owned())
    })
    .unwrap();
    let state = || (*watched.current(), reads.load(Ordering::Relaxed));
    assert_eq!((state(), state()), ((1, 1), (1, 1)));
    secret_file(folder.path(), "n", "2");
    assert_eq!((state(), state()), ((2, 2), (2, 2)));
    secret_file(folder.path(), "n", "two");
    assert_eq!((state(), state()), ((2, 3), (2, 3)), "a bad one is read once, and changes nothing");
    assert!(watched.check().unwrap_err().to_string().contains("is not a number"));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(state().0, 2);
    secret_file(folder.path(), "n", "4071985236");
    assert_eq!(state().0, 4_071_985_236);
    // Ten digits: the name of a temporary folder, which is shown, may hold any one of them.
    assert!(!format!("{watched:?}").contains("4071985236"), "only names");
}

#[test]
fn what_is_no_file_or_too_large_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let open = |path: std::path::PathBuf| {
        Watched::open(vec![(path, Privacy::Secret)], |_| Ok(()))
            .map(drop)
            .map_err(|problem| problem.to_string())
    };
    assert!(open(folder.path().to_owned()).is_err());
    assert!(open(folder.path().join("absent")).unwrap_err().contains("absent: cannot be read"));
    let large = secret_file(folder.path(), "large", "");
    std::fs::File::options().write(true).open(&large).unwrap().set_len(5 << 20).unwrap();
    assert!(open(large).unwrap_err().contains("larger"));
}
