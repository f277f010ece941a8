//! What a file endpoint holds. Next: `kill.rs`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// The Bundles in a folder by the key of their event. Each key must have one file, and no file may be half written.
pub(crate) fn bundles(folder: &Path) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(!name.starts_with('.'), "left half written: {name}");
        let key = name.get(..36).unwrap_or_else(|| panic!("{name}")).to_owned();
        let bundle: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert!(found.insert(key, bundle).is_none(), "twice: {name}");
    }
    found
}

/// The Bundles in a folder in the order in which they were written, whatever version of an event they are of.
pub(crate) fn in_order(folder: &Path) -> Vec<Value> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    let mut files: Vec<_> =
        files.map(|file| (file.metadata().unwrap().modified().unwrap(), file.path())).collect();
    files.sort();
    files.iter().map(|(_, path)| serde_json::from_slice(&fs::read(path).unwrap()).unwrap()).collect()
}
