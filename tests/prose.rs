//! Prose that can be checked is checked: links lead somewhere, the module table is whole, exit codes agree.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Markdown file of the project.
fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir()
            && !name.starts_with('.')
            && !matches!(name.as_str(), "target" | "node_modules" | "out")
        {
            pages(&path, found);
        } else if path.extension().is_some_and(|e| e == "md") {
            found.push(path);
        }
    }
}

#[test]
fn links_lead_somewhere() {
    let mut found = Vec::new();
    pages(&root(), &mut found);
    assert!(found.len() >= 3, "only {} pages found", found.len());
    let mut links = 0;
    for page in found {
        let text = fs::read_to_string(&page).unwrap();
        for part in text.split("](").skip(1) {
            let target = part.split(')').next().unwrap();
            if target.contains("://") || target.starts_with('#') || target.is_empty() {
                continue;
            }
            links += 1;
            let path = page.parent().unwrap().join(target.split('#').next().unwrap());
            assert!(path.exists(), "{}: {target} leads nowhere", page.display());
        }
    }
    assert!(links > 10, "only {links} links found");
}

#[test]
fn the_architecture_names_every_module() {
    let text = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    for entry in fs::read_dir(root().join("src")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let name = format!("`src/{}`", path.file_name().unwrap().to_string_lossy());
            assert!(text.contains(&name), "docs/ARCHITECTURE.md does not name {name}");
        }
    }
}

/// A hazard log that names tests which do not exist is worse than none.
#[test]
fn the_hazard_log_names_tests_that_exist() {
    let text = fs::read_to_string(root().join("docs/SAFETY.md")).unwrap();
    let mut files = Vec::new();
    rust_files(&root().join("src"), &mut files);
    rust_files(&root().join("tests"), &mut files);
    let code: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let mut named = 0;
    for row in text.lines().filter(|line| line.starts_with("| H")) {
        let tests: Vec<&str> = row.split('|').nth(4).unwrap().split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "a hazard without a test: {}", &row[..40]);
        for test in tests {
            named += 1;
            let found = code.contains(&format!("fn {test}()")) || code.contains(&format!("fn {test}(\n"));
            assert!(found, "docs/SAFETY.md names the test {test}, which does not exist");
        }
    }
    assert!(named > 14, "only {named} tests are named");
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The pure modules do not reach for the world.
#[test]
fn the_core_is_pure() {
    for module in ["tree", "event", "profile", "map", "fhir", "outbox", "plan"] {
        let mut files = Vec::new();
        sources(&root().join("src").join(module), &mut files);
        assert!(!files.is_empty(), "{module}");
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for reach in [
                "std::fs",
                "std::env",
                "std::net",
                "std::process",
                "std::thread",
                "Timestamp::now",
                "SystemTime",
                "Instant::now",
            ] {
                assert!(!code.contains(reach), "{} uses {reach}", file.display());
            }
        }
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            sources(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" && !name.ends_with("_tests.rs") {
            found.push(path);
        }
    }
}

#[test]
#[cfg(feature = "cli")]
fn exit_codes_are_the_same_everywhere() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let sentence = readme
        .split("Exit codes:")
        .nth(1)
        .unwrap()
        .split("\n\n")
        .next()
        .unwrap()
        .replace(char::is_whitespace, " ");
    for (exit, _) in sp_fhir::convert::Exit::ALL {
        assert!(
            sentence.contains(&format!("{} ", exit.code())),
            "README does not name exit code {}",
            exit.code()
        );
    }
}
